"""What the watch remembers between two runs: what each page asked for, and since when a finding waits."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from allowlist.catalog.upstream.claims import Subject
from allowlist.catalog.upstream.drift import Facts, Place, Said
from allowlist.catalog.upstream.ports import PortRange
from allowlist.documents.reader import read_json_document
from allowlist.documents.writing import write_bytes

STATE_SCHEMA: Final = "allowlist/upstream-state/v1"


class SeenPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One place a page asked for, with the ports it stated."""

    kind: str
    value: str
    direction: str = ""
    cloud: str = ""
    ports: tuple[tuple[str, int, int], ...] = ()
    need: str = ""
    condition: str = ""
    section: str = ""


class PageMemory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A page as it was last read in good order."""

    rows: int = 0
    includes: tuple[str, ...] = ()
    seen: tuple[SeenPlace, ...] = ()


class FindingMemory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``first_seen`` starts the quarantine; a finding that goes away is forgotten."""

    first_seen: date


class WatchState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state file; pages by ``repo:path``, findings by their id."""

    schema: str = STATE_SCHEMA
    pages: dict[str, PageMemory] = {}
    findings: dict[str, FindingMemory] = {}


def load_state(path: Path | None) -> WatchState:
    """The state in ``path``; an absent file is a first run. Raises InvalidInput with every mistake."""
    if path is None or not (path.exists() or path.is_symlink()):
        return WatchState()
    return read_json_document(path, WatchState, STATE_SCHEMA)


def save_state(path: Path, state: WatchState) -> None:
    """Raises AllowlistError where it cannot be written; what was there stays."""
    write_bytes(
        path, msgspec.json.format(msgspec.json.encode(state, order="deterministic"), indent=1) + b"\n"
    )


def facts_from(memory: PageMemory) -> Facts:
    """The remembered facts; they have no rows to quote."""
    seen = {Place(Subject(one.kind, one.value, one.direction), one.cloud): one for one in memory.seen}
    return Facts(
        {place: frozenset(PortRange(*port) for port in one.ports) for place, one in seen.items()},
        words={place: Said(one.need, one.condition, one.section) for place, one in seen.items()},
    )


def remembered(facts: Facts) -> tuple[SeenPlace, ...]:
    return tuple(
        SeenPlace(
            kind=place.subject.kind,
            value=place.subject.value,
            direction=place.subject.direction,
            cloud=place.cloud,
            ports=tuple(sorted((port.protocol, port.first, port.last) for port in ports)),
            need=facts.words.get(place, Said()).need,
            condition=facts.words.get(place, Said()).condition,
            section=facts.words.get(place, Said()).section,
        )
        for place, ports in sorted(facts.ports.items())
    )
