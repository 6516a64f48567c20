"""Values that the shell completes: catalogs, versions, scenarios, targets, changes, gates, runs.

Whatever goes wrong while somebody presses Tab, nothing is offered and nothing is said.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.documents.words import counted

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from allowlist.catalog import Catalog, Library
    from allowlist.plan.model import Plan
    from allowlist.store import Ledger

Offer = tuple[str, str]
"""A value, and what is said beside it where the shell shows that."""

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
_MOST_RUNS = 50


def _completer(offer: Callable[[click.Context, str], Iterable[Offer]]) -> Completer:
    @wraps(offer)
    def complete(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        del option
        try:
            found = [(value, text) for value, text in offer(context, begun) if value.startswith(begun)]
        except Exception:
            return []
        return [CompletionItem(value, help=text or None) for value, text in found]

    return complete


def _library(context: click.Context) -> Library:
    from allowlist.catalog import load_library

    return load_library(context.params.get("folder") or context.params.get("catalogs"))


def _first_word(context: click.Context) -> str:
    """The first argument of the line; click parses none where the last option still lacks its value."""
    for key in ("name", "span", "subject", "plan_path"):
        if context.params.get(key):
            return str(context.params[key])
    return next((word for word in context.args if not word.startswith("-")), "")


@_completer
def packages(context: click.Context, begun: str) -> Iterator[Offer]:
    """The packages whose names are known."""
    del begun
    from allowlist.catalog.packages import packages_in

    for name, answers in sorted(packages_in(_library(context)).items()):
        yield name, counted(len(answers), "name")


def _named_catalog(context: click.Context) -> Catalog | None:
    """The catalog that the line names already."""
    return _library(context).catalogs.get(_first_word(context).partition("@")[0])


@_completer
def catalogs(context: click.Context, begun: str) -> Iterator[Offer]:
    del begun
    return ((item.name, item.title) for item in _library(context))


@_completer
def versions(context: click.Context, begun: str) -> Iterator[Offer]:
    """``NAME``, and after the at sign its versions."""
    name, at, _ = begun.partition("@")
    library = _library(context)
    if not at:
        return ((item.name, item.title) for item in library)
    released = reversed(library.get(name).releases)
    return ((f"{name}@{item.version}", f"{item.date} {item.note}") for item in released)


@_completer
def spans(context: click.Context, begun: str) -> Iterator[Offer]:
    """``NAME@A..B``: a name, the older version, the newer one."""
    name, at, said = begun.partition("@")
    library = _library(context)
    if not at:
        return ((f"{item.name}@", item.title) for item in library)
    older, dots, _ = said.partition("..")
    released = [(item.version, f"{item.date} {item.note}") for item in library.get(name).releases]
    if not dots:
        return ((f"{name}@{version}..", text) for version, text in released[:-1])
    newer = [*released, ("latest", "the newest release"), ("next", "with what is not released yet")]
    return ((f"{name}@{older}..{version}", text) for version, text in newer if version != older)


@_completer
def scenarios(context: click.Context, begun: str) -> Iterator[Offer]:
    """Of the catalog that is named, else of all."""
    del begun
    named = _named_catalog(context)
    chosen = [named] if named else list(_library(context))
    return ((name, item.title) for catalog in chosen for name, item in catalog.scenarios.items())


@_completer
def placeholders(context: click.Context, begun: str) -> Iterator[Offer]:
    del begun
    found = {name: text for item in _library(context) for name, text in item.placeholders.items()}
    return ((f"{name}=", text) for name, text in found.items())


@_completer
def targets(context: click.Context, begun: str) -> Iterator[Offer]:
    del begun
    from allowlist.workflow.workloads import read_workload

    file = context.params.get("workload_path") or Path("allowlist.yaml")
    workload, _ = read_workload(Path(file))
    return ((item.name, f"{item.surface} {item.resource.rpartition('/')[2]}") for item in workload.targets)


def _plan(context: click.Context) -> Plan:
    from allowlist.documents.reader import read_json_document
    from allowlist.plan.model import SCHEMA, Plan

    return read_json_document(Path(_first_word(context)), Plan, SCHEMA)


@_completer
def changes(context: click.Context, begun: str) -> Iterator[Offer]:
    """The changes of the plan that is named, without those that stand on the line already."""
    del begun
    given = context.params.get("changes") or ()
    found = _plan(context).changes
    return ((item.id, f"{item.title} [{item.target}]") for item in found if item.id not in given)


@_completer
def gates(context: click.Context, begun: str) -> Iterator[Offer]:
    """The gates of the plan that are closed."""
    del begun
    return ((item.id, item.text) for item in _plan(context).gates if not item.passed and not item.final)


def _ledger(context: click.Context) -> Ledger:
    from allowlist.store import open_ledger

    url = context.params.get("ledger_url") or os.environ.get("ALLOWLIST_LEDGER")
    return open_ledger(url, environ=os.environ, clock=lambda: dt.datetime.now(dt.UTC))


@_completer
def runs(context: click.Context, begun: str) -> Iterator[Offer]:
    del begun
    with _ledger(context) as ledger:
        found = ledger.runs(_MOST_RUNS)
    return ((run.run_id, f"{run.kind} {run.state} {run.who}") for run in found)


@_completer
def unfinished_runs(context: click.Context, begun: str) -> Iterator[Offer]:
    """Runs that somebody still has to look after."""
    del begun
    with _ledger(context) as ledger:
        found = ledger.unfinished_runs()
    return ((run.run_id, f"{run.kind} {run.state} {run.who}") for run in found)


@_completer
def api_versions(context: click.Context, begun: str) -> Iterator[Offer]:
    """Kinds of targets that are read from Azure; behind ``=`` the oldest and the newest version that is known."""
    from allowlist.azure.facts import api_version_row
    from allowlist.points.kind import kinds

    del context
    kind, mark, _ = begun.partition("=")
    for name, found in kinds().items():
        row = api_version_row(found.arm_type.lower()) if found.arm_type else None
        if row is not None and not mark:
            yield f"{name}=", found.arm_type
        elif row is not None and name == kind:
            yield from (
                (f"{name}={version}", "") for version in dict.fromkeys((row.version, row.oldest)) if version
            )
