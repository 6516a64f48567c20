"""nginx and HAProxy: look-up tables of names for the server name of TLS and for the Host of HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from allowlist.errors import InvalidInput
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
    who_lines,
)
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.reading import everything

_HOSTNAMES = DIALECTS["nginx stream map hostnames"]
_PLAIN = DIALECTS["nginx stream map plain"]
_BUCKET_STEP: Final = 64
"""nginx rounds map_hash_bucket_size to a cache line; 64 octets is that line on every platform it runs on here."""


class Nginx:
    """``map`` blocks with ``hostnames``: one for each port, on the server name (stream) or the Host (http).

    A name longer than 46 characters stops nginx 1.22 and 1.26 without ``map_hash_bucket_size`` (measured), so the
    sizes are computed. ``.x`` beside ``x`` or ``*.x`` stops it too: a subtree is written as two lines.
    """

    name = "nginx"
    title = "nginx map blocks for SNI and Host"
    sees = staticmethod(names_in("https", "http"))
    says = ALL_KINDS
    widens: Mapping[Kind, Kind] = {}
    notes = (
        "allowlist-https-*.conf belongs into stream {} with ssl_preread on, allowlist-http-*.conf into http {}.",
        "Close the connection where the variable is 0.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        return {
            f"allowlist-{service.slug}.conf": self._block(service, shapes, title) for service, shapes in lists
        }

    def _block(self, service: Service, shapes: list[tuple[Shape, tuple[str, ...]]], title: str) -> str:
        subject = "$ssl_preread_server_name" if service.protocol == "https" else "$host"
        entries = [(entry, who) for shape, who in shapes for entry in _nginx_entries(shape)]
        lines = [*comment_lines(f"{title}: {service}"), *_sizes([entry for entry, _ in entries])]
        lines.append(f"map {subject} $allowlist_{service.slug.replace('-', '_')} {{")
        lines.append("    hostnames;")
        if not any(shape.kind is Kind.EVERYTHING for shape, _ in shapes):
            lines.append("    default 0;")
        for entry, who in entries:
            lines += [*who_lines(who, indent="    "), f"    {entry} 1;"]
        return "\n".join([*lines, "}", ""])

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for subject, variable, start, body in _map_blocks(text):
                service = _service_of(subject, f"{variable} {file}")
                self._read_block(found, service, file, start, body)
        return found

    def _read_block(self, found: Imported, service: Service, file: str, start: int, body: str) -> None:
        rows = list(_map_rows(body, start))
        dialect = _HOSTNAMES if any(words == ["hostnames"] for _, words in rows) else _PLAIN
        seen: dict[str, int] = {}
        for line, words in rows:
            if len(words) != 2 or words[0] in ("include", "volatile"):
                if words[0] == "include":
                    found.troubles.append(
                        Trouble(TroubleKind.OPAQUE, file, line, words[-1], "includes another file")
                    )
                continue
            entry, value = words[0].strip('"'), words[1].strip('"')
            if value in ("0", "", "deny"):
                continue
            if entry == "default":
                found.add(service, "*", everything(), file, line)
                continue
            for text in _claimed(entry.lower()):
                if text in seen:
                    found.troubles.append(
                        Trouble(
                            TroubleKind.CONFLICT,
                            file,
                            line,
                            entry,
                            f"conflicts with line {seen[text]}, nginx stops",
                        )
                    )
                seen[text] = line
            found.add(service, entry, dialect.read(entry), file, line)


def _claimed(entry: str) -> tuple[str, ...]:
    """The keys an entry takes in nginx's tables; ``.x`` takes both that of ``x`` and that of ``*.x``."""
    if entry.startswith("~"):
        return ()
    return (entry[1:], f"*{entry}") if entry.startswith(".") else (entry,)


def _nginx_entries(shape: Shape) -> Iterator[str]:
    match shape.kind:
        case Kind.ENDS:
            yield '"~*' + shape.name.replace(".", r"\.") + '$"'
        case Kind.EVERYTHING:
            yield "default"
        case _:
            yield from shape.patterns


