"""One person's review of one plan: what stands, what may be decided, and the decisions on record.

Screens and commands call this and decide nothing themselves. Nothing here can write to Azure.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from allowlist.errors import AllowlistError
from allowlist.plan.model import Change, Gate, Plan
from allowlist.store import Clock, Decision, Ledger, Verdict
from allowlist.store.identity import Identity
from allowlist.workload.document import ApprovalRule

WITHDRAWN = "withdrawn: "
"""How the reason of a rejection begins that only takes an earlier word back."""

_NO_REASON = "approved in review"


class State(StrEnum):
    """Where a change stands."""

    PENDING = "pending"
    PARTLY = "partly"
    APPROVED = "approved"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What people said about one change so far. ``missing`` is how many approvals it still needs."""

    state: State
    approvers: tuple[str, ...] = ()
    missing: int = 1
    until: datetime | None = None
    because: str = ""
    mine: Verdict | None = None
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStanding:
    """A gate with what was said about it: it is open until it passed, was waived, or somebody accepted it."""

    gate: Gate
    is_open: bool
    accepted_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the review is, and the next step in words."""

    counts: dict[State, int]
    open_gates: tuple[Gate, ...]
    ready: int
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undo:
    """What was mine on each change before an action; None means nothing."""

    verb: str
    before: tuple[tuple[str, Decision | None], ...]


class Review:
    """The review of ``plan`` by ``who``. May be used from several threads.

    ``asked_by`` made the plan and, under four eyes, cannot approve it. ``read_only`` is why nothing may be
    decided, empty otherwise; somebody who is not among the approvers gets it by itself.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        who: Identity,
        clock: Clock,
        rule: ApprovalRule | None = None,
        asked_by: str = "",
        read_only: str = "",
    ) -> None:
        self.plan = plan
        self.who = who
        self.rule = rule or ApprovalRule()
        self.asked_by = asked_by
        self.read_only = read_only or _lacks_rights(self.rule, who)
        self._ledger = ledger
        self._clock = clock
        self._changes = {change.id: change for change in plan.changes}
        self._by_digest: dict[str, list[str]] = {}
        for change in plan.changes:
            self._by_digest.setdefault(change.digest, []).append(change.id)
        self._decisions: dict[str, tuple[Decision, ...]] = {}
        self._seen = 0
        self._undo: list[_Undo] = []
        self._lock = threading.RLock()
        self._counts: Counter[State] | None = None
        self._touched: dict[str, Standing] = {}

    # what stands

    def refresh(self) -> frozenset[str]:
        """Read what was put on record since the last time; the ids of the changes it is about."""
        with self._lock:
            head = self._ledger.head().seq
            if head == self._seen:
                return frozenset()
            new = self._new_decisions(head)
            self._seen = head
            for decision in new:
                self._keep(decision)
            touched = {
                change_id for decision in new for change_id in self._by_digest.get(decision.change_digest, ())
            }
            return frozenset(touched)

    def change(self, change_id: str) -> Change:
        """The change with this id. Raises AllowlistError for a stranger."""
        found = self._changes.get(change_id)
        if found is None:
            raise AllowlistError(f"the plan has no change {change_id}", hint="'allowlist review' lists them")
        return found

    def standing(self, change_id: str) -> Standing:
        """Where the change stands now."""
        change = self.change(change_id)
        said = self._decisions.get(change.digest, ())
        return _standing(change, said, self) if said else _untouched(self.needed(change))

    def needed(self, change: Change) -> int:
        """How many approvals the risk tier of the change takes."""
        return self.rule.quorum.get(change.risk.value, 1)

    def gates(self) -> tuple[GateStanding, ...]:
        """Every gate of the plan, the open ones first."""
        found = [self._gate_standing(gate) for gate in self.plan.gates]
        return tuple(sorted(found, key=lambda item: not item.is_open))

    def gates_of(self, change: Change) -> tuple[GateStanding, ...]:
        """The gates that stand over one change."""
        return tuple(
            self._gate_standing(gate)
            for gate in self.plan.gates
            if change.id in gate.changes or gate.id in change.gates
        )

    def progress(self) -> Progress:
        """Counts by state, open gates and what is to be done next."""
        touched = [
            self.standing(change_id)
            for digest in self._decisions
            for change_id in self._by_digest.get(digest, ())
        ]
        counts = Counter(standing.state for standing in touched)
        counts[State.PENDING] += len(self._changes) - len(touched)
        gates = tuple(item.gate for item in self.gates() if item.is_open)
        held = {change_id for gate in gates for change_id in gate.changes}
        ready = sum(
            1
            for digest in self._decisions
            for change_id in self._by_digest.get(digest, ())
            if change_id not in held and self.standing(change_id).state is State.APPROVED
        )
        if any(not gate.changes for gate in gates):
            ready = 0
        return Progress(
            counts={state: counts[state] for state in State},
            open_gates=gates,
            ready=ready,
            next_step=_next_step(counts, gates, ready),
        )

    def who_can_approve(self, change: Change) -> str:
        """In words: whose approval is still missing, and who may give it."""
        standing = self.standing(change.id)
        if standing.state is State.APPROVED:
            return "nobody is missing"
        listed = [
            name
            for name in self.rule.approvers
            if name not in standing.approvers and not (self.rule.four_eyes and name == self.asked_by)
        ]
        people = ", ".join(listed) if self.rule.approvers else "anybody who may open this review"
        eyes = f", but not {self.asked_by}, who asked" if self.rule.four_eyes and self.asked_by else ""
        word = "approval" if standing.missing == 1 else "approvals"
        return f"{standing.missing} {word} missing; may come from {people}{eyes}"

    # what may be done

    def why_not(self, action: Verdict | str, change_ids: Sequence[str]) -> str:
        """Why ``action`` is not possible on these changes now; empty when it is."""
        if self.read_only:
            return f"read-only: {self.read_only}"
        if not change_ids:
            return "no change is selected"
        if action == "approve":
            return self._why_not_approve(change_ids)
        return ""

    def risks(self, change_ids: Iterable[str]) -> tuple[str, ...]:
        """The risk tiers of these changes, in the order they first appear."""
        return tuple(dict.fromkeys(self.change(item).risk.value for item in change_ids))

    # deciding

    def approve(self, change_ids: Sequence[str], *, counted: int = 1, reason: str = "") -> int:
        """Approve; ``counted`` is the number the person was shown. Gives the number of new approvals.

        Several at once must lie in one risk tier. Raises AllowlistError otherwise.
        """
        self._refuse("approve", change_ids)
        wanted = [item for item in change_ids if not self._is_mine(item, "approve")]
        if len(wanted) > 1 and counted != len(wanted):
            raise AllowlistError(
                f"{counted} changes were shown, but {len(wanted)} would be approved",
                hint="look at them again and confirm the new count",
            )
        expires = self._clock() + timedelta(days=self.rule.valid_days)
        self._decide("approve", wanted, reason or _NO_REASON, expires=expires)
        return len(wanted)

    def not_yet_mine(self, change_ids: Iterable[str]) -> tuple[str, ...]:
        """Those that this person has not approved."""
        return tuple(item for item in change_ids if not self._is_mine(item, "approve"))

    def reject(self, change_ids: Sequence[str], reason: str) -> None:
        self._refuse("reject", change_ids)
        self._decide("reject", change_ids, _required(reason, "a rejection needs a reason"))

    def defer(self, change_ids: Sequence[str], until: datetime, reason: str = "") -> None:
        """Set the changes aside until a moment that has not come yet."""
        self._refuse("defer", change_ids)
        if until <= self._clock():
            raise AllowlistError("the date to defer to has passed", hint="name a date to come")
        self._decide("defer", change_ids, reason or f"deferred until {until:%Y-%m-%d}", until=until)

    def comment(self, change_ids: Sequence[str], text: str) -> None:
        self._refuse("comment", change_ids)
        self._decide("comment", change_ids, _required(text, "a comment needs words"))

    def accept_gate(self, gate_id: str, reason: str) -> None:
        """Take responsibility for an open gate, by its id."""
        if self.read_only:
            raise AllowlistError(f"read-only: {self.read_only}")
        standing = next((item for item in self.gates() if item.gate.id == gate_id), None)
        if standing is None:
            known = ", ".join(gate.id for gate in self.plan.gates) or "none"
            raise AllowlistError(f"the plan has no gate '{gate_id}'", hint=f"its gates: {known}")
        if not standing.is_open:
            raise AllowlistError(f"the gate '{gate_id}' is not in the way", hint="it passed or was accepted")
        text = _required(reason, "accepting a gate needs a reason")
        with self._lock:
            self._record(
                [self._gate_decision(*subject, gate_id, text) for subject in self._subjects(standing.gate)]
            )

    def undo(self) -> tuple[str, tuple[str, ...]]:
        """Take back the last approval, rejection or deferral of this sitting; what it was and which changes.

        The ledger forgets nothing: taking back is put on record as well.
        """
        if self.read_only:
            raise AllowlistError(f"read-only: {self.read_only}")
        with self._lock:
            if not self._undo:
                raise AllowlistError(
                    "there is nothing to undo in this sitting",
                    hint="comments and accepted gates stay on record",
                )
            last = self._undo.pop()
            self._record([self._restored(change_id, before, last.verb) for change_id, before in last.before])
        return last.verb, tuple(change_id for change_id, _ in last.before)

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    # inside

    def _new_decisions(self, head: int) -> list[Decision]:
        subjects = [*self._by_digest, self.plan.digest]
        if not self._seen:
            return list(self._ledger.decisions(subjects))
        known = set(subjects)
        rows = self._ledger.entries(head - self._seen)
        return [
            msgspec.convert(row.body, Decision)
            for row in reversed(rows)
            if row.seq > self._seen and row.kind == "decision" and row.subject in known
        ]

    def _keep(self, decision: Decision) -> None:
        said = self._decisions.get(decision.change_digest, ())
        self._decisions[decision.change_digest] = (*said, decision)

    def _gate_standing(self, gate: Gate) -> GateStanding:
        if gate.passed or gate.waived_by:
            return GateStanding(gate=gate, is_open=False, accepted_by=gate.waived_by)
        said = [
            self._acceptance(digest, precondition, gate.id) for digest, precondition in self._subjects(gate)
        ]
        if any(item is None for item in said):
            return GateStanding(gate=gate, is_open=True)
        last = said[-1]
        return GateStanding(
            gate=gate, is_open=False, accepted_by=last.who if last else "", reason=last.reason if last else ""
        )

    def _acceptance(self, digest: str, precondition: str, gate_id: str) -> Decision | None:
        said = [
            item
            for item in self._decisions.get(digest, ())
            if item.verdict == "accept-gate" and item.gate == gate_id and item.precondition == precondition
        ]
        return said[-1] if said else None

    def _subjects(self, gate: Gate) -> list[tuple[str, str]]:
        """What an acceptance is bound to: the changes of the gate, or the whole plan."""
        changes = [self._changes[item] for item in gate.changes if item in self._changes]
        return [(item.digest, item.precondition) for item in changes] or [
            (self.plan.digest, self.plan.digest)
        ]

    def _why_not_approve(self, change_ids: Sequence[str]) -> str:
        if self.rule.four_eyes and self.who.who == self.asked_by:
            return f"four eyes: {self.asked_by} asked for this plan, somebody else approves it"
        tiers = self.risks(change_ids)
        if len(tiers) > 1:
            return f"{len(change_ids)} changes of several risk tiers ({', '.join(tiers)}); approve one tier at a time"
        return ""

    def _refuse(self, action: Verdict, change_ids: Sequence[str]) -> None:
        if reason := self.why_not(action, change_ids):
            raise AllowlistError(reason, hint="nothing was decided")

    def _is_mine(self, change_id: str, verdict: Verdict) -> bool:
        return self.standing(change_id).mine == verdict

    def _decide(
        self,
        verdict: Verdict,
        change_ids: Collection[str],
        reason: str,
        *,
        until: datetime | None = None,
        expires: datetime | None = None,
    ) -> None:
        with self._lock:
            before = tuple((item, self._last_of_mine(item)) for item in change_ids)
            made = [self._decision(item, verdict, reason, until, expires) for item in change_ids]
            self._record(made)
            if verdict != "comment" and made:
                self._undo.append(_Undo(verb=verdict, before=before))

    def _record(self, decisions: Sequence[Decision]) -> None:
        if decisions:
            self._ledger.decide(*decisions)
            self.refresh()

    def _decision(
        self,
        change_id: str,
        verdict: Verdict,
        reason: str,
        until: datetime | None = None,
        expires: datetime | None = None,
    ) -> Decision:
        change = self.change(change_id)
        return Decision(
            change_digest=change.digest,
            precondition=change.precondition,
            verdict=verdict,
            who=self.who.who,
            identity=self.who.kind,
            reason=reason,
            at=self._clock(),
            plan_id=self.plan.digest,
            until=until,
            expires=expires,
        )

    def _gate_decision(self, digest: str, precondition: str, gate_id: str, reason: str) -> Decision:
        return Decision(
            change_digest=digest,
            precondition=precondition,
            verdict="accept-gate",
            who=self.who.who,
            identity=self.who.kind,
            reason=reason,
            at=self._clock(),
            plan_id=self.plan.digest,
            gate=gate_id,
        )

    def _restored(self, change_id: str, before: Decision | None, verb: str) -> Decision:
        if before is None:
            return self._decision(change_id, "reject", f"{WITHDRAWN}{verb} taken back")
        return msgspec.structs.replace(before, at=self._clock(), reason=before.reason)

    def _last_of_mine(self, change_id: str) -> Decision | None:
        change = self.change(change_id)
        mine = [
            item
            for item in _in_force(change, self._decisions.get(change.digest, ()), self._clock())
            if item.who == self.who.who
        ]
        return mine[-1] if mine and not is_withdrawal(mine[-1]) else None

    def now(self) -> datetime:
        return self._clock()


