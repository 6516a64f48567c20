"""One person's review of one plan: what stands, what may be decided, and the decisions on record.

Screens and commands call this and decide nothing themselves. Nothing here can write to Azure.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError
from allowlist.plan import approval
from allowlist.plan.model import Change, Gate, Plan
from allowlist.store import Clock, Decision, Entry, Ledger, Verdict
from allowlist.store.identity import Identity
from allowlist.workflow.approval_policy import policy_of
from allowlist.workflow.deciding import asker_is_known, decision_on, subject_of, undone_in
from allowlist.workload.document import ApprovalRule

_VERDICTS = ("approve", "reject", "defer")
_NO_REASON = "approved in review"


class State(StrEnum):
    """Where a change stands; the words are those of :mod:`allowlist.plan.approval`."""

    PENDING = "pending"
    APPROVED = "approved"
    GATED = "gated"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one change stands and why. ``mine`` is this person's own word, None if there is none."""

    state: State
    text: str = ""
    approvers: tuple[str, ...] = ()
    needed: int = 1
    mine: Verdict | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def missing(self) -> int:
        """How many approvals are still to come."""
        return max(0, self.needed - len(self.approvers))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStanding:
    """A gate and what was said about it. It is open until it passed, was waived, or somebody accepted it."""

    gate: Gate
    is_open: bool
    accepted_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the review is, and the next step in words."""

    counts: dict[State, int]
    open_gates: tuple[Gate, ...]
    next_step: str

    @property
    def ready(self) -> int:
        """How many changes an apply would carry out."""
        return self.counts[State.APPROVED]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undo:
    """What this person's word on each change was before an action; None means there was none."""

    verb: Verdict
    before: tuple[tuple[str, Decision | None], ...]


