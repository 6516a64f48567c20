"""SARIF 2.1.0 for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

import allowlist
from allowlist.render.notices import Notice, Report, Rule

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

MOST_RESULTS: Final = 25_000
"""More in one run are refused by GitHub (docs.github.com, "SARIF support for code scanning", 2026-11)."""

Json = dict[str, Any]


def sarif_text(report: Report) -> str:
    """Everything that is not fine, at its line; what somebody answers for is there with its suppression."""
    shown = [notice for notice in report.notices if notice.fate != "passed"]
    named = {**report.rules, **{notice.rule: report.rule(notice.rule) for notice in shown}}
    rules = [_rule(name, rule) for name, rule in sorted(named.items())]
    return json.dumps(_log(rules, [_result(notice, report) for notice in shown], report.name), indent=2)


def _log(rules: Sequence[Json], results: Sequence[Json], category: str) -> Json:
    """A log of one run; ``category`` keeps the runs of several reports on one commit apart."""
    left_out = len(results) - MOST_RESULTS
    run: Json = {
        "tool": {
            "driver": {"name": "allowlist", "version": allowlist.__version__, "rules": [*rules]},
        },
        "automationDetails": {"id": f"{category}/"},
        "results": list(results[:MOST_RESULTS]),
    }
    if left_out > 0:
        text = f"{left_out} more results are left out"
        note = {"level": "warning", "message": {"text": text}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [note]}]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: Rule) -> Json:
    found: Json = {"id": name, "shortDescription": {"text": rule.text}}
    found |= {"helpUri": rule.page} if rule.page else {}
    return found | ({"defaultConfiguration": {"level": rule.level}} if rule.level else {})


def _result(notice: Notice, report: Report) -> Json:
    result: Json = {
        "ruleId": notice.rule,
        "level": notice.level,
        "message": {"text": notice.sentence},
        "locations": [_location(notice, report)],
        "partialFingerprints": {"allowlist/v1": notice.identity},
    }
    if notice.suppressed:
        result["suppressions"] = [{"kind": "external", "justification": notice.suppressed}]
    return result


def _location(notice: Notice, report: Report) -> Json:
    file, line, column = report.place_of(notice)
    place: Json = {"artifactLocation": {"uri": quote(PurePath(file).as_posix())}}
    if line:
        place["region"] = {"startLine": line} | ({"startColumn": column} if column else {})
    found: Json = {"physicalLocation": place}
    if notice.places:
        found["logicalLocations"] = [
            {"fullyQualifiedName": name, "kind": "resource"} for name in notice.places
        ]
    return found