def is_withdrawal(decision: Decision) -> bool:
    """Does the decision only take an earlier word of the same person back?"""
    return decision.verdict == "reject" and decision.reason.startswith(WITHDRAWN)


def _untouched(needed: int) -> Standing:
    return Standing(state=State.PENDING, missing=needed)


def _in_force(change: Change, said: Iterable[Decision], now: datetime) -> list[Decision]:
    """Verdicts given against this very precondition that have not run out."""
    return [
        item
        for item in said
        if item.precondition == change.precondition
        and item.verdict in ("approve", "reject", "defer")
        and (item.expires is None or item.expires > now)
    ]


def _standing(change: Change, said: tuple[Decision, ...], review: Review) -> Standing:
    last = {item.who: item for item in _in_force(change, said, review.now())}
    mine = last.get(review.who.who)
    words = [item for item in last.values() if not is_withdrawal(item)]
    approvers = tuple(item.who for item in words if item.verdict == "approve" and _counts(item, review))
    missing = max(0, review.needed(change) - len(approvers))
    found = _hindrance(words, review.now())
    state = found[0] if found else _approval_state(approvers, missing)
    return Standing(
        state=state,
        approvers=approvers,
        missing=missing,
        until=found[1].until if found else None,
        because=found[1].reason if found else "",
        mine=mine.verdict if mine and not is_withdrawal(mine) else None,
        decisions=said,
    )


