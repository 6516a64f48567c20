"""Plans and states that Terraform itself makes, with the published schema of azurerm 4. Run by ``make terraform``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread
from tests.terraform.started import BINARY, ROOT, SUBSCRIPTION, Terraform

pytestmark = pytest.mark.skipif(
    not (ROOT and BINARY), reason="run by make terraform, where Terraform or OpenTofu is installed"
)

HUB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-hub"
POLICY = f"{HUB}/providers/Microsoft.Network/firewallPolicies/afwp"
BASE = """
resource "azurerm_resource_group" "hub" {
  name     = "rg-hub"
  location = "westeurope"
}
resource "azurerm_firewall_policy" "hub" {
  name                = "afwp"
  resource_group_name = azurerm_resource_group.hub.name
  location            = azurerm_resource_group.hub.location
}
"""


def collection(
    *names: str, action: str = "Allow", source: str = '["10.0.0.0/24"]', kind: str = "source_addresses"
) -> str:
    listed = ", ".join(names)
    return f"""
  application_rule_collection {{
    name     = "web"
    priority = 200
    action   = "{action}"
    rule {{
      name              = "one"
      {kind}            = {source}
      destination_fqdns = [{listed}]
      protocols {{
        type = "Https"
        port = 443
      }}
    }}
  }}
"""


def group(
    name: str, *inner: str, policy: str = "azurerm_firewall_policy.hub.id", called: str = "", more: str = ""
) -> str:
    return f"""
resource "azurerm_firewall_policy_rule_collection_group" "{name}" {{
  name               = {called or json.dumps(name)}
  firewall_policy_id = {policy}
  priority           = 300
  {more}
  {"".join(inner)}
}}
"""


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    return Terraform(tmp_path)


def names_in(estate: Estate, group: str, policy: str = POLICY) -> list[Any]:
    body = estate.get(f"{policy}/ruleCollectionGroups/{group}")
    assert body is not None, sorted(estate.resources)
    collections = body["properties"]["ruleCollections"]
    return [name for one in collections for rule in one["rules"] for name in rule["targetFqdns"]]


def groups_of(estate: Estate, policy: str = POLICY) -> list[str]:
    return sorted(str(item["name"]) for item in estate.children(policy, "ruleCollectionGroups"))


def plain(value: Any) -> Any:
    """Without what is unset, and without what is known only after apply: of these two a plan says less than a state."""
    if isinstance(value, dict):
        items = {key: plain(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, str) and value.startswith("[") else value


EVERY_KIND = (
    BASE
    + group(
        "ai", collection('"huggingface.co"', source="[azurerm_ip_group.clients.id]", kind="source_ip_groups")
    )
    + """
