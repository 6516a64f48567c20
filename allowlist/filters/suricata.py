"""Suricata rules on the server name of TLS and the Host of HTTP; AWS Network Firewall takes the same rules.

Rules pass what is listed; the last two drop the rest. Matching text is folded by ``nocase`` (TLS) or written in
lower case (``http.host``, where an upper-case letter loads and never matches; measured on 7.0.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.documents import documents, values_under
from allowlist.filters.format import (
    Files,
    Imported,
    Place,
    Scope,
    TroubleKind,
    WebNames,
    comment_lines,
    line_of,
    who_lines,
)
from allowlist.filters.imported import both
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.reading import Reading, everything
from allowlist.rules.addresses import EVERYWHERE, AddressSet

_FIRST_SID: Final = 9_100_001


class Suricata(WebNames):
    name = "suricata"
    title = "Suricata and AWS Network Firewall stateful rules"
    reconnects = False
    notes = (
        "The rules mean the same in both orders of AWS (action order, strict order) and in Suricata's own (pass before drop).",
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
        for service in _SEEN:
            lines.append(
                _rule("drop", service, _buffer(service), f"allowlist: not listed, {service}", number)
            )
            number += 1
        return {"allowlist.rules": "\n".join([*lines, ""])}

    def read(self, files: Files) -> Imported:
        """Rules as text, or as rule groups and policies of AWS in JSON or YAML.

        Every rule that passes before every rule that drops, as Suricata orders them unless told otherwise; rules of a
        group in strict order as they are written.
        """
        found = Imported()
        rules: list[tuple[re.Match[str], Place]] = []
        strict: list[list[tuple[re.Match[str], Place]]] = []
        defaults: set[str] = set()
        for file, text in files.items():
            if not _is_document(text):
                rules += _rules(file, text, found)
                continue
            for document in documents(file, text):
                defaults |= set(_default_actions(document))
                for string, order in _rule_groups(document):
                    group = list(_rules(file, string, found, text))
                    if order == _STRICT:
                        strict.append(group)
                    else:
                        rules += group
        if strict:
            self._read_strict(found, strict, rules, defaults)
        else:
            self._read_by_action(found, rules)
        return found

    def _read_by_action(self, found: Imported, rules: list[tuple[re.Match[str], Place]]) -> None:
        for actions in (("pass",), _DROPS):
            for match, place in rules:
                if match["action"] in actions:
                    self._read_rule(found, match, place)
        drops = any(match["action"] not in ("pass", "alert") for match, _ in rules)
        if not drops and rules:
            whole = Place("no rule drops")
            why = "the default action of the policy, where no rule drops"
            found.say(False, Scope(place=whole, doubts=(why,)))
        found.say(True, Scope(place=Place("what no rule drops"), services=_SEEN))

    def _read_strict(
        self,
        found: Imported,
        groups: list[list[tuple[re.Match[str], Place]]],
        others: list[tuple[re.Match[str], Place]],
        defaults: set[str],
    ) -> None:
        """AWS takes one order for a policy, and groups by a priority that stands in the policy, not in the group."""
        if others:
            found.unknown(others[0][1], "stands in default action order beside groups in strict order")
        if len(groups) > 1:
            found.unknown(groups[1][0][1], "the priorities of the rule groups, which stand in the policy")
        for match, place in (rule for group in groups for rule in group):
            if match["action"] == "pass" or match["action"] in _DROPS:
                self._read_rule(found, match, place)
        rest = Scope(place=Place("what no rule decides"), services=_SEEN)
        if not defaults:
            found.either(rest, "the stateful default actions of the policy")
        elif not any("drop" in action for action in defaults):
            found.say(True, rest)

    def _read_rule(self, found: Imported, match: re.Match[str], place: Place) -> None:
        allows, options = match["action"] == "pass", _OPTION.findall(match["options"])
        base = Scope(
            place=place,
            services=tuple(
                Service(protocol, low, high)
                for protocol in _PROTOCOLS.get(match["protocol"], ())
                for low, high in _ports(match["port"])
            ),
            sources=_sources(match["source"]),
            doubts=_doubts(match, options),
        )
        if not base.services:
            return
        buffers = [name for name, _ in options if name in _BUFFERS]
        contents = [value for name, value in options if name == "content"]
        hard = [name for name, _ in options if name in ("pcre", "dataset", "datarep", "luajit", "lua")]
        if len(contents) > 1 or hard or (contents and contents[0].startswith("!")):
            found.tell(
                TroubleKind.OPAQUE, replace(place, entry=place.entry[:80]), "has no single name content"
            )
            base = replace(base, doubts=(*base.doubts, "a condition on the content that is no single name"))
            contents = []
        if not contents or not buffers:
            found.say(allows, base)
            return
        entry = contents[0].strip('"')
        reading = _reading(buffers[0], entry, match["options"])
        found.say(allows, *both([base], found.scopes(reading, replace(place, entry=entry))))


_DROPS: Final = ("drop", "reject", "rejectsrc", "rejectdst", "rejectboth")
_STRICT: Final = "STRICT_ORDER"


def _is_document(text: str) -> bool:
    """A rule group of AWS, not rules: JSON, or a template that speaks of rule groups."""
    return (
        text.lstrip()[:1] in ("{", "[")
        or re.search(r"^\s*-?\s*(RulesString|StatefulDefaultActions):", text, re.MULTILINE) is not None
    )


def _rule_groups(document: Any) -> Iterator[tuple[str, str]]:
    """(rules, order) of each stateful rule group, wherever it stands in an answer of the API, a template or a state."""
    groups = list(values_under(document, "RuleGroup")) or [document]
    for group in groups:
        orders = [str(order) for order in values_under(group, "RuleOrder")]
        for text in values_under(group, "RulesString"):
            if isinstance(text, str):
                yield text, orders[0] if orders else ""


def _default_actions(document: Any) -> Iterator[str]:
    for actions in values_under(document, "StatefulDefaultActions"):
        yield from map(str, actions if isinstance(actions, list) else [actions])


def _rules(file: str, text: str, found: Imported, inside: str = "") -> Iterator[tuple[re.Match[str], Place]]:
    """``inside``: the document that holds ``text`` as one value, whose lines are those of the file."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        sid = _SID.search(bare)
        at = line_of(inside, f"sid:{sid.group(1)}") if inside and sid else 0 if inside else number
        place, match = Place(bare, file, at), _RULE.match(bare)
        if match:
            yield match, place
        else:
            found.unknown(replace(place, entry=bare[:80]), "is no rule that is understood")


