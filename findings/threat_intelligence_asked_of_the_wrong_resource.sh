#!/usr/bin/env bash
# checkov 3.3.30: threat intelligence is asked of the firewall, also where a policy decides; the policy is never asked.
#
# Guess: a firewall with a policy is judged by the mode of its policy, and a policy by its own.
# Seen:  CKV_AZURE_216 fails a firewall whose policy says Deny (the firewall itself has no mode then: the policy's
#        holds), in the same words as one whose policy says Off. No check looks at the policy's mode, and a rule
#        collection group that lets everything through to everywhere raises nothing at all.
# Why:   a green or red of this check says nothing about a firewall with a policy, the only kind Azure still recommends;
#        people who answer it by a mode on the firewall have changed nothing.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check checkov==3.3.30
mkdir "$place/templates"
cat >"$place/templates/main.tf" <<'HCL'
resource "azurerm_firewall_policy" "alerts" {
  name                     = "alerts"
  resource_group_name      = "rg"
  location                 = "eastus"
  threat_intelligence_mode = "Off"
}
resource "azurerm_firewall_policy" "denies" {
  name                     = "denies"
  resource_group_name      = "rg"
  location                 = "eastus"
  threat_intelligence_mode = "Deny"
}
resource "azurerm_firewall" "one" {
  name                = "one"
  resource_group_name = "rg"
  location            = "eastus"
  sku_name            = "AZFW_VNet"
  sku_tier            = "Standard"
  firewall_policy_id  = azurerm_firewall_policy.alerts.id
}
resource "azurerm_firewall" "two" {
  name                = "two"
  resource_group_name = "rg"
  location            = "eastus"
  sku_name            = "AZFW_VNet"
  sku_tier            = "Standard"
  firewall_policy_id  = azurerm_firewall_policy.denies.id
}
resource "azurerm_firewall_policy_rule_collection_group" "open" {
  name               = "open"
  firewall_policy_id = azurerm_firewall_policy.denies.id
  priority           = 500
  network_rule_collection {
    name     = "open"
    priority = 500
    action   = "Allow"
    rule {
      name                  = "any"
      protocols             = ["Any"]
      source_addresses      = ["*"]
      destination_addresses = ["*"]
      destination_ports     = ["*"]
    }
  }
}
HCL
"$place/env/bin/checkov" --directory "$place/templates" --compact --output json >"$place/said.json" 2>/dev/null || true
"$place/env/bin/python" - "$place/said.json" <<'PYTHON'
import json, sys
from importlib.metadata import version

results = json.load(open(sys.argv[1]))["results"]
said = {(c["check_id"], c["resource"].rpartition("azurerm_")[2]): kind
        for kind in ("passed_checks", "failed_checks") for c in results[kind]}
threat = {where: kind for (check, where), kind in said.items() if check == "CKV_AZURE_216"}
about_policies = sorted({check for check, where in said if where.startswith("firewall_policy.")})
about_groups = sorted({check for check, where in said if "rule_collection_group" in where})
print(f"checkov {version('checkov')}: CKV_AZURE_216 {threat}; of policies {about_policies}; of groups {about_groups}")
sys.exit(threat != {"firewall.one": "failed_checks", "firewall.two": "failed_checks"}
         or "CKV_AZURE_216" in about_policies or about_groups != [])
PYTHON
