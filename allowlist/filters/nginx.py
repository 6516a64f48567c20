"""nginx: look-up tables of names for the server name of TLS and for the Host of HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from allowlist.errors import InvalidInput
from allowlist.filters.dialects import DIALECTS
from allowlist.filters.format import (
    Files,
    Imported,
    Place,
    Scope,
    TroubleKind,
    WebNames,
    comment_lines,
    who_lines,
)
from allowlist.filters.lists import Kind, Lists, Service, Shape, said_by
from allowlist.filters.reading import Reading, everything
from allowlist.filters.texts import Texts

_HOSTNAMES = DIALECTS["nginx stream map hostnames"]
_PLAIN = DIALECTS["nginx stream map plain"]
_BUCKET_STEP: Final = 64
"""nginx rounds map_hash_bucket_size to a cache line; 64 octets is that line on every platform it runs on here."""


class Nginx(WebNames):
    """``map`` blocks with ``hostnames``: one for each port, on the server name (stream) or the Host (http).

    A name longer than 46 characters stops nginx 1.22 and 1.26 without ``map_hash_bucket_size`` (measured), so the
    sizes are computed. ``.x`` beside ``x`` or ``*.x`` stops it too: a subtree is written as two lines.
    """

    name = "nginx"
    title = "nginx map blocks for SNI and Host"
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
        _Configuration(files, found)
        return found


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


_DENIES: Final = frozenset(
    {
        "",
        "0",
        "off",
        "no",
        "false",
        "deny",
        "denied",
        "block",
        "blocked",
        "blackhole",
        "reject",
        "rejected",
        "drop",
    }
)
_ALLOWS: Final = frozenset({"1", "on", "yes", "true", "allow", "allowed", "pass", "ok"})
"""What the values of a map are called by those who write them; others are judged by the default (see ``_passes``)."""
_SUBJECTS: Final = re.compile(r"^\$(?:ssl_preread_server_name|ssl_server_name|host|http_host|connect_host)$")
_TOKEN: Final = re.compile(
    r"""#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([;{}])|((?:[^\s;{}"'\\]|\\.)+)|\n"""
)


