"""Answers to very many flows: what is said of one flow is said of all that neither a rule nor a requirement tells apart.

A flow costs a look-up of its goal (name and service), one of its source's zone and a line of output. What follows in the
line is worked out once for all flows to one goal that meet the same rules and are wanted by the same requirements, by
what answers a single flow.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from allowlist.rules.addresses import plain_address
from allowlist.rules.columns.verdicts import Meeting
from allowlist.rules.near_miss import Lack, Missing, NearMiss
from allowlist.workflow.explaining import (
    Explainer,
    Explanation,
    FlowLine,
    Goal,
    LoadedTarget,
    explanation_json,
    goal_of,
    source_of,
)

_encode = msgspec.json.Encoder().encode

MANY_ANSWERS = 1 << 20
"""So many answers by goal and zone, and half as many sources, are remembered; then it is begun anew."""


class Answers(NamedTuple):
    """Lines of JSON, as ``explain --json`` says them, and whether all those flows are allowed."""

    lines: list[str]
    allowed: bool


def answers(explainer: Explainer, blocks: Iterable[list[FlowLine]]) -> Iterator[Answers]:
    """Each flow on each target, in order, a block at a time. The lines make sense: :class:`FlowFile` has seen to it."""
    targets = [_Answering(explainer, target) for target in explainer.targets]
    for block in blocks:
        if len(targets) == 1:
            yield targets[0].answer(block)
        else:
            found = [target.answer([line]) for line in block for target in targets]
            yield Answers([text for one in found for text in one.lines], all(one.allowed for one in found))


class _Said(NamedTuple):
    """What follows the flow in an answer: the parts between which it names the source."""

    parts: list[str]
    allowed: bool


class _Place:
    """A goal: the rules that may match, and what else is told apart by the source."""

    __slots__ = ("goal", "meeting", "number", "said", "told", "written")

    def __init__(
        self, number: int, goal: Goal, meeting: Meeting, told: list[tuple[int, int]], written: str
    ) -> None:
        self.number = number
        self.goal = goal
        self.meeting = meeting
        self.told = told
        """(mask of the zones, which one) of each requirement that wants it and each rule that nearly allows it."""
        self.written = written
        """The goal as the answer repeats it."""
        self.said: dict[int, _Said | None] = {}
        """By zone; None where flows are answered one by one."""

    def mark(self, bit: int) -> Hashable:
        """Flows from zones with equal marks get the same answer."""
        return (self.number, *self.meeting.mark(bit), *[which for mask, which in self.told if mask & bit])


_ONE_BY_ONE: Any = None
_UNSEEN: Any = object()
_ODD = -1
"""The zone of a source that is not written as four plain numbers, or that is on a network of the estate."""


class _Answering:
    """The answers of one target."""

    def __init__(self, explainer: Explainer, target: LoadedTarget) -> None:
        self._explainer = explainer
        self._target = target
        self._is_first = explainer.begins_path(target)
        self._number = itertools.count()
        self._places: dict[tuple[object, ...], _Place] = {}
        self._zones: dict[str, int] = {}
        self._on_network: dict[int, bool] = {}
        self._said: dict[Hashable, _Said | None] = {}
        self._kept = 0

    def answer(self, block: list[FlowLine]) -> Answers:
        """The answers to the flows of ``block``, in order."""
        if self._is_first:
            found = [answer for line in block for answer in self._one_by_one(line)]
            return Answers([text for text, _ in found], all(allowed for _, allowed in found))
        texts: list[str] = []
        add, everything = texts.append, True
        zone_of, place_of = self._zones.get, self._places.get
        for line, source, goal in zip(block, map(source_of, block), map(goal_of, block), strict=True):
            zone = zone_of(source, _UNSEEN)
            if zone is _UNSEEN:
                zone = self._zone(source)
            place = place_of(goal, _UNSEEN)
            if place is _UNSEEN:
                place = self._place(goal, line)
            said = place.said.get(zone, _UNSEEN) if place is not None else None
            if said is _UNSEEN:
                said = self._answer_from(zone, place, line)
            if said is None:
                for text, allowed in self._one_by_one(line):
                    add(text)
                    everything = everything and allowed
                continue
            parts = said.parts
            rest = parts[0] if len(parts) == 1 else source.join(parts)
            add(f'{_HEAD}"{source}"{place.written}{rest}')
            if not said.allowed:
                everything = False
        return Answers(texts, everything)

    def _zone(self, source: str) -> int:
        """The number of the zone of ``source``, or that its flows are answered one by one."""
        address = plain_address(source)
        zone = _ODD if address is None else self._target.verdicts.zone(address)
        if address is not None:
            on_network = self._on_network.get(zone)
            if on_network is None:
                on_network = self._on_network[zone] = self._target.on_network(address)
            zone = _ODD if on_network else zone
        if len(self._zones) >= MANY_ANSWERS // 2:
            self._zones.clear()
        self._zones[source] = zone
        return zone

    def _place(self, key: tuple[object, ...], line: FlowLine) -> _Place | None:
        """None where the columns do not decide alone."""
        target = self._target
        goal = Goal(target, line)
        meeting = target.verdicts.meeting(goal.flow)
        place = None
        if meeting is not None:
            sets = [item.sources for item in goal.wanting] + [rule.sources.addresses for rule in goal.named]
            told = [(target.verdicts.mask(addresses), -1 - at) for at, addresses in enumerate(sets)]
            place = _Place(next(self._number), goal, meeting, told, _flow_after_source(line))
        if len(self._places) >= MANY_ANSWERS // 4:
            self._places.clear()
        self._places[key] = place  # type: ignore[assignment]
        return place

    def _answer_from(self, zone: int, place: _Place, line: FlowLine) -> _Said | None:
        said = None
        if zone != _ODD:
            mark = place.mark(1 << zone)
            said = self._said.get(mark, _UNSEEN)
            if said is _UNSEEN:
                said = self._said[mark] = self._work_out(place, line)
        self._kept += 1
        if self._kept >= MANY_ANSWERS:
            self._forget()
        place.said[zone] = said
        return said

    def _forget(self) -> None:
        self._kept = 0
        self._said.clear()
        for place in self._places.values():
            if place is not None:
                place.said.clear()

    def _one_by_one(self, line: FlowLine) -> Iterator[tuple[str, bool]]:
        return (_answer(found) for found in self._explainer.explain(line, self._target))

    def _work_out(self, place: _Place, line: FlowLine) -> _Said | None:
        """What follows the flow in the answer; None where that cannot be told from other text with certainty."""
        found = self._explainer.answer(place.goal, line)
        near, named = _without_source(found.near, line.source)
        document = explanation_json(replace(found, near=near) if named else found)
        del document["schema"], document["flow"]
        parts = f",{_encode(document).decode()[1:]}".split(_SOURCE_IN_JSON)
        return _Said(parts, document["verdict"] == "allow") if len(parts) == named + 1 else None


_SOURCE = "\0"
_SOURCE_IN_JSON = _encode(_SOURCE)[1:-1].decode()


def _without_source(near: Iterable[NearMiss], address: str) -> tuple[tuple[NearMiss, ...], int]:
    """The near misses with a mark where they end with the address of the source, and how many marks there are."""
    marked = tuple(
        NearMiss(
            ref=item.ref, stage=item.stage, missing=tuple(_marked(part, address) for part in item.missing)
        )
        for item in near
    )
    return marked, sum(_ends(part, address) for item in near for part in item.missing)


def _marked(part: Missing, address: str) -> Missing:
    return Missing(part.lack, part.text.removesuffix(address) + _SOURCE) if _ends(part, address) else part


def _ends(part: Missing, address: str) -> bool:
    return part.lack is Lack.SOURCE and part.text.endswith(f" {address}")


def _answer(found: Explanation) -> tuple[str, bool]:
    return _encode(explanation_json(found)).decode(), found.verdict.word == "allow"


_HEAD = '{"schema":"allowlist/explain/v1","flow":{"source":'


def _flow_after_source(line: FlowLine) -> str:
    """The flow as the answer repeats it, from after its source to its end."""
    written = {"fqdn": line.fqdn, "port": line.port, "protocol": line.protocol} | line.extra
    return f",{_encode(written).decode()[1:]}"
