"""Prepare the change of catalog files that the findings ask for; a person reviews it as a pull request.

Entries are only added with ``since: next`` and ended with ``until: next``. What cannot be written safely
(an unknown placeholder, a tag that does not exist) is left to the reviewer, with the reason.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowlist.azure.facts import DEFAULT_PORTS
from allowlist.catalog.editing import add_entry, end_entry
from allowlist.catalog.encode import encode_entry
from allowlist.catalog.model import Catalog, Entry, Kind
from allowlist.catalog.reader import read_catalog
from allowlist.catalog.upstream.claims import ANY_CLOUD
from allowlist.catalog.upstream.drift import Change
from allowlist.catalog.upstream.findings import Finding
from allowlist.catalog.upstream.ports import PortRange
from allowlist.catalog.upstream.risk import Risk
from allowlist.catalog.upstream.row import Row
from allowlist.documents.words import counted
from allowlist.errors import CatalogError, InvalidInput

_FIELD = {
    "fqdn": "pattern",
    "service_tag": "service_tag",
    "port_only": "ports_only",
    "private_dns_zone": "private_endpoint",
}
_WELL_KNOWN = {port: protocol for protocol, port in DEFAULT_PORTS.items()}
_HOLE = re.compile(r"<([^<>]*)>|\{([^{}]*)\}|\[([^\[\]]*)\]")
_SAME_THING = {"location": "region", "acr": "registry", "azure key vault": "vault", "keyvault": "vault"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """``changed`` are the files written; ``refused`` the findings left to a person, each with the reason."""

    changed: tuple[Path, ...]
    written: tuple[Finding, ...]
    refused: tuple[tuple[Finding, str], ...]


def write_proposal(findings: Iterable[Finding], folder: Path, parameters: Mapping[str, str]) -> Proposal:
    """Write the change for ``findings`` into the catalog files of ``folder``, keeping comments and order."""
    changed: dict[Path, None] = {}
    written: list[Finding] = []
    refused: list[tuple[Finding, str]] = []
    left: dict[tuple[str, str], str] = {}
    for finding in sorted(findings, key=lambda one: one.delta.change is Change.ENDED):
        path = folder / f"{finding.catalog}.yaml"
        place = (finding.catalog, str(finding.page))
        if finding.delta.change is Change.ENDED and place in left:
            reason = (
                f"what may take its place on the page, {left[place]}, was left to you; decide both together"
            )
            refused.append((finding, reason))
            continue
        try:
            _write(finding, path, parameters)
        except (CatalogError, InvalidInput) as error:
            refused.append((finding, str(error)))
            if finding.delta.change is Change.ADDED:
                left[place] = (
                    finding.delta.rows[0].value if finding.delta.rows else finding.delta.place.subject.value
                )
            continue
        changed[path] = None
        written.append(finding)
    return Proposal(changed=tuple(changed), written=tuple(written), refused=tuple(refused))


def _write(finding: Finding, path: Path, parameters: Mapping[str, str]) -> None:
    catalog = read_catalog(path)
    match finding.delta.change:
        case Change.ADDED if finding.risk is Risk.MISTAKE:
            raise CatalogError(f"{finding.delta.rows[0].value} {finding.reason}")
        case Change.ADDED:
            add_entry(path, _new_entry(finding, catalog, parameters))
        case Change.NEED | Change.SCENARIO:
            then, now = finding.delta.said
            raise CatalogError(
                f"the page said '{then}' and says '{now}'; change need, condition and scenario by hand"
            )
        case Change.ENDED:
            for entry in _concerned(finding, catalog):
                _end(path, catalog, entry, finding.delta.place.cloud)
        case Change.PORTS:
            _replace_ports(path, catalog, finding)


def _concerned(finding: Finding, catalog: Catalog) -> list[Entry]:
    return [entry for entry in catalog.entries_at("next") if entry.id in finding.entries]


def _end(path: Path, catalog: Catalog, entry: Entry, cloud: str) -> None:
    """End the entry; the clouds the finding is not about go on in a copy."""
    others = [str(known) for known in entry.clouds if cloud not in (ANY_CLOUD, known)]
    end_entry(path, entry.id)
    if others:
        add_entry(path, {**_copy_of(entry, catalog), "clouds": others})


def _replace_ports(path: Path, catalog: Catalog, finding: Finding) -> None:
    """One entry with the ports the page states now, instead of those it does not state any more."""
    entries = _concerned(finding, catalog)
    if len(entries) != 1:
        raise CatalogError(f"{counted(len(entries), 'entry', 'shares')} these ports; change them by hand")
    end_entry(path, entries[0].id)
    add_entry(path, {**_copy_of(entries[0], catalog), "ports": _ports(finding.delta.after)})


def _copy_of(entry: Entry, catalog: Catalog) -> dict[str, Any]:
    fields = encode_entry(entry)
    fields.pop("until", None)
    return {**fields, "id": _free_id(entry.id, catalog), "since": "next"}


def _new_entry(finding: Finding, catalog: Catalog, parameters: Mapping[str, str]) -> dict[str, Any]:
    row = finding.delta.rows[0]
    like = _neighbour(row, finding, catalog)
    value = _value(row, catalog, parameters)
    ports = _ports(finding.delta.after) or _ports_of(like, row)
    needs_condition = row.need == "conditional"
    return {
        "id": _free_id(_slug(row.kind, value), catalog),
        "since": "next",
        _FIELD[row.kind]: value if row.kind != "port_only" else True,
        "written": row.value if row.kind != "port_only" and row.value != value else None,
        "ports": [] if row.kind == "private_dns_zone" else ports,
        "need": row.need,
        "condition": f"as the page says under {_title(row)}" if needs_condition else None,
        "clouds": [finding.delta.place.cloud or "public"],
        "scenario": like.scenario,
        "consumers": [] if row.direction == "inbound" else [str(consumer) for consumer in like.consumers],
        "direction": "inbound" if row.direction == "inbound" else None,
        "purpose": f"new on the page under {_title(row)}; say here what it is for",
        "sources": [_source(finding)],
    }


def _ports_of(like: Entry, row: Row) -> list[str]:
    """Where the page states no ports, those of the entry most like the new one, if it goes the same way."""
    if row.kind != "private_dns_zone" and (row.direction or "outbound") != like.direction:
        raise CatalogError(f"the page states no ports for {row.value} {row.direction}; add it by hand")
    return [str(port) for port in like.ports]


def _source(finding: Finding) -> dict[str, str]:
    source = {"repo": finding.page.repo, "path": finding.page.path, "commit": finding.commit}
    return {key: text for key, text in source.items() if text}


def _title(row: Row) -> str:
    """The section's title as plain words: nothing of a page is taken for more than text."""
    words = re.sub(r"[^A-Za-z0-9 .,:/()-]", " ", row.section or row.tab or "its first heading")
    return "'" + " ".join(words.split())[:80] + "'"


