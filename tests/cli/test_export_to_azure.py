"""A plan as Terraform and Bicep: the same writes, read back and proved; what they cannot say is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allowlist.estate.terraform.tables import KINDS
from allowlist.render.bicep import bicep_files, read_bicep
from allowlist.render.declared import Declared
from allowlist.render.terraform import plan_json, terraform_json
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, Result, allowlist
from tests.helpers.shared import REPOSITORY

POLICY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu/providers/"
    "Microsoft.Network/firewallPolicies/afwp-weu"
)
GROUP_TYPE = "azurerm_firewall_policy_rule_collection_group"


def exported(to: str, folder: Path, *more: object) -> Result:
    return allowlist(
        "export", *more, "--to", to, "--workload", FIREWALL_ONLY, "--snapshot", CONTOSO, "-o", folder
    )


def approved_plan(
    folder: Path, workload: Path = FIREWALL_ONLY, state: Path = CONTOSO
) -> tuple[Path, tuple[str, ...]]:
    """A plan with a decision on every change and gate, and where those decisions are kept."""
    plan, ledger = folder / "plan.json", ("--ledger", f"sqlite:///{folder / 'ledger.db'}")
    made = allowlist("plan", "--workload", workload, "--snapshot", state, "-o", plan, *ledger)
    assert plan.exists(), made.err
    gates = [gate["id"] for gate in json.loads(plan.read_text()).get("gates", []) if not gate["passed"]]
    accepted = [word for gate in gates for word in ("--accept", gate)]
    approved = allowlist("approve", plan, "--all", *accepted, "--reason", "ticket", *ledger)
    assert approved.code == 0, approved.err
    return plan, ledger


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("terraform")
    _, ledger = approved_plan(folder)
    result = exported("terraform", folder, "--allow-wider", *ledger)
    assert result.code == 0, result.err
    assert "proved to have the effect of the plan" in result.err
    return dict(json.loads((folder / "allowlist.tf.json").read_text()))


def test_a_group_is_declared_with_every_rule_and_who_wants_it(terraform: dict[str, object]) -> None:
    resources = terraform["resource"]
    assert isinstance(resources, dict)
    (group,) = resources[GROUP_TYPE].values()
    assert group["firewall_policy_id"].lower() == POLICY.lower()
    names = [
        rule["destination_fqdns"] for one in group["application_rule_collection"] for rule in one["rule"]
    ]
    assert ["*.data.mcr.microsoft.com"] in names
    assert "azure-container-registry@1.6.0#data-mcr-microsoft-com" in group["//"]


def test_a_group_that_is_new_is_not_imported(terraform: dict[str, object]) -> None:
    assert "import" not in terraform


ATTRIBUTES = {
    "": {"firewall_policy_id", "name", "priority", "application_rule_collection", "nat_rule_collection", "network_rule_collection"},
    "application_rule_collection": {"action", "name", "priority", "rule"},
    "application_rule_collection/rule": {
        "name", "description", "destination_addresses", "destination_fqdns", "destination_fqdn_tags", "destination_urls",
        "http_headers", "protocols", "source_addresses", "source_ip_groups", "terminate_tls", "web_categories",
    },
}  # fmt: skip
"""Of the resource type in the provider's schema, as cdktf-cdktf-provider-azurerm 14.23.1 was generated from it."""


def test_every_attribute_is_one_of_the_providers_schema(terraform: dict[str, object]) -> None:
    resources = terraform["resource"]
    assert isinstance(resources, dict)
    for group in resources[GROUP_TYPE].values():
        assert group.keys() - {"//"} <= ATTRIBUTES[""]
        for collection in group["application_rule_collection"]:
            assert collection.keys() <= ATTRIBUTES["application_rule_collection"]
            for rule in collection["rule"]:
                assert rule.keys() <= ATTRIBUTES["application_rule_collection/rule"]
    assert KINDS[GROUP_TYPE].properties.fields.keys() <= ATTRIBUTES[""]


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    _, ledger = approved_plan(tmp_path)
    for folder in ("a", "b"):
        assert exported("bicep", tmp_path / folder, "--allow-wider", *ledger).code == 0
    (first,) = (tmp_path / "a").iterdir()
    assert first.read_bytes() == (tmp_path / "b" / first.name).read_bytes()


def test_what_opens_more_than_is_wanted_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    """The workload's gates hold something back: a pipeline asks nobody."""
    text = FIREWALL_ONLY.read_text() + "\ngates: {additions: 3}\n"
    (tmp_path / "w.yaml").write_text(text)
    asked = (
        "export",
        tmp_path / "w.yaml",
        "--to",
        "terraform",
        "--snapshot",
        CONTOSO,
        "-o",
        tmp_path / "out",
    )
    refused = allowlist(*asked)
    assert refused.code == 3
    assert "no" in refused.err
    assert not (tmp_path / "out").exists()
    unapproved = allowlist(*asked, "--allow-wider")
    assert unapproved.code == 5
    assert "allowlist approve plan.json --all" in unapproved.err
    assert not (tmp_path / "out").exists()
    _, ledger = approved_plan(tmp_path, tmp_path / "w.yaml")
    accepted = allowlist(*asked, "--allow-wider", *ledger)
    assert accepted.code == 0, accepted.err


