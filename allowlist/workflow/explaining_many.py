"""Answers to very many flows: what is said of one flow is said of all that neither a rule nor a requirement tells apart.

A flow costs a look-up of its goal (name and service), one of the sets that hold its source, and a line of output. What
follows in the line is worked out once for all flows to one goal that meet the same rules and are wanted by the same
requirements, by what answers a single flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from allowlist.rules.addresses import plain_address
from allowlist.rules.near_miss import Lack, Missing, NearMiss
from allowlist.workflow.explaining import (
    Explainer,
    Explanation,
    FlowLine,
    Goal,
    LoadedTarget,
    explanation_json,
)
from allowlist.workflow.flow_files import Sent, Toward

_encode = msgspec.json.Encoder().encode

MANY_ANSWERS = 1 << 20
"""So many answers, and half as many sources, are remembered; then it is begun anew."""


class Answers(NamedTuple):
    """Lines of JSON, as ``explain --json`` says them, and whether all those flows are allowed."""

    lines: list[str]
    allowed: bool


def answers(explainer: Explainer, blocks: Iterable[list[Sent]]) -> Iterator[Answers]:
    """Each flow on each target, in order, a block at a time. The lines make sense: :class:`FlowFile` has seen to it."""
    targets = [_Answering(explainer, target) for target in explainer.targets]
    for block in blocks:
        if len(targets) == 1:
            yield targets[0].answer(block)
        else:
            found = [target.answer([sent]) for sent in block for target in targets]
            yield Answers([text for one in found for text in one.lines], all(one.allowed for one in found))


class _Said(NamedTuple):
    """What follows the source in an answer: the parts between which it is named again."""

    parts: list[str]
    allowed: bool


class _Place:
    """A goal: the rules that may match, and what else is told apart by the source."""

    __slots__ = ("columns", "goal", "said", "written")

    def __init__(self, goal: Goal, columns: int, written: str) -> None:
        self.goal = goal
        self.columns = columns
        """The sets of sources that what is said hangs on: of the rules it may meet, of the requirements that want it and
        of the rules that nearly allow it."""
        self.written = written
        """The goal as the answer repeats it."""
        self.said: dict[int, _Said | None] = {}
        """By which of those sets hold the source; None where flows are answered one by one."""


class _Answering:
    """The answers of one target."""

    def __init__(self, explainer: Explainer, target: LoadedTarget) -> None:
        self._explainer = explainer
        self._target = target
        self._is_first = explainer.begins_path(target)
        self._places: dict[Toward, _Place] = {}
        self._rows: dict[str, int] = {}
        """By source the sets that hold it."""
        self._alone: set[str | Toward] = set()
        """Sources and goals that columns do not answer alone."""
        self._on_network: dict[int, bool] = {}
        self._kept = 0

    def answer(self, block: Iterable[Sent]) -> Answers:
        """The answers to the flows of ``block``, in order."""
        texts: list[str] = []
        add, everything = texts.append, True
        rows, places = self._rows, self._places
        for source, toward in block:
            try:
                place = places[toward]
                said = place.said[rows[source] & place.columns]
            except KeyError:
                said = self._answer_from(source, toward)
            if said is None:
                for text, allowed in self._one_by_one(toward.line_from(source)):
                    add(text)
                    everything = everything and allowed
                continue
            parts = said.parts
            add(f"{_HEAD}{source}{parts[0] if len(parts) == 1 else source.join(parts)}")
            if not said.allowed:
                everything = False
        return Answers(texts, everything)

    def _answer_from(self, source: str, toward: Toward) -> _Said | None:
        """What is said where it was not said yet, or where flows are answered one by one."""
        if self._is_first or source in self._alone or toward in self._alone:
            return None
        row, place = self._row(source), self._place(toward)
        if row is None or place is None:
            return None
        row &= place.columns
        if row not in place.said:
            self._kept += 1
            if self._kept >= MANY_ANSWERS:
                self._forget()
            place.said[row] = self._work_out(place, toward.line_from(source))
        return place.said[row]

    def _row(self, source: str) -> int | None:
        """The sets that hold ``source``; None where its flows are answered one by one.

        Those are sources that are not written as four plain numbers, and those on a network of the estate.
        """
        found = self._rows.get(source)
        if found is not None:
            return found
        address = plain_address(source)
        if address is None or self._stands_on_network(address):
            self._leave_alone(source)
            return None
        if len(self._rows) >= MANY_ANSWERS // 2:
            self._rows.clear()
        found = self._rows[source] = self._target.verdicts.row(address)
        return found

    def _leave_alone(self, one: str | Toward) -> None:
        if len(self._alone) >= MANY_ANSWERS // 4:
            self._alone.clear()
        self._alone.add(one)

    def _stands_on_network(self, address: int) -> bool:
        zone = self._target.verdicts.zone(address)
        found = self._on_network.get(zone)
        if found is None:
            found = self._on_network[zone] = self._target.on_network(address)
        return found

    def _place(self, toward: Toward) -> _Place | None:
        """None where the columns do not decide alone."""
        found = self._places.get(toward)
        if found is not None:
            return found
        target, goal = self._target, Goal(self._target, toward.line)
        meeting = goal.meeting
        if meeting is None:
            self._leave_alone(toward)
            return None
        told = [item.sources for item in goal.wanting] + [rule.sources.addresses for rule in goal.named]
        masks = [item.mask for item in meeting.candidates] + list(map(target.verdicts.mask, told))
        if len(self._places) >= MANY_ANSWERS // 4:
            self._places.clear()
        found = _Place(goal, target.verdicts.columns(masks), _flow_after_source(toward.line))
        self._places[toward] = found
        return found

    def _forget(self) -> None:
        self._kept = 0
        for place in self._places.values():
            place.said.clear()

    def _one_by_one(self, line: FlowLine) -> Iterator[tuple[str, bool]]:
        return (_answer(found) for found in self._explainer.explain(line, self._target))

    def _work_out(self, place: _Place, line: FlowLine) -> _Said | None:
        """What follows the flow in the answer; None where that cannot be told from other text with certainty."""
        found = self._explainer.answer(place.goal, line)
        near, named = _without_source(found.near, line.source)
        document = explanation_json(replace(found, near=near) if named else found)
        del document["schema"], document["flow"]
        parts = f'"{place.written},{_encode(document).decode()[1:]}'.split(_SOURCE_IN_JSON)
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


_HEAD = '{"schema":"allowlist/explain/v1","flow":{"source":"'


def _flow_after_source(line: FlowLine) -> str:
    """The flow as the answer repeats it, from after its source to its end."""
    written = {"fqdn": line.fqdn, "port": line.port, "protocol": line.protocol} | line.extra
    return f",{_encode(written).decode()[1:]}"