@dataclass(slots=True)
class _Directive:
    """One statement; ``block`` is None for a simple one."""

    words: list[str]
    file: str
    line: int
    block: list[_Directive] | None = None

    @property
    def name(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def place(self) -> Place:
        return Place(" ".join(self.words), self.file, self.line)

    def inside(self) -> Iterator[_Directive]:
        for child in self.block or ():
            yield child
            yield from child.inside()


def _parse(file: str, text: str) -> list[_Directive]:
    """Raises InvalidInput where braces do not match."""
    stack: list[list[_Directive]] = [[]]
    opened: list[int] = []
    words: list[str] = []
    line = first = 1
    for token in _TOKEN.finditer(text):
        double, single, sign, plain = token.groups()
        if sign is None and (plain is not None or double is not None or single is not None):
            first = first if words else line
            words.append(next(part for part in (double, single, plain) if part is not None))
        elif sign == "{":
            block: list[_Directive] = []
            stack[-1].append(_Directive(words, file, first, block))
            stack.append(block)
            opened.append(line)
            words = []
        elif sign == "}":
            if len(stack) == 1:
                raise InvalidInput.of(file, "has a '}' that closes nothing", line=line)
            stack.pop()
            opened.pop()
            words = []
        elif sign == ";":
            stack[-1].append(_Directive(words, file, first))
            words = []
        line += token.group().count("\n")
    if opened:
        raise InvalidInput.of(file, "has a block that never ends", line=opened[-1])
    return stack[0]


class _Configuration:
    """The maps of server names, and the servers that use them."""

    def __init__(self, files: Files, found: Imported) -> None:
        self.found = found
        self.texts = Texts(files, r"\binclude\s+([^;\s]+)", ("nginx.conf",))
        tree = [
            item
            for name in self.texts.roots(found)
            for item in self._expanded(_parse(name, self.texts.files[name]))
        ]
        everything_in = [child for item in tree for child in (item, *item.inside())]
        servers = [item for item in everything_in if item.name == "server" and item.block]
        for item in everything_in:
            if _is_map(item) and _SUBJECTS.match(item.words[1]):
                self._read_map(item, _services(item, servers))
        for server in servers:
            self._read_server(server, {item.words[2] for item in everything_in if _is_map(item)})

    def _expanded(self, items: list[_Directive]) -> Iterator[_Directive]:
        for item in items:
            if item.name == "include" and len(item.words) == 2:
                for name, text in self.texts.included(item.words[1], item.place, self.found):
                    yield from self._expanded(_parse(name, text))
                continue
            if item.block is not None:
                item.block = list(self._expanded(item.block))
            yield item

    def _read_map(self, item: _Directive, services: tuple[Service, ...]) -> None:
        rows = item.block or []
        dialect = _HOSTNAMES if any(row.words == ["hostnames"] for row in rows) else _PLAIN
        entries = [row for row in rows if len(row.words) == 2]
        default = next((row for row in entries if row.name == "default"), None)
        usual = default.words[1] if default else ""
        self._find_conflicts([row for row in entries if row.name != "default"])
        for row in sorted((row for row in entries if row is not default), key=_precedence):
            reading = dialect.read(row.name.removeprefix("\\"))
            self._say(row, services, usual, reading)
        if default:
            self._say(default, services, usual, everything())
        else:
            self.found.say(False, Scope(place=item.place, services=services))

    def _say(self, row: _Directive, services: tuple[Service, ...], usual: str, reading: Reading) -> None:
        place = Place(row.name if row.name != "default" else "default", row.file, row.line)
        passes = _passes(row.words[1], usual)
        for scope in self.found.scopes(reading, place):
            scope = replace(scope, services=services)
            if passes is not None:
                self.found.say(passes, scope)
            else:
                self.found.either(scope, f"where the value {row.words[1]} leads to")

    def _find_conflicts(self, rows: list[_Directive]) -> None:
        seen: dict[str, int] = {}
        for row in rows:
            for text in _claimed(row.name.lower()):
                if text in seen:
                    why = f"conflicts with line {seen[text]}, nginx stops"
                    self.found.tell(TroubleKind.CONFLICT, Place(row.name, row.file, row.line), why)
                seen[text] = row.line

    def _read_server(self, server: _Directive, variables: set[str]) -> None:
        """A server that passes TLS on without asking a map lets every name through."""
        inner = list(server.inside())
        reads_names = any(item.words == ["ssl_preread", "on"] for item in inner)
        target = next((item for item in inner if item.name == "proxy_pass"), None)
        if (
            reads_names
            and target
            and not any(name in " ".join(item.words) for item in inner for name in variables)
        ):
            self.found.say(True, Scope(place=target.place, services=_listening(server, "https")))


def _is_map(item: _Directive) -> bool:
    return item.name == "map" and item.block is not None and len(item.words) == 3


def _passes(value: str, usual: str) -> bool | None:
    """Does ``value`` let a name through? Where the default turns away, every other value leads somewhere."""
    if value.lower() in _DENIES:
        return False
    if value.lower() in _ALLOWS or value.startswith("$"):
        return True
    return True if usual.lower() in _DENIES else None


def _precedence(row: _Directive) -> tuple[int, int, int]:
    """Exact names, then the longest wildcard in front, the longest one behind, expressions in their order
    (ngx_http_map_module)."""
    entry = row.name
    if entry.startswith("~"):
        return 3, 0, row.line
    if entry.startswith(("*.", ".")):
        return 1, -len(entry.lstrip("*.")), row.line
    return (2, -len(entry), row.line) if entry.endswith(".*") else (0, 0, row.line)


def _services(item: _Directive, servers: list[_Directive]) -> tuple[Service, ...]:
    """What a map decides for: the ports of the servers that use it; else what its name and that of its file say."""
    variable = item.words[2]
    protocol = "https" if "server_name" in item.words[1] else "http"
    used = [
        service
        for server in servers
        if any(variable in word for inner in server.inside() for word in inner.words)
        for service in _listening(server, protocol)
    ]
    if used:
        return tuple(sorted(set(used)))
    return (said_by(protocol, variable, item.file),)


def _listening(server: _Directive, protocol: str) -> tuple[Service, ...]:
    found = []
    for item in server.block or ():
        if item.name == "listen" and len(item.words) > 1:
            port = item.words[1].rpartition(":")[2]
            found.append(
                Service(protocol, int(port), int(port)) if port.isdecimal() else Service(protocol, 80, 80)
            )
    return tuple(found) or (Service(protocol),)
