"""Which changes of a plan are approved, and who or what is still missing. Pure.

A decision names the semantic digest of a change and its target's precondition. So it survives an identical
re-plan, dies with any difference, and ends at its date. A no outlives differences in the target and in the terms: it
ends when it is taken back, or with an approval on the new state that was said after it. What is not known to be allowed is
not allowed.

People are told apart by their folded names, and a name is somebody's only when it was verified: signed in with Entra,
or behind a signature that was checked. What is said in another's name neither opens nor lifts anything.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from allowlist.documents.grouping import grouped
from allowlist.plan.model import Change, Gate, Plan

UNVERIFIED_PREFIX = "os:"
"""Users known only to their operating system: anybody can have such a name."""

_VOUCHED = ("verified", "signed")
_OPENING = ("approve", "accept-gate")


class DecisionLike(Protocol):
    """What the ledger keeps of one decision (:class:`allowlist.store.Decision`)."""

    @property
    def change_digest(self) -> str: ...
    @property
    def precondition(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def at(self) -> dt.datetime: ...
    @property
    def plan_id(self) -> str: ...
    @property
    def asked_by(self) -> str: ...
    @property
    def planned(self) -> dt.datetime | None: ...
    @property
    def expires(self) -> dt.datetime | None: ...
    @property
    def until(self) -> dt.datetime | None: ...
    @property
    def gate(self) -> str | None: ...
    @property
    def change(self) -> str: ...


Decided = TypeVar("Decided", bound=DecisionLike)


class ApprovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may approve and how many it takes per risk. Empty ``approvers``: anybody.

    No approval counts for longer than ``valid_days``, whatever end it names: its author is not who sets the limit.
    """

    approvers: tuple[str, ...] = ()
    four_eyes: bool = False
    quorum: dict[str, int] = msgspec.field(default_factory=dict)
    valid_days: int = 14

    @property
    def counts_people(self) -> bool:
        """Does it matter who somebody is? Then only verified and signed identities count."""
        return self.four_eyes or bool(self.approvers) or any(count > 1 for count in self.quorum.values())


class ApprovalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where one change stands. ``state`` is approved, pending, rejected, deferred, expired or gated.

    ``planned`` is when the oldest plan was made on which an approval that counts was given. ``undone``: it was carried
    out once and rolled back, so nothing said before that opens it again.
    """

    change: Change
    state: str
    text: str
    approvers: tuple[str, ...] = ()
    needed: int = 1
    planned: dt.datetime | None = None
    undone: bool = False

    @property
    def is_approved(self) -> bool:
        return self.state == "approved"


def folded(name: str) -> str:
    """One spelling for one person: case, width, blanks and invisible characters make no second one."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    shown = (item for item in text if unicodedata.category(item) not in ("Cf", "Cc") and item not in _BLANK)
    return " ".join("".join(shown).split())


_BLANK = frozenset(
    [chr(code) for code in (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)]
    + [chr(code) for code in (*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), *range(0xE0100, 0xE01F0))]
)
"""What shows as nothing and is no format character: fillers, joiners, variation selectors (Unicode 16, default ignorable)."""


def standings(
    plan: Plan,
    decisions: Sequence[DecisionLike],
    policy: ApprovalPolicy,
    now: dt.datetime,
    *,
    asker_is_known: bool = True,
    undone: Mapping[str, dt.datetime] = MappingProxyType({}),
) -> tuple[ApprovalStatus, ...]:
    """The standing of every change of ``plan``, in the plan's order.

    ``asker_is_known``: somebody vouches for who asked for the plan. Where nobody does, four eyes are those of two
    people who approve. ``undone`` is when a change, by id, was last rolled back: what was said before opens nothing.
    """
    said = grouped(decisions, lambda item: item.change_digest)
    about = grouped(decisions, lambda item: item.change)
    closing = _closing(plan)
    found = []
    for change in plan.changes:
        needed, gates = needed_for(change, plan, policy, asker_is_known), closing.get(change.id, ())
        words = _about_it(change, said, about)
        elsewhere = _refusal_elsewhere(change, words, now)
        mine = _since(undone.get(change.id), said.get(change.digest, ()))
        mine = _since(elsewhere.at if elsewhere else None, mine)
        here = [item for item in words if item.precondition == change.precondition]
        status = _refused(change, here, now, needed)
        status = status or _standing(change, plan, mine, policy, now, needed, gates)
        if elsewhere and status.state in ("pending", "expired"):
            status = _still_refused(status, elsewhere)
        found.append(_told_undone(status) if change.id in undone else status)
    return tuple(found)


