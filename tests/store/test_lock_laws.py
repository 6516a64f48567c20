"""Locks against a model: any order of taking, checking, expiring, unlocking and freeing, by three owners."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from allowlist.errors import AllowlistError, LockHeld
from allowlist.store import Lock
from tests.helpers.ledgers import HandClock, opened

LEASE = timedelta(minutes=10)
OWNERS = st.sampled_from(["ada", "bob", "carol"])


@dataclass
class Claim:
    """Somebody who took the lock and has not let it go; may have lost it since."""

    context: AbstractContextManager[Lock]
    lock: Lock


class LocksFollowTheModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = HandClock()
        self.ledger = opened(f"sqlite:///{Path(self.folder.name) / 'ledger.db'}", self.clock)
        self.claims: dict[str, Claim] = {}
        self.holder: str | None = None
        self.expires = self.clock()
        self.highest_token = 0
        self.on_record = 0

    def teardown(self) -> None:
        for claim in self.claims.values():
            claim.context.__exit__(None, None, None)
        self.ledger.close()
        self.folder.cleanup()

    @rule(owner=OWNERS)
    def take(self, owner: str) -> None:
        if owner in self.claims:
            return
        context = self.ledger.lock("hub", owner=owner, lease=LEASE)
        if self.holder and self.expires > self.clock():
            with pytest.raises(LockHeld, match=f"held by {self.holder}"):
                context.__enter__()
            return
        lock = context.__enter__()
        assert lock.token > self.highest_token
        self.on_record += self.holder is not None
        self.claims[owner] = Claim(context, lock)
        self.highest_token, self.holder, self.expires = lock.token, owner, self.clock() + LEASE

    @rule(owner=OWNERS)
    def check(self, owner: str) -> None:
        if owner not in self.claims:
            return
        if owner == self.holder:
            self.claims[owner].lock.check()
            self.expires = self.clock() + LEASE
        else:
            with pytest.raises(LockHeld, match=f"{owner} no longer holds"):
                self.claims[owner].lock.check()

    @rule(owner=OWNERS)
    def let_go(self, owner: str) -> None:
        if owner not in self.claims:
            return
        self.claims.pop(owner).context.__exit__(None, None, None)
        if owner == self.holder:
            self.holder = None

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    @precondition(lambda self: self.holder)
    def unlock(self) -> None:
        assert self.ledger.unlock("hub", "dave", "because").owner == self.holder
        self.on_record += 1
        self.holder = None

    @rule()
    @precondition(lambda self: not self.holder)
    def unlock_nothing(self) -> None:
        with pytest.raises(AllowlistError, match="not held"):
            self.ledger.unlock("hub", "dave", "because")

    @invariant()
    def the_ledger_names_the_holder_of_the_model(self) -> None:
        assert [lease.owner for lease in self.ledger.locks()] == ([self.holder] if self.holder else [])

    @invariant()
    def every_takeover_and_unlock_is_on_record(self) -> None:
        assert self.ledger.head().seq == self.on_record


TestLocks = LocksFollowTheModel.TestCase
TestLocks.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
