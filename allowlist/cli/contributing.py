"""What ``allowlist catalog add --evidence`` makes of its options: entries of the scenario ``field``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from allowlist.catalog.contributing import (
    Seen,
    parse_issue,
    read_log,
    refuse_overclaim,
    repaired,
    without_ids,
)
from allowlist.catalog.model import EvidenceClass, Need
from allowlist.catalog.reader import read_catalog
from allowlist.documents.reader import near_miss
from allowlist.rules.requirement import FIELD_SCENARIO

_BY_ITSELF = (EvidenceClass.OBSERVED,)
"""Classes that need no link: whoever runs the same version sees the same."""


class FromField(NamedTuple):
    """``entries`` to add, and what was refused and is in none of them because nothing shows that it was opened."""

    entries: list[dict[str, Any]]
    left_out: list[Seen]


def entries_from_field(
    path: Path,
    kind: str,
    fields: Mapping[str, Any],
    entry_id: str | None,
    *,
    seen: Path | None,
    fixed: Path | None,
    issue: str | None,
    region: str,
    version: str,
) -> FromField:
    """What to add to the catalog in ``path``. Raises click.UsageError with what is missing or claimed too much."""
    known = [str(one) for one in EvidenceClass if one is not EvidenceClass.DOCUMENTED]
    if kind not in known:
        raise click.UsageError(
            f"'{kind}' is no class of evidence{near_miss(kind, known)}; known: {', '.join(known)}"
        )
    evidence = EvidenceClass(kind)
    if issue is None and evidence not in _BY_ITSELF:
        raise click.UsageError(
            "say where others can look it up: --issue URL (an issue, pull request or commit)"
        )
    if evidence in _BY_ITSELF and not (version or issue):
        raise click.UsageError("say which version asked for it: --seen-version")
    denied = read_log(seen, denied=True) if seen else []
    allowed = read_log(fixed, denied=False) if fixed else []
    try:
        refuse_overclaim(evidence, denied, allowed)
        repo, where, commit = parse_issue(issue) if issue else ("", f"run with version {version}", "")
        taken, left_out = repaired(denied, allowed) if denied else ([_pattern_of(fields)], [])
        names = _without_ids(path, taken) if denied else taken
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    chosen = {
        key: value for key, value in fields.items() if key not in ("pattern", "ports", "need", "scenario")
    }
    need = Need.OPTIONAL if fields.get("need") == Need.OPTIONAL else Need.CONDITIONAL
    place = f"in {region}" if region else "in one network"
    condition = fields.get("condition") or (
        f"it was asked for {place}: {fields['purpose']}" if need is Need.CONDITIONAL else None
    )
    entries = [
        {
            **chosen,
            "id": entry_id if entry_id and len(names) == 1 else _slug(one.name),
            "since": "next",
            "pattern": one.name,
            "ports": [one.port],
            "need": str(need),
            "condition": condition,
            "scenario": FIELD_SCENARIO,
            "evidence": [
                {
                    key: value
                    for key, value in {
                        "class": kind,
                        "repo": repo,
                        "where": where,
                        "commit": commit,
                        "date": one.day or datetime.now(UTC).date().isoformat(),
                        "region": region,
                        "version": version,
                    }.items()
                    if value
                }
            ],
        }
        for one in names
    ]
    return FromField(entries, left_out)


def _pattern_of(fields: Mapping[str, Any]) -> Seen:
    pattern = fields.get("pattern")
    if not pattern:
        raise ValueError("name what was seen: --pattern, or a log with --seen")
    return Seen(name=str(pattern), port=str((fields.get("ports") or ["https:443"])[0]))


def _without_ids(path: Path, seen: list[Seen]) -> list[Seen]:
    """Names exactly as they were seen, but for what is somebody's."""
    placeholders = read_catalog(path).placeholders
    return [Seen(name=without_ids(one.name, placeholders), port=one.port, day=one.day) for one in seen]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:70].strip("-")
