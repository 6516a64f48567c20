"""A small catalog with one page, in folders as the watch finds them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from allowlist.catalog import load_library
from allowlist.catalog.upstream.findings import Finding, WatchOptions, WatchReport
from allowlist.catalog.upstream.folder import FolderPages
from allowlist.catalog.upstream.state import WatchState
from allowlist.catalog.upstream.watch import watch

CATALOG = """\
schema: allowlist/catalog/v1
name: {name}
title: Contoso service
description: what it must reach

# kept by every edit
scenarios:
  core: {{title: Always, default: true}}

placeholders:
  region: an Azure region
  python_index: host of the package index

releases:
  - {{version: 1.0.0, date: 2025-01-01, digest: "sha256:{digest}"}}

entries:
{entries}"""

ENTRY = """\
  - id: {id}
    since: 1.0.0
    {kind}: "{value}"
    ports: [{ports}]
    need: {need}
    clouds: [{clouds}]
    scenario: core
    consumers: [customer-firewall]
    purpose: used by the service
    sources:
      - {{repo: contoso/docs, path: {path}}}
"""


@dataclass
class Project:
    """A folder with catalogs, a folder with pages, and the memory of the runs before."""

    root: Path
    day: dt.date = dt.date(2026, 1, 1)
    state: WatchState = field(default_factory=WatchState)

    @property
    def catalogs(self) -> Path:
        return self.root / "catalogs"

    @property
    def pages(self) -> Path:
        return self.root / "pages"

    def catalog(self, *entries: str, name: str = "contoso") -> None:
        self.catalogs.mkdir(exist_ok=True)
        text = CATALOG.format(name=name, entries="".join(entries), digest="0" * 64)
        (self.catalogs / f"{name}.yaml").write_text(text, encoding="utf-8")

    def page(self, text: str, path: str = "docs/page.md") -> None:
        file = self.pages / "contoso" / "docs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def hosts(self, *hosts: str, path: str = "docs/page.md") -> None:
        """A page with a table of ``hosts``; one may carry its port as ``name:port``."""
        rows = "".join(f"| `{host}` |\n" for host in hosts)
        self.page("## Hosts\n\n| Host name |\n| --- |\n" + rows, path)

    def run(
        self, *, days: int = 0, only: tuple[str, ...] = (), quarantine_days: int = 14, discover: bool = False
    ) -> WatchReport:
        """One run of the watch, ``days`` after the one before; its state is remembered."""
        self.day += dt.timedelta(days=days)
        options = WatchOptions(
            today=self.day,
            quarantine_days=quarantine_days,
            parameters={"python_index": "index.example"},
            discover=discover,
        )
        library = load_library(self.catalogs, environ={})
        report = watch(list(library), FolderPages(self.pages), self.state, options, only=only)
        self.state = report.state
        return report


def entry(
    value: str,
    *,
    kind: str = "pattern",
    ports: str = "https:443",
    need: str = "required",
    clouds: str = "public",
    path: str = "docs/page.md",
    id: str = "",  # noqa: A002
) -> str:
    """One entry of a catalog file."""
    made = id or value.replace("*.", "any-").replace(".", "-").replace("{", "").replace("}", "").lower()
    return ENTRY.format(
        id=made.replace("_", "-"), kind=kind, value=value, ports=ports, need=need, clouds=clouds, path=path
    )


def told(report: WatchReport) -> list[tuple[str, str, str]]:
    """Change, value and standing of each finding."""
    return [(f.delta.change.value, f.delta.place.subject.value, f.standing.value) for f in report.findings]


def only_finding(report: WatchReport) -> Finding:
    (finding,) = report.findings
    return finding
