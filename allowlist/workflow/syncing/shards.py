"""A fleet shared out among workers that know nothing of each other but the ledger.

Every target belongs to one share, by its resource. A worker holds the lock of its share while it works on it; the
lock of a worker that died ends with its lease, and whoever is done takes the share over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from allowlist.apply.executor import RunContext
from allowlist.errors import AllowlistError, InvalidInput, LockHeld
from allowlist.estate.resource_id import normal_id
from allowlist.store import Lease
from allowlist.store.processes import parse_process
from allowlist.workflow.syncing.run import Work

LEASE = dt.timedelta(seconds=60)
INDEX = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in every pod of an Indexed Job, counting from 0
(https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode)."""

_FORM = re.compile(r"^(?P<index>\d+|auto)/(?P<count>\d+)$")
_LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Shard:
    """Share ``index`` of ``count``, counting from 1; None takes the first that nobody works on."""

    index: int | None
    count: int


def parse_shard(text: str, environ: Mapping[str, str]) -> Shard:
    """``2/8``, or ``auto/8``: the index Kubernetes gave, else the first free one. Raises InvalidInput."""
    found = _FORM.match(text)
    if found is None:
        raise InvalidInput.of("--shard", f"is '{text}', expected I/N such as 2/8, or auto/8")
    count = int(found["count"])
    if found["index"] != "auto":
        index: int | None = int(found["index"])
    else:
        index = int(environ[INDEX]) + 1 if environ.get(INDEX, "").isdigit() else None
    if count < 1 or (index is not None and not 1 <= index <= count):
        raise InvalidInput.of("--shard", f"is '{text}', but there are only the shares 1 to {count}")
    return Shard(index, count)


def share_of(resource: str, count: int) -> int:
    """Which of ``count`` shares a resource belongs to, the same on every machine."""
    return int.from_bytes(hashlib.sha256(normal_id(resource).encode()).digest()[:8]) % count + 1


def works_of_share(works: Sequence[Work], index: int, count: int) -> list[Work]:
    """The part of ``works`` that belongs to one share."""
    found = []
    for work in works:
        mine = [pair for pair in zip(work.targets, work.resources, strict=True) if share_of(pair[1], count) == index]  # fmt: skip
        if mine:
            names, resources = zip(*mine, strict=True)
            found.append(replace(work, targets=names, resources=resources, is_shared=True))
    return found


class Shares:
    """The shares of one fleet in the ledger; fleets of other workloads do not meet."""

    def __init__(self, context: RunContext, workloads: Sequence[str], shard: Shard) -> None:
        self._around = context
        self._shard = shard
        key = hashlib.sha256("\n".join(sorted(workloads)).encode()).hexdigest()[:8]
        self._end = f"/{shard.count} of fleet {key}"

    def to_do(self) -> Iterator[int]:
        """Our share, then those whose worker died; each is locked until the next one is asked for.

        Raises LockHeld when somebody works on our share. Stays as long as one lease after our share is done, so
        that a worker that died meanwhile is noticed.
        """
        with ExitStack() as lock:
            yield self._take_ours(lock)
        end = self._around.clock() + LEASE
        while others := self._held():
            for lease in others:
                if self._may_be_dead(lease):
                    with ExitStack() as lock:
                        if self._take_over(lock, lease):
                            yield self._index_of(lease)
                            end = self._around.clock() + LEASE
            if self._around.clock() >= end or self._around.should_stop():
                return
            self._around.sleep(_LOOK_AGAIN)

    def _take_ours(self, lock: ExitStack) -> int:
        if self._shard.index is not None:
            self._take(lock, self._shard.index)
            return self._shard.index
        for index in range(1, self._shard.count + 1):
            try:
                self._take(lock, index)
            except LockHeld:
                continue
            return index
        raise LockHeld(
            f"all {self._shard.count} shares are being worked on", hint="see who: allowlist unlock"
        )

    def _take(self, lock: ExitStack, index: int) -> None:
        context = self._around
        name = f"sync share {index}{self._end}"
        lock.enter_context(context.ledger.lock(name, owner=context.who, lease=LEASE))

    def _take_over(self, lock: ExitStack, lease: Lease) -> bool:
        try:
            self._take(lock, self._index_of(lease))
        except LockHeld:
            return False
        return True

    def _held(self) -> list[Lease]:
        """Shares that somebody works on or died over; none when the ledger cannot tell."""
        try:
            return [lease for lease in self._around.ledger.locks() if lease.name.endswith(self._end)]
        except AllowlistError:
            return []

    def _index_of(self, lease: Lease) -> int:
        return int(lease.name.removeprefix("sync share ").removesuffix(self._end))

    def _may_be_dead(self, lease: Lease) -> bool:
        process = parse_process(lease.process)
        return lease.expires <= self._around.clock() or bool(process and process.is_gone)