resource "azurerm_ip_group" "clients" {
  name                = "clients"
  resource_group_name = azurerm_resource_group.hub.name
  location            = azurerm_resource_group.hub.location
  cidrs               = ["10.0.0.0/24"]
}
resource "azurerm_ip_group_cidr" "more" {
  ip_group_id = azurerm_ip_group.clients.id
  cidr        = "10.0.1.0/24"
}
resource "azurerm_firewall" "classic" {
  name                = "classic"
  resource_group_name = azurerm_resource_group.hub.name
  location            = azurerm_resource_group.hub.location
  sku_name            = "AZFW_VNet"
  sku_tier            = "Standard"
}
resource "azurerm_firewall_application_rule_collection" "web" {
  name                = "web"
  azure_firewall_name = azurerm_firewall.classic.name
  resource_group_name = azurerm_resource_group.hub.name
  priority            = 100
  action              = "Allow"
  rule {
    name             = "one"
    source_addresses = ["*"]
    target_fqdns     = ["a.example"]
    protocol {
      type = "Https"
      port = 443
    }
  }
}
resource "azurerm_firewall_network_rule_collection" "net" {
  name                = "net"
  azure_firewall_name = azurerm_firewall.classic.name
  resource_group_name = azurerm_resource_group.hub.name
  priority            = 90
  action              = "Deny"
  rule {
    name                  = "ntp"
    source_addresses      = ["*"]
    destination_addresses = ["Storage"]
    destination_ports     = ["123"]
    protocols             = ["UDP"]
  }
}
resource "azurerm_machine_learning_workspace" "mlw" {
  name                    = "mlw"
  resource_group_name     = azurerm_resource_group.hub.name
  location                = azurerm_resource_group.hub.location
  application_insights_id = "${azurerm_resource_group.hub.id}/providers/Microsoft.Insights/components/appi"
  key_vault_id            = "${azurerm_resource_group.hub.id}/providers/Microsoft.KeyVault/vaults/kv"
  storage_account_id      = "${azurerm_resource_group.hub.id}/providers/Microsoft.Storage/storageAccounts/st"
  identity {
    type = "SystemAssigned"
  }
  managed_network {
    isolation_mode = "AllowOnlyApprovedOutbound"
  }
}
resource "azurerm_machine_learning_workspace_network_outbound_rule_fqdn" "hf" {
  name             = "hf"
  workspace_id     = azurerm_machine_learning_workspace.mlw.id
  destination_fqdn = "huggingface.co"
}
resource "azurerm_machine_learning_workspace_network_outbound_rule_service_tag" "tag" {
  name         = "tag"
  workspace_id = azurerm_machine_learning_workspace.mlw.id
  service_tag  = "Storage"
  protocol     = "TCP"
  port_ranges  = "443"
}
resource "azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint" "pe" {
  name                = "pe"
  workspace_id        = azurerm_machine_learning_workspace.mlw.id
  service_resource_id = azurerm_ai_services.ais.id
  sub_resource_target = "account"
}
resource "azurerm_ai_services" "ais" {
  name                               = "ais"
  resource_group_name                = azurerm_resource_group.hub.name
  location                           = azurerm_resource_group.hub.location
  sku_name                           = "S0"
  fqdns                              = ["b.example"]
  outbound_network_access_restricted = true
}
resource "azurerm_private_endpoint" "pe" {
  name                = "pe-ais"
  resource_group_name = azurerm_resource_group.hub.name
  location            = azurerm_resource_group.hub.location
  subnet_id           = "${azurerm_resource_group.hub.id}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/pe"
  private_service_connection {
    name                           = "ais"
    private_connection_resource_id = azurerm_ai_services.ais.id
    subresource_names              = ["account"]
    is_manual_connection           = false
  }
}
resource "azapi_resource" "more" {
  type      = "Microsoft.Network/firewallPolicies/ruleCollectionGroups@2024-05-01"
  name      = "more"
  parent_id = azurerm_firewall_policy.hub.id
  body = {
    properties = { priority = 400, ruleCollections = [{
      ruleCollectionType = "FirewallPolicyFilterRuleCollection", name = "w", priority = 100, action = { type = "Allow" },
      rules = [{ ruleType = "ApplicationRule", name = "r", sourceAddresses = ["*"], targetFqdns = ["c.example"],
                 protocols = [{ protocolType = "Https", port = 443 }] }]
    }] }
  }
}
"""
)


def test_a_plan_of_every_kind_says_what_the_state_says_after_it_was_applied(terraform: Terraform) -> None:
    planned = read_snapshot(terraform.plan(EVERY_KIND))
    applied = read_snapshot(terraform.apply(EVERY_KIND))
    assert not any(is_unread(body) for body in planned.resources.values())
    there = {key: body for key, body in applied.resources.items() if not is_unread(body)}
    assert planned.resources.keys() == there.keys()
    for key, body in planned.resources.items():
        wanted, found = plain(there[key]["properties"]), plain(body["properties"])
        wanted.pop("ruleCollectionGroups", None)
        assert found == {name: item for name, item in wanted.items() if name in found}, key
    assert names_in(planned, "ai") == ["huggingface.co"]
    assert names_in(planned, "more") == ["c.example"]


def test_ranges_of_an_ip_group_are_those_of_the_group_and_those_beside_it(terraform: Terraform) -> None:
    planned = read_snapshot(terraform.plan(EVERY_KIND))
    found = planned.get(f"{HUB}/providers/Microsoft.Network/ipGroups/clients")
    assert found is not None
    assert found["properties"]["ipAddresses"] == ["10.0.0.0/24", "10.0.1.0/24"]


UNKNOWN = 'resource "terraform_data" "later" {\n  input = "later.example"\n}\n'


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        (['"a.example"', "terraform_data.later.output"], ["a.example", None]),
        (["terraform_data.later.output", '"a.example"'], [None, "a.example"]),
        (['"x-${terraform_data.later.output}"'], [None]),
    ],
)
def test_one_name_that_is_known_after_apply_is_unknown_beside_the_others(
    listed: list[str], wanted: list[str | None], terraform: Terraform
) -> None:
    found = names_in(read_snapshot(terraform.plan(UNKNOWN + BASE + group("ai", collection(*listed)))), "ai")
    assert [None if str(name).startswith("[") else name for name in found] == wanted


@pytest.mark.parametrize(
    "inner",
    [
        """
  application_rule_collection {
    name = "web"
    priority = 200
    action = "Allow"
    dynamic "rule" {
      for_each = toset([terraform_data.later.output])
      content {
        name = rule.value
        source_addresses = ["*"]
        destination_fqdns = [rule.value]
      }
    }
  }