def _neighbour(row: Row, finding: Finding, catalog: Catalog) -> Entry:
    """The live entry most like the new one: from the same page, of the same kind, with the nearest name."""
    kind = {"service_tag": Kind.SERVICE_TAG, "private_dns_zone": Kind.PRIVATE_ENDPOINT}.get(
        row.kind, Kind.PATTERN
    )
    live = [entry for entry in catalog.entries_at("next") if entry.is_egress]
    of_page = [entry for entry in live if _cites(entry, finding)] or live
    alike = [entry for entry in of_page if entry.kind is kind] or of_page
    if not alike:
        raise CatalogError(f"catalog {catalog.name} has no entry to take scenario and consumers from")
    return max(alike, key=lambda entry: _likeness(entry.value, row.value))


def _cites(entry: Entry, finding: Finding) -> bool:
    return any(
        (source.repo, source.path) == (finding.page.repo, finding.page.path) for source in entry.sources
    )


def _likeness(known: str, new: str) -> float:
    return difflib.SequenceMatcher(None, known.lower()[::-1], new.lower()[::-1]).ratio()


def _value(row: Row, catalog: Catalog, parameters: Mapping[str, str]) -> str:
    """The value as the catalog writes it: its own placeholders, no host of a registry."""
    if row.kind == "port_only":
        return ""
    value = _HOLE.sub(lambda hole: _placeholder(hole, catalog), row.value)
    value = re.sub(r"\.region$", ".{region}", value, flags=re.IGNORECASE)
    for name, host in parameters.items():
        value = value.replace(host, "{" + name + "}") if name in catalog.placeholders else value
    return value.lower() if row.kind == "fqdn" and "{" not in value else value


def _placeholder(hole: re.Match[str], catalog: Catalog) -> str:
    words = (
        next(text for text in hole.groups() if text is not None).lower().replace("-", " ").replace("_", " ")
    )
    words = next((same for text, same in _SAME_THING.items() if text in words), words)
    names = sorted(catalog.placeholders, key=len, reverse=True)
    found = next((name for name in names if name.lower() in words.replace(" ", "")), "")
    if not found:
        raise CatalogError(f"catalog {catalog.name} declares no placeholder for '{hole[0]}'; add it by hand")
    return "{" + found + "}"


def _ports(stated: Collection[PortRange]) -> list[str]:
    return [_port(port) for port in sorted(stated)]


def _port(port: PortRange) -> str:
    numbers = f"{port.first}" if port.first == port.last else f"{port.first}-{port.last}"
    if port.protocol in ("", "tcp") and port.first == port.last:
        return f"{_WELL_KNOWN.get(port.first, 'tcp')}:{numbers}"
    protocol = {"": "tcp", "sql": "mssql"}.get(port.protocol, port.protocol)
    return f"{protocol}:{numbers}"


def _slug(kind: str, value: str) -> str:
    prefix = {"service_tag": "tag-", "port_only": "ports-", "private_dns_zone": "zone-"}.get(kind, "")
    text = value.replace("*.", "any-", 1) if value.startswith("*.") else value
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", text)
    return prefix + (re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].strip("-") or "entry")


def _free_id(wanted: str, catalog: Catalog) -> str:
    taken = {entry.id for entry in catalog.entries}
    stem = re.sub(r"-v\d+$", "", wanted)
    numbered = (f"{stem}-v{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(name for name in numbered if name not in taken)
