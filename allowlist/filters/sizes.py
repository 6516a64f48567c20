"""How large an export is, in the measures its engine counts, and what the engine takes at most.

A size beyond what every installation of the engine takes is refused; one that depends on a model or can be raised is
told with where to look. Each limit carries its source and the date it was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from allowlist.filters.format import Files
from allowlist.filters.lists import Kind, Lists, Shape

__all__ = ["Size", "sizes_of"]


@dataclass(frozen=True, slots=True)
class Size:
    """``count`` of ``what``; ``most`` is None where the engine publishes no limit, ``source`` says where both come from."""

    what: str
    count: int
    most: int | None
    source: str
    advice: str = ""

    @property
    def exceeded(self) -> bool:
        return self.most is not None and self.count > self.most

    def __str__(self) -> str:
        most = f" of at most {self.most:,}" if self.most is not None else ""
        return f"{self.what}: {self.count:,}{most} ({self.source}){f'; {self.advice}' if self.advice else ''}"


Sizes = Iterator[Size]


def sizes_of(name: str, files: Files, lists: Lists) -> tuple[Size, ...]:
    """What there is to say about the files of the format ``name``, which were written from ``lists``."""
    measure = _MEASURES.get(name)
    return tuple(measure(files, lists)) if measure else ()


def _shapes(lists: Lists) -> list[Shape]:
    return [shape for _, shapes in lists for shape, _ in shapes]


def _longest_line(files: Files) -> int:
    return max((len(line) for text in files.values() for line in text.splitlines()), default=0)


def _entries(files: Files, marks: str = "#") -> int:
    """Lines that are neither comments nor empty."""
    return sum(
        bool(line.strip()) and line.strip()[0] not in marks
        for text in files.values()
        for line in text.splitlines()
    )


def _squid(files: Files, lists: Lists) -> Sizes:
    yield Size(
        "characters of the longest line",
        _longest_line(files),
        2048,
        "Squid 5 and 6, CONFIG_LINE_LIMIT; seen 2026-11-28",
    )
    yield Size("entries", len(_shapes(lists)), None, "Squid keeps them in memory and publishes no limit")


_DIRECTIVE: Final = re.compile(r"^(map_hash_\w+) (\d+);", re.MULTILINE)


def _nginx(files: Files, lists: Lists) -> Sizes:
    """What nginx has to be told is in the files; the largest of each, since one nginx takes one value a level."""
    found: dict[str, int] = {}
    for text in files.values():
        for directive, value in _DIRECTIVE.findall(text):
            found[directive] = max(found.get(directive, 0), int(value))
    for directive, value in sorted(found.items()):
        yield Size(
            directive,
            value,
            None,
            "computed from the longest name and the number of names; measured on nginx 1.22.1, 1.26.3",
        )


def _haproxy(files: Files, lists: Lists) -> Sizes:
    words = max(
        (len(line.split()) for line in files["allowlist.cfg"].splitlines() if not line.startswith("#")),
        default=0,
    )
    yield Size("words of the longest line", words, 64, "HAProxy, MAX_LINE_ARGS; measured on 2.6.12")
    lines = [
        len(line) for name, text in files.items() if name != "allowlist.cfg" for line in text.splitlines()
    ]
    advice = "names stand in list files, so tune.bufsize need not be raised"
    yield Size(
        "octets of the longest line of a list", max(lines, default=0), 16384, "HAProxy, tune.bufsize", advice
    )


def _rpz(files: Files, lists: Lists) -> Sizes:
    """A name of DNS has 255 octets at most (RFC 1035, 2.3.4), and that of the zone stands behind each owner."""
    owners = [pattern for shape in _shapes(lists) for pattern in shape.patterns]
    longest = max(map(len, owners), default=0)
    yield Size("records", len(owners), None, "BIND and Unbound publish no limit")
    yield Size(
        "characters of the longest owner",
        longest,
        _MOST_OWNER,
        "RFC 1035, 2.3.4; measured on BIND 9.18.49",
        f"the name of the zone may have {252 - longest} characters, else the zone does not load",
    )


_MOST_OWNER: Final = 251
"""Leaves one character for the name of the zone."""


def _dnsmasq(files: Files, lists: Lists) -> Sizes:
    yield Size(
        "characters of the longest line",
        _longest_line(files),
        1024,
        "dnsmasq takes the rest of a longer one for an option; measured on 2.90",
    )
    yield Size("domains", len(_shapes(lists)), None, "dnsmasq publishes no limit")


def _unbound(files: Files, lists: Lists) -> Sizes:
    longest = max((len(shape.name) for shape in _shapes(lists)), default=0)
    yield Size("characters of the longest zone", longest, 253, "RFC 1035, 2.3.4")
    yield Size("local zones", len(_shapes(lists)) + 1, None, "Unbound publishes no limit")


def _envoy(files: Files, lists: Lists) -> Sizes:
    names = [sum(len(shape.patterns) for shape, _ in shapes) for _, shapes in lists]
    yield Size(
        "names of the largest chain or virtual host", max(names, default=0), None, "Envoy publishes no limit"
    )


def _suricata(files: Files, lists: Lists) -> Sizes:
    rules = _entries(files)
    yield Size(
        "characters of the longest rule",
        _longest_line(files),
        8191,
        "Suricata 6 to 8, DETECT_MAX_RULE_SIZE; seen 2026-11-28",
    )
    yield Size(
        "rules, each a unit of capacity in AWS Network Firewall",
        rules,
        None,
        "AWS Network Firewall developer guide, rule group capacity; seen 2026-11-28",
        f"{_CAPACITY:,} units are the most of a policy: enough"
        if rules <= _CAPACITY
        else f"AWS takes {_CAPACITY:,} units a policy and would refuse it",
    )
    characters = sum(map(len, files.values()))
    yield Size(
        "characters of the rules",
        characters,
        None,
        "AWS Network Firewall API 2020-11-12, RulesString in botocore 1.44.8: at most 2,000,000",
        "" if characters <= 2_000_000 else "AWS would refuse it",
    )


_CAPACITY: Final = 30_000
"""Units of stateful rule capacity of one firewall policy (AWS Network Firewall quotas, adjustable by AWS)."""


def _aws_domains(files: Files, lists: Lists) -> Sizes:
    """A unit for each domain and target type, and one for each target type."""
    source = (
        "AWS Network Firewall quotas, capacity of domain lists as measured by cloudnetworks.io 2021-09-22"
    )
    units = 0
    for text in files.values():
        listed = msgspec.json.decode(text)["RulesSource"]["RulesSourceList"]
        units += (len(listed["Targets"]) + 1) * len(listed["TargetTypes"])
    yield Size(
        "units of capacity", units, _CAPACITY, source, "the capacity of a rule group is fixed when it is made"
    )


def _cilium(files: Files, lists: Lists) -> Sizes:
    names = sum(len(shape.patterns) for shape in _shapes(lists) if shape.kind is not Kind.EVERYTHING)
    advice = (
        "an agent keeps 1,000 addresses a name and endpoint (--tofqdns-endpoint-max-ip-per-hostname) and 16,384 "
        "entries a policy map (--bpf-policy-map-max): raise both for names with many addresses"
    )
    yield Size("names an endpoint watches", names, None, "Cilium command reference, cilium-agent", advice)


def _pan_os(files: Files, lists: Lists) -> Sizes:
    longest = max((len(pattern) + 1 for shape in _shapes(lists) for pattern in shape.patterns), default=0)
    yield Size(
        "lists", len(files), 30, "PAN-OS web interface help, external dynamic lists: sources of a firewall"
    )
    yield Size(
        "entries",
        sum(len(shape.patterns) for shape in _shapes(lists)),
        50_000,
        "PAN-OS, entries of URL lists together on the smallest model",
        "larger models take more: 'request system external-list global-capacity' shows it",
    )
    yield Size("characters of the longest entry", longest, 255, "PAN-OS, formatting guidelines for URL lists")


def _pan_category(files: Files, lists: Lists) -> Sizes:
    largest = max((sum(len(shape.patterns) for shape, _ in shapes) for _, shapes in lists), default=0)
    yield Size(
        "custom URL categories", len(lists.services), None, "PAN-OS, by model: 'show system state' tells"
    )
    yield Size(
        "entries of the largest category",
        largest,
        25_000,
        "PAN-OS, custom URL categories of a firewall; by model",
    )


def _fortigate(files: Files, lists: Lists) -> Sizes:
    shapes = [sum(len(shape.patterns) for shape, _ in shapes) for _, shapes in lists]
    source = "FortiOS maximum values table, by model and version"
    yield Size("address objects", sum(shapes), None, source, "'print tablesize' shows what yours takes")
    yield Size("members of the largest group", max(shapes, default=0), None, source)


def _gcp(files: Files, lists: Lists) -> Sizes:
    source = "Google Cloud, Secure Web Proxy quotas and limits; seen 2026-11-28"
    largest = max((len(shapes) for _, shapes in lists), default=0)
    yield Size("entries of the largest UrlList", largest, 2500, source)
    yield Size(
        "UrlLists of a project and region",
        len(files),
        10,
        source,
        "each needs a rule; a policy takes 250 or more",
    )


_MEASURES: Final[Mapping[str, Callable[[Files, Lists], Sizes]]] = {
    "squid": _squid,
    "envoy-sni": _envoy,
    "envoy-proxy": _envoy,
    "nginx": _nginx,
    "haproxy": _haproxy,
    "rpz": _rpz,
    "dnsmasq": _dnsmasq,
    "unbound": _unbound,
    "suricata": _suricata,
    "aws-domain-list": _aws_domains,
    "cilium": _cilium,
    "pan-os": _pan_os,
    "pan-os-category": _pan_category,
    "fortigate": _fortigate,
    "gcp-swp": _gcp,
}
