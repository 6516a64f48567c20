"""Squid: ``dstdomain`` and ``dstdom_regex`` lists by port.

``-n`` keeps Squid from asking reverse DNS for a CONNECT to an address. ``.x`` is a name with everything below it;
"below only" needs a regular expression. A name beside its own ``.x``, or a name before its ``.parent``, keeps Squid
5.7 and 6.13 from starting (measured), so lists are minimal.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
    names_in,
    union,
)
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.names import NameSet

_DOMAIN = DIALECTS["squid dstdomain"]
_REGEX = DIALECTS["squid dstdom_regex"]
_DEFAULT_PORTS = {Service("https", 443, 443), Service("http", 80, 80)}


class Squid:
    name = "squid"
    title = "Squid forward proxy"
    sees = staticmethod(names_in("https", "http"))
    says = ALL_KINDS
    widens: Mapping[Kind, Kind] = {}
    notes = (
        "The names are those of CONNECT and of request URLs: clients must be set to use the proxy.",
        "include allowlist.conf in squid.conf before other http_access lines; it ends with deny all.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        files: dict[str, str] = {}
        main = [*comment_lines(title), "acl allowlist_connect method CONNECT"]
        for service, shapes in lists:
            port = f"allowlist_port_{service.slug}"
            method = "allowlist_connect" if service.protocol == "https" else "!allowlist_connect"
            main += ["", f"acl {port} port {_ports(service)}"]
            for part, kind, entries in _parts(shapes):
                file, acl = f"allowlist-{service.slug}.{part}", f"allowlist_{service.slug}_{part}"
                files[file] = commented(f"{title}: {service}", entries)
                main += [f'acl {acl} {kind} "{file}"', f"http_access allow {method} {port} {acl}"]
            if any(shape.kind is Kind.EVERYTHING for shape, _ in shapes):
                main.append(f"http_access allow {method} {port}")
        return {"allowlist.conf": "\n".join([*main, "", "http_access deny all", ""]), **files}

    def read(self, files: Files) -> Imported:
        found = Imported()
        rules = _Rules(files, found)
        for service in sorted(_DEFAULT_PORTS | rules.services()):
            found.allow(service, rules.allowed(service))
        return found


def _ports(service: Service) -> str:
    return str(service.low) if service.low == service.high else f"{service.low}-{service.high}"


def _parts(
    shapes: list[tuple[Shape, tuple[str, ...]]],
) -> Iterator[tuple[str, str, list[tuple[str, tuple[str, ...]]]]]:
    """(file ending, acl type, entries) of what dstdomain can say, and of what needs an expression."""
    domains = [(_domain(shape), who) for shape, who in shapes if shape.kind in (Kind.EXACT, Kind.TREE)]
    expressions = [
        (_expression(shape), who) for shape, who in shapes if shape.kind in (Kind.BELOW, Kind.ENDS)
    ]
    if domains:
        yield "names", "dstdomain -n", domains
    if expressions:
        yield "suffixes", "dstdom_regex -n -i", expressions


def _domain(shape: Shape) -> str:
    return f".{shape.name}" if shape.kind is Kind.TREE else shape.name


def _expression(shape: Shape) -> str:
    name = shape.name.replace(".", r"\.")
    return rf"^.+\.{name}$" if shape.kind is Kind.BELOW else f"{name}$"


@dataclass
class _Acl:
    kind: str
    parts: list[NameSet] = field(default_factory=list)
    ports: list[tuple[int, int]] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    entries: list[tuple[str, str, int]] = field(default_factory=list)

    @cached_property
    def names(self) -> NameSet:
        return union(self.parts)


class _Rules:
    """The acl and http_access lines of the files, as far as they bear on names, ports and methods."""

    def __init__(self, files: Files, found: Imported) -> None:
        self.files = files
        self.found = found
        self.acls: dict[str, _Acl] = {}
        self.lines: list[tuple[bool, list[str]]] = []
        lists = {_bare(value) for text in files.values() for value in re.findall(r'"([^"\n]+)"', text)}
        for name, text in files.items():
            if _bare(name) not in lists:
                self._read_main(name, text)
        for acl in self.acls.values():
            if acl.kind == "dstdomain":
                self._find_conflicts(acl)

    def _read_main(self, file: str, text: str) -> None:
        for number, line in gather(text.splitlines()):
            words = shlex.split(line, posix=False)
            if words[0] == "acl" and len(words) > 2:
                self._read_acl(file, number, words)
            elif words[0] == "http_access" and len(words) > 2:
                self.lines.append((words[1] == "allow", words[2:]))

    def _read_acl(self, file: str, number: int, words: list[str]) -> None:
        acl = self.acls.setdefault(words[1], _Acl(words[2]))
        values = [word for word in words[3:] if word not in ("-n", "-i")]
        for value in values:
            if value.startswith('"'):
                inner = _bare(value.strip('"'))
                text = next((text for name, text in self.files.items() if _bare(name) == inner), None)
                if text is None:
                    self._trouble(file, number, value, "names a file that was not given", TroubleKind.OPAQUE)
                for line, entry in gather((text or "").splitlines()):
                    self._add(acl, entry, inner, line)
            else:
                self._add(acl, value, file, number)

    def _add(self, acl: _Acl, value: str, file: str, line: int) -> None:
        match acl.kind:
            case "dstdomain" | "dstdom_regex":
                reading = (_DOMAIN if acl.kind == "dstdomain" else _REGEX).read(value)
                self.found.add_trouble(value, reading, file, line)
                acl.parts.append(reading.names or NameSet())
                acl.entries.append((value, file, line))
            case "port":
                low, _, high = value.partition("-")
                if low.isdecimal() and (high or low).isdecimal():
                    acl.ports.append((int(low), int(high or low)))
            case "method":
                acl.methods.add(value.upper())
            case _:
                pass

    def _find_conflicts(self, acl: _Acl) -> None:
        """What Squid refuses: a name beside its own subtree, a name before the subtree of a parent."""
        trees: dict[str, int] = {}
        for place, (entry, _, _) in enumerate(acl.entries):
            if entry.startswith("."):
                trees.setdefault(entry[1:].lower(), place)
        for place, (entry, file, line) in enumerate(acl.entries):
            name = entry.lower().removeprefix(".")
            parts = name.split(".")
            parents = {".".join(parts[start:]) for start in range(len(parts))} - (
                {name} if entry.startswith(".") else set()
            )
            for parent in sorted(parents & trees.keys()):
                if parent == name or place < trees[parent]:
                    self._trouble(file, line, entry, f"stands beside .{parent}", TroubleKind.CONFLICT)

    def _trouble(self, file: str, line: int, entry: str, why: str, kind: TroubleKind) -> None:
        self.found.troubles.append(Trouble(kind, file, line, entry, why))

    def services(self) -> set[Service]:
        ports = {port for acl in self.acls.values() if acl.kind == "port" for port in acl.ports}
        return {Service(protocol, *port) for port in ports for protocol in ("https", "http")}

    def allowed(self, service: Service) -> NameSet:
        """First matching line wins; what no line decides is denied (Squid inverts the last line: ours says deny all)."""
        allowed, open_names = NameSet(), NameSet.everything()
        for allows, words in self.lines:
            names = self._condition(words, service)
            if names is None:
                self._trouble(
                    "http_access",
                    0,
                    " ".join(words),
                    "depends on more than name, port and method",
                    TroubleKind.OPAQUE,
                )
                continue
            allowed = allowed | (names & open_names) if allows else allowed
            open_names -= names
        return allowed

    def _condition(self, words: list[str], service: Service) -> NameSet | None:
        names = NameSet.everything()
        for word in words:
            negated, label = word.startswith("!"), word.lstrip("!")
            found = self._names_of(label, service)
            if found is None:
                return None
            names = names - found if negated else names & found
        return names

    def _names_of(self, label: str, service: Service) -> NameSet | None:
        if label == "all":
            return NameSet.everything()
        acl = self.acls.get(label)
        match acl.kind if acl else "":
            case "dstdomain" | "dstdom_regex":
                return acl.names if acl else None
            case "port":
                return _all_or_none(
                    acl is not None
                    and any(low <= service.low and service.high <= high for low, high in acl.ports)
                )
            case "method":
                connect = acl is not None and "CONNECT" in acl.methods
                return _all_or_none(connect == (service.protocol == "https"))
            case _:
                return None


def _all_or_none(condition: bool) -> NameSet:
    return NameSet.everything() if condition else NameSet()


def _bare(path: str) -> str:
    return path.rpartition("/")[2]
