"""Suricata rules on the server name of TLS and the Host of HTTP; AWS Network Firewall takes the same rules.

Rules pass what is listed; the last two drop the rest. Matching text is folded by ``nocase`` (TLS) or written in
lower case (``http.host``, where an upper-case letter loads and never matches; measured on 7.0.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.format import (
    ALL_KINDS,
    Files,
    Imported,
    Trouble,
    TroubleKind,
    comment_lines,
    names_in,
    who_lines,
)
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.reading import Reading, everything

_FIRST_SID: Final = 9_100_001


class Suricata:
    name = "suricata"
    title = "Suricata and AWS Network Firewall stateful rules"
    sees = staticmethod(names_in("https", "http"))
    says = ALL_KINDS
    widens: Mapping[Kind, Kind] = {}
    notes = (
        "Load with pass before drop: action-order pass, drop (AWS: strict order, drop established).",
        "Connections are decided on their first TLS or HTTP message; an SNI with a dot at the end is dropped.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        lines = comment_lines(title)
        number = _FIRST_SID
        for service, shapes in lists:
            lines += ["", f"# {service}"]
            for shape, who in shapes:
                for content in _contents(shape, service):
                    lines += who_lines(who)
                    lines.append(_rule("pass", service, content, f"allowlist {_label(shape)}", number))
                    number += 1
        for service in sorted(lists.services):
            lines.append(
                _rule("drop", service, _buffer(service), f"allowlist: not listed, {service}", number)
            )
            number += 1
        return {"allowlist.rules": "\n".join([*lines, ""])}

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for line, rule in enumerate(text.splitlines(), 1):
                match = _PASS.match(rule.strip())
                if match:
                    self._read_rule(found, file, line, match.group(1), match.group(2), match.group(3))
        return found

    def _read_rule(
        self, found: Imported, file: str, line: int, protocol: str, port: str, options: str
    ) -> None:
        buffer = next((name for name in ("tls.sni", "http.host", "dns.query") if name in options), "")
        content = re.search(r'content:"([^"]*)"', options)
        if not buffer or not content:
            if buffer or "any" not in port:
                found.troubles.append(
                    Trouble(TroubleKind.OPAQUE, file, line, options[:60], "has no single name content")
                )
            return
        reading = _reading(buffer, content.group(1), options)
        low, _, high = port.partition(":")
        default = 443 if protocol == "tls" else 80
        first = int(low) if low.isdecimal() else default
        last = int(high) if high.isdecimal() else first
        found.add(
            Service("https" if protocol == "tls" else "http", first, last),
            content.group(1),
            reading,
            file,
            line,
        )


_PASS: Final = re.compile(r"pass\s+(tls|http)\s+\S+\s+\S+\s+->\s+\S+\s+(\S+)\s+\((.*)\)\s*$")


def _reading(buffer: str, text: str, options: str) -> Reading:
    if text == "" or text == ".":
        return everything()
    if buffer == "http.host":
        if "startswith" in options and "endswith" in options:
            return DIALECTS["haproxy sni -m str"].read(text)
        if "dotprefix" in options:
            return DIALECTS["suricata http.host dotprefix endswith"].read(text)
        return DIALECTS["haproxy sni -m end"].read(text)
    if "startswith" in options and "endswith" in options:
        nocase = " nocase" if "nocase" in options else ""
        return DIALECTS[f"suricata tls.sni startswith endswith{nocase}"].read(text)
    if "dotprefix" in options:
        return DIALECTS["suricata tls.sni dotprefix endswith nocase"].read(text)
    if "endswith" in options:
        return DIALECTS["suricata tls.sni endswith nocase"].read(text)
    return DIALECTS["haproxy sni -m sub"].read(text)


def _buffer(service: Service) -> str:
    return "tls.sni; " if service.protocol == "https" else "http.host; "


def _contents(shape: Shape, service: Service) -> Iterator[str]:
    fold = " nocase;" if service.protocol == "https" else ""
    buffer = _buffer(service)
    match shape.kind:
        case Kind.EXACT:
            yield f'{buffer}content:"{shape.name}";{fold} startswith; endswith; '
        case Kind.BELOW:
            yield f'{buffer}content:".{shape.name}";{fold} endswith; '
        case Kind.TREE:
            yield f'{buffer}dotprefix; content:".{shape.name}";{fold} endswith; '
        case Kind.ENDS:
            yield f'{buffer}content:"{shape.name}";{fold} endswith; '
        case Kind.EVERYTHING:
            yield f'{buffer}content:"."; '


def _label(shape: Shape) -> str:
    return shape.patterns[-1]


def _rule(action: str, service: Service, content: str, message: str, number: int) -> str:
    protocol = "tls" if service.protocol == "https" else "http"
    port = str(service.low) if service.low == service.high else f"{service.low}:{service.high}"
    text = re.sub(r'[;"\\]', "", message).replace(":", " ")
    return (
        f"{action} {protocol} $HOME_NET any -> $EXTERNAL_NET {port} "
        f'(msg:"{text}"; flow:to_server; {content}sid:{number}; rev:1;)'
    )
