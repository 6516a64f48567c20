"""A draft of requirements from traffic: never broader than what was seen, unless asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from allowlist.documents.words import counted
from allowlist.names import Pattern, is_host_name, registrable_domain, shared_suffix_of
from allowlist.traffic.findings import Seen

_WIDE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One requirement with the names it stands for; ``pattern`` is one of them unless wildcards were asked for."""

    pattern: str
    port: str
    names: tuple[str, ...]
    count: int


def learn(flows: Iterable[Seen], *, wildcards: bool = False, denied: bool = False) -> list[Learned]:
    """What was let through (with ``denied``, also what was not), by name and service.

    With ``wildcards`` three or more names that share a registrable domain, or a level below it, become one pattern;
    the names it stands for are kept beside it. Below a suffix under which any customer of a service creates names there is
    no such pattern. What no client can ask for as a host (``*.example.com`` in a log) is no pattern either.
    """
    seen: dict[tuple[str, str], int] = {}
    for flow in flows:
        if is_host_name(flow.name) and flow.port and (denied or flow.action == "allow"):
            key = (flow.name, f"{flow.protocol}:{flow.port}")
            seen[key] = seen.get(key, 0) + flow.count
    return _widened(seen) if wildcards else [_single(*key, count) for key, count in sorted(seen.items())]


def _single(name: str, port: str, count: int) -> Learned:
    return Learned(pattern=name, port=port, names=(name,), count=count)


def _widened(seen: dict[tuple[str, str], int]) -> list[Learned]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, port in seen:
        groups.setdefault((name.partition(".")[2], port), []).append(name)
    found: list[Learned] = []
    for (parent, port), names in groups.items():
        if len(names) >= _WIDE and _is_of_one(parent):
            count = sum(seen[name, port] for name in names)
            found.append(Learned(pattern=f"*.{parent}", port=port, names=tuple(sorted(names)), count=count))
        else:
            found += [_single(name, port, seen[name, port]) for name in names]
    return sorted(found, key=lambda item: (item.pattern, item.port))


def _is_of_one(parent: str) -> bool:
    """Are names below ``parent`` in one hand, as far as is known?"""
    return registrable_domain(parent) is not None and shared_suffix_of(Pattern(f"*.{parent}")) is None


def draft_text(learned: Iterable[Learned], expires: dt.date) -> str:
    """A section ``requirements`` for a workload file, with somebody to be named as owner."""
    lines = ["requirements:"]
    for number, item in enumerate(learned, 1):
        lines += [
            f"  # seen {counted(item.count, 'time')}"
            + (f"; stands for {', '.join(item.names)}" if len(item.names) > 1 else ""),
            f"  - id: seen-{number}",
            f'    pattern: "{item.pattern}"',
            f'    ports: ["{item.port}"]',
            "    owner: TODO",
            "    reason: seen in traffic; say what it is for",
            f'    expires: "{expires}"',
        ]
    return "\n".join(lines) + "\n" if len(lines) > 1 else "requirements: []\n"
