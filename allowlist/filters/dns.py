"""DNS filters: response policy zones (BIND, Unbound), dnsmasq and Unbound's local zones.

They know names only: a name that resolves may be reached on every port, and by whoever else serves its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.format import (
    ALL_KINDS,
    Files,
    Imported,
    Place,
    Scope,
    TroubleKind,
    comment_lines,
    commented,
    gather,
    who_lines,
)
from allowlist.filters.lists import ANY_SERVICE, Kind, Lists, Service, Shape
from allowlist.filters.reading import everything
from allowlist.filters.texts import Texts
from allowlist.filters.zones import Zone
from allowlist.rules.addresses import EVERYWHERE, AddressSet

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


class _DnsNames:
    """What filters of DNS share: names on any port, no connections of their own."""

    reconnects = False
    sees = staticmethod(_names_only)
    widens: Mapping[Kind, Kind] = MappingProxyType({})


class ResponsePolicyZones(_DnsNames):
    """Two zones: what passes, and after it ``* CNAME .`` alone.

    In one zone every entry would open the whole top-level domain it stands in (measured on BIND 9.18, 9.20 and
    Unbound 1.17, 1.26). Lists are minimal, so no entry stands below a wildcard and hides it.
    """

    name = "rpz"
    title = "response policy zones for BIND and Unbound"
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE})
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
        """Zones in the order in which they are asked: the first that has an entry for a name decides."""
        found = Imported()
        zones = [(name, list(_zone_records(name, files[name], found))) for name in _zones_in_order(files)]
        for name, records in zones:
            self._read_zone(found, name, records, alone=len(zones) == 1)
        found.everything_else(True, "names that no zone has an entry for resolve")
        return found

    def _read_zone(self, found: Imported, file: str, records: list[_Record], *, alone: bool) -> None:
        good: list[_Record] = []
        for record in records:
            why = _odd_owner(record.owner)
            if why:
                found.tell(TroubleKind.FATAL, Place(record.owner, file, record.line), why)
            else:
                good.append(record)
        zone = Zone((record.owner, record.passes) for record in good)
        passing = [record for record in good if record.passes]
        if alone and any(record.owner == "*" and not record.passes for record in good) and passing:
            why = "one zone: names beside the entries resolve too; put it alone into a second zone"
            found.tell(TroubleKind.OPAQUE, Place("*", file), why)
        if passing and not zone.is_closed():
            why = "entries below a wildcard hide it; each needs itself and its own wildcard"
            found.tell(TroubleKind.HIDES, Place(file, file), why)
        for record in good:
            names = zone.names_of(record.owner)
            if names:
                place = Place(record.owner, file, record.line)
                found.say(record.passes, Scope(place=place, names=names, doubts=record.doubts))


@dataclass(frozen=True, slots=True)
class _Record:
    owner: str
    passes: bool
    line: int
    doubts: tuple[str, ...] = ()


_PASSING: Final = frozenset({"rpz-passthru.", "rpz-tcp-only."})
_TRIGGERS: Final = ("rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname")
"""Owners that select by address or name server (draft-vixie-dnsop-dns-rpz-00, section 4)."""
_TYPES: Final = frozenset({"CNAME", "A", "AAAA", "TXT", "MX", "SRV"})


def _zones_in_order(files: Files) -> list[str]:
    """By ``response-policy { zone "a"; zone "b"; }`` of named.conf where that is here, else what blocks comes last."""
    texts = [text for name, text in files.items() if "response-policy" in text]
    zones = [name for name in files if "response-policy" not in files[name]]
    named = [
        zone
        for text in texts
        for zone in re.findall(r'zone\s+"?([^"\s;{]+)', text[text.index("response-policy") :])
    ]
    order = {zone.rstrip("."): at for at, zone in enumerate(dict.fromkeys(named))}

    def rank(name: str) -> tuple[int, bool, str]:
        base = name.rpartition("/")[2]
        found = [
            at
            for zone, at in order.items()
            if zone in (base, base.rpartition(".")[0]) or base.startswith(zone)
        ]
        return min(found, default=len(order)), "block" in name, name

    return sorted(zones, key=rank)


def _zone_records(file: str, text: str, found: Imported) -> Iterator[_Record]:
    """The entries of one zone file; owners are relative to the zone."""
    owner, origin, depth = "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition(";")[0]
        inside, depth = depth > 0, depth + bare.count("(") - bare.count(")")
        words = bare.split()
        if inside or not words:
            continue
        if words[0].upper() == "$ORIGIN" and len(words) > 1:
            origin = words[1].lower()
        elif words[0].upper() in ("$INCLUDE", "$GENERATE"):
            found.unknown(
                Place(bare.strip(), file, number), "brings entries that were not given", TroubleKind.UNREAD
            )
        if words[0].startswith("$"):
            continue
        if not bare[:1].isspace():
            owner = words.pop(0).lower()
            owner = owner.removesuffix(f".{origin}") if origin else owner
        kind = next((word.upper() for word in words if word.upper() in _TYPES), "")
        if kind and owner != "@":
            yield _record(owner, kind, words[[word.upper() for word in words].index(kind) + 1 :], number)


def _record(owner: str, kind: str, data: list[str], number: int) -> _Record:
    """Local data answers in place of the real name, so that one is not reached."""
    target = data[0].lower() if data else ""
    doubts = ("the addresses of the answer",) if any(word in owner.split(".") for word in _TRIGGERS) else ()
    if doubts:
        return _Record("*", kind == "CNAME" and target in _PASSING, number, doubts)
    return _Record(owner, kind == "CNAME" and (target in _PASSING or target.rstrip(".") == owner), number)


def _odd_owner(owner: str) -> str:
    if owner.startswith(".") or ".." in owner:
        return "has an empty label: Unbound 1.17 does not start, later ones and BIND start without the zone"
    if owner.endswith("."):
        return "ends with a dot, so it is outside the zone"
    return ""


class Dnsmasq(_DnsNames):
    """``server=/P/`` for what passes, under ``local=/#/`` that answers the rest itself; the longest entry wins."""

    name = "dnsmasq"
    title = "dnsmasq"
    says = ALL_KINDS
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
        """Longest entry first; a default server answers what no entry holds."""
        found = Imported()
        texts = Texts(files, r"^\s*(?:conf-file|servers-file|conf-dir)=([^,\s]+)", ("dnsmasq.conf",))
        entries = [entry for name in texts.roots(found) for entry in _dnsmasq_entries(texts, name, found)]
        dialect = DIALECTS["dnsmasq server=/P/"]
        for entry in sorted(entries, key=_Entry.weight):
            found.add(
                ANY_SERVICE, entry.text, dialect.read(entry.text), entry.file, entry.line, allows=entry.passes
            )
        if not any(entry.text == "#" for entry in entries):
            found.everything_else(True, "names that no entry holds are asked of the default servers")
        return found