def _told_undone(status: ApprovalStatus) -> ApprovalStatus:
    text = f"{status.text}; it was rolled back, so it takes a new approval"
    return replace(status, undone=True, text=text if status.state == "pending" else status.text)


Said = Mapping[str, Sequence[DecisionLike]]


def _about_it(change: Change, said: Said, about: Said) -> list[DecisionLike]:
    """Everything said about ``change``, under whatever terms and on whatever state: a no is to what would be written."""
    same = [item for item in about.get(change.id, ()) if item.change_digest != change.digest]
    return [*said.get(change.digest, ()), *same]


def _refusal_elsewhere(
    change: Change, words: Sequence[DecisionLike], now: dt.datetime
) -> DecisionLike | None:
    """The newest no, or not yet, that somebody said on another state of the target and did not take back.

    Any edit of the target makes another state, so the no does not end with it: it takes an approval that was said later.
    """
    found = [item for item in _latest_by_person(words) if _is_no(item, now)]
    elsewhere = [item for item in found if item.precondition != change.precondition]
    return max(elsewhere, key=lambda item: item.at, default=None)


def _is_no(decision: DecisionLike, now: dt.datetime) -> bool:
    if decision.verdict == "defer":
        return decision.until is not None and decision.until > now
    return decision.verdict == "reject"


def _still_refused(status: ApprovalStatus, refusal: DecisionLike) -> ApprovalStatus:
    state = "rejected" if refusal.verdict == "reject" else "deferred"
    until = f" until {refusal.until:%Y-%m-%d}" if refusal.until else ""
    text = f"{refusal.who}{until}: {refusal.reason} (said on another state of the target); it takes a new approval"
    return replace(status, state=state, text=f"{text}, {status.text}" if status.approvers else text)


def _since(undone: dt.datetime | None, said: Sequence[DecisionLike]) -> Sequence[DecisionLike]:
    """What was said after a rollback, if there was one; a no is asked for elsewhere and never ends."""
    return said if undone is None else [item for item in said if item.at > undone]


def _closing(plan: Plan) -> dict[str, list[Gate]]:
    """By change the gates of ``plan`` that stand in its way until somebody accepts them, if anybody can."""
    found: dict[str, list[Gate]] = defaultdict(list)
    for gate in plan.gates:
        if not gate.passed and not gate.waived_by:
            for change_id in dict.fromkeys(gate.changes):
                found[change_id].append(gate)
    return found


def needed_for(change: Change, plan: Plan, policy: ApprovalPolicy, asker_is_known: bool) -> int:
    """How many people have to approve ``change``."""
    known = asker_is_known and bool(plan.asked_by)
    return max(policy.quorum.get(change.risk.value, 1), 2 if policy.four_eyes and not known else 1)


def _standing(
    change: Change,
    plan: Plan,
    mine: Sequence[DecisionLike],
    policy: ApprovalPolicy,
    now: dt.datetime,
    needed: int,
    gates: Sequence[Gate],
) -> ApprovalStatus:
    """``mine`` are the decisions about ``change``, ``gates`` those that stand in its way."""
    current = [item for item in mine if item.precondition == change.precondition]
    verdicts = _latest_by_person(current)
    approvals = [item for item in verdicts if item.verdict == "approve" and counts(item, plan, policy)]
    valid = [item for item in approvals if end_of(item, policy) > now]
    who = tuple({folded(item.who): item.who for item in valid}.values())
    if len(who) < needed:
        return _not_yet(change, mine, approvals, needed, who)
    closed = _still_closed(gates, [item for item in current if counts(item, plan, policy)])
    if closed:
        text = f"waits for gate {', '.join(closed)}"
        return ApprovalStatus(change=change, state="gated", text=text, approvers=who, needed=needed)
    return ApprovalStatus(
        change=change,
        state="approved",
        text=f"approved by {', '.join(who)}",
        approvers=who,
        needed=needed,
        planned=min((item.planned or item.at for item in valid), default=None),
    )


def end_of(approval: DecisionLike, policy: ApprovalPolicy) -> dt.datetime:
    """Until when ``approval`` counts: its own end, or the policy's where that is earlier."""
    longest = approval.at + dt.timedelta(days=policy.valid_days)
    return longest if approval.expires is None else min(approval.expires, longest)