def test_a_gate_that_nobody_accepted_holds_an_approved_plan_back(tmp_path: Path) -> None:
    text = FIREWALL_ONLY.read_text() + "\ngates: {additions: 3}\n"
    (tmp_path / "w.yaml").write_text(text)
    plan = tmp_path / "plan.json"
    allowlist("plan", "--workload", tmp_path / "w.yaml", "--snapshot", CONTOSO, "-o", plan)
    assert allowlist("approve", plan, "--all", "--reason", "ticket").code == 0
    asked = ("export", plan, "--workload", tmp_path / "w.yaml", "--to", "terraform", "--snapshot", CONTOSO)
    result = allowlist(*asked, "--allow-wider")
    assert result.code == 3
    assert "--accept growth" in result.err


def test_a_plan_is_written_for_the_state_it_was_made_for_and_for_no_other(tmp_path: Path) -> None:
    plan, ledger = approved_plan(tmp_path)
    assert exported("terraform", tmp_path / "out", plan, "--allow-wider", *ledger).code == 0
    state = tmp_path / "state"
    state.mkdir()
    for file in CONTOSO.glob("*.json"):
        (state / file.name).write_text(
            file.read_text().replace("10.40.1.0/24", "10.44.0.0/24").replace('"port": 443', '"port": 8443')
        )
    result = allowlist("export", plan, "--to", "terraform", "--workload", FIREWALL_ONLY, "--snapshot", state)
    assert result.code == 4
    assert "plan again" in result.err


def test_the_list_of_a_plan_is_written_for_a_proxy(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    allowlist("plan", "--workload", FIREWALL_ONLY, "--snapshot", CONTOSO, "-o", plan)
    result = allowlist("export", plan, "--to", "squid", "--leave-out", "-o", tmp_path / "proxy")
    assert result.code == 0, result.err
    assert "plan " in (tmp_path / "proxy" / "allowlist.conf").read_text()


def test_without_a_state_the_next_step_is_told() -> None:
    result = allowlist("export", "--to", "bicep", "--workload", FIREWALL_ONLY)
    assert result.code != 0
    assert "allowlist snapshot -o" in result.err


def declared(*, exists: bool = True, text: str = "plain") -> Declared:
    rule = {
        "ruleType": "ApplicationRule",
        "name": "n",
        "description": text,
        "sourceAddresses": ["10.0.0.0/8"],
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.contoso.com"],
    }
    collection = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "c",
        "priority": 100,
        "action": {"type": "Allow"},
        "rules": [rule],
    }
    return Declared(
        id=f"{POLICY}/ruleCollectionGroups/g",
        type="Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        api_version="2024-05-01",
        properties={"priority": 200, "ruleCollections": [collection]},
        exists=exists,
    )


def test_what_exists_is_imported_and_what_stands_elsewhere_is_moved() -> None:
    item = declared()
    address = f"{GROUP_TYPE}.afwp_weu_g"
    imported = json.loads(terraform_json("t", [item], {}))
    assert imported["import"] == [{"to": address, "id": item.id}]
    moved = json.loads(terraform_json("t", [item], {item.id: "module.hub.azurerm_x.y"}))
    assert "import" not in moved
    assert moved["moved"] == [{"from": "module.hub.azurerm_x.y", "to": address}]


ODD = 'it\'s ${not} an %{expression} \\ "at all"\nnew line'


def test_texts_are_never_read_as_expressions_of_terraform() -> None:
    text = terraform_json("t", [declared(text=ODD)], {})
    assert "$${not}" in text
    assert "%%{expression}" in text
    (change,) = plan_json(text, [declared(text=ODD)])["resource_changes"]
    assert change["change"]["after"]["application_rule_collection"][0]["rule"][0]["description"] == ODD


def test_texts_are_never_read_as_expressions_of_bicep() -> None:
    item = declared(text=ODD)
    (text,) = bicep_files("t", [item]).values()
    assert "\\${not}" in text
    (properties,) = read_bicep(text, POLICY.partition("/providers/")[0]).values()
    assert properties == item.properties


def test_what_azurerm_has_no_attribute_for_goes_through_azapi() -> None:
    item = declared()
    item.properties["ruleCollections"][0]["rules"][0]["newMember"] = True
    resources = json.loads(terraform_json("t", [item], {}))["resource"]
    assert resources.keys() == {"azapi_resource"}
    assert resources["azapi_resource"]["afwp_weu_g"]["body"] == {"properties": item.properties}


@pytest.mark.parametrize("language", ["terraform", "bicep"])
@pytest.mark.parametrize(("name", "wanted"), [("hub", "*.anaconda.org"), ("account", "mcr.microsoft.com")])
def test_rules_of_managed_networks_are_declared_and_the_rest_is_named(
    name: str, wanted: str, language: str, tmp_path: Path
) -> None:
    example = REPOSITORY / "examples" / name
    asked = (
        "export",
        example / "allowlist.yaml",
        "--to",
        language,
        "--snapshot",
        example / "estate",
        "-o",
        tmp_path / "out",
    )
    refused = allowlist(*asked)
    assert refused.code == 3, refused.err
    _, ledger = approved_plan(tmp_path, example / "allowlist.yaml", example / "estate")
    result = allowlist(*asked, "--allow-wider", "--leave-out", *ledger)
    assert result.code == 0, result.err
    (file,) = (tmp_path / "out").iterdir()
    assert wanted in file.read_text()
    assert "outbound" in file.read_text().lower()
