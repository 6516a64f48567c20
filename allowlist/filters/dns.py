"""DNS filters: response policy zones (BIND, Unbound), dnsmasq and Unbound's local zones.

They know names only: a name that resolves may be reached on every port, and by whoever else serves its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.format import (
    ALL_KINDS,
    Files,
    Imported,
    Trouble,
    TroubleKind,
    comment_lines,
    commented,
    gather,
    who_lines,
)
from allowlist.filters.lists import ANY_SERVICE, Kind, Lists, Service, Shape
from allowlist.filters.reading import everything
from allowlist.filters.zones import Zone

_DNS_NOTES: Final = (
    (
        "A DNS filter says which names resolve; it says nothing about ports, and a listed name that is an alias (CNAME) "
        "of a name that is not listed resolves all the same."
    ),
)
AZURE_DNS: Final = "168.63.129.16"
"""The virtual address under which Azure resolves for every virtual network (what-is-ip-address-168-63-129-16)."""
_SOA: Final = "@ SOA localhost. root.localhost. 1 12h 15m 3w 2h"


def _names_only(service: Service) -> Service:
    del service
    return ANY_SERVICE


class ResponsePolicyZones:
    """Two zones: what passes, and after it ``* CNAME .`` alone.

    In one zone every entry would open the whole top-level domain it stands in (measured on BIND 9.18, 9.20 and
    Unbound 1.17, 1.26). Lists are minimal, so no entry stands below a wildcard and hides it.
    """

    name = "rpz"
    title = "response policy zones for BIND and Unbound"
    sees = staticmethod(_names_only)
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE})
    widens: Mapping[Kind, Kind] = {}
    notes = (
        *_DNS_NOTES,
        (
            "List allowlist-pass.zone first and allowlist-block.zone second; check both with named-checkzone: "
            "a zone that does not load lets everything resolve."
        ),
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        entries = [
            (f"{owner} CNAME rpz-passthru.", who)
            for _, shapes in lists
            for shape, who in shapes
            for owner in shape.patterns
        ]
        head = ["$TTL 300", _SOA, "@ NS localhost."]
        passing = commented(title, [(line, ()) for line in head] + entries, ";")
        blocking = commented(f"{title}: everything else", [(line, ()) for line in (*head, "* CNAME .")], ";")
        return {"allowlist-pass.zone": passing, "allowlist-block.zone": blocking}

    def read(self, files: Files) -> Imported:
        found = Imported()
        names = sorted(files, key=lambda name: ("block" in name, name))
        zones = [(name, list(_zone_records(files[name]))) for name in names]
        for name, records in zones:
            self._read_zone(found, name, records, alone=len(zones) == 1)
        return found

    def _read_zone(
        self, found: Imported, file: str, records: list[tuple[int, str, str]], *, alone: bool
    ) -> None:
        owners: list[tuple[str, bool]] = []
        for line, owner, target in records:
            why = _odd_owner(owner)
            if why:
                found.troubles.append(Trouble(TroubleKind.FATAL, file, line, owner, why))
                continue
            owners.append((owner, target == "rpz-passthru."))
        zone = Zone(owners)
        passing = [owner for owner, passes in owners if passes]
        if alone and ("*", False) in owners and passing:
            why = "one zone: names beside the entries resolve too; put it alone into a second zone"
            found.troubles.append(Trouble(TroubleKind.OPAQUE, file, 0, "*", why))
        if passing and not zone.is_closed():
            why = "entries below a wildcard hide it; each needs itself and its own wildcard"
            found.troubles.append(Trouble(TroubleKind.CONFLICT, file, 0, file, why))
        found.entries.setdefault(ANY_SERVICE, []).extend(
            (owner, file, line) for line, owner, target in records if target == "rpz-passthru."
        )
        found.allow(ANY_SERVICE, zone.passed())


def _zone_records(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, owner, target) of each CNAME."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(";")[0].split()
        upper = [word.upper() for word in words]
        if "CNAME" in upper and not line[:1].isspace():
            yield number, words[0], words[upper.index("CNAME") + 1]


def _odd_owner(owner: str) -> str:
    if owner.startswith(".") or ".." in owner:
        return "has an empty label: Unbound 1.17 does not start, later ones and BIND start without the zone"
    if owner.endswith("."):
        return "ends with a dot, so it is outside the zone"
    return ""


class Dnsmasq:
    """``server=/P/`` for what passes, under ``local=/#/`` that answers the rest itself; the longest entry wins."""

    name = "dnsmasq"
    title = "dnsmasq"
    sees = staticmethod(_names_only)
    says = ALL_KINDS
    widens: Mapping[Kind, Kind] = {}
    notes = (
        *_DNS_NOTES,
        (
            f"Names that pass are asked of {AZURE_DNS} (Azure DNS): put your resolver there. Use no-resolv and name no "
            "other server: a default server answers what local=/#/ should keep back (2.90)."
        ),
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        entries = [
            (line, who) for _, shapes in lists for shape, who in shapes for line in _dnsmasq_lines(shape)
        ]
        return {"allowlist.dnsmasq.conf": commented(title, [("no-resolv", ()), ("local=/#/", ()), *entries])}

    def read(self, files: Files) -> Imported:
        """Shortest entry first, so that the longest has the last word; a default server opens what no entry closes."""
        found = Imported()
        dialect = DIALECTS["dnsmasq server=/P/"]
        for entry, passes, file, line in sorted(_dnsmasq_entries(files)):
            reading = dialect.read(entry.text)
            found.add_trouble(entry.text, reading, file, line)
            if passes:
                found.add(ANY_SERVICE, entry.text, reading, file, line)
            elif reading.names:
                found.close(ANY_SERVICE, reading.names)
        return found


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """Sorts as dnsmasq weighs: ``#`` before everything else, then by length, ``*.x`` after ``x``."""

    length: int
    starred: bool
    text: str

    @classmethod
    def of(cls, text: str) -> _Entry:
        bare = text.strip("/")
        anything = bare in ("#", "*")
        return cls(0 if anything else len(bare.lstrip("*").lstrip(".")), bare.startswith("*"), text)


def _dnsmasq_entries(files: Files) -> Iterator[tuple[_Entry, bool, str, int]]:
    """(entry, does it pass, file, line); of two equal entries the one that passes comes last."""
    for file, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = re.fullmatch(r"(server|local|address)=(?:/(.*)/)?([^/]*)", line.strip())
            if match:
                passes = match.group(1) == "server" and bool(match.group(3))
                yield _Entry.of("#" if match.group(2) is None else match.group(2)), passes, file, number


def _dnsmasq_lines(shape: Shape) -> Iterator[str]:
    match shape.kind:
        case Kind.EXACT:
            yield f"server=/{shape.name}/{AZURE_DNS}"
            yield f"local=/*.{shape.name}/"
        case Kind.BELOW:
            yield f"server=/*.{shape.name}/{AZURE_DNS}"
        case Kind.TREE:
            yield f"server=/{shape.name}/{AZURE_DNS}"
        case Kind.ENDS:
            yield f"server=/*{shape.name}/{AZURE_DNS}"
        case Kind.EVERYTHING:
            yield f"server={AZURE_DNS}"


class UnboundLocalZones:
    """``local-zone: "x" always_transparent`` over ``"." always_nxdomain``: a name with everything below it, nothing else."""

    name = "unbound"
    title = "Unbound local zones"
    sees = staticmethod(_names_only)
    says = frozenset({Kind.TREE, Kind.EVERYTHING})
    widens: Mapping[Kind, Kind] = {Kind.EXACT: Kind.TREE, Kind.BELOW: Kind.TREE}
    notes = (*_DNS_NOTES, "For one name without what is below it use the format rpz.")

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        lines = ["server:", '    local-zone: "." always_nxdomain']
        for _, shapes in lists:
            for shape, who in shapes:
                zone = shape.name or "."
                lines += [
                    *who_lines(who, indent="    "),
                    f'    local-zone: "{zone}" always_transparent',
                ]
        return {"allowlist.unbound.conf": "\n".join([*comment_lines(title), *lines, ""])}

    def read(self, files: Files) -> Imported:
        found = Imported()
        dialect = DIALECTS["unbound local-zone"]
        seen: dict[str, int] = {}
        for file, text in files.items():
            for line, entry in gather(text.splitlines()):
                match = re.fullmatch(r'local-zone:\s*"?([^"\s]+)"?\s+(\w+)', entry)
                if not match or match.group(2) not in ("always_transparent", "transparent"):
                    continue
                zone = match.group(1)
                if zone in seen:
                    why = f"stands in line {seen[zone]} already; the last one counts"
                    found.troubles.append(Trouble(TroubleKind.CONFLICT, file, line, zone, why))
                seen[zone] = line
                reading = everything() if zone == "." else dialect.read(zone)
                found.add(ANY_SERVICE, zone, reading, file, line)
        return found
