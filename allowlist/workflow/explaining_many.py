"""Answers to very many flows: what is said of one flow is said of all that neither a rule nor a requirement tells apart.

A flow costs a look-up of its name, a look-up of its source's zone and a line of output; an answer is worked out once
for all flows to one name that meet the same rules and are wanted by the same requirements, by what answers a single
flow.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

from allowlist.rules.addresses import AddressSet
from allowlist.rules.columns.verdicts import Meeting
from allowlist.rules.near_miss import Lack, Missing, NearMiss
from allowlist.workflow.explaining import (
    MANY,
    Explainer,
    Explanation,
    FlowLine,
    LoadedTarget,
    address_of,
    explanation_json,
)

_encode = msgspec.json.Encoder().encode

_UNSEEN: Any = object()


Answer = tuple[bytes, bool]
"""One line of JSON, as ``explain --json`` says it, and whether the flow is allowed."""


def answers(explainer: Explainer, lines: Iterable[FlowLine]) -> Iterator[Answer]:
    """Each flow on each target, in order. The lines make sense: :class:`FlowFile` has seen to it."""
    targets = [_Answering(explainer, target) for target in explainer.targets]
    return (answer for line in lines for target in targets for answer in target.answers(line))


class _Place(NamedTuple):
    """What flows to one goal have in common: the rules that may match, and what else is told apart by the source."""

    number: int
    meeting: Meeting
    told: tuple[tuple[int, int], ...]
    """(mask of the zones, which one) of each requirement that wants it and each rule that nearly allows it."""
    written: bytes
    """The goal as the answer repeats it."""


class _Start(NamedTuple):
    """Where flows begin: the bit of the zone, whether their way has more stages than the rules, the address, and how an
    answer to such a flow begins.
    """

    bit: int
    on_network: bool
    address: bytes
    written: bytes


class _Said(NamedTuple):
    """What follows the flow in an answer: the parts between which it names the source."""

    parts: list[bytes]
    allowed: bool


class _Answering:
    """The answers of one target."""

    def __init__(self, explainer: Explainer, target: LoadedTarget) -> None:
        self._explainer = explainer
        self._target = target
        self._is_first = explainer.begins_path(target)
        self._number = itertools.count()
        self._places: dict[tuple[object, ...], _Place | None] = {}
        self._starts: dict[str, _Start] = {}
        self._said: dict[Hashable, _Said | None] = {}

    def answers(self, line: FlowLine) -> Iterator[Answer]:
        if self._is_first or not line.source:
            return self._one_by_one(line)
        return iter((self.answer(line),))

    def answer(self, line: FlowLine) -> Answer:
        """The answer to a flow that says where it starts."""
        fields = astuple(line)
        source, key = fields[0], fields[1:]
        start = self._starts.get(source) or self._start(source)
        place = self._places.get(key, _UNSEEN)
        if place is _UNSEEN:
            place = self._place(key, line)
        if place is None or start.on_network:
            return self._alone(line)
        bit = start.bit
        mark = (place.number, *place.meeting.mark(bit), *[which for mask, which in place.told if mask & bit])
        said = self._said.get(mark, _UNSEEN)
        if said is _UNSEEN:
            said = self._work_out(mark, line)
        if said is None:
            return self._alone(line)
        return start.written + place.written + start.address.join(said.parts), said.allowed

    def _start(self, source: str) -> _Start:
        address = address_of(source)
        start = _Start(
            self._target.verdicts.bit(address),
            self._target.on_network(address),
            _address_text(address).encode(),
            _HEAD + _encode(source),
        )
        return _kept(self._starts, source, start)

    def _place(self, key: tuple[object, ...], line: FlowLine) -> _Place | None:
        """None where the columns do not decide alone."""
        flow, target = line.towards, self._target
        meeting = target.verdicts.meeting(flow)
        if meeting is None:
            return _kept(self._places, key, None)
        sets = [item.sources for item in target.wanting(flow)]
        sets += [rule.sources.addresses for rule in target.near.named(flow)]
        told = tuple((target.verdicts.mask(addresses), -1 - at) for at, addresses in enumerate(sets))
        place = _Place(next(self._number), meeting, told, _flow_after_source(line))
        return _kept(self._places, key, place)

    def _one_by_one(self, line: FlowLine) -> Iterator[Answer]:
        return (_answer(found) for found in self._explainer.explain(line, self._target))

    def _alone(self, line: FlowLine) -> Answer:
        (found,) = self._one_by_one(line)
        return found

    def _work_out(self, mark: Hashable, line: FlowLine) -> _Said | None:
        """What follows the flow in the answer; None where that cannot be told from other text with certainty."""
        (found,) = self._explainer.explain(line, self._target)
        near, named = _without_source(found.near, _address_text(address_of(line.source)))
        document = explanation_json(replace(found, near=near))
        rest = {key: value for key, value in document.items() if key not in ("schema", "flow")}
        parts = (b"," + _encode(rest)[1:]).split(_SOURCE_IN_JSON)
        said = _Said(parts, document["verdict"] == "allow") if len(parts) == named + 1 else None
        return _kept(self._said, mark, said)


_SOURCE = "\0"
_SOURCE_IN_JSON = _encode(_SOURCE)[1:-1]


def _without_source(near: Iterable[NearMiss], address: str) -> tuple[tuple[NearMiss, ...], int]:
    """The near misses with a mark where they end with the address of the source, and how many marks there are."""
    marked = [
        replace(
            item,
            missing=tuple(
                replace(part, text=part.text.removesuffix(address) + _SOURCE)
                if _ends(part, address)
                else part
                for part in item.missing
            ),
        )
        for item in near
    ]
    return tuple(marked), sum(_ends(part, address) for item in near for part in item.missing)


def _ends(part: Missing, address: str) -> bool:
    return part.lack is Lack.SOURCE and part.text.endswith(f" {address}")


def _address_text(address: int) -> str:
    return str(AddressSet(((address, address),)))


def _answer(found: Explanation) -> Answer:
    return _encode(explanation_json(found)), found.verdict.word == "allow"


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _kept(known: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """``value``, remembered; what is remembered is begun anew before it grows past all bounds."""
    if len(known) >= MANY:
        known.clear()
    known[key] = value
    return value


_HEAD = b'{"schema":"allowlist/explain/v1","flow":{"source":'


def _flow_after_source(line: FlowLine) -> bytes:
    """The flow as the answer repeats it, from after its source to its end."""
    written = {"fqdn": line.fqdn, "port": line.port, "protocol": line.protocol} | line.extra
    return b"," + _encode(written)[1:]
