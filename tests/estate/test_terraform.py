"""``terraform show -json``: known, unset and known after apply are three things, and what is not placed is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread
from tests.helpers.terraform import (
    GROUP,
    POLICY,
    POLICY_ID,
    SUBSCRIPTION,
    change,
    configured,
    group,
    known,
    plan,
    refers,
    rule,
    state,
)

POLICY_AT, GROUP_AT = "azurerm_firewall_policy.hub", "azurerm_firewall_policy_rule_collection_group.ai"
GROUP_ID = f"{POLICY_ID}/ruleCollectionGroups/ai"
WORKSPACE_ID = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
FIREWALL_ID = f"{GROUP}/providers/Microsoft.Network/azureFirewalls/afw"


def _read(folder: Path, data: dict[str, Any], beneath: Estate | None = None) -> Estate:
    file = folder / "plan.json"
    file.write_text(json.dumps(data))
    return read_snapshot(file, subscription=SUBSCRIPTION, beneath=beneath)


def _body(estate: Estate, resource_id: str) -> Body:
    found = estate.get(resource_id)
    assert found is not None, sorted(estate.resources)
    return found


def _rules(estate: Estate, resource_id: str = GROUP_ID) -> list[Body]:
    collections = _body(estate, resource_id)["properties"]["ruleCollections"]
    return [one for collection in collections for one in collection["rules"]]


def _only_group(folder: Path, values: dict[str, Any], **marks: Any) -> Estate:
    return _read(folder, plan(change(POLICY_AT, POLICY), change(GROUP_AT, values, **marks)))


def test_a_group_becomes_what_resource_manager_would_hold(tmp_path: Path) -> None:
    network = {
        "name": "net",
        "priority": 100,
        "action": "Deny",
        "rule": [
            {
                "name": "ntp",
                "source_addresses": ["*"],
                "protocols": ["UDP"],
                "destination_addresses": ["Storage"],
                "destination_ports": ["123"],
                "destination_fqdns": None,
            }
        ],
    }
    nat = {
        "name": "in",
        "priority": 90,
        "action": "Dnat",
        "rule": [
            {
                "name": "ssh",
                "protocols": ["TCP"],
                "source_addresses": ["*"],
                "destination_address": "20.0.0.1",
                "destination_ports": ["22"],
                "translated_address": "10.0.0.9",
                "translated_port": 22,
            }
        ],
    }
    values = group(rule("huggingface.co"), network_rule_collection=[network], nat_rule_collection=[nat])
    properties = _body(_only_group(tmp_path, values), GROUP_ID)["properties"]
    application, other, dnat = properties["ruleCollections"]
    assert properties["priority"] == 300
    assert application["action"] == {"type": "Allow"}
    assert application["rules"][0]["targetFqdns"] == ["huggingface.co"]
    assert application["rules"][0]["protocols"] == [{"protocolType": "Https", "port": 443}]
    assert other["rules"][0]["ipProtocols"] == ["UDP"]
    assert other["rules"][0]["destinationAddresses"] == ["Storage"]
    assert dnat["ruleCollectionType"] == "FirewallPolicyNatRuleCollection"
    assert dnat["rules"][0]["destinationAddresses"] == ["20.0.0.1"]
    assert dnat["rules"][0]["translatedPort"] == "22"


def _marks(**inner: Any) -> dict[str, Any]:
    return {"id": True, "application_rule_collection": [{"rule": [inner]}]}


def test_a_null_in_a_list_that_is_marked_is_an_unknown_name(tmp_path: Path) -> None:
    values = group(rule("a.example", None))
    estate = _only_group(tmp_path, values, unknown=_marks(destination_fqdns=[False, True]))
    first, second = _rules(estate)[0]["targetFqdns"]
    assert first == "a.example"
    assert second.startswith(f"[{GROUP_AT}.application_rule_collection[0].rule[0].destination_fqdns[1]")


def test_an_absent_list_that_is_marked_is_unknown_as_a_whole(tmp_path: Path) -> None:
    values = group({key: item for key, item in rule().items() if key != "destination_fqdns"})
    estate = _only_group(tmp_path, values, unknown=_marks(destination_fqdns=True))
    assert str(_rules(estate)[0]["targetFqdns"]).startswith("[")


def test_an_empty_list_is_empty_and_a_null_is_unset(tmp_path: Path) -> None:
    found = _rules(_only_group(tmp_path, group(rule(web_categories=None))))[0]
    assert found["targetFqdns"] == []
    assert "webCategories" not in found


def test_an_unknown_block_list_stands_beside_the_known_ones(tmp_path: Path) -> None:
    values = group(rule("a.example"), network_rule_collection=None)
    estate = _only_group(tmp_path, values, unknown={"id": True, "network_rule_collection": True})
    known_one, unknown_one = _body(estate, GROUP_ID)["properties"]["ruleCollections"]
    assert known_one["name"] == "web"
    assert unknown_one.startswith("[")


def test_sensitive_values_are_unknown_and_in_no_body(tmp_path: Path) -> None:
    sensitive = {"application_rule_collection": [{"rule": [{"destination_fqdns": [True]}]}]}
    estate = _only_group(tmp_path, group(rule("secret.example")), sensitive=sensitive)
    assert "secret.example" not in json.dumps(dict(estate.resources))
    assert "sensitive" in _rules(estate)[0]["targetFqdns"][0]


def _by_reference(**more: Any) -> dict[str, Any]:
    """A group of a policy that is made in the same plan."""
    values = {**group(rule("a.example")), "firewall_policy_id": None}
    return change(GROUP_AT, values, unknown={"id": True, "firewall_policy_id": True}, **more)


@pytest.mark.parametrize(
    ("root", "module"),
    [
        ({"resources": [configured(GROUP_AT, firewall_policy_id=refers(f"{POLICY_AT}.id"))]}, ""),
        (
            {
                "module_calls": {
                    "rules": {
                        "expressions": {"policy": refers(f"{POLICY_AT}.id")},
                        "module": {
                            "resources": [configured(GROUP_AT, firewall_policy_id=refers("var.policy"))]
                        },
                    }
                }
            },
            "module.rules",
        ),
    ],
)
def test_the_policy_of_a_group_is_found_by_reference(
    root: dict[str, Any], module: str, tmp_path: Path
) -> None:
    values = {**group(rule("a.example")), "firewall_policy_id": None}
    marks = {"id": True, "firewall_policy_id": True}
    address = f"{module}.{GROUP_AT}".lstrip(".")
    data = plan(change(POLICY_AT, POLICY), change(address, values, unknown=marks, module=module), root=root)
    assert _rules(_read(tmp_path, data))[0]["targetFqdns"] == ["a.example"]


def test_the_policy_of_a_module_is_found_by_its_output(tmp_path: Path) -> None:
    inner = {"outputs": {"id": {"expression": refers(f"{POLICY_AT}.id")}}, "resources": []}
    root = {
        "resources": [configured(GROUP_AT, firewall_policy_id=refers("module.hub.id"))],
        "module_calls": {"hub": {"module": inner}},
    }
    policy = change(f"module.hub.{POLICY_AT}", POLICY, module="module.hub")
    assert _rules(_read(tmp_path, plan(policy, _by_reference(), root=root)))


@pytest.mark.parametrize(
    "expression",
    [{}, refers("local.policy"), refers(f"{POLICY_AT}.id", "azurerm_firewall_policy.spare.id")],
    ids=["not shown", "a local", "one of two"],
)
def test_a_group_that_cannot_be_placed_may_be_of_any_policy(
    expression: dict[str, Any], tmp_path: Path
) -> None:
    spare = change("azurerm_firewall_policy.spare", {**POLICY, "name": "spare"})
    root = {"resources": [configured(GROUP_AT, firewall_policy_id=expression)]}
    estate = _read(tmp_path, plan(change(POLICY_AT, POLICY), spare, _by_reference(), root=root))
    groups = list(estate.children(POLICY_ID, "ruleCollectionGroups"))
    assert groups
    assert all(map(is_unread, groups))
    assert any(GROUP_AT in str(item) for item in estate.unreadable)


def test_one_of_several_policies_is_chosen_by_its_key(tmp_path: Path) -> None:
    policies = [
        change(f'{POLICY_AT}["{key}"]', {**POLICY, "name": name}, index=key)
        for key, name in (("weu", "afwp-acme"), ("neu", "other"))
    ]
    expression = {"references": [POLICY_AT, "each.key"]}
    root = {"resources": [configured(GROUP_AT, firewall_policy_id=expression)]}
    values = {**group(rule("a.example")), "firewall_policy_id": None}
    mine = change(f'{GROUP_AT}["weu"]', values, unknown={"id": True, "firewall_policy_id": True}, index="weu")
    assert _rules(_read(tmp_path, plan(*policies, mine, root=root)))


def test_ip_groups_that_are_made_in_the_same_plan_are_found(tmp_path: Path) -> None:
    clients = change(
        "azurerm_ip_group.clients",
        {"name": "clients", "resource_group_name": "rg-hub", "cidrs": ["10.0.0.0/24"]},
    )
    values = group(rule("a.example", source_addresses=None, source_ip_groups=[None]))
    path = {"rule": [{"source_ip_groups": refers("azurerm_ip_group.clients.id")}]}
    root = {"resources": [configured(GROUP_AT, application_rule_collection=[path])]}
    mine = change(GROUP_AT, values, unknown=_marks(source_ip_groups=[True]))
    estate = _read(tmp_path, plan(change(POLICY_AT, POLICY), clients, mine, root=root))
    named = _rules(estate)[0]["sourceIpGroups"][0]
    assert _body(estate, named)["properties"]["ipAddresses"] == ["10.0.0.0/24"]


def test_what_is_below_a_resource_that_is_referred_to_is_not_that_resource(tmp_path: Path) -> None:
    """A plan lists the same reference for an id and for a text that begins with it."""
    there = change("azurerm_resource_group.rg", {"name": "rg-hub"}, unknown={"id": True})
    values = {"name": "mlw", "resource_group_name": "rg-hub", "kind": "Default", "storage_account_id": None}
    marks = {"id": True, "storage_account_id": True}
    workspace = change("azurerm_machine_learning_workspace.w", values, unknown=marks)
    expression = refers("azurerm_resource_group.rg.id")
    root = {"resources": [configured("azurerm_machine_learning_workspace.w", storage_account_id=expression)]}
    found = _body(_read(tmp_path, plan(there, workspace, root=root)), WORKSPACE_ID)["properties"]
    assert found["storageAccount"].startswith("[")


def _existing(**more: Any) -> dict[str, Any]:
    return {**POLICY, "id": POLICY_ID, **more}


def test_groups_that_a_policy_lists_and_terraform_lacks_are_unknown(tmp_path: Path) -> None:
    listed = [GROUP_ID, f"{POLICY_ID}/ruleCollectionGroups/portal"]
    data = state(
        known(POLICY_AT, _existing(rule_collection_groups=listed)),
        known(GROUP_AT, {**group(rule("a.example")), "id": GROUP_ID}),
    )
    estate = _read(tmp_path, data)
    assert not is_unread(_body(estate, GROUP_ID))
    assert is_unread(_body(estate, listed[1]))


def test_a_group_that_goes_is_gone_and_listed_no_more(tmp_path: Path) -> None:
    policy = _existing(rule_collection_groups=[GROUP_ID])
    data = plan(
        change(POLICY_AT, policy, before=policy, actions=("no-op",)),
        change(GROUP_AT, before={**group(rule("a.example")), "id": GROUP_ID}),
    )
    assert not list(_read(tmp_path, data).children(POLICY_ID, "ruleCollectionGroups"))


@pytest.mark.parametrize("actions", [("delete", "create"), ("create", "delete")])
def test_a_group_that_is_replaced_stands_where_the_new_one_will(
    actions: tuple[str, str], tmp_path: Path
) -> None:
    before = {**group(rule("a.example")), "id": GROUP_ID}
    other = POLICY_ID.replace("acme", "other")
    after = {**group(rule("a.example"), name="new"), "firewall_policy_id": other}
    data = plan(change(GROUP_AT, after, before=before, actions=actions, unknown={"id": True}))
    live = _snapshot(
        tmp_path, LIVE_POLICY, {**LIVE_POLICY, "id": other},
        {"id": GROUP_ID, "name": "ai", "properties": {"priority": 300, "ruleCollections": []}},
    )  # fmt: skip
    estate = _read(tmp_path, data, beneath=live)
    assert estate.get(GROUP_ID) is None
    assert _rules(estate, f"{other}/ruleCollectionGroups/new")


def test_a_classic_collection_that_is_renamed_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    at = f"{FIREWALL_ID}/applicationRuleCollections/web"
    named = {
        "azure_firewall_name": "afw",
        "resource_group_name": "rg-hub",
        "priority": 100,
        "action": "Allow",
    }
    before = {"name": "web", "id": at, "rule": [], **named}
    data = plan(
        change(
            "azurerm_firewall_application_rule_collection.web", {**named, "name": "new", "rule": []},
            before=before, actions=("delete", "create"), unknown={"id": True},
        )
    )  # fmt: skip
    there = [{"name": "web", "properties": {"priority": 100, "rules": []}}]
    live = _snapshot(
        tmp_path, {"id": FIREWALL_ID, "name": "afw", "properties": {"applicationRuleCollections": there}}
    )
    found = _body(_read(tmp_path, data, beneath=live), FIREWALL_ID)["properties"][
        "applicationRuleCollections"
    ]
    assert [item["name"] for item in found] == ["new"]


def test_a_forgotten_resource_stays_in_azure(tmp_path: Path) -> None:
    before = {**group(rule("a.example")), "id": GROUP_ID}
    data = plan(change(POLICY_AT, POLICY), change(GROUP_AT, before=before, actions=("forget",)))
    assert _rules(_read(tmp_path, data))


def test_what_a_targeted_plan_does_not_touch_is_as_it_was(tmp_path: Path) -> None:
    prior = state(
        known(POLICY_AT, _existing()), known(GROUP_AT, {**group(rule("a.example")), "id": GROUP_ID})
    )
    assert _rules(_read(tmp_path, plan(prior_state=prior)))


def test_a_group_whose_policy_is_elsewhere_leaves_the_policy_unknown(tmp_path: Path) -> None:
    estate = _read(tmp_path, plan(change(GROUP_AT, group(rule("a.example")))))
    assert is_unread(_body(estate, POLICY_ID))
    assert _rules(estate)


def _snapshot(folder: Path, *bodies: Body) -> Estate:
    (folder / "live.json").write_text(json.dumps(bodies))
    return read_snapshot(folder / "live.json")


LIVE_POLICY: Body = {"id": POLICY_ID, "name": "afwp-acme", "properties": {"sku": {"tier": "Standard"}}}


def test_a_plan_over_the_live_state_changes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    other = {**LIVE_POLICY, "id": f"{POLICY_ID}/ruleCollectionGroups/portal", "name": "portal"}
    live = _snapshot(tmp_path, LIVE_POLICY, {**other, "properties": {"priority": 400, "ruleCollections": []}})
    estate = _read(tmp_path, plan(change(GROUP_AT, group(rule("a.example")))), beneath=live)
    assert not is_unread(_body(estate, POLICY_ID))
    assert _body(estate, other["id"])["properties"]["priority"] == 400
    assert _rules(estate)


def test_a_classic_firewall_takes_its_collections_from_their_own_resources(tmp_path: Path) -> None:
    rules = [
        {
            "name": "one",
            "source_addresses": ["*"],
            "target_fqdns": ["a.example"],
            "protocol": [{"type": "Https", "port": 443}],
        }
    ]
    named = {"azure_firewall_name": "afw", "resource_group_name": "rg-hub"}
    collection = {"name": "web", "priority": 100, "action": "Allow", "rule": rules, **named}
    firewall = {
        "name": "afw",
        "resource_group_name": "rg-hub",
        "sku_name": "AZFW_VNet",
        "sku_tier": "Standard",
        "threat_intel_mode": "Alert",
        "dns_servers": ["10.0.0.4"],
        "dns_proxy_enabled": True,
        "firewall_policy_id": None,
        "ip_configuration": [],
        "virtual_hub": [],
    }
    data = plan(
        change("azurerm_firewall.hub", firewall),
        change("azurerm_firewall_application_rule_collection.web", collection),
    )
    properties = _body(_read(tmp_path, data), FIREWALL_ID)["properties"]
    assert properties["additionalProperties"]["Network.DNS.EnableProxy"] == "true"
    (found,) = properties["applicationRuleCollections"]
    assert found["properties"]["rules"][0]["targetFqdns"] == ["a.example"]
    assert found["properties"]["action"] == {"type": "Allow"}


def test_a_workspace_its_rules_and_an_account_are_read(tmp_path: Path) -> None:
    workspace = {
        "name": "mlw",
        "resource_group_name": "rg-hub",
        "kind": "Default",
        "managed_network": [{"isolation_mode": "AllowOnlyApprovedOutbound"}],
    }
    rules = "azurerm_machine_learning_workspace_network_outbound_rule"
    tag = {"service_tag": "Storage", "protocol": "TCP", "port_ranges": "443"}
    account = {
        "name": "ais",
        "resource_group_name": "rg-hub",
        "fqdns": ["a.example"],
        "outbound_network_access_restricted": True,
        "public_network_access": "Disabled",
    }
    data = plan(
        change("azurerm_machine_learning_workspace.w", workspace),
        change(
            f"{rules}_fqdn.a", {"name": "a", "workspace_id": WORKSPACE_ID, "destination_fqdn": "a.example"}
        ),
        change(f"{rules}_service_tag.b", {"name": "b", "workspace_id": WORKSPACE_ID, **tag}),
        change("azurerm_ai_services.ais", account),
    )
    estate = _read(tmp_path, data)
    network = _body(estate, WORKSPACE_ID)["properties"]["managedNetwork"]
    assert network == {"isolationMode": "AllowOnlyApprovedOutbound"}
    assert _body(estate, f"{WORKSPACE_ID}/outboundRules/a")["properties"] == {
        "type": "FQDN", "category": "UserDefined", "destination": "a.example",
    }  # fmt: skip
    destination = _body(estate, f"{WORKSPACE_ID}/outboundRules/b")["properties"]["destination"]
    assert destination == {"serviceTag": "Storage", "protocol": "TCP", "portRanges": "443"}
    found = _body(estate, f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ais")
    assert found["kind"] == "AIServices"
    assert found["properties"]["restrictOutboundNetworkAccess"] is True
    assert found["properties"]["allowedFqdnList"] == ["a.example"]


@pytest.mark.parametrize("version", [1, 2])
def test_bodies_of_azapi_are_read_in_both_forms(version: int, tmp_path: Path) -> None:
    body: Any = {"properties": {"priority": 100, "ruleCollections": []}}
    values = {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups@2024-05-01",
        "parent_id": POLICY_ID,
        "name": "ai",
        "body": json.dumps(body) if version == 1 else body,
    }
    data = plan(change(POLICY_AT, POLICY), change("azapi_resource.ai", values))
    assert _body(_read(tmp_path, data), GROUP_ID)["properties"]["priority"] == 100


def test_a_body_of_azapi_that_is_known_after_apply_is_unread(tmp_path: Path) -> None:
    values = {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups@2024-05-01",
        "parent_id": POLICY_ID,
        "name": "ai",
    }
    data = plan(
        change(POLICY_AT, POLICY), change("azapi_resource.ai", values, unknown={"id": True, "body": True})
    )
    assert is_unread(_body(_read(tmp_path, data), GROUP_ID))


@pytest.mark.parametrize(
    ("data", "complaint", "advice"),
    [
        (plan(errored=True), "ended with an error", "plan again"),
        ({**plan(), "format_version": "2.0"}, "format_version 2.0", "update"),
        ({"version": 4, "terraform_version": "1.9", "serial": 1, "lineage": "x"}, "state file", "show -json"),
        (
            {
                "format_version": "1.2",
                "planned_values": {"root_module": {"resources": [known(POLICY_AT, POLICY)]}},
            },
            "resource_changes",
            "all of it",
        ),
    ],
)
def test_what_is_not_whole_is_refused_with_what_to_do(
    data: dict[str, Any], complaint: str, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        _read(tmp_path, data)
    assert complaint in str(refusal.value)
    assert advice in str(refusal.value.hint)