_OPTION: Final = re.compile(
    r"^\s*(server|local|address|rev-server|conf-file|servers-file|conf-dir)\s*=\s*(\S+)"
)
_CLOSED: Final = frozenset({"", "0.0.0.0", "::", "#"})
"""What ``address=/x/…`` answers for a name that is to go nowhere; every other address is where the name leads."""


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    passes: bool
    file: str
    line: int

    def weight(self) -> tuple[int, bool, bool]:
        """Sorts as dnsmasq weighs: the longest first, ``*.x`` before ``x``, ``#`` last; of two equal ones what passes."""
        bare = self.text.strip("/")
        length = 0 if bare in ("#", "*") else len(bare.lstrip("*").lstrip("."))
        return -length, not bare.startswith("*"), not self.passes


def _dnsmasq_entries(texts: Texts, file: str, found: Imported) -> Iterator[_Entry]:
    for number, line in gather(texts.files[file].splitlines()):
        match = _OPTION.match(line)
        if not match:
            continue
        option, value = match.groups()
        if option in ("conf-file", "servers-file"):
            for name, _ in texts.included(value, Place(line, file, number), found):
                yield from _dnsmasq_entries(texts, name, found)
        elif option == "conf-dir":
            folder = value.partition(",")[0].rstrip("/").rpartition("/")[2]
            for name in sorted(texts.files):
                if folder in name.split("/")[:-1] and name != file:
                    yield from _dnsmasq_entries(texts, name, found)
        elif option in ("server", "local", "address"):
            yield from _dnsmasq_domains(option, value, file, number)


