"""Locks against a model: any order of taking, checking, expiring, unlocking and freeing, by three processes, two of one name."""

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
from tests.helpers.laws import examples
from tests.helpers.ledgers import HandClock, opened

LEASE = timedelta(minutes=10)
OWNER_OF = {1: "ada", 2: "ada", 3: "bob"}
PROCESSES = st.sampled_from(sorted(OWNER_OF))


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
        self.claims: dict[int, Claim] = {}
        self.holder: int | None = None
        self.expires = self.clock()
        self.highest_token = 0
        self.on_record = 0

    def teardown(self) -> None:
        for claim in self.claims.values():
            claim.context.__exit__(None, None, None)
        self.ledger.close()
        self.folder.cleanup()

    @rule(process=PROCESSES)
    def take(self, process: int) -> None:
        if process in self.claims:
            return
        context = self.ledger.lock("hub", owner=OWNER_OF[process], lease=LEASE)
        if self.holder and self.expires > self.clock():
            with pytest.raises(LockHeld, match=f"held by {OWNER_OF[self.holder]}"):
                context.__enter__()
            return
        lock = context.__enter__()
        assert lock.token > self.highest_token
        self.on_record += self.holder is not None
        self.claims[process] = Claim(context, lock)
        self.highest_token, self.holder, self.expires = lock.token, process, self.clock() + LEASE

    @rule(process=PROCESSES)
    def check(self, process: int) -> None:
        if process not in self.claims:
            return
        if process == self.holder:
            self.claims[process].lock.check()
            self.expires = self.clock() + LEASE
        else:
            with pytest.raises(LockHeld, match=f"{OWNER_OF[process]} no longer holds"):
                self.claims[process].lock.check()

    @rule(process=PROCESSES)
    def let_go(self, process: int) -> None:
        if process not in self.claims:
            return
        self.claims.pop(process).context.__exit__(None, None, None)
        if process == self.holder:
            self.holder = None

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    @precondition(lambda self: self.holder is not None)
    def unlock(self) -> None:
        assert self.ledger.unlock("hub", "dave", "because").owner == OWNER_OF[self.holder or 0]
        self.on_record += 1
        self.holder = None

    @rule()
    @precondition(lambda self: self.holder is None)
    def unlock_nothing(self) -> None:
        with pytest.raises(AllowlistError, match="not held"):
            self.ledger.unlock("hub", "dave", "because")

    @invariant()
    def the_ledger_names_the_holder_of_the_model(self) -> None:
        assert [lease.owner for lease in self.ledger.locks()] == (
            [OWNER_OF[self.holder]] if self.holder else []
        )

    @invariant()
    def every_takeover_and_unlock_is_on_record(self) -> None:
        assert self.ledger.head().seq == self.on_record


TestLocks = LocksFollowTheModel.TestCase
TestLocks.settings = settings(max_examples=examples(25), stateful_step_count=25, deadline=None)