class Review:
    """The review of ``plan`` by ``who``. May be used from several threads.

    Under four eyes whoever asked for the plan cannot approve it. ``read_only`` is why nothing may be
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
        read_only: str = "",
    ) -> None:
        self.plan = plan
        self.who = who
        self.rule = rule or ApprovalRule()
        self.asked_by = plan.asked_by
        self.read_only = read_only or _lacks_rights(self.rule, who)
        self._policy = policy_of(self.rule)
        self._asker_is_known = not self.rule.four_eyes or asker_is_known(ledger, plan)
        self._ledger = ledger
        self._clock = ledger.bounded(clock)
        self._changes = {change.id: change for change in plan.changes}
        self._ids_of = _ids_by_digest(plan)
        self._gates_over = _gates_by_change(plan)
        self._subjects = frozenset((*self._ids_of, plan.digest))
        self._said: dict[str, tuple[Decision, ...]] = {}
        self._known: dict[str, Standing] = {}
        self._known_until: datetime | None = None
        self._states: dict[str, State] | None = None
        self._undone: dict[str, datetime] = {}
        self._seen = 0
        self._undo: list[_Undo] = []
        self._lock = threading.RLock()

    # what stands

    def refresh(self) -> frozenset[str]:
        """Read what was put on record since the last time; gives the ids of the changes it is about."""
        with self._lock:
            head = self._ledger.head().seq
            if head == self._seen:
                return frozenset()
            new = self._new_decisions(head)
            self._seen = head
            touched = self._newly_undone()
            for item in new:
                digest = self._heard_as(item)
                self._said[digest] = (*self._said.get(digest, ()), item)
                touched |= {*self._ids_of.get(digest, ())}
            self._forget(touched)
        return frozenset(touched)

    def _heard_as(self, item: Decision) -> str:
        """Under which digest it is kept: what was said of the same change under other terms stands with ours."""
        ours = self._changes.get(item.change)
        return item.change_digest if ours is None or item.change_digest in self._subjects else ours.digest

    def _newly_undone(self) -> set[str]:
        """The changes of the plan that a rollback has undone since the last look."""
        found = {
            change_id: at for change_id, at in undone_in(self._ledger).items() if change_id in self._changes
        }
        before, self._undone = self._undone, found
        return {change_id for change_id, at in found.items() if before.get(change_id) != at}

    def change(self, change_id: str) -> Change:
        """The change with this id. Raises AllowlistError for a stranger."""
        found = self._changes.get(change_id)
        if found is None:
            raise AllowlistError(
                f"the plan has no change {change_id}", hint="open the plan to see its changes"
            )
        return found

    def state(self, change_id: str) -> State:
        """Where the change stands, in one word."""
        untouched = self.change(change_id).digest not in self._said
        return State.PENDING if untouched else self.standing(change_id).state

    def states(self) -> Mapping[str, State]:
        """The states of all changes somebody said anything about; the others are pending.

        The same mapping as long as nothing was said and nothing ran out.
        """
        self._forget_what_ran_out()
        if self._states is None:
            self._states = {change_id: self.standing(change_id).state for change_id in self.touched()}
        return self._states

    def standing(self, change_id: str) -> Standing:
        """Where the change stands now."""
        now = self._forget_what_ran_out()
        found = self._known.get(change_id)
        if found is None:
            found = self._known[change_id] = self._standing(change_id, now)
            self._known_until = _earliest(self._known_until, self._ends(found.decisions), now)
        return found

    def _forget_what_ran_out(self) -> datetime:
        """Approvals and deferrals end by the clock, which is given back."""
        now = self._clock()
        if self._known_until is not None and now >= self._known_until:
            self._forget(self._known.copy())
        return now

    def _forget(self, change_ids: Iterable[str]) -> None:
        self._states = None
        for change_id in change_ids:
            self._known.pop(change_id, None)
        if not self._known:
            self._known_until = None

    def _standing(self, change_id: str, now: datetime) -> Standing:
        change = self.change(change_id)
        said = approval.of_asker(self._said.get(change.digest, ()), self.plan)
        if not said:
            return Standing(state=State.PENDING, text="not approved yet", needed=self._needed(change))
        alone = msgspec.structs.replace(
            self.plan, changes=(change,), gates=self._gates_over.get(change_id, ())
        )
        known, undone = self._asker_is_known, self._undone
        found = approval.standings(alone, said, self._policy, now, asker_is_known=known, undone=undone)[0]
        mine = self._last_of_mine(change_id)
        return Standing(
            state=State(found.state),
            text=found.text,
            approvers=found.approvers,
            needed=found.needed,
            mine=mine.verdict if mine else None,
            decisions=said,
        )

    def touched(self) -> tuple[str, ...]:
        """The changes anybody said anything about."""
        return tuple(change_id for digest in self._said for change_id in self._ids_of.get(digest, ()))

    def gates(self) -> tuple[GateStanding, ...]:
        """Every gate of the plan, the open ones first."""
        found = [self._gate_standing(gate) for gate in self.plan.gates]
        return tuple(sorted(found, key=lambda item: not item.is_open))

    def gates_of(self, change: Change) -> tuple[GateStanding, ...]:
        """The gates that stand over one change."""
        return tuple(self._gate_standing(gate) for gate in self._gates_over.get(change.id, ()))

    def progress(self) -> Progress:
        """Counts by state, open gates and what is to be done next."""
        counts = Counter(self.states().values())
        counts[State.PENDING] += len(self._changes) - counts.total()
        gates = tuple(item.gate for item in self.gates() if item.is_open)
        return Progress(
            counts={state: counts[state] for state in State},
            open_gates=gates,
            next_step=_next_step(counts, gates),
        )

    def who_can_approve(self, change: Change) -> str:
        """In words: how many approvals are missing, and who may give them."""
        standing = self.standing(change.id)
        if not standing.missing:
            return "nobody is missing"
        return f"{counted(standing.missing, 'approval')} missing; may come from {self._candidates(standing)}"

    def approved_plan_targets(self) -> tuple[str, ...]:
        """The targets an apply would write to, in the plan's order."""
        hit = {
            self.change(item).target for item in self.touched() if self.standing(item).state is State.APPROVED
        }
        return tuple(target.name for target in self.plan.targets if target.name in hit)

    # what may be done

    def why_not(self, action: Verdict, change_ids: Sequence[str]) -> str:
        """Why ``action`` is not possible on these changes now; empty when it is."""
        if self.read_only:
            return f"read-only: {self.read_only}"
        if not change_ids:
            return "no change is selected"
        return self._why_not_approve(change_ids) if action == "approve" else ""

    def why_not_apply(self) -> str:
        """Why nothing may be applied now; empty when something may."""
        if self.read_only:
            return f"read-only: {self.read_only}"
        progress = self.progress()
        return "" if progress.ready else f"nothing is approved; {progress.next_step}"

    def risks(self, change_ids: Iterable[str]) -> tuple[str, ...]:
        """The risk tiers of these changes, in the order they first appear."""
        return tuple(dict.fromkeys(self.change(item).risk.value for item in change_ids))

    def not_yet_mine(self, change_ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the changes this person has not approved."""
        return tuple(item for item in change_ids if self.standing(item).mine != "approve")

    @property
    def can_undo(self) -> bool:
        return bool(self._undo) and not self.read_only

    # deciding

    def approve(self, change_ids: Sequence[str], *, counted: int = 1, reason: str = "") -> int:
        """Approve what is not approved by this person yet; gives how many that were.

        Several at once must lie in one risk tier, and ``counted`` is the number the person was shown. Raises
        AllowlistError otherwise.
        """
        self._refuse("approve", change_ids)
        wanted = self.not_yet_mine(change_ids)
        if len(wanted) > 1 and counted != len(wanted):
            raise AllowlistError(
                f"{_changes(counted, 'was')} shown, but {len(wanted)} would be approved",
                hint="look at them again and confirm the new count",
            )
        expires = self._clock() + timedelta(days=self.rule.valid_days)
        self._decide("approve", wanted, reason or _NO_REASON, expires=expires)
        return len(wanted)

    def reject(self, change_ids: Sequence[str], reason: str) -> None:
        self._refuse("reject", change_ids)
        self._decide("reject", change_ids, _required(reason, "a rejection needs a reason"))

    def defer(self, change_ids: Sequence[str], until: datetime, reason: str = "") -> None:
        """Set the changes aside until a moment that has not come yet."""
        self._refuse("defer", change_ids)
        if until <= self._clock():
            raise AllowlistError("the date to defer to has passed", hint="name a date to come")
        self._decide("defer", change_ids, reason or "deferred in review", until=until)

    def comment(self, change_ids: Sequence[str], text: str) -> None:
        self._refuse("comment", change_ids)
        self._decide("comment", change_ids, _required(text, "a comment needs words"))

    def accept_gate(self, gate_id: str, reason: str) -> None:
        """Take responsibility for an open gate, by its id."""
        if self.read_only:
            raise AllowlistError(f"read-only: {self.read_only}", hint="nothing was decided")
        gate = self._gate(gate_id)
        if not self._gate_standing(gate).is_open:
            raise AllowlistError(f"the gate '{gate_id}' is not in the way", hint="it passed or was accepted")
        if gate.final:
            raise AllowlistError(f"the gate '{gate_id}' cannot be accepted", hint=gate.text)
        text = _required(reason, "accepting a gate needs a reason")
        self._record([self._acceptance(subject, gate_id, text) for subject in self._bound_to(gate)])

    def undo(self) -> tuple[Verdict, tuple[str, ...]]:
        """Take back the last approval, rejection or deferral of this sitting: what it was, on which changes.

        The ledger forgets nothing: taking back is put on record as well.
        """
        if self.read_only:
            raise AllowlistError(f"read-only: {self.read_only}", hint="nothing was decided")
        with self._lock:
            if not self._undo:
                raise AllowlistError(
                    "there is nothing to undo in this sitting",
                    hint="comments and accepted gates stay on record",
                )
            last = self._undo[-1]
            self._record([self._restored(item, before, last.verb) for item, before in last.before])
            self._undo.pop()
        return last.verb, tuple(change_id for change_id, _ in last.before)

    # inside

    def _new_decisions(self, head: int) -> list[Decision]:
        if not self._seen:
            about = {"": self.plan.digest} | {item.id: item.digest for item in self.plan.changes}
            return list(self._ledger.decisions_about(about))
        rows = self._ledger.entries(head - self._seen)
        return [
            msgspec.convert(row.body, prepared(Decision))
            for row in reversed(rows)
            if self._seen < row.seq <= head and row.kind == "decision" and self._is_about_us(row)
        ]

    def _is_about_us(self, row: Entry) -> bool:
        return row.subject in self._subjects or row.body.get("change") in self._changes

    def _candidates(self, standing: Standing) -> str:
        if self.rule.approvers:
            able = [
                name
                for name in self.rule.approvers
                if name not in standing.approvers and approval.may_approve(name, self.plan, self._policy)
            ]
            return ", ".join(able) or "nobody: the list of approvers is used up"
        excluded = self.rule.four_eyes and self.asked_by
        return f"anybody but {self.asked_by}, who asked" if excluded else "anybody who may open this review"

    def _gate(self, gate_id: str) -> Gate:
        found = next((gate for gate in self.plan.gates if gate.id == gate_id), None)
        if found is None:
            known = ", ".join(gate.id for gate in self.plan.gates) or "none"
            raise AllowlistError(f"the plan has no gate '{gate_id}'", hint=f"its gates: {known}")
        return found

    def _gate_standing(self, gate: Gate) -> GateStanding:
        if gate.passed or gate.waived_by:
            return GateStanding(gate=gate, is_open=False, accepted_by=gate.waived_by)
        if gate.final:
            return GateStanding(gate=gate, is_open=True)
        said = [self._accepted(subject, gate.id) for subject in self._bound_to(gate)]
        last = said[-1] if all(said) else None
        if last is None:
            return GateStanding(gate=gate, is_open=True)
        return GateStanding(gate=gate, is_open=False, accepted_by=last.who, reason=last.reason)

    def _accepted(self, subject: tuple[str, str, str], gate_id: str) -> Decision | None:
        change_id, digest, precondition = subject
        undone = self._undone.get(change_id)
        said = (
            item
            for item in reversed(self._said.get(digest, ()))
            if item.verdict == "accept-gate"
            and item.gate == gate_id
            and item.precondition == precondition
            and (undone is None or item.at > undone)
            and approval.counts(item, self.plan, self._policy)
        )
        return next(said, None)

    def _bound_to(self, gate: Gate) -> list[tuple[str, str, str]]:
        """What an acceptance is bound to: the changes of the gate, or the whole plan."""
        changes = [self._changes[item] for item in gate.changes if item in self._changes]
        return [subject_of(item) for item in changes] or [("", self.plan.digest, self.plan.digest)]

    def _why_not_approve(self, change_ids: Sequence[str]) -> str:
        if not approval.may_approve(self.who.who, self.plan, self._policy):
            return f"four eyes: {self.asked_by} asked for this plan, so somebody else approves it"
        tiers = self.risks(change_ids)
        if len(tiers) > 1:
            return f"the selection spans the risk tiers {', '.join(tiers)}; approve one tier at a time"
        return ""

    def _refuse(self, action: Verdict, change_ids: Sequence[str]) -> None:
        if reason := self.why_not(action, change_ids):
            raise AllowlistError(reason, hint="nothing was decided")

    def _decide(
        self,
        verdict: Verdict,
        change_ids: Sequence[str],
        reason: str,
        *,
        until: datetime | None = None,
        expires: datetime | None = None,
    ) -> None:
        with self._lock:
            before = tuple((item, self._last_of_mine(item)) for item in change_ids)
            self._record([self._decision(item, verdict, reason, until, expires) for item in change_ids])
            if verdict in _VERDICTS and change_ids:
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
        subject = subject_of(self.change(change_id))
        return decision_on(
            self.plan, subject, verdict, self.who, reason, self._clock(), until=until, expires=expires
        )

    def _acceptance(self, subject: tuple[str, str, str], gate_id: str, reason: str) -> Decision:
        return decision_on(self.plan, subject, "accept-gate", self.who, reason, self._clock(), gate=gate_id)

    def _restored(self, change_id: str, before: Decision | None, verb: Verdict) -> Decision:
        """What was said before, said again; or, if nothing was, a deferral that ends as it begins."""
        if before is None:
            return self._decision(change_id, "defer", f"{verb} taken back", until=self._clock())
        return msgspec.structs.replace(before, at=self._clock())

    def _last_of_mine(self, change_id: str) -> Decision | None:
        change = self.change(change_id)
        mine = [
            item
            for item in self._said.get(change.digest, ())
            if item.who == self.who.who
            and item.precondition == change.precondition
            and item.verdict in _VERDICTS
        ]
        return mine[-1] if mine and self._is_in_force(mine[-1], self._clock()) else None

    def _ends(self, decisions: Iterable[Decision]) -> Iterator[datetime | None]:
        """The moments at which a decision begins or ceases to count, by its own words and by the policy's."""
        for item in decisions:
            yield item.until
            yield approval.end_of(item, self._policy) if item.verdict == "approve" else item.expires

    def _is_in_force(self, decision: Decision, now: datetime) -> bool:
        ends = [end for end in self._ends([decision]) if end is not None]
        return not ends or min(ends) > now

    def _needed(self, change: Change) -> int:
        return approval.needed_for(change, self.plan, self._policy, self._asker_is_known)


def _earliest(known: datetime | None, ends: Iterable[datetime | None], now: datetime) -> datetime | None:
    ahead = [end for end in ends if end is not None and end > now]
    return min([*ahead, *([known] if known else [])], default=None)


def _ids_by_digest(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in plan.changes:
        found.setdefault(change.digest, []).append(change.id)
    return found


def _gates_by_change(plan: Plan) -> dict[str, tuple[Gate, ...]]:
    """The gates over each change, each cut down to that change."""
    found: dict[str, list[Gate]] = {}
    for gate in plan.gates:
        for change_id in gate.changes:
            found.setdefault(change_id, []).append(gate)
    return {
        change_id: tuple(msgspec.structs.replace(gate, changes=(change_id,)) for gate in gates)
        for change_id, gates in found.items()
    }


def _lacks_rights(rule: ApprovalRule, who: Identity) -> str:
    listed = map(approval.folded, rule.approvers)
    if rule.approvers and approval.folded(who.who) not in listed:
        return f"{who.who} is not among the approvers of this workload"
    return ""


def _required(text: str, complaint: str) -> str:
    if not text.strip():
        raise AllowlistError(complaint, hint="nothing was decided")
    return text.strip()


def _changes(number: int, verb: str) -> str:
    return counted(number, "change", verb)


def _next_step(counts: Counter[State], gates: Sequence[Gate]) -> str:
    if gates:
        return f"accept gate '{gates[0].id}', or reject its changes"
    waiting = counts[State.PENDING] + counts[State.EXPIRED]
    if waiting:
        return f"{_changes(waiting, 'waits')} for approval"
    return "apply" if counts[State.APPROVED] else "nothing is approved"
