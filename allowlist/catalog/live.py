"""A workspace's own word on what it must reach, compared with a catalog and kept as a catalog of its own.

``outboundNetworkDependenciesEndpoints`` of a Machine Learning workspace answers a list of
``{"properties": {"category", "endpoints": [{"domainName", "endpointDetails": [{"port"}]}]}}`` (Azure REST API
descriptions, Microsoft.MachineLearningServices 2024-10-01). No such list exists for Cognitive Services accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from allowlist.azure.facts import DEFAULT_PORTS, api_version
from allowlist.catalog.document import SCHEMA
from allowlist.catalog.editing import add_entry, end_entry
from allowlist.catalog.model import Catalog, Entry, Kind, Port, parse_port
from allowlist.catalog.reader import read_catalog
from allowlist.catalog.versions import NEXT
from allowlist.documents.writing import write_bytes
from allowlist.errors import TargetUnavailable
from allowlist.names import InvalidPattern, NameSet, Pattern, parse_pattern

Body = Mapping[str, Any]

PATH = "outboundNetworkDependenciesEndpoints"
API_VERSION = api_version("Microsoft.MachineLearningServices/workspaces")

_SCHEMES = {port: protocol for protocol, port in DEFAULT_PORTS.items()}


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """One host or wildcard, the TCP ports it is reached on, and the service's word for what it belongs to."""

    name: str
    ports: tuple[int, ...]
    category: str

    @property
    def port_texts(self) -> list[str]:
        return [f"{_SCHEMES.get(port, 'tcp')}:{port}" for port in self.ports]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``unknown``: the workspace names it and no entry of the catalog covers it, with a host name that shows it.

    ``known``: covered. ``unmentioned``: entries of the catalog that the workspace does not name.
    """

    unknown: tuple[tuple[Dependency, str], ...]
    known: tuple[Dependency, ...]
    unmentioned: tuple[Entry, ...]


def dependencies_of(bodies: Iterable[Body]) -> tuple[Dependency, ...]:
    """What the answer names, each name once. What is no host name is left out: it cannot be a rule."""
    ports: dict[str, set[int]] = {}
    categories: dict[str, str] = {}
    for name, port, category in _named(bodies):
        ports.setdefault(name, set()).add(port)
        categories.setdefault(name, category)
    return tuple(Dependency(name, tuple(sorted(ports[name])), categories[name]) for name in sorted(ports))


def _named(bodies: Iterable[Body]) -> Iterator[tuple[str, int, str]]:
    for body in bodies:
        properties = body.get("properties") or {}
        for endpoint in _objects(properties, "endpoints"):
            pattern = _pattern(str(endpoint.get("domainName") or ""))
            if pattern is None:
                continue
            details = (
                _objects(endpoint, "endpointDetails") if endpoint.get("endpointDetails") else ({"port": 443},)
            )
            for detail in details:
                yield pattern.text, _port(detail), str(properties.get("category") or "")


def _objects(body: Body, name: str) -> Sequence[Body]:
    found = body.get(name)
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise TargetUnavailable(
            f"{PATH} of the workspace was answered without an array '{name}' of objects: that says nothing about what it "
            "must reach",
            status=200,
        )
    return found


def _port(detail: Body) -> int:
    port = detail.get("port")
    if port is None or (type(port) is int and 0 <= port < 65536):
        return port or DEFAULT_PORTS["https"]
    raise TargetUnavailable(
        f"{PATH} of the workspace was answered with a port that is none: {port!r}", status=200
    )


def _pattern(text: str) -> Pattern | None:
    try:
        return parse_pattern(text)
    except InvalidPattern:
        return None


def compare(live: Sequence[Dependency], entries: Iterable[Entry]) -> Comparison:
    """``live`` against the names of ``entries``; a placeholder stands for whatever a workspace may have there."""
    named = [
        (entry, pattern)
        for entry in entries
        if entry.kind is Kind.PATTERN
        and entry.is_egress
        and (pattern := _with_anything_for_parameters(entry.value))
    ]
    covered, asked = NameSet(pattern for _, pattern in named), NameSet(item.name for item in live)
    missing = [(item, (NameSet([item.name]) - covered).witness()) for item in live]
    return Comparison(
        unknown=tuple((item, witness) for item, witness in missing if witness),
        known=tuple(item for item, witness in missing if not witness),
        unmentioned=tuple(entry for entry, pattern in named if not NameSet([pattern]) & asked),
    )


def _with_anything_for_parameters(value: str) -> Pattern | None:
    """``{storage}.blob.core.windows.net`` as ``*.blob.core.windows.net``; None where nothing but a parameter is left."""
    _, parameter, tail = value.rpartition("}")
    if not parameter:
        return parse_pattern(value)
    return parse_pattern(f"*{tail}") if "." in tail else None


def write_revision(
    path: Path, live: Sequence[Dependency], resource: str, today: date
) -> tuple[list[str], list[str]]:
    """Keep ``live`` as the catalog file ``path``: new names are added and gone ones ended, all as ``next``.

    Returns what was added and what was ended. An answer without any name ends nothing. Raises InvalidInput for a
    file with mistakes.
    """
    if not path.exists():
        write_bytes(path, _first(path.stem, live, resource, today).encode())
        return [item.name for item in live], []
    there = {(entry.value, entry.ports): entry for entry in _live_entries(read_catalog(path))}
    wanted = {(item.name, _parsed(item)): item for item in live}
    added = [item for key, item in wanted.items() if key not in there]
    gone = [entry for key, entry in there.items() if key not in wanted and entry.since != NEXT]
    ended = [entry.id for entry in gone] if live else []
    for entry_id in ended:
        end_entry(path, entry_id)
    taken = {entry.id for entry in read_catalog(path).entries}
    for item in added:
        add_entry(path, _fields(item, resource, today, taken))
    return [item.name for item in added], ended


def _live_entries(catalog: Catalog) -> list[Entry]:
    return [entry for entry in catalog.entries if not entry.until]


def _parsed(item: Dependency) -> tuple[Port, ...]:
    return tuple(parse_port(text) for text in item.port_texts)


def _first(name: str, live: Sequence[Dependency], resource: str, today: date) -> str:
    taken: set[str] = set()
    document = {
        "schema": SCHEMA,
        "name": name,
        "title": f"What {resource.rpartition('/')[2]} says it must reach",
        "description": "Read from the workspace itself; compare it with the documented catalog before relying on it.",
        "scenarios": {"core": {"title": "Everything the workspace names", "default": True}},
        "entries": [_fields(item, resource, today, taken) for item in live],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _fields(item: Dependency, resource: str, today: date, taken: set[str]) -> dict[str, Any]:
    plain = re.sub(r"[^a-z0-9]+", "-", item.name.replace("*", "any")).strip("-")[:70]
    entry_id = next(text for text in (plain, *(f"{plain}-{n}" for n in range(2, 999))) if text not in taken)
    taken.add(entry_id)
    return {
        "id": entry_id,
        "since": NEXT,
        "pattern": item.name,
        "ports": item.port_texts,
        "need": "required",
        "clouds": ["public"],
        "scenario": "core",
        "consumers": ["customer-firewall", "managed-network"],
        "purpose": item.category or "named by the workspace",
        "sources": [
            {"repo": "Azure Resource Manager", "path": f"{resource}/{PATH}", "date": today.isoformat()}
        ],
    }
