"""The executor: serial per write lock group, journalled before and after every step, verified by reading back.

A write is believed only when it reads back equal and everything it touches says ``Succeeded``. When an answer
is lost, Azure is asked what happened; nothing is sent again before it is known that it did not land.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from allowlist.apply.events import OnEvent, ProgressEvent, nobody_watches
from allowlist.apply.result import Fate, RunResult
from allowlist.documents import canonical_json
from allowlist.errors import (
    Interrupted,
    LockHeld,
    StalePlan,
    TargetConflict,
    TargetDenied,
    TargetError,
    TargetThrottled,
    TargetUnavailable,
)
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Change
from allowlist.points.point import ArmWriter, Point, Write
from allowlist.points.unmet import Unmet, is_failed, is_moving, is_of_state
from allowlist.store import Ledger, Step, scrubbed

LEASE = dt.timedelta(minutes=10)

# A long operation that ends in failure is told by a poll, and polls are answered 200.
_ACCEPTED_THEN_FAILED = 200
_LONGEST_REST = 300.0
"""Seconds; as long as the client itself would wait for one request."""


# An operation can end before the states of what it wrote do.
PATIENCE_WHILE_MOVING = 15


class _LockLike(Protocol):
    def check(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Everything the executor takes from outside: ledger, clock, sleep, who acts, who watches."""

    ledger: Ledger
    who: str
    clock: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    on_event: OnEvent = nobody_watches
    lock_wait: dt.timedelta = dt.timedelta()
    parallel: int = 4
    busy_pause: float = 10.0
    busy_attempts: int = 30
    settle_attempts: int = 60
    settle_pause: float = 2.0
    should_stop: Callable[[], bool] = lambda: False
    on_begin: Callable[[str], None] = lambda _: None
    """Told the id of a run just before its first step; until then nothing is written to Azure."""


@dataclass(slots=True)
class _Target:
    point: Point
    lock_group: str
    changes: list[Change]
    before: Estate = field(default_factory=Estate)
    writes: list[Write] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.point.name


