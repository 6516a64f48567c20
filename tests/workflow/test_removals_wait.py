"""What a catalog ended is first only told, then behind a gate of its own, then removed like anything else."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.plan.model import Plan
from allowlist.points.managed.ownership import rule_name
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import load_project
from tests.helpers.catalogs import document, entry, sealed, write
from tests.helpers.foundry import ACCOUNT, HUB, account, fqdn, hub, network

ENDED = dt.date(2024, 2, 1)
CATALOG = document(
    entry("api", consumers=["managed-network"]),
    entry("gone", until="2.0.0", consumers=["managed-network"]),
    versions=("1.0.0", "2.0.0"),
)
RESOURCES = {"hub-network": HUB, "account-network": ACCOUNT}


def plan_after(
    folder: Path, days: int, surface: str = "hub-network", delete: str = "sync", **gates: Any
) -> Plan:
    """The plan so many days after the release that ended ``gone``; rules of ours allow both names, and one more."""
    write(folder / "catalogs", sealed(CATALOG))
    workload = folder / "allowlist.yaml"
    workload.write_text(
        json.dumps(
            {
                "schema": "allowlist/workload/v1",
                "name": "research",
                "catalogs": [{"name": "contoso", "version": "2.0.0"}],
                "targets": [
                    {"name": "t", "surface": surface, "resource": RESOURCES[surface], "delete": delete}
                ],
                "gates": gates,
            }
        ),
        "utf-8",
    )
    moment = dt.datetime.combine(ENDED + dt.timedelta(days=days), dt.time(), dt.UTC)
    project = load_project(workload, catalogs=folder / "catalogs", now=moment)
    hosts = ("api.contoso.com", "gone.contoso.com", "stray.contoso.com")
    rules = {rule_name("research", "FQDN", host): fqdn(host) for host in hosts}
    bodies = [hub(rules)] if surface == "hub-network" else [account(), network(rules)]
    return make_plan(project, Estate.of(bodies), project.targets())


def removed(plan: Plan) -> list[str]:
    return sorted(str((change.operation.before or {})["destination"]) for change in plan.changes)


@pytest.mark.parametrize("surface", RESOURCES)
def test_an_entry_that_has_just_ended_keeps_its_rule_and_the_plan_says_until_when(
    tmp_path: Path, surface: str
) -> None:
    plan = plan_after(tmp_path, 0, surface)
    assert removed(plan) == ["stray.contoso.com"]
    (skip,) = [skip for skip in plan.skips if skip.code == "removal-proposed"]
    assert "contoso#gone ended on 2024-02-01 with 2.0.0" in skip.text
    assert "2024-03-02" in skip.text


@pytest.mark.parametrize("surface", RESOURCES)
def test_in_quarantine_its_rule_goes_only_behind_a_gate_of_its_own(tmp_path: Path, surface: str) -> None:
    plan = plan_after(tmp_path, 30, surface)
    assert removed(plan) == ["gone.contoso.com", "stray.contoso.com"]
    (gate,) = [gate for gate in plan.gates if gate.id == "quarantine"]
    (change,) = [change for change in plan.changes if change.id in gate.changes]
    assert change.operation.before is not None
    assert change.operation.before["destination"] == "gone.contoso.com"
    assert "2024-05-01" in gate.text


def test_afterwards_it_is_a_removal_like_any_other(tmp_path: Path) -> None:
    plan = plan_after(tmp_path, 90)
    assert removed(plan) == ["gone.contoso.com", "stray.contoso.com"]
    assert not [gate for gate in plan.gates if gate.id == "quarantine"]


def test_a_workload_sets_both_times_itself(tmp_path: Path) -> None:
    assert "quarantine" not in {
        gate.id for gate in plan_after(tmp_path, 0, propose_days=0, quarantine_days=0).gates
    }
    assert "quarantine" in {
        gate.id for gate in plan_after(tmp_path, 5, propose_days=5, quarantine_days=1).gates
    }


def test_where_nothing_may_be_removed_nothing_is_proposed_either(tmp_path: Path) -> None:
    plan = plan_after(tmp_path, 0, delete="add-only")
    assert {skip.code for skip in plan.skips} == {"kept-by-delete-policy"}
