"""HAProxy: acl lines over the server name of TLS and the Host of HTTP, and the rules that use them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from allowlist.filters.dialects import DIALECTS
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
from allowlist.filters.imported import all_of, both, joined, negated
from allowlist.filters.lists import Kind, Lists, Service, Shape, said_by
from allowlist.filters.texts import Texts
from allowlist.rules.addresses import AddressSet


class HAProxy(WebNames):
    """Three files by port: exact names (``-m str``), suffixes (``-m end``), and the rules that use them.

    Case, a dot at the end and ``:443`` all count in HAProxy 2.6 and 3.0 (measured), so the rules fold the name first.
    """

    name = "haproxy"
    title = "HAProxy lists for SNI and Host"
    notes = (
        "The acl lines of allowlist.cfg belong into the frontend of their port; reject what no acl matches.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        files: dict[str, str] = {}
        main = comment_lines(title)
        for service, shapes in lists:
            fetch = _fetch(service)
            label = f"allowlist_{service.slug.replace('-', '_')}"
            main += ["", f"# {service}"]
            for part, match, entries in _parts(shapes):
                file = f"allowlist-{service.slug}.{part}"
                files[file] = commented(f"{title}: {service}", entries)
                main.append(f"acl {label} {fetch} -m {match} -f {file}")
            if any(shape.kind is Kind.EVERYTHING for shape, _ in shapes):
                main.append(f"acl {label} always_true")
        return {"allowlist.cfg": "\n".join([*main, ""]), **files}

    def read(self, files: Files) -> Imported:
        found = Imported()
        _Configuration(files, found)
        return found


def _fetch(service: Service) -> str:
    if service.protocol == "https":
        return "req.ssl_sni,lower,regsub([.]$,)"
    return "req.hdr(host),lower,regsub(:[0-9]*$,),regsub([.]$,)"


def _parts(
    shapes: list[tuple[Shape, tuple[str, ...]]],
) -> Iterator[tuple[str, str, list[tuple[str, tuple[str, ...]]]]]:
    exact = [(shape.name, who) for shape, who in shapes if shape.kind in (Kind.EXACT, Kind.TREE)]
    ends = [(f".{shape.name}", who) for shape, who in shapes if shape.kind in (Kind.BELOW, Kind.TREE)]
    ends += [(shape.name, who) for shape, who in shapes if shape.kind is Kind.ENDS]
    if exact:
        yield "names", "str", exact
    if ends:
        yield "suffixes", "end", ends


_UNIVERSE: Final = (Service("http"), Service("https"))
_MATCHES: Final = ("str", "end", "dom", "sub", "beg", "reg")
_SECTIONS: Final = frozenset(
    {
        "global",
        "defaults",
        "frontend",
        "listen",
        "backend",
        "resolvers",
        "userlist",
        "peers",
        "cache",
        "program",
        "ring",
    }
)
_OPEN_ENDS: Final = frozenset({"deny", "reject", "silent-drop", "tarpit", "redirect", "return"})
_TRUE: Final = frozenset({"TRUE", "HTTP", "HTTP_1.0", "HTTP_1.1", "HTTP_2.0", "WAIT_END", "REQ_CONTENT"})
"""Predefined acls that hold for every request a filter of names decides (HAProxy configuration manual, 7.4)."""
_HELLO: Final = re.compile(
    r"^(req\.ssl_hello_type|req_ssl_hello_type|req\.ssl_ver|req_ssl_ver|req\.len|req_len|req\.ssl_sni,?.*-m found)"
)
_MAP: Final = re.compile(r"map_?(str|end|dom|sub|beg|reg)?\(([^,)]+)")


_STAGES: Final = (("tcp-request", "connection"), ("tcp-request", "content"), ("http-request", ""))
"""Sets of rules in the order in which HAProxy asks them; after them a backend is chosen."""


@dataclass(slots=True)
class _Section:
    kind: str
    name: str
    file: str
    lines: list[tuple[int, list[str]]] = field(default_factory=list)

    def having(self, *names: str) -> list[tuple[int, list[str]]]:
        return [(number, words) for number, words in self.lines if words[0] in names]


class _Configuration:
    """Every frontend's rules in the order in which HAProxy asks them."""

    def __init__(self, files: Files, found: Imported) -> None:
        self.found = found
        self.texts = Texts(files, r"(?:-f\s+|map_?\w*\()([^\s,)]+)", ("haproxy.cfg",))
        sections = [part for name in self.texts.roots(found) for part in self._sections(name)]
        self.backends = {part.name: part for part in sections if part.kind in ("backend", "listen")}
        for section in sections:
            if section.kind in ("frontend", "listen", ""):
                _Frontend(self, section).say()

    def _sections(self, file: str) -> Iterator[_Section]:
        section = _Section("", "", file)
        for number, line in gather(self.texts.files[file].splitlines()):
            words = _words(line)
            if words and words[0] in _SECTIONS:
                yield section
                section = _Section(words[0], words[1] if len(words) > 1 else "", file)
            elif words:
                section.lines.append((number, words))
        yield section

    def leads_on(self, backend: str) -> bool:
        """A backend without servers, or one that is not there, answers nothing itself."""
        known = self.backends.get(backend)
        return bool(known and known.having("server", "server-template", "use-server"))


