"""Targets that are looked up: by one query for all subscriptions, by lists where that is not permitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.azure.client import ArmClient
from allowlist.azure.connection import Connection, connect
from allowlist.errors import TargetDenied
from allowlist.points.kind import kind_of, kinds
from allowlist.simulator import Simulator, serve
from allowlist.workflow import discovering
from allowlist.workflow.discovering import with_discovered
from allowlist.workflow.workloads import read_workload
from allowlist.workload import Workload
from tests.helpers import foundry
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.fleet import SUBSCRIPTIONS, policy_id, seed_fleet
from tests.helpers.hub import intent, secured_hub
from tests.helpers.perimeter import perimeter

HEAD = """\
schema: allowlist/workload/v1
name: hubs
sources: {agents: {addresses: [10.40.0.0/23]}}
requirements:
  - {id: needed, pattern: needed.example.com, ports: ['https:443'], owner: team, reason: r, expires: '2999-01-01'}
automation: {apply: safe, unattended: {catalogs: [own]}}
"""
CLASSIC = {
    "id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/azureFirewalls/afw-old",
    "name": "afw-old",
    "type": "Microsoft.Network/azureFirewalls",
    "location": "westeurope",
    "properties": {"applicationRuleCollections": []},
}
NO_GRAPH = "POST:*:contains=ResourceGraph,status=403"


@pytest.fixture
def simulator() -> Simulator:
    found = Simulator()
    seed_fleet(found, 6, subscriptions=2)
    found.edit(policy_id(3, 1), lambda body: body.update(tags={"env": "prod"}))
    return found


@pytest.fixture
def arm(simulator: Simulator) -> Iterator[ArmClient]:
    with serve(simulator) as running, connect(Connection(endpoint=running.url, credential="none")) as found:
        yield found


def workload(folder: Path, discover: str, more: str = "") -> Workload:
    file = folder / "allowlist.yaml"
    section = f"discover:\n  - {{name: all, surface: firewall-policy, delete: add-only{discover}}}\n"
    file.write_text(f"{HEAD}{more}{section}")
    return read_workload(file)[0]


def found_by(workload: Workload, arm: Any) -> list[str]:
    return sorted(spec.resource.rpartition("/")[2] for spec in with_discovered(workload, arm).targets)


def test_one_query_over_all_its_pages_finds_every_policy_that_is_no_base(
    simulator: Simulator, arm: ArmClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovering, "MOST_ROWS", 2)
    assert found_by(workload(tmp_path, ""), arm) == [f"policy-00{number}" for number in range(6)]
    asked = [item.path.lower() for item in simulator.requests]
    assert len(asked) >= 3
    assert all("microsoft.resourcegraph" in path for path in asked)


@pytest.mark.parametrize(
    ("discover", "expected"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        (f", subscriptions: ['{SUBSCRIPTIONS[1]}']", [1, 3, 5]),
        (", names: [policy-000, '*-005']", [0, 5]),
        (", resource_groups: [RG-*]", [0, 1, 2, 3, 4, 5]),
        (", resource_groups: [other]", []),
        (", tags: {env: prod}", [3]),
    ],
)
@pytest.mark.parametrize("fault", ["", NO_GRAPH])
def test_one_request_is_enough_and_without_the_graph_lists_give_the_same_answer(
    simulator: Simulator, arm: ArmClient, tmp_path: Path, discover: str, expected: list[int], fault: str
) -> None:
    if fault:
        simulator.inject(fault)
    assert found_by(workload(tmp_path, discover), arm) == [f"policy-00{number}" for number in expected]
    assert len(simulator.requests) == 1 or fault


def test_a_target_that_is_named_is_not_found_again(
    simulator: Simulator, arm: ArmClient, tmp_path: Path
) -> None:
    resource = policy_id(0).replace("firewallPolicies", "FIREWALLPOLICIES")
    named = f"targets:\n  - {{name: mine, surface: firewall-policy, resource: {resource}, delete: sync}}\n"
    specs = with_discovered(workload(tmp_path, "", named), arm).targets
    assert len({spec.name for spec in specs}) == len(specs) == 6
    assert specs[0].name == "mine"


def test_what_may_not_be_listed_either_is_told(simulator: Simulator, arm: ArmClient, tmp_path: Path) -> None:
    simulator.inject(NO_GRAPH)
    simulator.inject("GET:firewallPolicies:status=403")
    with pytest.raises(TargetDenied, match="firewallPolicies/read"):
        found_by(workload(tmp_path, ""), arm)


def test_a_scheduled_run_takes_care_of_what_it_discovers(simulator: Simulator, workplace: Path) -> None:
    workload(workplace, f", subscriptions: [{', '.join(SUBSCRIPTIONS[:2])}]")
    with serve(simulator) as running:
        azure = ("--arm-endpoint", running.url, "--credential", "none", "--json")
        first = allowlist("sync", *azure)
        assert first.code == 0, first.err
        assert first.json["summary"]["applied"] == 6
        second = allowlist("sync", *azure, "--exit-code")
        assert second.json["summary"]["in_sync"] == 6
        chosen = second.json["targets"][0]["target"]
        assert allowlist("sync", *azure, "--only", chosen).json["summary"]["targets"] == 1
    refused = allowlist("plan", *azure[:4])
    assert refused.code == 1
    assert "allowlist sync" in refused.err


def test_a_workload_without_any_target_is_refused(workplace: Path) -> None:
    (workplace / "allowlist.yaml").write_text(HEAD)
    result = allowlist("sync", "--credential", "none")
    assert result.code == 1
    assert "names no target" in result.err


@pytest.mark.parametrize("fault", ["", NO_GRAPH], ids=["Resource Graph", "lists"])
def test_every_kind_of_enforcement_point_is_discovered(tmp_path: Path, fault: str) -> None:
    simulator = Simulator(faults=[fault] if fault else [])
    simulator.seed(CONTOSO)
    simulator.seed([CLASSIC, *perimeter(), *secured_hub(intent())])
    simulator.seed(
        [foundry.hub(), foundry.account(), foundry.network(), foundry.policy(), foundry.speech([])]
    )
    with serve(simulator) as running, connect(Connection(endpoint=running.url, credential="none")) as arm:
        for name in (kind.name for kind in kinds().values() if kind.listing):
            asked = f"surface: {name}, subscriptions: ['00000000-0000-0000-0000-000000000001']"
            document = f"{HEAD}discover:\n  - {{name: all, delete: add-only, {asked}}}\n"
            (tmp_path / "allowlist.yaml").write_text(document)
            found = with_discovered(read_workload(tmp_path / "allowlist.yaml")[0], arm).targets
            assert found, f"no {name} was found"
            assert {target.surface for target in found} == {name}
            for target in found:
                assert kind_of(name).arm_type.lower().rpartition("/")[2] in target.resource.lower()