class Executor:
    """Carries out ``changes`` of one plan as one run.

    ``points`` and ``lock_groups`` go by target name; targets of one write lock group are written one after the other.
    """

    def __init__(
        self,
        run_id: str,
        context: RunContext,
        arm: ArmWriter,
        points: Mapping[str, Point],
        lock_groups: Mapping[str, str],
    ) -> None:
        self.run_id = run_id
        self.context = context
        self.arm = arm
        self.points = points
        self.lock_groups = lock_groups
        self.result = RunResult(run_id)
        self._steps = itertools.count(1)

    def run(
        self,
        changes: Sequence[Change],
        expected: Mapping[str, str],
        last_word: Callable[[], None] = lambda: None,
    ) -> RunResult:
        """Apply ``changes``; ``expected`` maps target names to the fingerprint the plan was made on.

        ``last_word`` is asked once every lock is held and the state is read; what it raises ends the run. Raises
        StalePlan before anything is written. Afterwards every ending is told in the result.
        """
        targets = self._targets(changes)
        self.result.fates = {change.id: "not done" for change in changes}
        with ExitStack() as locks:
            held = self._hold_lock_groups(targets, locks)
            self._read_all(targets, expected)
            last_word()
            self._compose_all(targets)
            self.context.on_begin(self.run_id)
            self._write_all(targets, held)
        return self.result

    def _targets(self, changes: Sequence[Change]) -> list[_Target]:
        names = dict.fromkeys(change.target for change in changes)
        return [
            _Target(
                self.points[name],
                self.lock_groups[name],
                [change for change in changes if change.target == name],
            )
            for name in names
        ]

    def _hold_lock_groups(self, targets: list[_Target], locks: ExitStack) -> dict[str, _LockLike]:
        context = self.context
        lock_groups = sorted({target.lock_group for target in targets})
        return {
            lock_group: locks.enter_context(
                context.ledger.lock(
                    f"apply {lock_group}", owner=context.who, lease=LEASE, wait=context.lock_wait
                )
            )
            for lock_group in lock_groups
        }

    def _read_all(self, targets: list[_Target], expected: Mapping[str, str]) -> None:
        for target in targets:
            self._tell(target, "read", "reading", "reading the actual state")
            target.before = Estate.of(target.point.read(self.arm))
            if target.point.fingerprint(target.before) != expected[target.name]:
                raise StalePlan(
                    f"{target.name} has changed since the plan was made; nothing was written",
                    hint="make a new plan; approvals of changes that mean the same are kept if the state is the same",
                )

    def _compose_all(self, targets: list[_Target]) -> None:
        for target in targets:
            operations = [change.operation for change in target.changes]
            target.writes = target.point.compose(target.before, operations)
            body = canonical_json([*target.before.resources.values()])
            self.context.ledger.save_snapshot(self.run_id, target.name, "before", body)

    def _write_all(self, targets: list[_Target], held: Mapping[str, _LockLike]) -> None:
        """Writes that add anything come first everywhere; those that only remove wait until all of them are done."""
        for removals in (False, True):
            lock_groups: dict[str, list[tuple[_Target, Write]]] = {}
            for target in targets:
                for write in target.writes:
                    if write.removes_only == removals:
                        lock_groups.setdefault(target.lock_group, []).append((target, write))
            self._write_lock_groups(lock_groups, held)
            if self.result.error:
                return

    def _write_lock_groups(
        self, lock_groups: Mapping[str, list[tuple[_Target, Write]]], held: Mapping[str, _LockLike]
    ) -> None:
        if len(lock_groups) < 2 or self.context.parallel < 2:
            for lock_group, work in lock_groups.items():
                self._write_lock_group(work, held[lock_group])
            return
        with ThreadPoolExecutor(max_workers=self.context.parallel) as pool:
            list(pool.map(lambda item: self._write_lock_group(item[1], held[item[0]]), lock_groups.items()))

    def _write_lock_group(self, work: list[tuple[_Target, Write]], lock: _LockLike) -> None:
        for target, write in work:
            if self.result.error:
                return
            if self.context.should_stop():
                self.result.error = "stopped on request between two steps"
                self.result.interrupted = True
                return
            journal = _Journal(self, next(self._steps), target, write)
            self._carry_out(journal, target, write, lock)

    def _carry_out(self, journal: _Journal, target: _Target, write: Write, lock: _LockLike) -> None:
        try:
            journal.record("intended")
            lock.check()
            if not self._is_unchanged(target, write):
                raise TargetConflict(
                    f"{journal.what} was changed by somebody else meanwhile", hint="make a new plan"
                )
            self._send(journal, target, write, lock)
            self._settle(journal, target, write)
        except (TargetError, LockHeld, OSError, Interrupted) as error:
            fate: Fate = "unknown" if journal.is_open else "not done"
            journal.fail(str(error), fate)
            self.result.error = self.result.error or _told(error)
            self.result.interrupted |= isinstance(error, Interrupted)
        except KeyboardInterrupt:
            self.result.interrupted = True
            self._finish_interrupted(journal, target, write)

    def _finish_interrupted(self, journal: _Journal, target: _Target, write: Write) -> None:
        """Ctrl-C finishes the step in flight: what was sent is looked at before the run ends."""
        self.result.error = "interrupted"
        if journal.is_open:
            try:
                self._settle(journal, target, write)
            except (TargetError, OSError) as error:
                journal.fail(str(error), "unknown")

    def _send(self, journal: _Journal, target: _Target, write: Write, lock: _LockLike) -> None:
        for attempt in range(1, self.context.busy_attempts + 1):
            journal.record("sent")
            try:
                target.point.write(self.arm, write)
            except TargetConflict as error:
                if self._wait_busy(journal, target, write, error, attempt):
                    break
                lock.check()
            except (TargetUnavailable, TargetThrottled) as error:
                self._rest(error)
                if self._has_landed(journal, target, write):
                    break
                if attempt >= 3:
                    raise
                self._tell(target, journal.what, "waiting", f"{error}; it did not land, sending again")
            except TargetError as error:
                if error.status != _ACCEPTED_THEN_FAILED or attempt >= 2:
                    self._note_refusal(journal, target, write)
                    raise
                self._tell(
                    target, journal.what, "waiting", f"{error}; sending the same again usually heals it"
                )
            else:
                break
        else:
            raise TargetConflict(
                f"{journal.what} stayed busy", hint="apply --resume when the other operation has ended"
            )
        journal.record("landed")

    def _rest(self, error: TargetError) -> None:
        """What throttles says how long; who asks for more than that is not waited for."""
        if isinstance(error, TargetThrottled):
            pause = self.context.busy_pause if error.retry_after is None else error.retry_after
            if pause > _LONGEST_REST:
                raise error
            self.context.sleep(pause)

    def _wait_busy(
        self, journal: _Journal, target: _Target, write: Write, error: TargetConflict, attempt: int
    ) -> bool:
        """Somebody is writing: wait, then look. True if it was our own write, which has landed after all."""
        journal.refused()
        if not error.is_busy or attempt == self.context.busy_attempts:
            raise error
        self._tell(target, journal.what, "waiting", "another operation is running; waiting for it to end")
        self.context.sleep(self.context.busy_pause)
        if self._is_unchanged(target, write):
            return False
        if is_of_state(target.point.verify(self.arm, write)):
            return True
        raise TargetConflict(f"{journal.what} was changed by somebody else meanwhile", hint="make a new plan")

    def _note_refusal(self, journal: _Journal, target: _Target, write: Write) -> None:
        """After a failure: if the resource reads as before, the service did nothing with what was sent."""
        if self._is_unchanged(target, write):
            journal.refused()

    def _has_landed(self, journal: _Journal, target: _Target, write: Write) -> bool:
        """The answer was lost: ask Azure. Raises TargetUnavailable when not even that can be told."""
        for unmet in self._looks(target, write):
            if not unmet:
                return True
            if not is_moving(unmet) and self._is_unchanged(target, write):
                journal.refused()
                return False
        raise TargetUnavailable(f"{journal.what}: what became of the write cannot be told")

    def _settle(self, journal: _Journal, target: _Target, write: Write) -> None:
        """Verified means: reads back equal and everything says Succeeded. A Failed state is healed once."""
        healed = False
        unmet: list[Unmet] = []
        for unmet in self._looks(target, write):
            if not unmet:
                journal.verified()
                return
            if is_failed(unmet) and not healed:
                self._tell(target, journal.what, "waiting", f"{unmet[0]}; sending the same again heals it")
                healed = self._heal(target, write)
        raise TargetError(f"{journal.what} could not be verified: {'; '.join(map(str, unmet))}")

    def _looks(self, target: _Target, write: Write) -> Iterator[list[Unmet]]:
        """Read back again and again; as long as something is still moving, with more patience."""
        for attempt in count(1):
            unmet = target.point.verify(self.arm, write)
            yield unmet
            if attempt >= self.context.settle_attempts * (PATIENCE_WHILE_MOVING if is_moving(unmet) else 1):
                return
            self.context.sleep(self.context.settle_pause)

    def _heal(self, target: _Target, write: Write) -> bool:
        """Send it again; False while another operation is in the way."""
        try:
            target.point.write(self.arm, write)
        except TargetConflict as error:
            if not error.is_busy:
                raise
            return False
        return True

    def _is_unchanged(self, target: _Target, write: Write) -> bool:
        return target.point.is_unchanged(self.arm, target.before, write.resource)

    def _tell(self, target: _Target, step: str, state: str, text: str) -> None:
        self.context.on_event(ProgressEvent(target=target.name, step=step, state=state, text=text))


