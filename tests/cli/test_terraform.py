"""Before a merge: what a plan of Terraform lets through, and what it opens and closes in the live state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli import Result, allowlist
from tests.helpers.terraform import GROUP, POLICY, POLICY_ID, change, group, plan, rule

WORKLOAD = f"""
schema: allowlist/workload/v1
name: trial
cloud: public
catalogs: []
requirements:
  - {{id: model, pattern: huggingface.co, ports: ["https:443"], owner: n@a.example, reason: t, expires: "2099-01-01"}}
  - {{id: blobs, pattern: transfer.xethub.hf.co, ports: ["https:443"], owner: n@a.example, reason: t, expires: "2099-01-01"}}
sources: {{clients: {{addresses: [10.0.0.0/24]}}}}
targets:
  - {{name: hub, surface: firewall-policy, resource: {POLICY_ID}, delete: add-only}}
"""
POLICY_AT, GROUP_AT = "azurerm_firewall_policy.hub", "azurerm_firewall_policy_rule_collection_group"


class Merge:
    """A folder with a workload, the live state and a plan."""

    def __init__(self, folder: Path) -> None:
        self.workload, self.live, self.planned = (
            folder / name for name in ("allowlist.yaml", "live.json", "plan.json")
        )
        self.workload.write_text(WORKLOAD)

    def plans(self, *changes: dict[str, Any], **more: Any) -> None:
        self.planned.write_text(json.dumps(plan(*changes, **more)))

    def holds(self, **names: str) -> None:
        """Live groups by name, each with a rule to one host."""
        groups = [
            {
                "id": f"{POLICY_ID}/ruleCollectionGroups/{name}",
                "name": name,
                "properties": {"priority": 300, "ruleCollections": [_collection(host)]},
            }
            for name, host in names.items()
        ]
        policy = {"id": POLICY_ID, "name": "afwp-acme", "properties": {"sku": {"tier": "Standard"}}}
        self.live.write_text(json.dumps([policy, *groups]))

    def run(self, command: str, *arguments: object) -> Result:
        return allowlist(command, *arguments, "--workload", self.workload)

    def verdict(self, host: str) -> str:
        result = self.run("explain", host, "--from", "10.0.0.5", "--json", "--snapshot", self.planned)
        return str(result.json["verdict"])


def _collection(host: str) -> dict[str, Any]:
    made = {
        "ruleType": "ApplicationRule",
        "name": "one",
        "sourceAddresses": ["10.0.0.0/24"],
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": [host],
    }
    return {"name": "web", "priority": 200, "action": {"type": "Allow"}, "rules": [made]}


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


def _before(host: str, name: str = "ai") -> dict[str, Any]:
    return {**group(rule(host), name=name), "id": f"{POLICY_ID}/ruleCollectionGroups/{name}"}


def test_a_plan_is_explained_before_it_is_applied(merge: Merge) -> None:
    merge.plans(change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", group(rule("huggingface.co"))))
    assert merge.verdict("huggingface.co") == "allow"
    assert merge.verdict("cdn-lfs.huggingface.co") == "deny"


def test_a_name_known_after_apply_makes_others_unknown(merge: Merge) -> None:
    marks = {"id": True, "application_rule_collection": [{"rule": [{"destination_fqdns": [False, True]}]}]}
    values = group(rule("huggingface.co", None))
    merge.plans(change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", values, unknown=marks))
    assert merge.verdict("huggingface.co") == "allow"
    assert merge.verdict("transfer.xethub.hf.co") == "unknown"


@pytest.mark.parametrize("attribute", ["priority", "application_rule_collection"])
def test_what_decides_and_is_known_after_apply_is_never_fine(attribute: str, merge: Merge) -> None:
    values = {**group(rule("huggingface.co")), attribute: None}
    merge.plans(
        change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", values, unknown={"id": True, attribute: True})
    )
    assert merge.verdict("huggingface.co") == "unknown"


def test_check_and_plan_take_a_plan(merge: Merge) -> None:
    merge.plans(change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", group(rule("huggingface.co"))))
    check = merge.run("check", "--all", "--json", "--snapshot", merge.planned).json
    assert check["summary"]["covered"] >= 1
    assert check["summary"]["missing"] >= 1
    planned = merge.run("plan", "--snapshot", merge.planned)
    assert "transfer.xethub.hf.co" in planned.out, planned.err
    assert "add huggingface.co" not in planned.out


def test_sensitive_names_are_printed_nowhere(merge: Merge) -> None:
    marks = {"application_rule_collection": [{"rule": [{"destination_fqdns": [True]}]}]}
    values = group(rule("secret.example"))
    merge.plans(change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", values, sensitive=marks))
    merge.holds(ai="huggingface.co")
    for result in (
        merge.run("explain", "huggingface.co", "--from", "10.0.0.5", "--snapshot", merge.planned),
        merge.run("check", "--all", "--json", "--snapshot", merge.planned),
        merge.run("compare", merge.live, merge.planned),
        merge.run("plan", "--snapshot", merge.planned),
    ):
        assert "secret.example" not in result.out + result.err


def test_a_sensitive_name_is_named_by_its_place(merge: Merge) -> None:
    marks = {"application_rule_collection": [{"rule": [{"destination_fqdns": [True]}]}]}
    merge.plans(
        change(POLICY_AT, POLICY), change(f"{GROUP_AT}.ai", group(rule("a.example")), sensitive=marks)
    )
    result = merge.run("explain", "huggingface.co", "--from", "10.0.0.5", "--snapshot", merge.planned)
    assert "destination_fqdns[0], sensitive" in result.out


def test_compare_says_what_a_merge_opens_and_closes(merge: Merge) -> None:
    merge.holds(ai="huggingface.co", old="old.example", portal="portal.example")
    merge.plans(
        change(f"{GROUP_AT}.old", before=_before("old.example", "old")),
        change(f"{GROUP_AT}.ai", _before("new.example"), before=_before("huggingface.co")),
    )
    result = merge.run("compare", merge.live, merge.planned, "--exit-code")
    assert result.code == 2, result.err
    opened = [line for line in result.out.splitlines() if "new.example" in line]
    closed = [line for line in result.out.splitlines() if "old.example" in line or "huggingface" in line]
    assert opened
    assert len(closed) >= 2
    assert "portal.example" not in result.out


def test_compare_says_what_of_a_plan_was_not_placed(merge: Merge) -> None:
    merge.holds(ai="huggingface.co")
    lost = change(
        f"{GROUP_AT}.lost", group(rule("a.example")), unknown={"id": True, "firewall_policy_id": True}
    )
    merge.plans(lost)
    result = merge.run("compare", merge.live, merge.planned)
    assert f"{GROUP_AT}.lost" in result.err
    assert "cannot be modelled" in result.out


def test_rules_that_only_change_places_change_nothing(merge: Merge) -> None:
    merge.holds(ai="huggingface.co")
    moved = group(rule("huggingface.co", name="renamed", source_addresses=["10.0.0.0/25", "10.0.0.128/25"]))
    merge.plans(change(f"{GROUP_AT}.ai", {**_before("x"), **moved}, before=_before("huggingface.co")))
    result = merge.run("compare", merge.live, merge.planned, "--exit-code")
    assert result.code == 0, result.out


WORKSPACE_ID = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
ACCOUNT_ID = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ais"
FIREWALL_ID = f"{GROUP}/providers/Microsoft.Network/azureFirewalls/afw"
APPROVED = {
    "name": "mlw",
    "resource_group_name": "rg-hub",
    "kind": "Default",
    "managed_network": [{"isolation_mode": "AllowOnlyApprovedOutbound"}],
}
OUTBOUND = {"name": "a", "workspace_id": WORKSPACE_ID, "destination_fqdn": "huggingface.co"}
ACCOUNT = {
    "name": "ais",
    "resource_group_name": "rg-hub",
    "kind": "OpenAI",
    "fqdns": ["huggingface.co"],
    "outbound_network_access_restricted": True,
}
CLASSIC = {
    "name": "afw",
    "resource_group_name": "rg-hub",
    "sku_tier": "Standard",
    "threat_intel_mode": "Alert",
}
CLASSIC_RULES = {
    "name": "web",
    "priority": 100,
    "action": "Allow",
    "azure_firewall_name": "afw",
    "resource_group_name": "rg-hub",
    "rule": [
        {
            "name": "one",
            "source_addresses": ["10.0.0.0/24"],
            "target_fqdns": ["huggingface.co"],
            "protocol": [{"type": "Https", "port": 443}],
        }
    ],
}
SURFACES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "hub-network": (
        WORKSPACE_ID,
        {
            "azurerm_machine_learning_workspace.w": APPROVED,
            "azurerm_machine_learning_workspace_network_outbound_rule_fqdn.a": OUTBOUND,
        },
    ),
    "account-allow-list": (ACCOUNT_ID, {"azurerm_cognitive_account.a": ACCOUNT}),
    "azure-firewall": (
        FIREWALL_ID,
        {
            "azurerm_firewall.hub": CLASSIC,
            "azurerm_firewall_application_rule_collection.web": CLASSIC_RULES,
        },
    ),
}


def _verdict_on(merge: Merge, surface: str, unknown: dict[str, Any]) -> str:
    """The verdict on a host that a rule allows, where the attributes of ``unknown`` are known after apply."""
    resource, resources = SURFACES[surface]
    text = WORKLOAD.replace("firewall-policy", surface).replace(POLICY_ID, resource)
    merge.workload.write_text(text)
    merge.plans(*(change(at, values, unknown=_marked(values, unknown)) for at, values in resources.items()))
    return merge.verdict("huggingface.co")


def _marked(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    return {"id": True, **{key: mark for key, mark in unknown.items() if key in values}}


@pytest.mark.parametrize(
    ("surface", "unknown", "verdict"),
    [
        ("hub-network", {}, "allow"),
        ("hub-network", {"destination_fqdn": True}, "unknown"),
        ("hub-network", {"managed_network": True}, "unknown"),
        ("hub-network", {"managed_network": [{"isolation_mode": True}]}, "unknown"),
        ("account-allow-list", {}, "allow"),
        ("account-allow-list", {"fqdns": True}, "unknown"),
        ("account-allow-list", {"fqdns": [True]}, "unknown"),
        ("account-allow-list", {"fqdns": [False, True]}, "allow"),
        ("account-allow-list", {"outbound_network_access_restricted": True}, "unknown"),
        ("azure-firewall", {}, "allow"),
        ("azure-firewall", {"rule": True}, "unknown"),
        ("azure-firewall", {"rule": [{"target_fqdns": [True]}]}, "unknown"),
        ("azure-firewall", {"action": True}, "unknown"),
        ("azure-firewall", {"priority": True}, "unknown"),
        ("azure-firewall", {"threat_intel_mode": True}, "allow"),
    ],
)
def test_every_kind_of_point_knows_what_is_known_after_apply(
    surface: str, unknown: dict[str, Any], verdict: str, merge: Merge
) -> None:
    assert _verdict_on(merge, surface, unknown) == verdict


def test_a_network_rule_by_name_may_match_while_the_proxy_is_not_known(merge: Merge) -> None:
    net = {
        "name": "net",
        "priority": 100,
        "action": "Allow",
        "rule": [
            {
                "name": "n",
                "source_addresses": ["*"],
                "protocols": ["TCP"],
                "destination_fqdns": ["huggingface.co"],
                "destination_ports": ["443"],
            }
        ],
    }
    marks = {"id": True, "dns": [{"proxy_enabled": True}]}
    merge.plans(
        change(POLICY_AT, {**POLICY, "dns": [{"servers": []}]}, unknown=marks),
        change(f"{GROUP_AT}.ai", group(network_rule_collection=[net])),
    )
    assert merge.verdict("huggingface.co") == "unknown"
