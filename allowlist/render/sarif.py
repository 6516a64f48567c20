"""SARIF 2.1.0 for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

import allowlist
from allowlist.render.notices import RULES, Notice, Report

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

MOST_RESULTS: Final = 25_000
"""More in one run are refused by GitHub (docs.github.com, "SARIF support for code scanning", 2026-11)."""

Json = dict[str, Any]


def sarif_text(report: Report) -> str:
    """Everything that is not fine, at the line of its target in the workload file."""
    shown = [notice for notice in report.notices if notice.fate != "passed"]
    results = [_result(notice, report) for notice in shown]
    rules = {notice.rule: RULES.get(notice.rule, RULES["gate"]) for notice in shown}
    described = [sarif_rule(name, text) for name, text in sorted(rules.items())]
    return json.dumps(sarif_log(described, results, report.name), indent=2)


def sarif_log(rules: Iterable[Json], results: Sequence[Json], category: str = "") -> Json:
    """A log of one run; ``category`` keeps the runs of several reports on one commit apart."""
    left_out = len(results) - MOST_RESULTS
    run: Json = {
        "tool": {
            "driver": {"name": "allowlist", "version": allowlist.__version__, "rules": [*rules]},
        },
        "results": list(results[:MOST_RESULTS]),
    }
    if left_out > 0:
        text = f"{left_out} more results are left out"
        note = {"level": "warning", "message": {"text": text}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [note]}]
    if category:
        run["automationDetails"] = {"id": f"{category}/"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_rule(name: str, text: str, level: str = "") -> Json:
    rule: Json = {"id": name, "shortDescription": {"text": text}}
    return {**rule, "defaultConfiguration": {"level": level}} if level else rule


def sarif_result(
    rule: str, level: str, text: str, file: str, region: Mapping[str, int], identity: str = ""
) -> Json:
    """One result; ``identity`` is what makes it the same result in another run."""
    place: Json = {"artifactLocation": {"uri": quote(PurePath(file).as_posix())}}
    if region:
        place["region"] = dict(region)
    result: Json = {
        "ruleId": rule,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
    return {**result, "partialFingerprints": {"allowlist/v1": identity}} if identity else result


def _result(notice: Notice, report: Report) -> Json:
    line = report.lines.get(notice.target, 0)
    region = {"startLine": line} if line else {}
    return sarif_result(
        notice.rule, notice.level, notice.sentence, report.file, region, identity=notice.identity
    )