def _told(error: Exception) -> str:
    """What happened, and for a missing right also which one to grant."""
    hint = error.hint if isinstance(error, TargetDenied) else ""
    return f"{error}; {hint}" if hint else f"{error}"


class _Journal:
    """The lines of one step: written before and after everything that can go wrong."""

    def __init__(self, executor: Executor, index: int, target: _Target, write: Write) -> None:
        self._executor = executor
        self._index = index
        self._target = target.name
        self._write = write
        self._change_ids = write.ids(target.changes)
        self._begun = executor.context.clock()
        self.what = write.resource.rstrip("/").rpartition("/")[2]
        self.is_open = False

    def record(self, state: Any, **detail: object) -> None:
        context = self._executor.context
        self.is_open = state in ("sent", "landed")
        line: dict[str, Any] = {"resource": self._write.resource, **detail}
        context.ledger.record_step(
            self._executor.run_id,
            Step(
                index=self._index,
                change_ids=self._change_ids,
                target=self._target,
                action="write",
                state=state,
                at=context.clock(),
                detail=scrubbed(line),
            ),
        )
        elapsed = (context.clock() - self._begun).total_seconds() / 60
        context.on_event(
            ProgressEvent(
                target=self._target,
                step=self.what,
                state=state,
                text=f"{self.what}: {state}",
                elapsed=elapsed,
                changes=tuple(self._change_ids),
            )
        )

    def refused(self) -> None:
        """The service did nothing with what was sent."""
        self.record("intended", again=True)

    def verified(self) -> None:
        self.record("verified")
        self._settle("done")

    def fail(self, reason: str, fate: Fate) -> None:
        self.record("unknown" if fate == "unknown" else "failed", reason=reason)
        self._settle(fate)

    def _settle(self, fate: Fate) -> None:
        self._executor.result.fates |= dict.fromkeys(self._change_ids, fate)