def _sizes(entries: list[str]) -> list[str]:
    """Room for the longest name and for the number of names, which nginx does not find by itself."""
    longest = max((len(entry) for entry in entries), default=0)
    bucket = _BUCKET_STEP * (2 + (longest + 24) // _BUCKET_STEP)
    most = max(2048, 1 << (4 * len(entries)).bit_length())
    return [f"map_hash_bucket_size {bucket};", f"map_hash_max_size {most};"]


_MAP: Final = re.compile(r"\bmap\s+(\S+)\s+(\$\w+)\s*\{")


def _map_blocks(text: str) -> Iterator[tuple[str, str, int, str]]:
    """(subject, variable, first line, body) of each map block."""
    for match in _MAP.finditer(text):
        end = text.find("}", match.end())
        if end < 0:
            raise InvalidInput.of("map", f"the map block of {match.group(2)} has no end")
        yield match.group(1), match.group(2), text.count("\n", 0, match.end()) + 1, text[match.end() : end]


def _map_rows(body: str, start: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in gather(body.splitlines()):
        yield start + number - 1, line.rstrip(";").split()


def _service_of(subject: str, label: str) -> Service:
    """The service a table is for: what it looks at says the protocol, a number in its name the port."""
    protocol = "http" if "host" in subject and "server_name" not in subject else "https"
    number = re.search(r"(\d{2,5})(?:[_-](\d{2,5}))?", label)
    low = int(number.group(1)) if number else {"http": 80, "https": 443}[protocol]
    return Service(protocol, low, int(number.group(2)) if number and number.group(2) else low)


class HAProxy:
    """Three files by port: exact names (``-m str``), suffixes (``-m end``), and the rules that use them.

    Case, a dot at the end and ``:443`` all count in HAProxy 2.6 and 3.0 (measured), so the rules fold the name first.
    """

    name = "haproxy"
    title = "HAProxy lists for SNI and Host"
    sees = staticmethod(names_in("https", "http"))
    says = ALL_KINDS
    widens: Mapping[Kind, Kind] = {}
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
            for part, match, entries in _haproxy_parts(shapes):
                file = f"allowlist-{service.slug}.{part}"
                files[file] = commented(f"{title}: {service}", entries)
                main.append(f"acl {label} {fetch} -m {match} -f {file}")
            if any(shape.kind is Kind.EVERYTHING for shape, _ in shapes):
                main.append(f"acl {label} always_true")
        return {"allowlist.cfg": "\n".join([*main, ""]), **files}

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for number, line in gather(text.splitlines()):
                words = line.split()
                if words[0] == "acl" and len(words) > 2:
                    self._read_acl(found, files, file, number, words)
        return found

    def _read_acl(self, found: Imported, files: Files, file: str, number: int, words: list[str]) -> None:
        service = _service_of("host" if "hdr" in words[2] else "server_name", f"{words[1]} {file}")
        if words[2] == "always_true":
            found.add(service, "*", everything(), file, number)
            return
        match = words[words.index("-m") + 1] if "-m" in words else "str"
        folded = "lower" in words[2]
        name = f"haproxy sni -m {match}" + (" -i" if "-i" in words and match in ("str", "end") else "")
        if name not in DIALECTS:
            found.troubles.append(
                Trouble(TroubleKind.OPAQUE, file, number, " ".join(words[2:]), "is not understood")
            )
            return
        for entry, where, line in _haproxy_values(words, files, file, number):
            reading = DIALECTS[name].read(entry)
            if not folded and "-i" not in words:
                found.troubles.append(
                    Trouble(
                        TroubleKind.OPAQUE, where, line, entry, "is compared with case and end dot as sent"
                    )
                )
            found.add(service, entry, reading, where, line)


def _fetch(service: Service) -> str:
    if service.protocol == "https":
        return "req.ssl_sni,lower,regsub([.]$,)"
    return "req.hdr(host),lower,regsub(:[0-9]*$,),regsub([.]$,)"


def _haproxy_parts(
    shapes: list[tuple[Shape, tuple[str, ...]]],
) -> Iterator[tuple[str, str, list[tuple[str, tuple[str, ...]]]]]:
    exact = [(shape.name, who) for shape, who in shapes if shape.kind in (Kind.EXACT, Kind.TREE)]
    ends = [(f".{shape.name}", who) for shape, who in shapes if shape.kind in (Kind.BELOW, Kind.TREE)]
    ends += [(shape.name, who) for shape, who in shapes if shape.kind is Kind.ENDS]
    if exact:
        yield "names", "str", exact
    if ends:
        yield "suffixes", "end", ends


def _haproxy_values(words: list[str], files: Files, file: str, number: int) -> Iterator[tuple[str, str, int]]:
    skip: Callable[[int], bool] = lambda place: words[place] in ("-i", "-n")  # noqa: E731
    place = 3
    while place < len(words):
        if words[place] == "-m":
            place += 2
        elif words[place] == "-f":
            name = words[place + 1].rpartition("/")[2]
            text = next((text for key, text in files.items() if key.rpartition("/")[2] == name), "")
            yield from ((entry, name, line) for line, entry in gather(text.splitlines()))
            place += 2
        elif skip(place) or words[place] == "--":
            place += 1
        else:
            yield words[place], file, number
            place += 1
