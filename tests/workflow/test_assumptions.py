"""Answers that rest on a likely assumption say so, are gated, and are refused where the policy says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.cli import Result, allowlist

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
POLICY = f"{SUBSCRIPTION}/resourceGroups/rg-hub/providers/Microsoft.Network/firewallPolicies/afwp"
HOST = "models.example"


def _network(name: str, **fields: object) -> dict[str, object]:
    return {
        "ruleType": "NetworkRule",
        "name": name,
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.0.0.0/24"],
        "destinationPorts": ["443"],
        **fields,
    }


def _names(name: str, **fields: object) -> dict[str, object]:
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "sourceAddresses": ["10.0.0.0/24"],
        **fields,
    }


class Hub:
    """A policy with one collection per rule, and a workload that wants one host."""

    def __init__(self, folder: Path, *rules: tuple[str, dict[str, object]]) -> None:
        self.folder = folder
        collections = [
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": f"c{place}",
                "priority": 100 + place,
                "action": {"type": action},
                "rules": [rule],
            }
            for place, (action, rule) in enumerate(rules)
        ]
        group = {"priority": 200, "ruleCollections": collections}
        estate = [
            {"id": POLICY, "name": "afwp", "type": "Microsoft.Network/firewallPolicies", "properties": {}},
            {
                "id": f"{POLICY}/ruleCollectionGroups/g",
                "name": "g",
                "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                "properties": group,
            },
        ]
        (folder / "estate.json").write_text(json.dumps(estate))
        self.wants(HOST)

    def wants(self, *hosts: str, more: str = "", ports: str = "https:443") -> Hub:
        items = "".join(
            f'  - {{id: need-{at}, pattern: "{host}", ports: ["{ports}"], owner: a@b.example, '
            'reason: trial, expires: "2099-01-01"}\n'
            for at, host in enumerate(hosts)
        )
        needs = f"requirements:\n{items}" if hosts else ""
        (self.folder / "allowlist.yaml").write_text(
            f"schema: allowlist/workload/v1\nname: trial\ncloud: public\n{needs}{more}"
            "sources: {clients: {addresses: [10.0.0.0/24]}}\n"
            f"targets: [{{name: t, surface: firewall-policy, resource: {POLICY}, delete: add-only}}]\n"
        )
        return self

    def run(self, command: str, *arguments: object) -> Result:
        where = ("--workload", self.folder / "allowlist.yaml", "--snapshot", self.folder / "estate.json")
        return allowlist(command, *arguments, *where)

    def finding(self, **wanted: str) -> dict[str, object]:
        findings = self.run("check", "--all", "--json").json["findings"]
        found: dict[str, object] = next(
            item for item in findings if all(item.get(key) == value for key, value in wanted.items())
        )
        return found

    def statuses(self) -> dict[str, int]:
        summary: dict[str, int] = self.run("check", "--all", "--json").json["summary"]
        return {status: count for status, count in summary.items() if count}


ALLOWED = ("Allow", _names("models", targetFqdns=[HOST]))

NARROW = ["198.51.100.7", "203.0.113.0/30"]


@pytest.mark.parametrize(
    ("before", "condition"),
    [
        (_network("block", destinationAddresses=NARROW), "resolves into afwp/g/c0/block (5 addresses)"),
        (_names("games", webCategories=["Gambling"]), "has the web category Gambling"),
        (_names("updates", fqdnTags=["WindowsUpdate"]), "the FQDN tag WindowsUpdate holds models.example"),
        (
            _network("tag", destinationAddresses=["AzureActiveDirectory"]),
            "models.example has an address in the service tag AzureActiveDirectory",
        ),
    ],
)
def test_a_narrow_deny_leaves_a_name_covered_with_the_condition_beside_it(
    tmp_path: Path, before: dict[str, object], condition: str
) -> None:
    hub = Hub(tmp_path, ("Deny", before), ALLOWED)
    found = hub.finding(status="covered")
    assert condition in str(found["because"])
    assert condition in str(found["assumptions"])
    explained = hub.run("explain", HOST, "--from", "10.0.0.5", "--json").json
    assert explained["verdict"] == "allow"
    assert condition in " ".join(explained["assumptions"])


@pytest.mark.parametrize(
    "before",
    [
        _network("cloud", destinationAddresses=["AzureCloud"]),
        _network("range", destinationAddresses=["20.0.0.0/8"]),
        _names("technical", webCategories=["ComputersAndTechnology"]),
        _names("new", fqdnTags=["SomethingNew"]),
    ],
)
def test_a_deny_that_may_well_hold_the_name_stays_unknown_and_says_how_to_settle_it(
    tmp_path: Path, before: dict[str, object]
) -> None:
    found = Hub(tmp_path, ("Deny", before), ALLOWED).finding(status="unknown")
    assert "--facts FILE" in str(found["remedy"])
    assert "a rule for exactly this" not in str(found["remedy"])


def test_a_name_of_azure_is_not_taken_to_be_outside_a_service_tag(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Deny", _network("tag", destinationAddresses=["AzureActiveDirectory"])))
    hub.wants("login.microsoftonline.com")
    assert hub.statuses() == {"missing": 1}
    allowed = ("Allow", _names("login", targetFqdns=["login.microsoftonline.com"]))
    hub = Hub(tmp_path, ("Deny", _network("tag", destinationAddresses=["AzureActiveDirectory"])), allowed)
    hub.wants("login.microsoftonline.com")
    assert hub.statuses() == {"unknown": 1}


def test_documented_members_of_a_tag_are_covered_as_long_as_the_page_is_right(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Allow", _names("updates", fqdnTags=["WindowsUpdate"])))
    hub.wants("download.windowsupdate.com")
    found = hub.finding(status="covered")
    assert "no longer holds download.windowsupdate.com, as documented on" in str(found["because"])


def test_a_change_that_helps_under_an_assumption_waits_for_somebody_to_accept_it(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)))
    plan = hub.run("plan", "--json").json
    assert [gate["id"] for gate in plan["gates"]] == ["assumption"]
    assert "resolves into afwp/g/c0/block" in plan["changes"][0]["assumptions"][0]
    assert "unless" in plan["changes"][0]["proofs"]["sufficient"]["text"]


def test_the_policy_takes_assumptions_or_refuses_them(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)))
    hub.wants(HOST, more="approval: {assumptions: accept}\n")
    plan = hub.run("plan", "--json").json
    assert not plan.get("gates")
    assert plan["changes"][0]["assumptions"]
    hub.wants(HOST, more="approval: {assumptions: refuse}\n")
    assert [gate["id"] for gate in hub.run("plan", "--json").json["gates"]] == ["not-sufficient"]
    Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)), ALLOWED)
    hub.wants(HOST, more="approval: {assumptions: refuse}\n")
    assert hub.statuses() == {"unknown": 1}
    assert hub.run("explain", HOST, "--from", "10.0.0.5", "--json").json["verdict"] == "unknown"


def test_the_summary_says_how_much_rests_on_assumptions(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)), ALLOWED)
    assert "1 covered (1 covered under an assumption)" in hub.run("check").err


def test_dns_answers_settle_what_was_assumed(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)), ALLOWED)
    facts = tmp_path / "facts.yaml"
    facts.write_text("schema: allowlist/facts/v1\ndns: {models.example: [192.0.2.9]}\n")
    (found,) = hub.run("check", "--all", "--json", "--facts", facts).json["findings"]
    assert (found["status"], found.get("assumptions")) == ("covered", None)
    facts.write_text("schema: allowlist/facts/v1\ndns: {models.example: [198.51.100.7]}\n")
    (found,) = hub.run("check", "--all", "--json", "--facts", facts).json["findings"]
    assert found["status"] == "blocked"


def test_an_address_range_of_a_catalog_is_checked_planned_and_proved(tmp_path: Path) -> None:
    use = "catalogs: [{name: foundry-agents, version: 1.2.0, needs: [conditional], include: []}]\n"
    hub = Hub(
        tmp_path, ("Allow", _network("lan", destinationAddresses=["10.0.0.0/9"], destinationPorts=["*"]))
    )
    hub.wants(more=use)
    found = [
        item
        for item in hub.run("check", "--all", "--json").json["findings"]
        if item["requirement"] and item["requirement"]["entry"] == "addresses-10-0-0-0-8"
    ]
    assert {(item["requirement"]["protocol"], item["status"]) for item in found} == {
        ("tcp", "partial"),
        ("udp", "missing"),
    }
    (witness,) = (item["witness"]["fqdn"] for item in found if item["status"] == "partial")
    assert witness.startswith(("10.1", "10.2", "100."))
    changes = [
        item
        for item in hub.run("plan", "--json").json["changes"]
        if item["requirements"][0]["entry"] == "addresses-10-0-0-0-8"
    ]
    assert {tuple(item["operation"]["after"]["destinationAddresses"]) for item in changes} == {
        ("10.0.0.0/8", "100.64.0.0/10")
    }
    assert all(proof["holds"] for item in changes for proof in item["proofs"].values())


def test_public_addresses_that_are_asked_for_are_no_widening(tmp_path: Path) -> None:
    use = (
        "parameters: {dnsServer: 20.31.5.9}\n"
        "catalogs: [{name: dns-private-resolver, version: latest, needs: [conditional]}]\n"
    )
    hub = Hub(tmp_path)
    hub.wants(more=use)
    changes = [
        item
        for item in hub.run("plan", "--json").json["changes"]
        if item["requirements"][0]["entry"] == "addresses-dns-server"
    ]
    assert changes
    assert all(item["proofs"]["nothing_else"]["holds"] for item in changes), changes


def test_a_catalog_that_asks_for_nothing_and_a_target_of_which_nothing_is_asked_are_findings(
    tmp_path: Path,
) -> None:
    hub = Hub(tmp_path).wants(more="catalogs: [{name: hugging-face, version: 2.0.0}]\n")
    found = hub.finding(code="nothing-asked")
    assert "needs: [required, conditional]" in str(found["remedy"])
    assert hub.run("check", "--exit-code").code == 2
    hub.wants(more="catalogs: [{name: foundry-account, version: 1.1.0}]\n")
    assert "are for managed-network" in str(hub.finding(code="nothing-asked")["because"])
    hub.wants()
    assert hub.finding(code="nothing-asked")["rule"] == "target t"


@pytest.mark.parametrize(
    ("rule", "reach"),
    [
        (_network("any", destinationAddresses=["*"], destinationPorts=["22"]), "to every destination"),
        (_network("half", destinationAddresses=["0.0.0.0/1"]), "public addresses on tcp 443"),
        (_network("cloud", destinationAddresses=["AzureCloud"]), "all public addresses of Azure"),
        (
            _network("ports", destinationAddresses=["198.51.100.7"], destinationPorts=["*"]),
            "every port to 1 public addresses",
        ),
    ],
)
def test_wide_network_rules_are_told_with_their_reach_whatever_is_required(
    tmp_path: Path, rule: dict[str, object], reach: str
) -> None:
    hub = Hub(tmp_path, ("Allow", rule))
    hub.wants()
    assert reach in str(hub.finding(status="widens")["because"])


def test_a_narrow_network_rule_is_not_called_wide(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ("Allow", _network("partner", destinationAddresses=["198.51.100.7"])), ALLOWED)
    assert hub.statuses() == {"covered": 1}