""",
        """
  dynamic "application_rule_collection" {
    for_each = toset([terraform_data.later.output])
    content {
      name = application_rule_collection.value
      priority = 200
      action = "Allow"
      rule {
        name = "one"
        source_addresses = ["*"]
        destination_fqdns = ["a.example"]
      }
    }
  }
""",
    ],
    ids=["rules", "collections"],
)
def test_blocks_that_are_known_after_apply_leave_the_group_unknown(inner: str, terraform: Terraform) -> None:
    estate = read_snapshot(terraform.plan(UNKNOWN + BASE + group("ai", inner)))
    body = estate.get(f"{POLICY}/ruleCollectionGroups/ai")
    assert body is not None
    assert "known after apply" in json.dumps(body["properties"]["ruleCollections"])


def test_a_sensitive_name_is_unknown_and_not_in_the_estate(terraform: Terraform) -> None:
    secret = 'variable "host" {\n  sensitive = true\n  default = "secret.example"\n}\n'
    estate = read_snapshot(terraform.plan(secret + BASE + group("ai", collection('"a.example"', "var.host"))))
    assert names_in(estate, "ai")[0] == "a.example"
    assert "secret.example" not in json.dumps(dict(estate.resources))


def test_keys_of_for_each_place_each_group_below_its_own_policy(terraform: Terraform) -> None:
    text = BASE.replace('"afwp"', '"afwp-${each.key}"').replace(
        '"azurerm_firewall_policy" "hub" {',
        '"azurerm_firewall_policy" "hub" {\n  for_each = toset(["weu", "neu"])',
    ) + group(
        "ai",
        collection('"${each.key}.example"'),
        policy="azurerm_firewall_policy.hub[each.key].id",
        more='for_each = toset(["weu", "neu"])',
    )
    estate = read_snapshot(terraform.plan(text))
    for region in ("weu", "neu"):
        assert names_in(estate, "ai", f"{POLICY}-{region}") == [f"{region}.example"]


MODULE = (
    'variable "policy" {}\nvariable "names" {}\n'
    + group("ai", collection('"inner.example"'), policy="var.policy")
    + group("listed", collection().replace("[]", "var.names"), policy="var.policy")
)
HUB_MODULE = BASE + 'output "id" {\n  value = azurerm_firewall_policy.hub.id\n}\n'


def test_modules_hand_the_policy_over_by_output_and_variable(terraform: Terraform) -> None:
    terraform.write(MODULE, "modules/rules.tf")
    terraform.write(HUB_MODULE, "hub/main.tf")
    text = """
module "hub" {
  source = "./hub"
}
module "rules" {
  source = "./modules"
  policy = module.hub.id
  names  = ["b.example", "c.example"]
}
"""
    estate = read_snapshot(terraform.plan(text))
    assert groups_of(estate) == ["ai", "listed"]
    assert names_in(estate, "listed") == ["b.example", "c.example"]


def test_modules_with_keys_and_counts_are_told_apart(terraform: Terraform) -> None:
    counted = BASE.replace('"afwp"', '"afwp-${var.at}"').replace('"rg-hub"', '"rg-${var.at}"')
    terraform.write('variable "at" {}\n' + counted + HUB_MODULE.removeprefix(BASE), "modules/main.tf")
    text = """
