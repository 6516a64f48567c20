"""Says everything the product answers about the places it is given, as one line of JSON each: plan, check, comparison,
simplifications. Imports nothing but the product, so that any commit can be asked (see :mod:`tests.bench.answers`).
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from allowlist.render.findings import findings_json, findings_text
from allowlist.render.rulesets import comparison_json, suggestion_json
from allowlist.rules.simplify import suggest
from allowlist.workflow.checking import check_targets
from allowlist.workflow.comparing import compare_states
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import load_project, read_estate

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
OWN_CATALOGS = "own-catalogs"


def catalogs_of(place: Path) -> Path | None:
    """The folder of catalogs that a random estate asks by; None where it asks by its workload file alone."""
    folder = place / OWN_CATALOGS
    return folder if folder.is_dir() else None


def answers(place: Path) -> Iterator[tuple[str, Any]]:
    """What is said of the workload and the states in the folder ``place``; a refusal, or a fault, in its own words."""
    project = load_project(place / "allowlist.yaml", catalogs=catalogs_of(place), now=NOW)
    specs = project.targets()
    state = place / "before"

    def plan() -> Any:
        return msgspec.to_builtins(make_plan(project, read_estate(project, specs, state), specs))

    def check() -> Any:
        found = check_targets(project, read_estate(project, specs, state), specs)
        findings = [item for one in found for item in one.findings]
        texts = [list(findings_text(findings, str, details=details)) for details in (False, True)]
        return [findings_json(findings), texts, [list(one.notes) for one in found]]

    def compare() -> Any:
        found = compare_states(project, specs, state, place / "after").targets
        told = [comparison_json(item) for item in found]
        for item in told:
            # A set of changed rules was gone through in no order of its own.
            item["differences"].sort(key=lambda one: json.dumps(one, sort_keys=True))
        return told

    def simplify() -> Any:
        estate = read_estate(project, specs, state)
        rulesets = [(spec.name, project.point(spec).ruleset(estate)) for spec in specs]
        return [suggestion_json(name, item) for name, rules in rulesets for item in suggest(rules)]

    for question in (plan, check, compare, simplify):
        yield question.__name__, _answer(question)


def _answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    for line in sys.stdin:
        told = dict(answers(Path(line.strip())))
        sys.stdout.write(json.dumps(told, sort_keys=True) + "\n")
        sys.stdout.flush()
