"""Managed networks of hubs and accounts: what is found, what is planned, and what it costs, from raw ARM JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.errors import InvalidInput, PlanRefused
from allowlist.plan.findings import Status
from allowlist.points.managed.network import OutboundRule
from allowlist.points.managed.ownership import is_owned, rule_name
from allowlist.points.managed.validate import RULE_NAME
from allowlist.render.plan import plan_text
from allowlist.workflow.explaining import FlowLine, explain_flow
from tests.helpers.foundry import ACCOUNT, HUB, STORAGE, Case, account, fqdn, hub, network

HTTPS = ["https:443"]
NAME = {"huggingface.co": HTTPS}
BOTH = ["hub-network", "account-network"]


def _state(surface: str, rules: dict[str, Any] | None = None, **more: Any) -> list[Any]:
    return [hub(rules, **more)] if surface == "hub-network" else [account(), network(rules, **more)]


def _case(
    folder: Path, surface: str, wants: dict[str, list[str]] = NAME, rules: Any = None, **more: Any
) -> Case:
    own = {key: more.pop(key) for key in ("options", "delete", "more") if key in more}
    return Case(folder, surface, wants, _state(surface, rules, **more), **own)


@pytest.mark.parametrize("surface", BOTH)
def test_the_first_fqdn_rule_is_a_billed_step_with_a_name(tmp_path: Path, surface: str) -> None:
    plan = _case(tmp_path, surface).plan()

    (change,) = plan.changes
    assert change.operation.after == {
        "type": "FQDN",
        "category": "UserDefined",
        "destination": "huggingface.co",
    }
    assert [gate.id for gate in plan.gates] == ["billed-firewall-target"]
    assert "no price known" in plan.gates[0].text
    assert plan.targets[0].monthly is None
    assert plan.minutes == 22.5


@pytest.mark.parametrize("surface", BOTH)
def test_a_price_of_ones_own_is_shown_with_its_source_and_counted_once(tmp_path: Path, surface: str) -> None:
    price = {
        "what": "managed-firewall-standard",
        "monthly": 700.0,
        "currency": "EUR",
        "source": "our price sheet",
        "date": "2026-10-01",
    }
    wants = {**NAME, "pypi.example": HTTPS}
    plan = _case(tmp_path, surface, wants, more={"prices": [price]}).plan()

    assert (plan.targets[0].monthly, plan.targets[0].currency) == (700.0, "EUR")
    assert all("our price sheet, 2026-10-01" in change.cost.source for change in plan.changes)


def test_a_batch_takes_the_minutes_of_one_rule_where_the_api_has_it(tmp_path: Path) -> None:
    wants = dict.fromkeys(("a.example", "b.example", "c.example"), HTTPS)
    there = {"some": fqdn("else.example")}

    assert _case(tmp_path, "account-network", wants, there).plan().minutes == 12.5
    assert _case(tmp_path, "hub-network", wants, there).plan().minutes == 37.5


@pytest.mark.parametrize("surface", BOTH)
def test_a_second_fqdn_rule_creates_no_firewall(tmp_path: Path, surface: str) -> None:
    plan = _case(tmp_path, surface, rules={"some": fqdn("else.example")}).plan()

    assert not plan.gates
    assert plan.minutes == 12.5


@pytest.mark.parametrize("surface", BOTH)
def test_a_network_that_is_not_provisioned_is_noted_first_and_provisioned_last(
    tmp_path: Path, surface: str
) -> None:
    case = _case(tmp_path, surface, status="Inactive")
    plan = case.plan()

    assert {"billed-provisioning-target", "irreversible-provisioning-target"} < {
        gate.id for gate in plan.gates
    }
    assert plan.minutes == 40.5
    assert plan.targets[0].writes[-1].endswith(("/provision", "/provisionManagedNetwork"))
    assert "network_not_provisioned" in {finding.code for finding in case.check()}


@pytest.mark.parametrize("surface", BOTH)
def test_a_workload_may_leave_provisioning_to_the_first_compute(tmp_path: Path, surface: str) -> None:
    plan = _case(tmp_path, surface, status="Inactive", options={"provision": False}).plan()

    assert [change.operation.action for change in plan.changes] == ["add"]


@pytest.mark.parametrize("surface", BOTH)
@pytest.mark.parametrize("status", ["Inactive", "Provisioning"])
def test_a_rule_that_is_not_in_force_is_no_coverage_and_not_written_again(
    tmp_path: Path, surface: str, status: str
) -> None:
    case = _case(tmp_path, surface, rules={"mine": fqdn("huggingface.co", status)})

    finding = next(item for item in case.check() if item.requirement)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "approved_not_in_force")
    plan = case.plan()
    assert plan.is_empty
    assert [skip.code for skip in plan.skips] == ["approved-not-in-force"]


@pytest.mark.parametrize("surface", BOTH)
def test_a_failed_rule_shows_its_error_and_counts_as_missing(tmp_path: Path, surface: str) -> None:
    failed = fqdn("huggingface.co", "Failed", errorInformation="quota is used up")
    case = _case(tmp_path, surface, rules={"theirs": failed})

    found = case.check()
    assert next(item.status for item in found if item.requirement) is Status.MISSING
    assert any("quota is used up" in item.because for item in found if item.code == "rule_failed")
    assert "is Failed: quota is used up" in case.plan().gaps[0].cause


@pytest.mark.parametrize("surface", BOTH)
def test_a_failed_rule_of_ours_is_written_again(tmp_path: Path, surface: str) -> None:
    name = rule_name("research", "FQDN", "huggingface.co")
    plan = _case(tmp_path, surface, rules={name: fqdn("huggingface.co", "Failed")}).plan()

    (change,) = plan.changes
    assert change.operation.action == "update"
    assert "Failed" in change.reason


@pytest.mark.parametrize("surface", BOTH)
def test_a_failed_private_endpoint_names_the_role_that_is_missing(tmp_path: Path, surface: str) -> None:
    rule = {
        "type": "PrivateEndpoint",
        "category": "UserDefined",
        "status": "Failed",
        "errorInformation": "not approved",
        "destination": {"serviceResourceId": STORAGE, "subresourceTarget": "blob"},
    }
    found = _case(tmp_path, surface, rules={"store": rule}).check()

    remedy = next(item.remedy for item in found if item.code == "rule_failed")
    assert "Azure AI Enterprise Network Connection Approver" in remedy


@pytest.mark.parametrize("surface", BOTH)
def test_nothing_restricted_is_a_finding_and_no_reason_to_write(tmp_path: Path, surface: str) -> None:
    case = _case(tmp_path, surface, mode="AllowInternetOutbound")

    posture = next(item for item in case.check() if not item.requirement)
    assert (posture.status, posture.code) == (Status.WIDENS, "egress_not_restricted")
    assert case.plan().is_empty


@pytest.mark.parametrize("surface", BOTH)
def test_restricting_egress_is_one_gate_and_brings_every_rule_along(tmp_path: Path, surface: str) -> None:
    case = _case(
        tmp_path,
        surface,
        mode="AllowInternetOutbound",
        options={"isolation_mode": "AllowOnlyApprovedOutbound"},
    )
    plan = case.plan()

    assert "irreversible-isolation-target" in {gate.id for gate in plan.gates}
    assert sorted(change.operation.action for change in plan.changes) == ["add", "update"]
    assert plan.targets[0].writes[0] == (
        HUB if surface == "hub-network" else f"{ACCOUNT}/managedNetworks/default"
    )


def test_restricting_egress_with_something_that_cannot_be_allowed_says_what_it_takes_away(
    tmp_path: Path,
) -> None:
    options = {"isolation_mode": "AllowOnlyApprovedOutbound"}
    plan = _case(
        tmp_path,
        "hub-network",
        {"mysql.partner.example": ["tcp:3306"]},
        mode="AllowInternetOutbound",
        options=options,
    ).plan()

    assert "not-sufficient" in {gate.id for gate in plan.gates}
    assert "80" in plan.gaps[0].cause


def test_the_firewall_of_an_account_keeps_its_sku(tmp_path: Path) -> None:
    plan = _case(tmp_path, "account-network", options={"firewall_sku": "Basic"}).plan()

    assert "account_firewall_sku_fixed_after_deployment" in {skip.code for skip in plan.skips}


def test_the_sku_is_chosen_before_the_first_rule_creates_the_firewall_of_a_hub(tmp_path: Path) -> None:
    case = _case(tmp_path, "hub-network", options={"firewall_sku": "Basic"})
    plan = case.plan()

    assert plan.targets[0].writes[0] == HUB
    assert "SKU Basic" in next(gate.text for gate in plan.gates if gate.id == "billed-firewall-target")


@pytest.mark.parametrize("surface", BOTH)
@pytest.mark.parametrize(
    ("rule", "name", "right"),
    [
        ("data.blob.core.windows.net", "data.blob.core.windows.net", Status.UNKNOWN),
        ("*.blob.core.windows.net", "data.blob.core.windows.net", Status.UNKNOWN),
        ("*.blob.core.windows.net", "vscode.blob.core.windows.net", Status.UNKNOWN),
        ("vscode.blob.core.windows.net", "vscode.blob.core.windows.net", Status.COVERED),
    ],
)
def test_a_rule_that_is_said_to_be_without_effect_is_no_cover(
    tmp_path: Path, surface: str, rule: str, name: str, right: Status
) -> None:
    findings = _case(tmp_path, surface, {name: HTTPS}, {"store": fqdn(rule)}).check()
    assert [item.status for item in findings if item.requirement] == [right]
    assert (right is Status.UNKNOWN) == any(item.status is Status.INVALID for item in findings)


def test_storage_is_reached_by_private_endpoint_where_the_workload_names_one(tmp_path: Path) -> None:
    wants = {"stresearch.blob.core.windows.net": HTTPS}
    without = _case(tmp_path, "hub-network", wants)
    assert without.plan().is_empty
    assert "private endpoint" in without.plan().gaps[0].cause

    options = {"private_endpoints": [{"resource": STORAGE, "subresource": "blob"}]}
    plan = _case(tmp_path, "hub-network", wants, options=options).plan()
    (change,) = plan.changes
    assert change.operation.after is not None
    assert change.operation.after["destination"] == {
        "serviceResourceId": STORAGE,
        "subresourceTarget": "blob",
        "sparkEnabled": False,
    }
    assert [gate.id for gate in plan.gates] == ["billed-endpoints-target"]


def test_a_service_tag_becomes_a_service_tag_rule_without_a_firewall(tmp_path: Path) -> None:
    plan = _case(tmp_path, "account-network", {"AzureMonitor": ["tcp:443"]}).plan()

    (change,) = plan.changes
    assert change.operation.after is not None
    assert change.operation.after["destination"] == {
        "serviceTag": "AzureMonitor",
        "protocol": "TCP",
        "portRanges": "443",
    }
    assert change.proofs.nothing_else.holds
    assert [gate.id for gate in plan.gates] == ["broad-tag"]


def test_serverless_spark_is_told_that_fqdn_rules_do_not_reach_it(tmp_path: Path) -> None:
    case = _case(
        tmp_path, "hub-network", rules={"x": fqdn("huggingface.co")}, options={"serverless_spark": True}
    )

    finding = next(item for item in case.check() if item.requirement)
    assert finding.code == "fqdn_rules_do_not_propagate_to_spark"
    assert case.plan().is_empty


@pytest.mark.parametrize("surface", BOTH)
def test_rules_of_the_service_and_of_others_are_never_planned(tmp_path: Path, surface: str) -> None:
    rules = {
        "Connection_store_blob": fqdn("a.example"),
        "__SYS_ST_AzureMonitor_TCP": fqdn("b.example", category="Required"),
        "theirs": fqdn("c.example"),
        rule_name("other-workload", "FQDN", "d.example"): fqdn("d.example"),
        rule_name("research", "FQDN", "e.example"): fqdn("e.example"),
    }
    plan = _case(tmp_path, surface, {}, rules, delete="sync").plan()

    assert [change.operation.path[1] for change in plan.changes] == [
        rule_name("research", "FQDN", "e.example")
    ]
    assert plan.changes[0].operation.action == "remove"


def test_a_write_of_a_rule_of_the_service_is_refused_even_when_asked_for(tmp_path: Path) -> None:
    case = _case(tmp_path, "hub-network")
    change = case.plan().changes[0]
    import msgspec

    name = "__SYS_ST_AzureActiveDirectory_TCP"
    forced = msgspec.structs.replace(
        change.operation, path=("outboundRules", name), resource=f"{HUB}/outboundRules/{name}"
    )
    project = case.project()
    with pytest.raises(PlanRefused, match="belongs to the service"):
        project.point(project.targets()[0]).compose(case.estate(), [forced])


@pytest.mark.parametrize("surface", BOTH)
def test_once_a_plan_is_applied_nothing_is_left_to_plan(tmp_path: Path, surface: str) -> None:
    wants = {**NAME, "*.pytorch.org": HTTPS, "AzureMonitor": ["tcp:443"], "login.microsoftonline.com": HTTPS}
    case = _case(
        tmp_path,
        surface,
        wants,
        status="Inactive",
        mode="AllowInternetOutbound",
        options={"isolation_mode": "AllowOnlyApprovedOutbound"},
        delete="sync",
    )
    case.state = case.after(case.plan())

    assert case.plan().is_empty
    assert not [item for item in case.check() if item.status is not Status.COVERED]


def test_two_spellings_of_one_rule_are_one_state(tmp_path: Path) -> None:
    one = _case(tmp_path, "hub-network", rules={"torch": fqdn("pytorch.org, *.pytorch.org")})
    other = _case(tmp_path, "hub-network", rules={"torch": fqdn("*.PyTorch.org,pytorch.org")})

    assert one.plan().targets[0].fingerprint == other.plan().targets[0].fingerprint


def test_a_hub_saved_as_a_workspace_and_a_list_of_rules_is_read_as_one(tmp_path: Path) -> None:
    case = _case(tmp_path, "hub-network")
    listed = {
        "id": f"{HUB}/outboundRules/hf",
        "name": "hf",
        "type": "workspace/outboundRules",
        "properties": fqdn("huggingface.co"),
    }
    case.state.append(listed)

    assert next(item.status for item in case.check() if item.requirement) is Status.COVERED


def test_agents_in_a_customer_subnet_are_sent_to_the_firewall_of_that_network(tmp_path: Path) -> None:
    subnet = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/agents"
    injected = [{"scenario": "agent", "subnetArmId": subnet, "useMicrosoftManagedNetwork": False}]
    case = Case(tmp_path, "account-network", NAME, [account(injected)])

    found = next(item for item in case.check() if item.code == "no_managed_network" and not item.requirement)
    assert subnet in found.because
    assert "firewall-policy" in found.because
    plan = case.plan()
    assert plan.is_empty
    assert subnet in plan.gaps[0].cause


def test_an_account_without_a_managed_network_is_told_when_it_could_have_had_one(tmp_path: Path) -> None:
    found = Case(tmp_path, "account-network", NAME, [account([], kind="OpenAI")]).check()

    because = next(item.because for item in found if item.code == "no_managed_network")
    assert "kind OpenAI" in because
    assert "created" in because


def test_a_project_is_sent_to_its_hub(tmp_path: Path) -> None:
    project = hub()
    project["kind"] = "Project"
    project["properties"]["hubResourceId"] = f"{HUB}-main"
    found = Case(tmp_path, "hub-network", NAME, [project]).check()

    assert any(f"{HUB}-main" in item.because for item in found)


def test_a_resource_that_is_not_in_the_snapshot_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lacks the workspace") as caught:
        Case(tmp_path, "hub-network", NAME, [account()]).check()
    assert "snapshot" in caught.value.hint


def test_an_option_that_does_not_exist_is_told_with_its_place_and_a_guess(tmp_path: Path) -> None:
    case = _case(tmp_path, "hub-network", options={"isolation_mod": "Disabled"})
    with pytest.raises(InvalidInput, match=r"allowlist.yaml:\d+:\d+ .*did you mean 'isolation_mode'"):
        case.project()
    with pytest.raises(InvalidInput, match=r"allowlist.yaml:\d+:\d+ .*'isolation_mode'"):
        _case(tmp_path, "hub-network", options={"isolation_mode": "Open"}).project()


def test_a_cap_of_ones_own_is_told_before_it_is_passed(tmp_path: Path) -> None:
    rules = {f"r{number}": fqdn(f"n{number}.example") for number in range(10)}
    plan = _case(tmp_path, "hub-network", rules=rules, options={"max_fqdn_rules": 10}).plan()

    assert any("11 FQDN rules of 10" in gate.text for gate in plan.gates)


@pytest.mark.parametrize("surface", BOTH)
def test_explain_says_which_rule_decides_and_that_a_pending_one_does_not_yet(
    tmp_path: Path, surface: str
) -> None:
    rules = {"hf": fqdn("huggingface.co"), "soon": fqdn("soon.example", "Provisioning")}
    case = _case(tmp_path, surface, rules=rules)
    project = case.project()
    spec = project.targets()[0]
    ruleset = project.point(spec).ruleset(case.estate())

    def answer(name: str) -> tuple[str, str]:
        line = FlowLine(source="10.0.0.4", fqdn=name)
        found = explain_flow(line, ruleset, (), project.facts, "target")
        return found.verdict.word, found.verdict.because

    assert answer("huggingface.co")[0] == "allow"
    assert "outboundRules/hf" in answer("huggingface.co")[1]
    assert answer("soon.example")[0] == "unknown"
    assert "Provisioning" in answer("soon.example")[1]
    assert answer("other.example")[0] == "deny"
    assert answer("login.microsoftonline.com")[0] == "allow"


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=80))
def test_every_name_we_give_a_rule_is_a_name_the_service_takes(workload: str, destination: str) -> None:
    name = rule_name(workload, "FQDN", destination)

    assert RULE_NAME.fullmatch(name)
    assert is_owned(workload, name)


_HOSTS = st.sampled_from(["a.example", "*.b.example", "c.example", "*.d.example"])


@given(st.lists(_HOSTS, min_size=1, unique=True), st.randoms())
def test_the_order_and_case_of_names_in_a_destination_mean_nothing(hosts: list[str], random: Any) -> None:
    shuffled = list(hosts)
    random.shuffle(shuffled)
    one = OutboundRule.of("x", fqdn(", ".join(hosts)))
    other = OutboundRule.of("x", fqdn(",".join(name.upper() for name in shuffled)))

    assert one.meaning == other.meaning


def test_minutes_are_shown_per_change_where_each_is_a_write_of_its_own(tmp_path: Path) -> None:
    wants = {"a.example": HTTPS, "b.example": HTTPS}
    there = {"some": fqdn("else.example")}

    def costs(surface: str) -> int:
        lines = plan_text(_case(tmp_path, surface, wants, there).plan())
        return sum("cost: about 12.5 minutes; source: " in line for line in lines)

    assert costs("hub-network") == 2
    assert costs("account-network") == 0