class _Frontend:
    def __init__(self, owner: _Configuration, section: _Section) -> None:
        self.owner, self.section, self.found = owner, section, owner.found
        self.acls: dict[str, list[Scope]] = {}
        for number, words in section.having("acl"):
            if len(words) > 2:
                place = Place(" ".join(words), section.file, number)
                self.acls.setdefault(words[1], []).extend(self._test(words[2:], place, words[1]))
        self.acls = {name: joined(scopes) for name, scopes in self.acls.items()}
        self.services = _bound(section)

    def say(self) -> None:
        rules = list(self._from(0))
        if not rules:
            for scopes in self.acls.values():
                self.found.say(True, *scopes)
            return
        whole = [Scope(place=Place(self.section.name or self.section.file), services=self.services)]
        for allows, scopes in rules:
            self.found.say(allows, *both(whole, scopes))
        self.found.say(False, *whole)

    def _from(self, stage: int) -> Iterator[tuple[bool, list[Scope]]]:
        """What decides from one set of rules on: "accept" ends the set it stands in, and later ones still decide."""
        if stage == len(_STAGES):
            yield from self._backends()
            return
        kind, phase = _STAGES[stage]
        for number, words in self.section.having(kind):
            action = words[2] if phase else words[1]
            if (phase and words[1] != phase) or action not in (*_OPEN_ENDS, "accept", "allow"):
                continue
            place = Place(" ".join(words), self.section.file, number)
            scopes = self._condition(words, place)
            if action in _OPEN_ENDS:
                yield False, scopes
                continue
            for allows, later in list(self._from(stage + 1)) or [(True, [Scope(place=place)])]:
                yield allows, both(scopes, later)
            yield False, scopes
        yield from self._from(stage + 1)

    def _ends_somewhere(self) -> bool:
        named = [words[1] for _, words in self.section.having("default_backend") if len(words) > 1]
        return bool(self.section.having("server")) or any(map(self.owner.leads_on, named))

    def _backends(self) -> Iterator[tuple[bool, list[Scope]]]:
        for number, words in self.section.having("use_backend"):
            place = Place(" ".join(words), self.section.file, number)
            yield self.owner.leads_on(words[1]), self._condition(words, place)
        if self._ends_somewhere():
            name = (
                " ".join(" ".join(words) for _, words in self.section.having("default_backend")) or "server"
            )
            yield True, [Scope(place=Place(name, self.section.file))]

    def _condition(self, words: list[str], place: Place) -> list[Scope]:
        word = next((item for item in words if item in ("if", "unless")), None)
        if word is None:
            return [Scope(place=place)]
        scopes = self._alternatives(words[words.index(word) + 1 :], place)
        return negated(scopes, _UNIVERSE, place) if word == "unless" else scopes

    def _alternatives(self, words: list[str], place: Place) -> list[Scope]:
        found: list[Scope] = []
        parts: list[list[Scope]] = []
        at = 0
        while at < len(words):
            if words[at] in ("or", "||"):
                found += all_of(parts, place)
                parts = []
                at += 1
                continue
            opposite = words[at].startswith("!")
            label = words[at].removeprefix("!")
            if opposite and not label:
                at += 1
                label = words[at] if at < len(words) else ""
            if label == "{":
                end = words.index("}", at) if "}" in words[at:] else len(words)
                scopes = self._test(words[at + 1 : end], place, "")
                at = end
            else:
                scopes = self._named(label, place)
            parts.append(negated(scopes, _UNIVERSE, place) if opposite else scopes)
            at += 1
        return [*found, *all_of(parts, place)]

    def _named(self, label: str, place: Place) -> list[Scope]:
        if label in self.acls:
            return self.acls[label]
        if label in _TRUE:
            return [Scope(place=place)]
        if label == "METH_CONNECT":
            return [Scope(place=place, services=(Service("https"),))]
        if label == "FALSE":
            return []
        self.found.tell(TroubleKind.FATAL, replace(place, entry=label), "is an acl that is not defined")
        return [Scope(place=place, doubts=(f"the acl {label}, which is not defined",))]

    def _test(self, words: list[str], place: Place, label: str) -> list[Scope]:
        """What one test of a request selects: ``req.ssl_sni -m end .x.com``, ``src 10.0.0.0/8`` …"""
        if not words:
            return [Scope(place=place, doubts=("an empty condition",))]
        fetch = words[0]
        if fetch == "always_true" and self.section.kind == "":
            return [Scope(place=place, services=(_labelled(label, place.file, "https"),))]
        if fetch in ("always_true", "true") or _HELLO.match(" ".join(words)):
            return [Scope(place=place)]
        if fetch in ("always_false", "false"):
            return []
        kind = re.split(r"[,(]", fetch)[0]
        if kind == "src":
            return _addresses(_values_of(words), place)
        if kind in ("dst_port", "fc_dst_port"):
            ports = [value.partition("-") for value in _values_of(words)]
            return [
                Scope(place=place, services=(Service("any", int(low), int(high or low)),))
                for low, _, high in ports
                if low.isdecimal() and (high or low).isdecimal()
            ]
        if "sni" in fetch or "host" in fetch.lower():
            return self._by_name(words, place, label)
        return [Scope(place=place, doubts=(f"'{' '.join(words)}', which is not understood",))]

    def _by_name(self, words: list[str], place: Place, label: str) -> list[Scope]:
        fetch = words[0]
        protocol = "https" if "sni" in fetch else "http"
        service = _labelled(label, place.file, protocol) if self.section.kind == "" else Service(protocol)
        mapped = _MAP.search(fetch)
        given = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
        suffix = re.match(r"^hdr_(end|dom|sub|beg|reg)\(", fetch)
        match = (mapped.group(1) or "str") if mapped else given or (suffix.group(1) if suffix else "str")
        folds = "-i" in words
        name = f"haproxy sni -m {match}" + (" -i" if folds and match in ("str", "end") else "")
        if name not in DIALECTS:
            self.found.tell(TroubleKind.OPAQUE, replace(place, entry=" ".join(words)), "is not understood")
            return [
                Scope(
                    place=place,
                    services=(service,),
                    doubts=(f"'{' '.join(words)}', which is not understood",),
                )
            ]
        values = self._map_values(mapped.group(2), words, place) if mapped else self._values(words, place)
        found: list[Scope] = []
        for value in values:
            reading = DIALECTS[name].read(value.entry)
            if not folds and "lower" not in fetch:
                why = "is compared with case and end dot as sent"
                self.found.tell(TroubleKind.OPAQUE, value, why)
            found += [replace(scope, services=(service,)) for scope in self.found.scopes(reading, value)]
        return found

    def _values(self, words: list[str], place: Place) -> Iterator[Place]:
        for path in _list_files(words):
            for name, text in self.owner.texts.included(path, place, self.found):
                yield from (Place(entry, name, number) for number, entry in gather(text.splitlines()))
        for value in _values_of(words):
            yield Place(value, place.file, place.line)

    def _map_values(self, path: str, words: list[str], place: Place) -> Iterator[Place]:
        """The first column of a map file, where the second is a value that is asked for."""
        wanted = set(_values_of(words))
        for name, text in self.owner.texts.included(path, place, self.found):
            for number, line in gather(text.splitlines()):
                key, _, value = line.partition(" ")
                if not wanted or value.strip() in wanted:
                    yield Place(key, name, number)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _values_of(words: list[str]) -> list[str]:
    """What stands behind the fetch, without flags and list files."""
    found: list[str] = []
    at = 1
    while at < len(words):
        if words[at] in ("-m", "-f", "-M", "-u"):
            at += 2
            continue
        if words[at] not in ("-i", "-n", "--"):
            found.append(words[at])
        at += 1
    return found


def _list_files(words: list[str]) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-f"]


def _addresses(values: list[str], place: Place) -> list[Scope]:
    try:
        return [Scope(place=place, sources=AddressSet.parse(value for value in values if ":" not in value))]
    except ValueError:
        return [Scope(place=place, doubts=(f"the addresses {', '.join(values)}",))]


def _labelled(label: str, file: str, protocol: str) -> Service:
    """For acl lines outside a frontend: the port that the name of the acl, or of its file, says."""
    if "http_" in label or "http-" in label:
        protocol = "http"
    return said_by(protocol, label, file)


def _bound(section: _Section) -> tuple[Service, ...]:
    """The ports a frontend listens on; without any it is a fragment for whatever frontend takes it."""
    ports = [
        int(port)
        for _, words in section.having("bind")
        for address in words[1].split(",")
        if (port := address.rpartition(":")[2]).isdecimal()
    ]
    return tuple(Service("any", port, port) for port in sorted(set(ports))) or (Service("any"),)
