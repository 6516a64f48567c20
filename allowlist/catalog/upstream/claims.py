"""Rows and catalog entries as the same kind of thing, so that they can be compared as sets.

Only the meaning counts: capitals, the spelling of a placeholder and the order of lines do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from allowlist.catalog.model import ANY_PORT, Entry, Kind, Port
from allowlist.catalog.upstream.ports import PortRange, parse_ports
from allowlist.catalog.upstream.row import Row

ANY_CLOUD: Final = ""
_KINDS: Final = {
    Kind.PATTERN: "fqdn",
    Kind.SERVICE_TAG: "service_tag",
    Kind.PORTS_ONLY: "port_only",
    Kind.PRIVATE_ENDPOINT: "private_dns_zone",
}
COMPARED: Final = frozenset(_KINDS.values())
"""Kinds of rows a catalog speaks of one to one; addresses and DNS forwarders are left to people."""
_HOLE = re.compile(r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|%\w+%")


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is asked for, without cloud and ports: the kind, the canonical value and, for tags, the direction."""

    kind: str
    value: str
    direction: str = ""


@dataclass(slots=True)
class Claim:
    """All rows that ask for one subject."""

    subject: Subject
    rows: list[Row] = field(default_factory=list)

    @property
    def clouds(self) -> frozenset[str]:
        """The clouds the page names; ``ANY_CLOUD`` is in it when some row names none."""
        return frozenset(row.cloud if row.cloud_is_stated else ANY_CLOUD for row in self.rows)

    def rows_in(self, cloud: str) -> list[Row]:
        return [row for row in self.rows if (row.cloud if row.cloud_is_stated else ANY_CLOUD) == cloud]

    def ports_in(self, cloud: str) -> frozenset[PortRange]:
        return frozenset(port for row in self.rows_in(cloud) for port in parse_ports(row.ports))


def claims_of(rows: Iterable[Row]) -> dict[Subject, Claim]:
    """The rows by what they ask for; kinds no catalog speaks of are left out."""
    claims: dict[Subject, Claim] = {}
    for row in rows:
        for subject in subjects_of_row(row):
            claims.setdefault(subject, Claim(subject)).rows.append(row)
    return claims


def subjects_of_row(row: Row) -> Iterator[Subject]:
    if row.kind not in COMPARED:
        return
    directions = ("inbound", "outbound") if row.direction == "both" else (row.direction,)
    for direction in directions:
        yield Subject(row.kind, canonical(row.value, row.kind), direction)


def subjects_of_entry(entry: Entry, parameters: Mapping[str, str]) -> frozenset[Subject]:
    """What an entry asks for, by its value and by the value as the page writes it.

    ``parameters`` gives hosts that the catalog keeps as placeholders, such as ``python_index``. Empty when
    the entry is of a kind no page row corresponds to, or is nothing but an unknown placeholder.
    """
    kind = _KINDS.get(entry.kind)
    if kind is None or (entry.kind is Kind.PRIVATE_ENDPOINT and not entry.is_private_zone):
        return frozenset()
    direction = str(entry.direction) if kind == "service_tag" else ""
    if kind == "port_only":
        return frozenset(Subject(kind, canonical(_numbers(port), kind)) for port in entry.ports)
    spellings = (_filled(entry.value, parameters), entry.written)
    found = {Subject(kind, canonical(text, kind), direction) for text in spellings if text}
    return frozenset(subject for subject in found if subject.value not in ("{}", "*.{}"))


def canonical(value: str, kind: str) -> str:
    """One spelling for one meaning: lower case, each placeholder as ``{}``, a leading dot as ``*.``."""
    text = _HOLE.sub("{}", value.strip().lower())
    if kind == "service_tag":
        return re.sub(r"\.region$", ".{}", text.replace(" ", ""))
    return f"*{text}" if text.startswith(".") else text


def _filled(value: str, parameters: Mapping[str, str]) -> str:
    for name, text in parameters.items():
        value = value.replace("{" + name + "}", text)
    return value


def _numbers(port: Port) -> str:
    return str(port.first) if port.first == port.last else f"{port.first}-{port.last}"


def same_ports(stated: frozenset[PortRange], known: Iterable[Port]) -> bool:
    """Does an entry open exactly the ports a page states? A page that states none is no objection."""
    ports = list(known)
    if not stated:
        return True
    return all(any(_fits(one, port) for port in ports) for one in stated) and all(
        (port.first, port.last) == ANY_PORT or any(_fits(one, port) for one in stated) for port in ports
    )


_OVER_TCP = frozenset({"https", "http", "mssql", "sql"})


def _fits(stated: PortRange, known: Port) -> bool:
    if (known.first, known.last) == ANY_PORT:
        return True
    if (stated.first, stated.last) != (known.first, known.last):
        return False
    protocols = {stated.protocol, str(known.protocol)}
    return bool(protocols & {"", "any"}) or len(protocols) == 1 or protocols <= _OVER_TCP | {"tcp"}