def _hindrance(words: Iterable[Decision], now: datetime) -> tuple[State, Decision] | None:
    for item in words:
        if item.verdict == "reject":
            return State.REJECTED, item
        if item.verdict == "defer" and item.until is not None and item.until > now:
            return State.DEFERRED, item
    return None


def _approval_state(approvers: Sequence[str], missing: int) -> State:
    if not missing:
        return State.APPROVED
    return State.PARTLY if approvers else State.PENDING


def _counts(decision: Decision, review: Review) -> bool:
    if review.rule.four_eyes and decision.who == review.asked_by:
        return False
    return not review.rule.approvers or decision.who in review.rule.approvers


def _lacks_rights(rule: ApprovalRule, who: Identity) -> str:
    if rule.approvers and who.who not in rule.approvers:
        return f"{who.who} is not among the approvers of this workload"
    return ""


def _required(text: str, complaint: str) -> str:
    if not text.strip():
        raise AllowlistError(complaint, hint="nothing was decided")
    return text.strip()


def _next_step(counts: Counter[State], gates: Sequence[Gate], ready: int) -> str:
    if gates:
        return f"accept the gate '{gates[0].id}' with a reason, or reject what it is about"
    waiting = counts[State.PENDING] + counts[State.PARTLY]
    if waiting:
        return f"{waiting} {'change waits' if waiting == 1 else 'changes wait'} for approval"
    return "apply" if ready else "nothing is approved"


# what the screen is given


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """One thing that happened while applying. ``state`` is a step state or an operation state of Azure.

    ``elapsed`` and ``expected`` are in minutes and belong to the step, ``expected`` 0 where nothing is known.
    """

    target: str
    step: str
    state: str
    text: str = ""
    elapsed: float = 0
    expected: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended. ``confirm_before`` is set while the change only stands provisionally."""

    run_id: str
    state: str
    text: str
    confirm_before: datetime | None = None


OnEvent = Callable[[ProgressEvent], None]
ShouldStop = Callable[[], bool]
Apply = Callable[[Plan, OnEvent, ShouldStop], RunResult]
Rollback = Callable[[str, OnEvent, ShouldStop], RunResult]
Confirm = Callable[[str], RunResult]