module "hub" {
  source   = "./modules"
  for_each = toset(["weu", "neu"])
  at       = each.key
}
""" + group("ai", collection('"a.example"'), policy='module.hub["weu"].id')
    estate = read_snapshot(terraform.plan(text))
    weu = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-weu/providers/Microsoft.Network/firewallPolicies/afwp-weu"
    neu = weu.replace("weu", "neu")
    assert groups_of(estate, neu) == [] or all(map(is_unread, estate.children(neu, "ruleCollectionGroups")))
    assert groups_of(estate, weu)


APPLIED = BASE + group("ai", collection('"a.example"')) + group("other", collection('"b.example"'))


def test_a_group_that_is_taken_out_is_gone_and_one_that_is_renamed_is_the_other(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    estate = read_snapshot(terraform.plan(BASE + group("ai", collection('"a.example"'), called='"renamed"')))
    assert groups_of(estate) == ["renamed"]
    assert names_in(estate, "renamed") == ["a.example"]


def test_a_group_replaced_the_other_way_round_is_the_new_one(terraform: Terraform) -> None:
    first = "lifecycle {\n    create_before_destroy = true\n  }"
    terraform.apply(BASE + group("ai", collection('"a.example"'), more=first))
    text = BASE + group("ai", collection('"a.example"'), called='"renamed"', more=first)
    assert groups_of(read_snapshot(terraform.plan(text))) == ["renamed"]


def test_moved_imported_and_forgotten_groups_stay(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    moved = "moved {\n  from = azurerm_firewall_policy_rule_collection_group.ai\n  to = azurerm_firewall_policy_rule_collection_group.new\n}\n"
    forgotten = """
removed {
  from = azurerm_firewall_policy_rule_collection_group.other
  lifecycle {
    destroy = false
  }
}
"""
    text = BASE + group("new", collection('"a.example"'), called='"ai"') + moved + forgotten
    estate = read_snapshot(terraform.plan(text))
    assert groups_of(estate) == ["ai", "other"]
    terraform.run("state", "rm", "azurerm_firewall_policy_rule_collection_group.other")
    imported = f'import {{\n  to = azurerm_firewall_policy_rule_collection_group.other\n  id = "{POLICY}/ruleCollectionGroups/other"\n}}\n'
    estate = read_snapshot(terraform.plan(APPLIED + imported))
    assert names_in(estate, "other") == ["b.example"]


def test_a_plan_that_destroys_leaves_nothing(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    estate = read_snapshot(terraform.plan(APPLIED, "-destroy"))
    assert estate.get(f"{POLICY}/ruleCollectionGroups/ai") is None
    assert estate.get(POLICY) is None


def test_a_targeted_plan_keeps_what_it_leaves_out(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    changed = APPLIED.replace('"a.example"', '"c.example"').replace('"b.example"', '"d.example"')
    plan = terraform.plan(changed, "-target=azurerm_firewall_policy_rule_collection_group.ai")
    estate = read_snapshot(plan)
    assert names_in(estate, "ai") == ["c.example"]
    assert names_in(estate, "other") == ["b.example"]


def test_a_group_made_by_hand_is_listed_by_the_policy_and_unknown(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    by_hand = f"{POLICY}/ruleCollectionGroups/by-hand"
    there = terraform.cloud()
    there[by_hand] = {**there[f"{POLICY}/ruleCollectionGroups/ai"], "id": by_hand, "name": "by-hand"}
    terraform.change_outside(there)
    estate = read_snapshot(terraform.plan(APPLIED))
    found = estate.get(by_hand)
    assert found is not None
    assert is_unread(found)


def test_a_plan_that_only_refreshes_says_what_is_there(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    there = terraform.cloud()
    del there[f"{POLICY}/ruleCollectionGroups/other"]
    group_there = there[f"{POLICY}/ruleCollectionGroups/ai"]
    group_there["application_rule_collection"][0]["rule"][0]["destination_fqdns"] = ["drifted.example"]
    terraform.change_outside(there)
    estate = read_snapshot(terraform.plan(APPLIED, "-refresh-only"))
    assert groups_of(estate) == ["ai"]
    assert names_in(estate, "ai") == ["drifted.example"]


def test_a_policy_that_is_only_looked_up_carries_the_groups_that_it_lists(terraform: Terraform) -> None:
    terraform.apply(APPLIED)
    there = terraform.cloud()
    (terraform.folder / "terraform.tfstate").unlink()
    terraform.change_outside(there)
    looked_up = (
        'data "azurerm_firewall_policy" "hub" {\n  name = "afwp"\n  resource_group_name = "rg-hub"\n}\n'
    )
    new = group("new", collection('"n.example"'), policy="data.azurerm_firewall_policy.hub.id")
    estate = read_snapshot(terraform.plan(looked_up + new))
    assert names_in(estate, "new") == ["n.example"]
    unread = [item["name"] for item in estate.children(POLICY, "ruleCollectionGroups") if is_unread(item)]
    assert sorted(unread) == ["ai", "other"]
