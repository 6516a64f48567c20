"""Squid: ``dstdomain`` and ``dstdom_regex`` lists by port.

``-n`` keeps Squid from asking reverse DNS for a CONNECT to an address. ``.x`` is a name with everything below it;
"below only" needs a regular expression. A name beside its own ``.x``, or a name before its ``.parent``, keeps Squid
5.7 and 6.13 from starting (measured), so lists are minimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from allowlist.filters.dialects import DIALECTS, Dialect
from allowlist.filters.format import (
    Files,
    Imported,
    Place,
    Scope,
    TroubleKind,
    WebNames,
    comment_lines,
    commented,
    gather,
)
from allowlist.filters.imported import all_of, joined, negated
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.texts import Texts
from allowlist.rules.addresses import AddressSet

LISTS_OF_FILES: Final = re.compile(r'"(allowlist-[^"/]+)"')
"""Where our files name their lists: a path beside them, which Squid takes from its working folder."""
_DOMAIN = DIALECTS["squid dstdomain"]
_REGEX = DIALECTS["squid dstdom_regex"]


class Squid(WebNames):
    name = "squid"
    title = "Squid forward proxy"
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
        _Rules(files, found)
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


_UNIVERSE: Final = (Service("http"), Service("https"))
_CONNECT: Final = Service("https")
_BUILT_IN: Final = ("all", "manager", "localhost", "to_localhost", "to_linklocal", "CONNECT")
_ORDINARY_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_WORDS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_REFERENCE: Final = r'(?:^\s*include\s+|")([^"\s]+)'
_DOUBTED: Final = {
    "time": "the time of day",
    "proxy_auth": "who has signed in",
    "proxy_auth_regex": "who has signed in",
    "external": "what a helper program answers",
    "browser": "the program of the client",
    "dst": "the address behind the name",
    "url_regex": "the whole URL",
    "urlpath_regex": "the path of the URL",
    "maxconn": "how many connections there are",
}
"""Kinds of acl that decide by something a flow of ours does not say."""
_SECOND_THOUGHTS: Final = {
    "adapted_http_access": "decides once more after an adaptation",
    "url_rewrite_program": "may send requests elsewhere",
    "redirect_program": "may send requests elsewhere",
    "if": "counts only under a condition",
    "ssl_bump": "may end connections by their server name",
}


class _Rules:
    """The statements of squid.conf and of what it includes, in the order in which Squid reads them."""

    def __init__(self, files: Files, found: Imported) -> None:
        self.found = found
        self.texts = Texts(files, _REFERENCE, ("squid.conf",))
        self.acls: dict[str, list[Scope]] = {}
        self.domains: dict[str, list[Place]] = {}
        self.last_allows: bool | None = None
        for name in self.texts.roots(found):
            self._read_file(name, self.texts.files[name])
        for places in self.domains.values():
            _find_conflicts(found, places)
        if self.last_allows is not None:
            found.everything_else(not self.last_allows, "the opposite of the last http_access line")

    def _read_file(self, file: str, text: str) -> None:
        for number, line in gather(_unbroken(text)):
            words = _WORDS.findall(line)
            place = Place(line, file, number)
            match words[0]:
                case "acl" if len(words) > 2:
                    self._define(words[1], words[2], words[3:], place)
                case "http_access" if len(words) > 1:
                    self._decide(words[1] == "allow", words[2:], place)
                case "include":
                    for path in words[1:]:
                        for name, inner in self.texts.included(path, place, self.found):
                            self._read_file(name, inner)
                case word if word in _SECOND_THOUGHTS and words[1:] not in (["none"], ["off"]):
                    if word != "ssl_bump" or "terminate" in words:
                        self.found.unknown(place, _SECOND_THOUGHTS[word])

    def _define(self, name: str, kind: str, words: list[str], place: Place) -> None:
        scopes = self.acls.setdefault(name, [])
        if kind in ("any-of", "all-of"):
            parts = [self._selected(word, place) for word in words]
            scopes += (
                [scope for part in parts for scope in part] if kind == "any-of" else all_of(parts, place)
            )
            return
        for value in self._values(words, place):
            scopes += self._scopes(name, kind, value)
        if kind not in ("dstdomain", "dstdom_regex"):
            self.acls[name] = joined(scopes)

    def _values(self, words: list[str], place: Place) -> Iterator[Place]:
        """The values of an acl, those of its list files among them; flags are none."""
        for word in words:
            path = word.strip('"') if word.startswith('"') else _parameters_file(word)
            if path:
                for name, text in self.texts.included(path, place, self.found):
                    yield from (Place(entry, name, number) for number, entry in gather(text.splitlines()))
            elif not re.fullmatch(r"-[a-z]+|--[a-z-]*", word):
                yield Place(word, place.file, place.line)

    def _scopes(self, name: str, kind: str, value: Place) -> list[Scope]:
        match kind:
            case "dstdomain":
                self.domains.setdefault(name, []).append(value)
                return self._by_name(_DOMAIN, value)
            case "dstdom_regex":
                return self._by_name(_REGEX, value)
            case "port":
                return _ports_of(value)
            case "method":
                return _method(value)
            case "src":
                return _source(value)
            case "proto":
                return (
                    [Scope(place=value, services=(Service("http"),))] if value.entry.upper() == "HTTP" else []
                )
            case _:
                why = _DOUBTED.get(kind, f"an acl of kind {kind}, which is not understood")
                return [Scope(place=value, doubts=(f"{why} (acl {name})",))]

    def _by_name(self, dialect: Dialect, value: Place) -> list[Scope]:
        return self.found.scopes(dialect.read(value.entry), value)

    def _decide(self, allows: bool, words: list[str], place: Place) -> None:
        self.last_allows = allows
        parts = [self._selected(word, place) for word in words]
        scopes = all_of(parts, place)
        for doubt in dict.fromkeys(doubt for scope in scopes for doubt in scope.doubts if "(acl " in doubt):
            self.found.tell(TroubleKind.OPAQUE, place, f"depends on {doubt}")
        self.found.say(allows, *scopes)

    def _selected(self, word: str, place: Place) -> list[Scope]:
        """The flows that an acl, or with ``!`` its opposite, selects; what is built in counts where nothing else does."""
        label = word.removeprefix("!")
        known = self.acls.get(label)
        scopes = _built_in(label, place) if known is None and label in _BUILT_IN else known
        if scopes is None:
            self.found.tell(TroubleKind.FATAL, replace(place, entry=label), "is an acl that is not defined")
            scopes = [Scope(place=place, doubts=(f"the acl {label}, which is not defined",))]
        return negated(scopes, _UNIVERSE, place) if word.startswith("!") else scopes


def _unbroken(text: str) -> list[str]:
    """Lines with their continuations, which end in a backslash; the others of them are empty, so numbers stay."""
    found: list[str] = []
    joined = 0
    for line in text.splitlines():
        if joined:
            found[-joined] += " " + line.strip()
            found.append("")
        else:
            found.append(line)
        joined = joined + 1 if line.endswith("\\") else 0
        if joined:
            found[-joined] = found[-joined].removesuffix("\\")
    return found


def _parameters_file(word: str) -> str:
    match = re.fullmatch(r'parameters\("?([^")]+)"?\)', word)
    return match.group(1) if match else ""


def _built_in(label: str, place: Place) -> list[Scope]:
    """What squid.conf.documented defines; names of flows that leave are none of its own manager or loopback."""
    match label:
        case "all":
            return [Scope(place=place)]
        case "CONNECT":
            return [Scope(place=place, services=(_CONNECT,))]
        case "localhost":
            return [Scope(place=place, sources=AddressSet.parse(["127.0.0.0/8"]))]
        case _:
            return []


def _ports_of(value: Place) -> list[Scope]:
    low, _, high = value.entry.partition("-")
    if not (low.isdecimal() and (high or low).isdecimal()):
        return [Scope(place=value, doubts=(f"the port '{value.entry}'",))]
    return [Scope(place=value, services=(Service("any", int(low), int(high or low)),))]


def _method(value: Place) -> list[Scope]:
    method = value.entry.upper()
    if method == "CONNECT":
        return [Scope(place=value, services=(_CONNECT,))]
    doubts = ("the method of the request",)
    return (
        [Scope(place=value, services=(Service("http"),), doubts=doubts)]
        if method in _ORDINARY_METHODS
        else []
    )


def _source(value: Place) -> list[Scope]:
    if value.entry == "all":
        return [Scope(place=value)]
    if ":" in value.entry:
        return []
    try:
        return [Scope(place=value, sources=AddressSet.parse([value.entry.removesuffix("/32")]))]
    except ValueError:
        return [Scope(place=value, doubts=(f"the addresses of {value.entry}",))]


def _find_conflicts(found: Imported, places: list[Place]) -> None:
    """What Squid refuses: a name beside its own subtree, a name before the subtree of a parent."""
    trees: dict[str, int] = {}
    for number, place in enumerate(places):
        if place.entry.startswith("."):
            trees.setdefault(place.entry[1:].lower(), number)
    for number, place in enumerate(places):
        name = place.entry.lower().removeprefix(".")
        parts = name.split(".")
        parents = {".".join(parts[start:]) for start in range(len(parts))} - (
            {name} if place.entry.startswith(".") else set()
        )
        for parent in sorted(parents & trees.keys()):
            if parent == name or number < trees[parent]:
                found.tell(TroubleKind.CONFLICT, place, f"stands beside .{parent}")