def _refused(
    change: Change, said: Sequence[DecisionLike], now: dt.datetime, needed: int
) -> ApprovalStatus | None:
    """Somebody's last word is no, or not yet."""
    verdicts = _latest_by_person(said)
    for item in verdicts:
        if item.verdict == "reject":
            text = f"{item.who}: {item.reason}"
            return ApprovalStatus(change=change, state="rejected", text=text, needed=needed)
    for item in verdicts:
        if item.verdict == "defer" and item.until and item.until > now:
            text = f"{item.who} deferred it until {item.until:%Y-%m-%d}: {item.reason}"
            return ApprovalStatus(change=change, state="deferred", text=text, needed=needed)
    return None


def _not_yet(
    change: Change,
    mine: Sequence[DecisionLike],
    approvals: Sequence[DecisionLike],
    needed: int,
    who: tuple[str, ...],
) -> ApprovalStatus:
    if approvals and not who:
        return ApprovalStatus(change=change, state="expired", text="the approval has expired", needed=needed)
    if any(item.verdict == "approve" and item.precondition != change.precondition for item in mine):
        text = "approved for another state of the target; look again"
        return ApprovalStatus(change=change, state="pending", text=text, needed=needed)
    text = f"{len(who)} of {needed} approvals" if needed > 1 else "not approved yet"
    counted = {*map(folded, who), *(folded(item.who) for item in approvals)}
    said = {item.who for item in mine if item.verdict == "approve"}
    left_out = sorted(name for name in said if folded(name) not in counted)
    if left_out:
        text += f"; {', '.join(left_out)} does not count under the approval policy"
    return ApprovalStatus(change=change, state="pending", text=text, approvers=who, needed=needed)


def of_asker(decisions: Iterable[Decided], plan: Plan) -> tuple[Decided, ...]:
    """The decisions that count for a plan out of a file: approvals of one that the same person asked for.

    Nobody can tell whether the name in a file is true, so another one is another plan.
    """
    asker = folded(plan.asked_by)
    return tuple(item for item in decisions if item.verdict not in _OPENING or folded(item.asked_by) == asker)


def counts(decision: DecisionLike, plan: Plan, policy: ApprovalPolicy) -> bool:
    """May a decision open anything? Where it matters who somebody is, nothing unverified can."""
    if policy.counts_people and decision.identity not in _VOUCHED:
        return False
    return may_approve(decision.who, plan, policy, decision.asked_by)


def may_approve(who: str, plan: Plan, policy: ApprovalPolicy, asked_by: str = "") -> bool:
    """May this identity approve at all? With four eyes, whoever asked may not: for this plan, or for the one approved."""
    if policy.four_eyes and any(is_same_person(who, asker) for asker in (plan.asked_by, asked_by)):
        return False
    return not policy.approvers or folded(who) in map(folded, policy.approvers)


def is_same_person(one: str, other: str) -> bool:
    """May both names be of one person? ``os:alice@session`` may be anybody who is called alice elsewhere."""
    first, second = folded(one), folded(other)
    if first.startswith(UNVERIFIED_PREFIX) or second.startswith(UNVERIFIED_PREFIX):
        return _local(first) == _local(second)
    return first == second


def _local(name: str) -> str:
    return name.removeprefix(UNVERIFIED_PREFIX).partition("@")[0]


def _still_closed(gates: Iterable[Gate], decisions: Iterable[DecisionLike]) -> tuple[str, ...]:
    """Those of ``gates`` that were not accepted by id, or that nobody can accept."""
    accepted = {item.gate for item in decisions if item.verdict == "accept-gate"}
    return tuple(gate.id for gate in gates if gate.final or gate.id not in accepted)


def _latest_by_person(decisions: Iterable[DecisionLike]) -> list[DecisionLike]:
    """Each one's last word, by the moment it was said: an old file that is brought again does not outdo a later word.

    Nothing said under a name that nobody verified takes the place of what its owner said.
    """
    latest: dict[tuple[str, bool], DecisionLike] = {}
    words = [item for item in decisions if item.verdict in ("approve", "reject", "defer")]
    for item in sorted(words, key=lambda item: item.at):
        latest[folded(item.who), item.identity in _VOUCHED] = item
    return list(latest.values())
