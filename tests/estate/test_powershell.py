"""What Az PowerShell's cmdlets print through ``ConvertTo-Json`` means what Resource Manager answers.

The shapes are those of Az.Network 7's models as a public test suite keeps them; names and addresses are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.points.classic.translate import to_ruleset as classic_rules
from allowlist.points.firewall.translate import to_ruleset as policy_rules
from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import FilterRule, Ruleset

AT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
POLICY = f"{AT}/firewallPolicies/hub"
FIREWALL = f"{AT}/azureFirewalls/fw"
TOP = {
    "ResourceGroupName": "g",
    "ResourceGuid": None,
    "Location": "westeurope",
    "Tag": {"a": "b"},
    "TagsTable": "x",
}

WEB = {
    "Name": "web",
    "Description": None,
    "SourceAddresses": ["10.0.0.0/24"],
    "TargetFqdns": ["pypi.example"],
    "FqdnTags": [],
    "Protocols": [{"ProtocolType": "Https", "Port": 443}],
    "SourceIpGroups": [],
    "ProtocolsText": "[…]",
}
SSH = {
    "Name": "ssh",
    "SourceAddresses": [],
    "SourceIpGroups": [f"{AT}/ipGroups/clients"],
    "DestinationAddresses": ["10.9.0.4"],
    "DestinationIpGroups": [],
    "DestinationFqdns": [],
    "DestinationPorts": ["22"],
    "protocols": ["TCP"],
    "ProtocolsText": "[…]",
}
POLICY_WEB = {
    **WEB,
    "RuleType": "ApplicationRule",
    "WebCategories": [],
    "TargetUrls": [],
    "TerminateTLS": False,
}
POLICY_SSH = {**SSH, "RuleType": "NetworkRule"}
CLIENTS = {
    **TOP,
    "IpAddresses": ["10.0.0.55"],
    "Firewalls": [],
    "Type": "Microsoft.Network/IpGroups",
    "Name": "clients",
    "Id": f"{AT}/ipGroups/clients",
}


def _collection(rule: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "Action": {"Type": "Allow"},
        "Rules": [rule],
        "Name": f"all-{rule['Name']}",
        "Priority": 200,
        "RulesText": "[…]",
        **others,
    }


def _group() -> dict[str, Any]:
    kept = [
        _collection(rule, RuleCollectionType="FirewallPolicyFilterRuleCollection")
        for rule in (POLICY_WEB, POLICY_SSH)
    ]
    inner = {"Priority": 250, "Size": "0.001 MB", "RuleCollection": kept, "Name": None, "Etag": None}
    return {"Name": "main", "Properties": {**inner, "Id": f"{POLICY}/ruleCollectionGroups/main"}}


def _policy() -> dict[str, Any]:
    return {
        **TOP,
        "Name": "hub",
        "Id": POLICY,
        "Type": "Microsoft.Network/FirewallPolicies",
        "ThreatIntelMode": "Alert",
        "ThreatIntelWhitelist": None,
        "BasePolicy": None,
        "DnsSettings": {"EnableProxy": True, "Servers": []},
        "RuleCollectionGroups": [{"Id": f"{POLICY}/ruleCollectionGroups/main"}],
        "Sku": {"Tier": "Standard"},
        "Snat": None,
        "PrivateRange": None,
        "PrivateRangeText": "null",
        "SqlSetting": None,
    }


def _firewall(**others: Any) -> dict[str, Any]:
    return {
        **TOP,
        "Name": "fw",
        "Id": FIREWALL,
        "Type": "Microsoft.Network/azureFirewalls",
        "ApplicationRuleCollections": [
            _collection(WEB, Etag="x", Id=f"{FIREWALL}/applicationRuleCollections/all-web")
        ],
        "NetworkRuleCollections": [_collection(SSH)],
        "NatRuleCollections": [],
        "Sku": {"Name": "AZFW_VNet", "Tier": "Standard"},
        "ThreatIntelMode": "Alert",
        "ThreatIntelWhitelist": {"FQDNs": ["ok.example"], "IpAddresses": None},
        "DNSEnableProxy": "true",
        "DNSServer": ["10.0.0.132"],
        "DNSServersText": "[…]",
        "PrivateRange": None,
        "AllowActiveFTP": None,
        "FirewallPolicy": None,
        "ApplicationRuleCollectionsText": "[…]",
        **others,
    }


def _read(tmp_path: Path, *objects: dict[str, Any]) -> Estate:
    (tmp_path / "all.json").write_bytes(json.dumps(objects).encode("utf-16"))
    return read_snapshot(tmp_path)


def _is_certain(ruleset: Ruleset) -> bool:
    """Two rules of which nothing is in doubt."""
    rules: list[FilterRule] = [*ruleset.network, *ruleset.application]
    return len(rules) == 2 and not any(rule.unmodelled or rule.unresolved or rule.state for rule in rules)


def test_a_policy_with_its_groups_is_read(tmp_path: Path) -> None:
    rules = policy_rules(_read(tmp_path, _policy(), _group(), CLIENTS), POLICY)
    assert _is_certain(rules)
    ((web,), (ssh,)) = rules.application, rules.network
    assert (web.patterns, web.services) == (("pypi.example",), frozenset({("https", 443)}))
    assert (ssh.protocols, ssh.ports) == (frozenset({"tcp"}), ((22, 22),))
    assert ssh.sources.addresses == AddressSet.parse(["10.0.0.55"])


def test_classic_rules_and_settings_are_read(tmp_path: Path) -> None:
    estate = _read(tmp_path, _firewall(), CLIENTS)
    (firewall,) = estate.of_type("Microsoft.Network/azureFirewalls")
    assert _is_certain(classic_rules(estate, firewall))
    assert firewall["properties"]["additionalProperties"] == {
        "Network.DNS.EnableProxy": "true",
        "Network.DNS.Servers": "10.0.0.132",
        "ThreatIntel.Whitelist.FQDNs": "ok.example",
    }


@pytest.mark.parametrize("rules", [{"r": {"Type": "FQDN", "Destination": "pypi.example"}}, "System.Object"])
def test_a_workspace_keeps_its_network(rules: Any, tmp_path: Path) -> None:
    named = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ws"
    workspace = {
        "Id": named,
        "Name": "ws",
        "Type": "Microsoft.MachineLearningServices/workspaces",
        "ResourceGroupName": "g",
        "ManagedNetworkIsolationMode": "AllowOnlyApprovedOutbound",
        "ManagedNetworkOutboundRule": rules,
        "Status": "Active",
        "SparkReady": False,
    }
    body = _read(tmp_path, workspace).get(named)
    assert body is not None
    network = body["properties"]["managedNetwork"]
    assert network["isolationMode"] == "AllowOnlyApprovedOutbound"
    assert list(network["outboundRules"]) == ["r" if isinstance(rules, dict) else "not-read"]


def test_a_resource_of_az_without_its_properties_was_not_read(tmp_path: Path) -> None:
    listed = {
        "ResourceId": POLICY,
        "ResourceName": "hub",
        "ResourceType": "Microsoft.Network/firewallPolicies",
        "ResourceGroupName": "g",
        "SubscriptionId": "s",
        "Properties": None,
    }
    body = _read(tmp_path, listed).get(POLICY)
    assert body is not None
    assert "az resource show" in str(body["properties"])