_RULE: Final = re.compile(
    r"(?P<action>\w+)\s+(?P<protocol>\w+)\s+(?P<source>\[[^\]]*\]|\S+)\s+\S+\s+->\s+(?P<target>\[[^\]]*\]|\S+)\s+"
    r"(?P<port>\[[^\]]*\]|\S+)\s+\((?P<options>.*)\)\s*$"
)
_SID: Final = re.compile(r"sid:\s*(\d+)")
_OPTION: Final = re.compile(r'([\w.]+)\s*(?::\s*((?:!\s*)?"(?:[^"\\]|\\.)*"|[^;]*))?;')
_SEEN: Final = (Service("http"), Service("https"))
_BUFFERS: Final = ("tls.sni", "tls_sni", "http.host", "http_host")
_PROTOCOLS: Final = {
    "tls": ("https",),
    "ssl": ("https",),
    "http": ("http",),
    "http1": ("http",),
    "tcp": ("https", "http"),
    "ip": ("https", "http"),
}
"""What a protocol of a rule holds of what a filter of names sees; QUIC, DNS and UDP are other traffic."""
_ANYBODY: Final = frozenset({"any", "$HOME_NET", "![$EXTERNAL_NET]", "!$EXTERNAL_NET"})


def _ports(text: str) -> list[tuple[int, int]]:
    """Both ends of each range; a variable or a negation stands for every port (``_doubts`` says so)."""
    parts = text.strip("[]").split(",")
    found: list[tuple[int, int]] = []
    for part in map(str.strip, parts):
        low, colon, high = part.partition(":")
        if not (low or high).isdecimal():
            return [(0, 65535)]
        found.append((int(low or 0), int(high or (65535 if colon else low))))
    return found


def _sources(text: str) -> AddressSet:
    try:
        return (
            EVERYWHERE if text in _ANYBODY else AddressSet.parse(text.strip("[]").replace(" ", "").split(","))
        )
    except ValueError:
        return EVERYWHERE


def _doubts(match: re.Match[str], options: list[tuple[str, str]]) -> tuple[str, ...]:
    """What else decides about a rule: addresses and ports in variables, flow bits, thresholds."""
    found = []
    port = match["port"]
    if port != "any" and re.search(r"[$!]", port):
        found.append(f"the ports {port}")
    source = match["source"]
    if source not in _ANYBODY and _sources(source) == EVERYWHERE:
        found.append(f"the addresses {source}")
    if match["target"] not in ("any", "$EXTERNAL_NET"):
        found.append(f"the addresses {match['target']}")
    found += [
        f"'{name}'"
        for name, _ in options
        if name in ("flowbits", "xbits", "threshold", "geoip", "iprep", "urilen")
    ]
    return tuple(found)


def _reading(buffer: str, text: str, options: str) -> Reading:
    if text == "" or text == ".":
        return everything()
    if buffer in ("http.host", "http_host"):
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
    port = "any" if service == Service(service.protocol) else port
    text = re.sub(r'[;"\\]', "", message).replace(":", " ")
    return (
        f"{action} {protocol} $HOME_NET any -> $EXTERNAL_NET {port} "
        f'(msg:"{text}"; flow:to_server; {content}sid:{number}; rev:1;)'
    )
