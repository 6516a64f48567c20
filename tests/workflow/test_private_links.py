"""A private endpoint replaces an egress rule: in check, plan and explain, as long as the name resolves to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding, Status
from allowlist.workflow.checking import check_targets
from allowlist.workflow.explaining import FlowLine, explain_flow, with_path
from allowlist.workflow.planning import make_plan
from allowlist.workflow.scenes import workload_scene
from tests.helpers.posture import PLANTS, Bodies, clean_bodies, drop, find, project

REGISTRY = "crcontosoai.azurecr.io"
BY_NAME = {plant.name: plant for plant in PLANTS}


def estate(*edits: Callable[[Bodies], None]) -> Estate:
    bodies = clean_bodies()
    for edit in edits:
        edit(bodies)
    return Estate.of(bodies.values(), origin="example")


def check(state: Estate) -> list[Finding]:
    one = project()
    return [item for check in check_targets(one, state, one.targets()) for item in check.findings]


def about(findings: list[Finding], pattern: str) -> Finding:
    return next(item for item in findings if item.requirement and item.requirement.pattern == pattern)


def allow(name: str) -> Callable[[Bodies], None]:
    def edit(bodies: Bodies) -> None:
        rules: list[dict[str, Any]] = find(bodies, "ruleCollectionGroups", "rcg-ai")["properties"][
            "ruleCollections"
        ][0]["rules"]
        rules.append({**rules[0], "name": "registry", "targetFqdns": [name]})

    return edit


def planned(state: Estate) -> list[str]:
    one = project()
    return [change.title for change in make_plan(one, state, one.targets()).changes]


def test_a_name_with_an_approved_endpoint_is_satisfied_by_it() -> None:
    found = about(check(estate()), REGISTRY)
    assert (found.status, found.code) == (Status.COVERED, "satisfied-by-private-endpoint")
    assert found.covered_by[0].endswith("/privateendpoints/pe-registry")
    assert "satisfied by private endpoint pe-registry" in found.because
    assert planned(estate()) == []


def test_while_the_zone_is_missing_the_name_stays_public_and_that_is_said() -> None:
    state = estate(BY_NAME["zone gone"].edit)
    found = about(check(state), REGISTRY)
    assert (found.status, found.code) == (Status.MISSING, "private-endpoint-not-resolved")
    assert "there is no zone privatelink.azurecr.io, so the firewall sees the name" in found.because
    assert any(REGISTRY in title for title in planned(state))


def test_a_pending_endpoint_satisfies_nothing() -> None:
    def pending(bodies: Bodies) -> None:
        inner = find(bodies, "privateEndpoints", "pe-registry")["properties"]
        connection = inner["privateLinkServiceConnections"][0]["properties"]
        connection["privateLinkServiceConnectionState"]["status"] = "Pending"

    assert about(check(estate(pending)), REGISTRY).status is Status.MISSING


def test_an_endpoint_in_a_peered_hub_counts_and_one_elsewhere_does_not() -> None:
    def moved_to(network: str) -> Callable[[Bodies], None]:
        def edit(bodies: Bodies) -> None:
            base = find(bodies, "virtualNetworks", "vnet-hub")["id"].rpartition("/")[0]
            inner = find(bodies, "privateEndpoints", "pe-registry")["properties"]
            inner["subnet"] = {"id": f"{base}/{network}/subnets/snet-endpoints"}

        return edit

    assert about(check(estate(moved_to("vnet-hub"))), REGISTRY).status is Status.COVERED
    assert about(check(estate(moved_to("vnet-other"))), REGISTRY).status is Status.MISSING


def test_without_any_dns_zone_read_the_answer_is_unknown_and_no_rule_is_proposed() -> None:
    def no_zones(bodies: Bodies) -> None:
        for key in [key for key in bodies if "/privatednszones/" in key]:
            del bodies[key]

    state = estate(no_zones)
    found = about(check(state), REGISTRY)
    assert (found.status, found.code) == (Status.UNKNOWN, "private-endpoint-unresolved")
    assert planned(state) == []


def test_a_rule_for_the_name_alone_is_redundant() -> None:
    found = next(item for item in check(estate(allow(REGISTRY))) if item.rule.endswith("/registry"))
    assert (found.status, found.code) == (Status.REDUNDANT, "private-endpoint-redundant")


def test_a_wildcard_beside_the_endpoint_is_a_way_out_to_strangers() -> None:
    codes = {item.code: item for item in check(estate(allow("*.azurecr.io"))) if item.code}
    found = codes["private-endpoint-exfiltration"]
    assert found.status is Status.WIDENS
    assert "*.azurecr.io only lets other tenants in reach" in found.because


def test_explain_shows_the_whole_way() -> None:
    def stages(name: str, source: str, state: Estate) -> dict[str, tuple[str, str]]:
        one = project()
        spec = one.targets()[0]
        ruleset = one.point(spec).ruleset(state)
        line = FlowLine(source=source, fqdn=name)
        answer = explain_flow(line, ruleset, (), one.facts, spec.name)
        path = with_path(answer, workload_scene(one.workload, state, [spec])).path
        return {step.stage.value: (step.disposition.value, step.says) for step in path}

    private = stages(REGISTRY, "10.20.0.7", estate())
    assert list(private) == ["network-security-group", "route", "dns", "firewall", "service"]
    assert private["firewall"] == ("aside", "not on the way")
    assert "through pe-registry" in private["service"][1]
    public = stages("models.contoso.example", "10.20.0.7", estate())
    assert public["route"][0] == public["firewall"][0] == "passes"
    context = stages("models.contoso.example", "10.20.1.7", estate(BY_NAME["no route table"].edit))
    assert context["route"][0] == "blocked"
    denied = stages("models.contoso.example", "10.20.1.7", estate(BY_NAME["group denies"].edit))
    assert denied["network-security-group"] == ("blocked", "rule deny-web denies it")
    assert stages("models.contoso.example", "192.168.0.1", estate()) == {}


def test_a_lost_endpoint_brings_the_requirement_back() -> None:
    state = estate(lambda bodies: drop(bodies, "privateEndpoints", "pe-registry"))
    assert about(check(state), REGISTRY).status is Status.MISSING