def _dnsmasq_domains(option: str, value: str, file: str, number: int) -> Iterator[_Entry]:
    """``/a/b/target`` is an entry for each domain; without one it is a server for what no entry holds."""
    if not value.startswith("/"):
        if option == "server":
            yield _Entry("#", True, file, number)
        return
    *domains, target = value[1:].split("/")
    passes = target not in _CLOSED if option == "address" else option == "server" and bool(target)
    for domain in domains:
        yield _Entry(domain or "#", passes, file, number)


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


class UnboundLocalZones(_DnsNames):
    """``local-zone: "x" always_transparent`` over ``"." always_nxdomain``: a name with everything below it, nothing else."""

    name = "unbound"
    title = "Unbound local zones"
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
        """The longest zone decides; of two equal ones the last."""
        found = Imported()
        texts = Texts(files, r'^\s*include(?:-toplevel)?:\s*"?([^"\s]+)', ("unbound.conf",))
        zones: dict[str, tuple[str, Place]] = {}
        clients: list[tuple[AddressSet, str, Place]] = []
        for name in texts.roots(found):
            for zone, kind, place in _local_zones(texts, name, found, clients):
                if zone in zones:
                    why = f"stands in line {zones[zone][1].line} already; the last one counts"
                    found.tell(TroubleKind.HIDES, place, why)
                zones[zone] = (kind, place)
        _refuse_clients(found, clients)
        dialect = DIALECTS["unbound local-zone"]
        for zone, (kind, place) in sorted(zones.items(), key=lambda item: -len(item[0].rstrip("."))):
            reading = everything() if zone == "." else dialect.read(zone)
            found.add(ANY_SERVICE, zone, reading, place.file, place.line, allows=kind in _RESOLVING)
        if "." not in zones:
            found.everything_else(True, "names outside the local zones are resolved")
        return found


_RESOLVING: Final = frozenset(
    {"always_transparent", "transparent", "typetransparent", "inform", "nodefault", "ipset"}
)
"""Types of local zones under which a name without local data is resolved (unbound.conf(5), local-zone)."""
_LOCAL_ZONE: Final = re.compile(r'local-zone:\s*"?([^"\s]+)"?\s+"?(\w+)"?')


_CLAUSE: Final = re.compile(r"^([a-z-]+):$")
_ACCESS: Final = re.compile(r'access-control:\s*"?([^"\s]+)"?\s+"?(\w+)"?')


def _local_zones(
    texts: Texts, file: str, found: Imported, clients: list[tuple[AddressSet, str, Place]]
) -> Iterator[tuple[str, str, Place]]:
    """The zones for everybody; ``clients`` takes who is answered. Those of a view hold for its clients only."""
    clause = "server"
    for number, line in gather(texts.files[file].splitlines()):
        opened, match, access = _CLAUSE.match(line), _LOCAL_ZONE.match(line), _ACCESS.match(line)
        place = Place(line, file, number)
        clause = opened.group(1) if opened else clause
        if line == "rpz:":
            found.unknown(place, "response policy zones beside the local ones decide too")
        elif line == "view:":
            found.unknown(place, "decides instead of the local zones for the clients of the view")
        elif match and clause != "view":
            yield match.group(1), match.group(2), replace(place, entry=match.group(1))
        elif access and ":" not in access.group(1):
            clients.append((_clients(access.group(1)), access.group(2), place))
        elif line.startswith(("include:", "include-toplevel:")):
            path = line.partition(":")[2].strip().strip('"')
            for name, _ in texts.included(path, place, found):
                yield from _local_zones(texts, name, found, clients)


def _clients(text: str) -> AddressSet:
    try:
        return AddressSet.parse([text])
    except ValueError:
        return AddressSet()


_THIS_HOST: Final = AddressSet.parse(["127.0.0.0/8"])


def _refuse_clients(found: Imported, clients: list[tuple[AddressSet, str, Place]]) -> None:
    """Who is not answered at all: the narrowest network decides, and without any only this host is answered
    (unbound.conf(5), access-control). A part of a configuration that says nothing of clients leaves them open."""
    if not clients:
        return
    answered = _THIS_HOST
    for network, action, _ in sorted(clients, key=lambda item: -item[0].size):
        answered = answered | network if action.startswith("allow") else answered - network
    refused = EVERYWHERE - answered
    if refused:
        found.say(False, Scope(place=clients[0][2], sources=refused))
