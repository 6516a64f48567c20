"""Answers to very many flows: what is said of one flow is said of all that neither a rule nor a requirement tells apart.

A flow costs a look-up of its name, a look-up of its source's zone and a line of output; an answer is worked out once
for all flows that meet the same rules and are wanted by the same requirements, by what answers a single flow.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from allowlist.rules.columns.verdicts import Meeting
from allowlist.workflow.explaining import (
    MANY,
    Explainer,
    FlowLine,
    Goal,
    LoadedTarget,
    address_of,
    explanation_json,
)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of JSON, as ``explain --json`` says it, and whether the flow is allowed."""

    text: bytes
    allowed: bool


def answers(explainer: Explainer, lines: Iterable[FlowLine]) -> Iterator[Answer]:
    """Each flow on each target, in order. The lines make sense: :class:`FlowFile` has seen to it."""
    targets = [_Answering(explainer, target) for target in explainer.targets]
    for line in lines:
        for target in targets:
            yield target.answer(line)


@dataclass(frozen=True, slots=True)
class _Place:
    """What flows to one goal have in common: the rules that may match, who wants it, and how the goal is written."""

    meeting: Meeting
    wanting: tuple[tuple[int, int], ...]
    """(mask of the zones, number) of each requirement."""
    written: bytes


@dataclass(slots=True)
class _Answering:
    """The answers of one target."""

    explainer: Explainer
    target: LoadedTarget
    _places: dict[Goal, _Place | None] = field(default_factory=dict)
    _said: dict[Hashable, tuple[bytes, bool]] = field(default_factory=dict)
    _elsewhere: dict[int, bool] = field(default_factory=dict)

    def answer(self, line: FlowLine) -> Answer:
        source = address_of(line.source)
        place = self._place(line)
        if place is None or self._starts_on_network(source):
            return self._alone(line)
        bit = self.target.verdicts.bit(source)
        mark = (place.meeting.mark(bit), *(number for mask, number in place.wanting if mask & bit))
        said = self._said.get(mark)
        if said is None:
            said = self._said[mark] = self._work_out(line)
        text, allowed = said
        return Answer(b"".join((_HEAD, _encode(line.source), place.written, text)), allowed)

    def _place(self, line: FlowLine) -> _Place | None:
        goal = line.goal
        if goal in self._places:
            return self._places[goal]
        if len(self._places) >= MANY:
            self._places.clear()
        found = self._places[goal] = self._made(line)
        return found

    def _made(self, line: FlowLine) -> _Place | None:
        """None where the columns do not decide alone."""
        flow = line.flow()
        meeting = self.target.verdicts.meeting(flow)
        if meeting is None:
            return None
        mask = self.target.verdicts.mask
        wanting = tuple((mask(item.sources), id(item)) for item in self.target.wanting(flow))
        # Where the text of an answer may name the goal, only flows to the same goal share it.
        return _Place(meeting, wanting, _flow_after_source(line))

    def _starts_on_network(self, source: int) -> bool:
        found = self._elsewhere.get(source)
        if found is None:
            if len(self._elsewhere) >= MANY:
                self._elsewhere.clear()
            found = self._elsewhere[source] = self.target.on_network(source)
        return found

    def _alone(self, line: FlowLine) -> Answer:
        document = explanation_json(self.explainer.explain(line, self.target))
        return Answer(_encode(document), document["verdict"] == "allow")

    def _work_out(self, line: FlowLine) -> tuple[bytes, bool]:
        """What follows the flow in the answer, and whether it is allowed."""
        if len(self._said) >= MANY:
            self._said.clear()
        document = explanation_json(self.explainer.explain(line, self.target))
        rest = {key: value for key, value in document.items() if key not in ("schema", "flow")}
        return b"," + _encode(rest)[1:], document["verdict"] == "allow"


_HEAD = b'{"schema":"allowlist/explain/v1","flow":{"source":'


def _flow_after_source(line: FlowLine) -> bytes:
    """The flow as the answer repeats it, from after its source to its end."""
    written = {"fqdn": line.fqdn, "port": line.port, "protocol": line.protocol} | line.extra
    return b"," + _encode(written)[1:]
