"""Rules whose traffic is always decided by another rule as well: what was really seen, not what could be.

All of them together may go, and every flow that was seen is still allowed or denied as it was, by a rule that stays. Only
certain answers count: a rule that may match a flow, or that a log names where the rules as read say another one, is
never called redundant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from allowlist.rules.columns.verdicts import CompiledVerdicts, Meeting
from allowlist.rules.flow import Flow, Verdict
from allowlist.rules.model import Action, RuleRef
from allowlist.traffic.findings import Redundant, Seen, Tally

_Rule = tuple[RuleRef, Action]
_SHOWN = 3


@dataclass(slots=True)
class Chains:
    """For flows that were seen, the rules that certainly match each of them, in evaluation order."""

    _found: dict[tuple[_Rule, ...], Tally] = field(default_factory=dict)
    _known: dict[tuple[int, int], tuple[_Rule, ...]] = field(default_factory=dict)
    _doubtful: set[RuleRef] = field(default_factory=set)
    _held: list[Meeting] = field(default_factory=list)
    unsaid: bool = False
    """Some flow was decided by more than its rules tell, such as a threat feed."""

    def take(self, verdicts: CompiledVerdicts, flow: Flow, verdict: Verdict, seen: Seen) -> None:
        meeting = verdicts.meeting(flow)
        if meeting is None:
            self.unsaid = True
            return
        chain = self._chain(meeting, verdicts.bit(flow.source))
        if verdict.word == "unknown" or verdict.assumptions or _disagrees(seen, verdict):
            self._doubtful.update(ref for ref, _ in chain)
        elif chain:
            self._found.setdefault(chain, Tally()).add(seen)

    def _chain(self, meeting: Meeting, bit: int) -> tuple[_Rule, ...]:
        key = (id(meeting), bit)
        if key not in self._known:
            self._held.append(meeting)  # an id stays the same only while what it is of stays
            for candidate in meeting.candidates:
                match = candidate.match(bit)
                if match.matched and not match.certain:
                    self._doubtful.add(candidate.rule.ref)
            self._known[key] = tuple((step.ref, step.action) for step in meeting.certain_steps(bit))
        return self._known[key]

    def redundant(self, target: str) -> Iterator[Redundant]:
        """Those that never decide first; of the others the least used first, as long as one that stays decides the same."""
        if self.unsaid:
            return
        gone: set[RuleRef] = set()
        for ref, tally in self._candidates():
            instead = self._instead(ref, gone)
            if ref not in self._doubtful and instead:
                gone.add(ref)
                yield Redundant(
                    target=target, rule=str(ref), tally=tally, instead=tuple(map(str, instead[:_SHOWN])),
                    decides=any(chain[0][0] == ref for chain in self._found),
                )  # fmt: skip

    def _candidates(self) -> list[tuple[RuleRef, Tally]]:
        """Every rule that fits a flow, with the flows it fits; those that decide none come first."""
        fits: dict[RuleRef, Tally] = {}
        decides: dict[RuleRef, int] = {}
        for chain, tally in self._found.items():
            for place, (ref, _) in enumerate(chain):
                fits[ref] = fits[ref].with_(tally) if ref in fits else tally.with_(Tally())
                decides[ref] = decides.get(ref, 0) + (0 if place else tally.count)
        return sorted(fits.items(), key=lambda item: (decides[item[0]], str(item[0])))

    def _instead(self, ref: RuleRef, gone: set[RuleRef]) -> Sequence[RuleRef]:
        """The rules that decide the flows of ``ref`` without it, each as it was; none where one would be decided otherwise."""
        found: dict[RuleRef, None] = {}
        for chain in self._found:
            if any(item == ref for item, _ in chain):
                action = chain[0][1]
                left = next(((item, then) for item, then in chain if item != ref and item not in gone), None)
                if left is None or left[1] is not action:
                    return ()
                found[left[0]] = None
        return tuple(found)


def _disagrees(seen: Seen, verdict: Verdict) -> bool:
    """Does the log name another rule, or say another thing, than the rules as read?"""
    if verdict.word != seen.action:
        return True
    ref = verdict.ref
    return bool(seen.rule) and ref is not None and seen.rule.lower() != ref.rule.lower()
