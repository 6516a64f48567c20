#!/usr/bin/env bash
# checkov 3.3.30: an Azure OpenAI account that may reach no name at all fails the check of data loss prevention; one that
# may reach any name one likes passes.
#
# Guess: "configured with data loss prevention" asks whether outbound access is restricted; a shorter list is never worse.
# Seen:  CKV_AZURE_247 fails an account with outbound_network_access_restricted = true and fqdns = [], in the same words
#        as one that restricts nothing. The same account with one entry passes, whatever the entry is.
# Why:   the way to green is to let a name through. People who answer the check add a placeholder, and a list of names that
#        nothing needs is what allowlist then finds: it judges an empty list as closed, and each entry by who needs it.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check checkov==3.3.30
mkdir "$place/templates"
account() {
  printf 'resource "azurerm_cognitive_account" "%s" {\n  name = "%s"\n  location = "eastus"\n  resource_group_name = "rg"\n' "$1" "$1"
  printf '  kind = "OpenAI"\n  sku_name = "S0"\n%s\n}\n' "$2"
}
{
  account open ''
  account closed $'  outbound_network_access_restricted = true\n  fqdns = []'
  account named $'  outbound_network_access_restricted = true\n  fqdns = ["www.example.com"]'
} >"$place/templates/main.tf"
"$place/env/bin/checkov" --directory "$place/templates" --check CKV_AZURE_247 --compact --output json >"$place/said.json" 2>/dev/null || true
"$place/env/bin/python" - "$place/said.json" <<'PYTHON'
import json, sys
from importlib.metadata import version

results = json.load(open(sys.argv[1]))["results"]
said = {c["resource"].rpartition(".")[2]: kind for kind in ("passed_checks", "failed_checks") for c in results[kind]}
print(f"checkov {version('checkov')}: CKV_AZURE_247 {said}")
sys.exit(said != {"open": "failed_checks", "closed": "failed_checks", "named": "passed_checks"})
PYTHON
