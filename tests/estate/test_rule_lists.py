"""Lists of rules as teams keep them, and sources of Terraform and Bicep, before anything is deployed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.terraform.sources import plan_of_sources
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import REPOSITORY

POLICY = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/afwp"

HEAD = ["Rule", "Action", "Source", "Target", "Service", "Active"]
ROWS = [
    ["models", "permit", "10.0.0.0/24, 10.0.1.0/24", "huggingface.co; *.hf.co", "Https:443", "yes"],
    ["kms", "permit", "10.0.0.0/24", "20.118.99.224", "tcp/1688", "yes"],
    ["old", "permit", "10.0.0.0/24", "*.example", "Https:443", "no"],
    ["stop", "block", "10.0.0.0/24", "bad.example", "Https:443", "yes"],
]
COLUMNS = (
    "{name: Rule, action: Action, sources: Source, destinations: Target, protocols: Service, enabled: Active}"
)


def _mapping(folder: Path, file: str, columns: str = COLUMNS, more: str = "") -> Path:
    path = folder / "list.rules.yaml"
    path.write_text(
        f"schema: allowlist/rule-list/v1\nfile: {file}\npolicy: {POLICY}\ncolumns: {columns}\n{more}"
    )
    return path


def _workload(folder: Path, *hosts: str) -> Path:
    path = folder / "allowlist.yaml"
    wants = "".join(
        f'  - {{id: n{at}, pattern: "{host}", ports: ["https:443"], owner: a@b.example, reason: r, expires: "2099-01-01"}}\n'
        for at, host in enumerate(hosts)
    )
    path.write_text(
        f"schema: allowlist/workload/v1\nname: trial\nrequirements:\n{wants}"
        "sources: {c: {addresses: [10.0.0.0/24]}}\n"
        f"targets: [{{name: t, surface: firewall-policy, resource: {POLICY}, delete: add-only}}]\n"
    )
    return path


def _run(folder: Path, snapshot: Path, command: str, *arguments: object) -> Result:
    where = ("--workload", _workload(folder, "huggingface.co"), "--snapshot", snapshot)
    return allowlist(command, *arguments, *where)


def _verdict(folder: Path, snapshot: Path, host: str, *arguments: object) -> str:
    result = _run(folder, snapshot, "explain", host, "--from", "10.0.0.5", "--json", *arguments)
    assert result.code == 0, result.err
    return str(result.json["verdict"])


def _csv(folder: Path) -> None:
    lines = [";".join(f'"{cell}"' for cell in row) for row in [HEAD, *ROWS]]
    (folder / "rules.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")


def _excel(folder: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Outbound")
    for row in [HEAD, *ROWS]:
        sheet.append(row)
    book.save(folder / "rules.xlsx")


@pytest.mark.parametrize(
    ("make", "file", "more"), [(_csv, "rules.csv", ""), (_excel, "rules.xlsx", "sheet: Outbound\n")]
)
def test_tables_say_what_their_mapping_says(make: object, file: str, more: str, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path)
    mapping = _mapping(tmp_path, file, more=more)
    assert _verdict(tmp_path, mapping, "huggingface.co") == "allow"
    assert _verdict(tmp_path, tmp_path, "cdn.hf.co") == "allow"
    assert _verdict(tmp_path, mapping, "bad.example") == "deny"
    assert _verdict(tmp_path, mapping, "x.example") == "deny"
    to_kms = ("--to", "20.118.99.224", "--protocol", "tcp", "--port", "1688")
    assert _verdict(tmp_path, mapping, "kms.example", *to_kms) == "allow"


def test_what_a_row_does_not_say_clearly_is_unknown_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text("n,act,s,t,p\nodd,perhaps,10.0.0.0/24,huggingface.co,Https:443\n")
    mapping = _mapping(
        tmp_path, "rules.csv", "{name: n, action: act, sources: s, destinations: t, protocols: p}"
    )
    assert _verdict(tmp_path, mapping, "huggingface.co") == "unknown"
    assert "rules.csv:2" in _run(tmp_path, mapping, "explain", "huggingface.co", "--from", "10.0.0.5").out


def test_a_column_that_is_not_there_is_a_mistake_of_the_mapping(tmp_path: Path) -> None:
    _csv(tmp_path)
    with pytest.raises(InvalidInput, match=r"no row of rules\.csv has 'Sauce'"):
        read_snapshot(_mapping(tmp_path, "rules.csv", "{name: Rule, sources: Sauce}"))


NESTED = {
    "collections": {
        "models": {
            "priority": 200,
            "action": "Allow",
            "rules": [
                {
                    "name": "hf",
                    "source_addresses": ["10.0.0.0/24"],
                    "destination_fqdns": ["huggingface.co"],
                    "protocols": [{"type": "Https", "port": 443}],
                }
            ],
        }
    }
}
NESTED_COLUMNS = (
    "{name: name, collection: ../name, priority: ../priority, action: ../action, "
    "sources: source_addresses, fqdns: destination_fqdns, protocols: protocols}"
)


@pytest.mark.parametrize("file", ["rules.json", "rules.yaml", "rules.tfvars.json"])
def test_nested_lists_take_what_stands_around_a_rule(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(json.dumps(NESTED))
    mapping = _mapping(tmp_path, file, NESTED_COLUMNS, "rows: collections.*.rules.*\n")
    assert _verdict(tmp_path, mapping, "huggingface.co") == "allow"


def test_a_file_that_is_no_list_is_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "rules.docx").write_bytes(b"x")
    result = _run(tmp_path, _mapping(tmp_path, "rules.docx"), "check")
    assert result.code == 1
    assert ".csv, .xlsx" in result.err


# Sources of Terraform, as @cdktf/hcl2json gives them

GROUP = {
    "name": "g",
    "firewall_policy_id": "${azurerm_firewall_policy.hub.id}",
    "priority": 200,
    "application_rule_collection": [
        {
            "name": "models",
            "priority": 100,
            "action": "Allow",
            "rule": [
                {
                    "name": "hf",
                    "source_addresses": ["10.0.0.0/24"],
                    "destination_fqdns": ["huggingface.co", "${var.extra}"],
                    "protocols": [{"type": "Https", "port": 443}],
                }
            ],
        }
    ],
}
SOURCES = {
    "resource": {
        "azurerm_firewall_policy": {"hub": [{"name": "afwp", "resource_group_name": "rg", "location": "we"}]},
        "azurerm_firewall_policy_rule_collection_group": {"g": [GROUP]},
    }
}


def _node(folder: Path, parsed: object) -> Path:
    """A stand-in for node: prints what hcl2json would."""
    (folder / "bin").mkdir()
    tool = folder / "bin" / "node"
    (folder / "parsed.json").write_text(json.dumps(parsed))
    tool.write_text(f"#!/bin/sh\ncat > /dev/null\ncat '{folder / 'parsed.json'}'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return folder / "bin"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{_node(tmp_path, SOURCES)}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "tf"
    folder.mkdir()
    (folder / "main.tf").write_text("# parsed by a stand-in\n")
    return folder


def test_plain_text_of_sources_is_known_and_a_reference_is_not(sources: Path, tmp_path: Path) -> None:
    assert _verdict(tmp_path, sources, "huggingface.co") == "allow"
    assert _verdict(tmp_path, sources, "pytorch.example") == "unknown"


def test_a_module_may_add_rules_anywhere() -> None:
    plan, modules = plan_of_sources({"main.tf": {**SOURCES, "module": {"net": [{"source": "./net"}]}}})
    assert modules == ["module.net"]
    assert len(plan["resource_changes"]) == 2


def test_what_is_counted_is_not_placed() -> None:
    counted = {"resource": {"azurerm_firewall_policy_rule_collection_group": {"g": [{**GROUP, "count": 2}]}}}
    plan, _ = plan_of_sources({"main.tf": counted})
    assert not plan["resource_changes"]
    assert plan["deferred_changes"][0]["resource_change"]["address"].endswith(".g")


def test_without_the_parser_sources_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "main.tf").write_text('resource "x" "y" {}\n')
    with pytest.raises(InvalidInput) as refused:
        read_snapshot(tmp_path / "main.tf")
    assert "terraform show -json" in refused.value.hint


@pytest.mark.skipif(shutil.which("node") is None, reason="HCL is then parsed by nothing here")
def test_node_without_the_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_PATH", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text('resource "x" "y" {}\n')
    with pytest.raises(InvalidInput, match="hcl2json"):
        read_snapshot(tmp_path / "main.tf")


def test_bicep_is_compiled_by_its_own_compiler_where_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "resources": [
            {"type": "Microsoft.Network/firewallPolicies", "apiVersion": "2024-05-01", "name": "afwp"}
        ],
    }
    (tmp_path / "compiled.json.txt").write_text(json.dumps(template))
    tool = tmp_path / "bicep"
    tool.write_text(f"#!/bin/sh\ncat '{tmp_path / 'compiled.json.txt'}'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "main.bicep").write_text("module m 'part.bicep' = { name: 'm' }\n")
    (folder / "part.bicep").write_text("// used by main\n")
    estate = read_snapshot(folder)
    assert [body["name"] for body in estate.of_type("Microsoft.Network/firewallPolicies")] == ["afwp"]


# What commands print without ids

RULE = {
    "ruleType": "ApplicationRule",
    "name": "hf",
    "sourceAddresses": ["10.0.0.0/24"],
    "targetFqdns": ["huggingface.co"],
    "protocols": [{"protocolType": "Https", "port": 443}],
}
COLLECTION = {
    "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
    "name": "models",
    "priority": 100,
    "action": {"type": "Allow"},
    "rules": [RULE],
}


def test_collections_without_their_group_belong_to_the_parent_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps([COLLECTION]))
    group = f"{POLICY}/ruleCollectionGroups/g"
    named = _run(
        tmp_path, tmp_path / "list.json", "explain", "huggingface.co", "--from", "10.0.0.5", "--parent", group
    )
    assert "unknown" in named.out
    policy = {"id": POLICY, "name": "afwp", "properties": {}}
    (tmp_path / "estate").mkdir()
    (tmp_path / "estate" / "policy.json").write_text(json.dumps(policy))
    (tmp_path / "estate" / "list.json").write_text(json.dumps([COLLECTION]))
    assert _verdict(tmp_path, tmp_path / "estate", "huggingface.co", "--parent", POLICY) == "allow"


WITHOUT_ID = {
    "a group of PowerShell": {
        "Name": "g",
        "Properties": {
            "Priority": 200,
            "RuleCollection": [
                {
                    "Name": "models",
                    "Priority": 100,
                    "Action": {"Type": "Allow"},
                    "Rules": [
                        {
                            "RuleType": "ApplicationRule",
                            "Name": "hf",
                            "SourceAddresses": ["10.0.0.0/24"],
                            "TargetFqdns": ["huggingface.co"],
                            "Protocols": [{"ProtocolType": "Https", "Port": 443}],
                        }
                    ],
                }
            ],
        },
    },
    "a group as az flattens it": {"name": "g", "priority": 200, "ruleCollections": [COLLECTION]},
    "a row of Resource Graph": {
        "name": "g",
        "type": "microsoft.network/firewallpolicies/rulecollectiongroups",
        "properties": {"priority": 200, "ruleCollections": [COLLECTION]},
    },
    "a collection": COLLECTION,
}


def _beside_their_policy(folder: Path, what: str, *others: dict[str, Any]) -> Path:
    estate = folder / "estate"
    estate.mkdir()
    (estate / "policy.json").write_text(
        json.dumps([{"id": POLICY, "name": "afwp", "properties": {}}, *others])
    )
    (estate / "part.json").write_text(json.dumps(WITHOUT_ID[what]))
    return estate


@pytest.mark.parametrize("what", WITHOUT_ID)
def test_what_does_not_say_whose_it_is_is_never_taken_for_the_only_target_s(
    what: str, tmp_path: Path
) -> None:
    estate = _beside_their_policy(tmp_path, what)
    told = _run(tmp_path, estate, "explain", "huggingface.co", "--from", "10.0.0.5")
    assert (told.code, "--parent ID" in told.err) == (1, True)
    for parent in (POLICY, f"{POLICY}/ruleCollectionGroups/g"):
        assert _verdict(tmp_path, estate, "huggingface.co", "--parent", parent) == "allow"


@pytest.mark.parametrize(
    ("what", "right"), [("a collection", "unknown"), ("a row of Resource Graph", "allow")]
)
def test_beside_other_groups_the_priority_of_a_group_counts_that_a_list_of_collections_does_not_hold(
    what: str, right: str, tmp_path: Path
) -> None:
    stop = {**COLLECTION, "name": "stop", "action": {"type": "Deny"}}
    other = {
        "id": f"{POLICY}/ruleCollectionGroups/stop",
        "properties": {"priority": 300, "ruleCollections": [stop]},
    }
    estate = _beside_their_policy(tmp_path, what, other)
    assert _verdict(tmp_path, estate, "huggingface.co", "--parent", POLICY) == right


def test_a_group_of_another_name_is_not_the_one_that_is_named(tmp_path: Path) -> None:
    estate = _beside_their_policy(tmp_path, "a row of Resource Graph")
    other = f"{POLICY}/ruleCollectionGroups/other"
    assert _run(tmp_path, estate, "explain", "a.example", "--from", "10.0.0.5", "--parent", other).code == 1


def test_classic_collections_alone_leave_the_rest_of_their_firewall_unknown(tmp_path: Path) -> None:
    firewall = POLICY.replace("firewallPolicies/afwp", "azureFirewalls/fw")
    rule = {key: value for key, value in RULE.items() if key != "ruleType"}
    listed = {
        "id": f"{firewall}/applicationRuleCollections/models",
        "name": "models",
        "priority": 100,
        "action": {"type": "Allow"},
        "rules": [rule],
    }
    (tmp_path / "list.json").write_text(json.dumps([listed]))
    estate = read_snapshot(tmp_path / "list.json")
    body = estate.get(firewall)
    assert body is not None
    assert body["properties"]["applicationRuleCollections"][0]["name"] == "models"
    assert "az network firewall network-rule collection list" in body["properties"]["networkRuleCollections"]


def test_the_mappings_on_the_page_are_mappings(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "rule-lists.md").read_text()
    first, second = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Outbound")
    sheet.append(["Rule Name", "Action", "Source", "Destination", "Service", "Port", "Active"])
    sheet.append(["hf", "permit", "10.0.0.0/24", "huggingface.co", "Https", 443, "yes"])
    book.save(tmp_path / "outbound.xlsx")
    nested = {"rule_collections": NESTED["collections"]}
    (tmp_path / "rules.tfvars.json").write_text(json.dumps(nested))
    for at, text in enumerate((first, second)):
        mapping = tmp_path / f"{at}.rules.yaml"
        mapping.write_text(text)
        assert _verdict(tmp_path, mapping, "huggingface.co") == "allow"


def _decided(mapping: Path, host: str, **flow: Any) -> str:
    """What the rules of a list do with a flow, without the workload around them."""
    asked = {"application": "https", "sni": host, "host": host, **flow}
    ruleset = to_ruleset(read_snapshot(mapping), POLICY)
    return evaluate(ruleset, Flow(source=10 << 24 | 5, port=443, **asked)).word


EXPORT = """"RuleCollectionName","RulePriority","ActionType","RuleConditionType","Name","Protocols","SourceAddresses","DestinationAddresses","SourceIPGroups","DestinationPorts","TargetFqdns"
"AllowWeb","200","Allow","ApplicationRule","hf","Http:80, Https:443","10.0.0.0/24","","","","huggingface.co, *.hf.co"
"AllowNet","300","Allow","NetworkRule","kms","TCP","10.0.0.0/24","20.118.99.224","","1688",""
"DenyWeb","100","Deny","ApplicationRule","bad","Https:443","*","","","","bad.hf.co"
"Groups","400","Allow","ApplicationRule","g","Https:443","","","/subscriptions/x/resourceGroups/r/providers/Microsoft.Network/ipGroups/g","","group.example"
"""
OF_EXPORT = (
    "{name: Name, collection: RuleCollectionName, priority: RulePriority, action: ActionType, type: RuleConditionType,"
    " protocols: Protocols, sources: SourceAddresses, source_ip_groups: SourceIPGroups, ports: DestinationPorts,"
    " destinations: DestinationAddresses, fqdns: TargetFqdns}"
)


def test_a_table_that_a_script_exported_is_read_rule_by_rule(tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text(EXPORT)
    mapping = _mapping(tmp_path, "rules.csv", OF_EXPORT)
    hosts = ("huggingface.co", "bad.hf.co", "x.hf.co", "group.example", "other.example")
    found = [_decided(mapping, host) for host in hosts]
    assert found == ["allow", "deny", "allow", "unknown", "deny"]


PLAIN = "{name: n, action: act, sources: s, destinations: t, protocols: p, ports: o, enabled: e, priority: r}"
HEAD_OF_PLAIN = "n,act,s,t,p,o,e,r"


def _plain(folder: Path, *lines: str) -> Path:
    (folder / "rules.csv").write_text("\n".join((HEAD_OF_PLAIN, *lines)) + "\n")
    return _mapping(folder, "rules.csv", PLAIN, more='separator: ";"\n')


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        # Which of two comes first is not said.
        (("a,allow,*,*.co,Https:443,,,", "d,deny,*,huggingface.co,Https:443,,,"), "unknown"),
        (("a,allow,*,*.co,Https:443,,,200", "d,deny,*,huggingface.co,Https:443,,,"), "unknown"),
        (("a,allow,*,*.co,Https:443,,,200", "d,deny,*,huggingface.co,Https:443,,,300"), "allow"),
        (("a,allow,*,huggingface.co,Https:443,,perhaps,",), "unknown"),
        # What every rule has, and a cell of this one does not say.
        (("a,allow,,huggingface.co,Https:443,,,",), "unknown"),
        (("a,allow,*,,Https:443,,,",), "unknown"),
        (("a,allow,*,huggingface.co,,,,",), "unknown"),
        # A firewall looks for no address in application rules.
        (("a,allow,*,huggingface.co;20.0.0.1,HTTPS,,,",), "unknown"),
        (("Web rules,,,,,,,", ",,,,,,,", "a,allow,*,huggingface.co,443/https,,,"), "allow"),
        (("a,allow,*,huggingface.co,https 443; http 80,,,",), "allow"),
    ],
)
def test_what_a_table_leaves_open_is_unknown_where_it_decides(
    lines: tuple[str, ...], verdict: str, tmp_path: Path
) -> None:
    assert _decided(_plain(tmp_path, *lines), "huggingface.co") == verdict


def test_a_service_tag_of_a_region_is_no_host(tmp_path: Path) -> None:
    mapping = _plain(tmp_path, "a,allow,*,Storage.WestEurope,TCP:443,,,")
    assert _decided(mapping, "acme.blob.core.windows.net") == "unknown"


@pytest.mark.parametrize("service", ["tcp/443", "443/tcp", "TCP 440-450", "TCP/UDP", "tcp,443", "HTTPS"])
def test_services_are_written_in_many_ways(service: str, tmp_path: Path) -> None:
    protocol, _, port = service.partition(",")
    mapping = _plain(tmp_path, f"a,allow,*,20.0.0.1,{protocol},{port or 443},,")
    assert _decided(mapping, "", application="", destination=20 << 24 | 1) == "allow"


def test_a_table_may_begin_below_its_title(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [["Firewall rules", None], ["Kept by", "the network team"], [], HEAD, ["Models"], *ROWS]:
        sheet.append(row)
    book.save(tmp_path / "rules.xlsx")
    mapping = _mapping(tmp_path, "rules.xlsx")
    assert [_decided(mapping, host) for host in ("huggingface.co", "other.example")] == ["allow", "deny"]


def test_of_two_columns_with_one_name_none_is_taken(tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text("Rule,Source,Port,Port\na,*,1024,443\n")
    with pytest.raises(InvalidInput, match="2 columns that are called 'Port'"):
        read_snapshot(_mapping(tmp_path, "rules.csv", "{name: Rule, sources: Source, ports: Port}"))
