"""Secured hubs: found, read, explained, planned, applied and rolled back; where no route leads there, never covered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Estate
from allowlist.estate.resource_id import normal_id
from allowlist.plan.findings import Finding, Status
from allowlist.points.kind import kind_of
from allowlist.points.point import Target
from allowlist.points.secured_hub.place import doubt_about_way, internet_next_hop
from allowlist.workflow.applying import raise_if_incomplete
from allowlist.workflow.checking import check_targets
from allowlist.workflow.initialising import find_candidates
from allowlist.workflow.project import read_estate
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.cli import allowlist
from tests.helpers.hub import FIREWALL, HUB, INTENT, NET, OURS, POLICY, THEIRS, intent, secured_hub
from tests.helpers.kinds import Body, kind_world, workload_for
from tests.helpers.world import World

NAMES = ["needed.example.com", "theirs.example"]
ELSEWHERE = f"{NET}/networkVirtualAppliances/nva"


def document(names: list[str] = NAMES) -> Body:
    return workload_for("secured-hub", HUB, names)


def findings(world: World) -> dict[str, Finding]:
    project = world.project
    specs = project.targets()
    (check,) = check_targets(project, read_estate(project, specs, world.arm), specs)
    return {item.requirement.pattern if item.requirement else item.rule: item for item in check.findings}


def table(next_hop: str, name: str = "defaultRouteTable") -> Body:
    route = {"name": "all", "destinations": ["0.0.0.0/0"], "nextHop": next_hop, "nextHopType": "ResourceId"}
    return {
        "id": f"{HUB}/hubRouteTables/{name}",
        "name": name,
        "type": "Microsoft.Network/virtualHubs/hubRouteTables",
        "properties": {"routes": [route]},
    }


def test_a_hub_is_found_by_its_firewall_and_stands_for_its_policy() -> None:
    estate = Estate.of(secured_hub(intent()))
    assert [(item.resource, item.instead_of) for item in kind_of("secured-hub").find(estate)] == [
        (HUB, POLICY)
    ]
    assert [(item.surface, item.resource) for item in find_candidates(estate)] == [("secured-hub", HUB)]


def test_a_policy_that_several_firewalls_carry_is_one_target_for_all_of_them() -> None:
    second = {**secured_hub()[-1], "id": f"{FIREWALL}-2", "name": "afw-2"}
    estate = Estate.of([*secured_hub(), second])
    assert [(item.surface, item.resource) for item in find_candidates(estate)] == [
        ("firewall-policy", POLICY)
    ]


def test_a_plan_is_written_to_the_policy_and_rolled_back(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), secured_hub(intent())) as world:
        found = findings(world)
        assert found["theirs.example"].status is Status.COVERED
        assert found["needed.example.com"].status is Status.MISSING
        theirs = world.body(THEIRS)
        plan = world.plan()
        world.approve(plan)
        run = world.apply(plan)
        raise_if_incomplete(run)
        assert len(world.rules(OURS)) == 1
        assert findings(world)["needed.example.com"].status is Status.COVERED
        assert world.plan().is_empty
        body = world.body(THEIRS)
        assert body is not None
        assert theirs is not None
        assert body["properties"]["ruleCollections"] == theirs["properties"]["ruleCollections"]

        roll_back(world.project, run.run_id, world.arm, world.context())
        assert world.rules(OURS) == []


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ([], "no route for the Internet"),
        ([intent(destination="PrivateTraffic")], "no route for the Internet"),
        ([intent(ELSEWHERE)], "sends the Internet to nva"),
        ([table(ELSEWHERE)], "sends the Internet to nva"),
    ],
    ids=["no intent", "private traffic only", "an appliance", "a route table to an appliance"],
)
def test_where_the_internet_is_not_routed_to_the_firewall_nothing_is_covered(
    tmp_path: Path, routes: list[Body], told: str
) -> None:
    with kind_world(tmp_path, document(["theirs.example"]), secured_hub(*routes)) as world:
        found = findings(world)
        assert found["theirs.example"].status is Status.UNKNOWN
        assert found["hub-weu/routingIntent"].status is Status.INVALID
        assert any(told in item.because for item in found.values())
        assert world.plan().is_empty


def test_a_default_route_in_the_hub_s_table_leads_there_too(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(["theirs.example"]), secured_hub(table(FIREWALL))) as world:
        assert findings(world)["theirs.example"].status is Status.COVERED


def test_routing_intent_comes_before_the_route_table(tmp_path: Path) -> None:
    routes = (table(FIREWALL), intent(ELSEWHERE))
    with kind_world(tmp_path, document(["theirs.example"]), secured_hub(*routes)) as world:
        assert findings(world)["theirs.example"].status is Status.UNKNOWN


def _with_odd_key(body: Body) -> Body:
    body["properties"]["routes"][0]["zzzCondition"] = "x"
    return body


def _and(body: Body, destination: str, next_hop: str = ELSEWHERE) -> Body:
    """``body`` with a second route."""
    (key,) = {"routes", "routingPolicies"} & body["properties"].keys()
    more = {"name": "more", "destinations": [destination], "nextHop": next_hop}
    body["properties"][key].append(more)
    return body


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ([intent(destination="Everything"), table(FIREWALL)], "nobody models the destination Everything"),
        ([_with_odd_key(table(FIREWALL))], "nobody models zzzCondition"),
        ([_and(table(FIREWALL), "20.0.0.0/8")], "20.0.0.0/8 goes to nva"),
        ([intent(), _and(table(FIREWALL), "20.0.0.0/8")], "20.0.0.0/8 goes to nva"),
        ([_and(intent(), "Internet")], "internet goes to nva"),
    ],
    ids=["an unknown destination", "an unknown key", "a longer prefix", "the same beside intent", "two ways"],
)
def test_a_way_that_is_not_certain_covers_nothing(routes: list[Body], told: str) -> None:
    estate = Estate.of(secured_hub(*routes))
    assert told in doubt_about_way(estate, HUB)


@pytest.mark.parametrize(
    "routes",
    [
        [intent(destination="internet")],
        [_and(intent(), "PrivateTraffic")],
        [_and(table(FIREWALL), "10.7.0.0/16")],
        [_and(table(FIREWALL), "20.0.0.0/8", FIREWALL.upper())],
        [intent(), table(ELSEWHERE)],
    ],
    ids=["in any case", "private traffic", "a private prefix", "a prefix with the same hop", "intent first"],
)
def test_what_is_routed_beside_the_internet_raises_no_doubt(routes: list[Body]) -> None:
    estate = Estate.of(secured_hub(*routes))
    assert doubt_about_way(estate, HUB) == ""
    assert internet_next_hop(estate, HUB) == normal_id(FIREWALL)


def test_a_route_that_changed_makes_the_plan_stale(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), secured_hub(intent())) as world:
        plan = world.plan()
        world.approve(plan)
        world.edit(INTENT, lambda body: body["properties"]["routingPolicies"][0].update(nextHop=ELSEWHERE))
        with pytest.raises(Exception, match="changed since the plan"):
            world.apply(plan)


def test_a_hub_without_a_firewall_is_told_so() -> None:
    (body, *_) = secured_hub()
    estate = Estate.of([{**body, "properties": {}}])
    target = Target(name="t", workload="w", surface="secured-hub", resource=HUB, delete="sync", options={})
    point = kind_of("secured-hub").bind(target)
    with pytest.raises(InvalidInput, match="lacks a firewall"):
        point.ruleset(estate)


def test_sync_applies_what_is_safe_and_is_then_in_sync(workplace: Path) -> None:
    wanted = document() | {"automation": {"apply": "safe", "unattended": {"catalogs": ["own"]}}}
    with kind_world(workplace, wanted, secured_hub(intent())) as world:
        azure = ("--arm-endpoint", world.running.url, "--credential", "none", "--json")
        first = allowlist("sync", *azure, "--exit-code")
        assert first.json["summary"]["applied"] == 1, first.err
        assert allowlist("sync", *azure).json["summary"]["in_sync"] == 1


def test_the_command_line_explains_a_flow_through_the_hub(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), secured_hub(intent())) as world:
        azure = ("--workload", world.workload, "--arm-endpoint", world.running.url, "--credential", "none")
        told = allowlist("explain", "theirs.example", "--from", "10.40.0.4", *azure, "--json")
        assert told.json["verdict"] == "allow", told.err
        assert told.json["decided_by"]["rule"] == "theirs"
        found = allowlist("posture", *azure, "--json")
        assert found.code == 0, found.err
        carried = [item for item in found.json["met"] if item["code"] == "firewall-carries-policy"]
        assert [item["resource"].rpartition("/")[2] for item in carried] == ["afwp-hub-weu"]


def test_the_simulated_hub_names_its_firewall_and_takes_no_foreign_next_hop(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), secured_hub()) as world:
        shown = world.arm.get(HUB, "2024-05-01")
        assert shown["properties"]["azureFirewall"]["id"] == FIREWALL
        world.arm.put(INTENT, {"properties": intent()["properties"]}, "2024-05-01")
        with pytest.raises(Exception, match="no firewall or appliance"):
            world.arm.put(INTENT, {"properties": intent(ELSEWHERE)["properties"]}, "2024-05-01")
        assert json.dumps(world.body(INTENT)).count("afw-hub-weu") == 1
