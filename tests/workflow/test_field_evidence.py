"""What only the field knows: taken on request, behind a gate, by a person; it may keep a rule and never removes one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Status
from allowlist.plan.model import Plan
from allowlist.points.managed.ownership import rule_name
from allowlist.render.plan import plan_text
from allowlist.workflow.judging import excess_of, judge_target
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project
from allowlist.workflow.syncing.policy import unattended_doubts
from allowlist.workload.document import Unattended
from tests.helpers.catalogs import document, entry, sealed, write
from tests.helpers.foundry import HUB, fqdn, hub

EVIDENCE = [
    {
        "class": "denied-in-log",
        "repo": "contoso/landing-zone",
        "where": "issue 40",
        "date": "2026-05-04",
        "region": "swedencentral",
    }
]
KNOWN = {
    "scenario": "field",
    "need": "conditional",
    "condition": "agents are hosted",
    "evidence": EVIDENCE,
    "sources": [],
}


def catalog(**more: Any) -> dict[str, Any]:
    made = document(
        entry("api", consumers=["managed-network"]),
        entry("seen", consumers=["managed-network"], **KNOWN, **more),
        versions=("1.0.0", "2.0.0"),
    )
    made["scenarios"]["field"] = {"title": "Known from the field"}
    return made


def project(folder: Path, *scenarios: str, needs: tuple[str, ...] = ("required",), **more: Any) -> Project:
    write(folder / "catalogs", sealed(catalog(**more)))
    use = {
        "name": "contoso",
        "version": "2.0.0",
        "scenarios": ["core", *scenarios],
        "needs": list(needs),
    }
    workload = folder / "allowlist.yaml"
    workload.write_text(
        json.dumps(
            {
                "schema": "allowlist/workload/v1",
                "name": "research",
                "catalogs": [use],
                "targets": [
                    {"name": "t", "surface": "hub-network", "resource": HUB, "delete": "sync"},
                ],
            }
        ),
        "utf-8",
    )
    return load_project(workload, catalogs=folder / "catalogs", now=dt.datetime(2026, 11, 28, tzinfo=dt.UTC))


def estate(*hosts: str) -> Estate:
    return Estate.of([hub({rule_name("research", "FQDN", host): fqdn(host) for host in hosts})])


def plan(given: Project, found: Estate) -> Plan:
    return make_plan(given, found, given.targets())


def destinations(made: Plan, action: str) -> list[str]:
    bodies = [item.operation.after or item.operation.before or {} for item in made.changes]
    pairs = zip(made.changes, bodies, strict=True)
    return sorted(body["destination"] for item, body in pairs if item.operation.action == action)


def test_nobody_gets_it_without_asking(tmp_path: Path) -> None:
    assert destinations(plan(project(tmp_path), estate()), "add") == ["api.contoso.com"]


def test_whoever_asks_gets_it_behind_a_gate_with_the_line_of_evidence(tmp_path: Path) -> None:
    made = plan(project(tmp_path, "field", needs=("required", "conditional")), estate())

    (gate,) = [gate for gate in made.gates if gate.id == "field-evidence"]
    (change,) = [change for change in made.changes if change.id in gate.changes]
    line = "medium: denied in log; 1 owner; newest 2026-05-04"
    assert destinations(made, "add") == ["api.contoso.com", "seen.contoso.com"]
    assert change.requirements[0].evidence == line
    assert f"      evidence: {line}" in list(plan_text(made, details=True))


def test_it_never_goes_unattended_whatever_the_policy_trusts(tmp_path: Path) -> None:
    made = plan(project(tmp_path, "field", needs=("required", "conditional")), estate())
    trusting = Unattended(risks=["low", "wildcard"], needs=["required", "conditional", "optional"])

    (change,) = [change for change in made.changes if change.requirements[0].scenario == "field"]
    doubts = unattended_doubts(change, made, trusting)

    assert "contoso#seen is known from the field only" in doubts
    assert "gate field-evidence is closed" in doubts


def test_a_rule_that_the_field_knows_of_is_neither_excess_nor_removed(tmp_path: Path) -> None:
    given = project(tmp_path)
    found = estate("api.contoso.com", "seen.contoso.com", "stray.contoso.com")

    made = plan(given, found)
    excess = [
        item
        for item in excess_of(judge_target(given, found, given.targets()[0]))
        if item.status == Status.EXCESS
    ]

    assert destinations(made, "remove") == ["stray.contoso.com"]
    assert len(excess) == 1
    (skip,) = [skip for skip in made.skips if skip.code == "removal-proposed"]
    assert "known from the field" in skip.text


def test_an_entry_of_the_field_that_ended_removes_nothing_however_long_ago(tmp_path: Path) -> None:
    made = plan(project(tmp_path, until="2.0.0"), estate("api.contoso.com", "seen.contoso.com"))

    assert destinations(made, "remove") == []
