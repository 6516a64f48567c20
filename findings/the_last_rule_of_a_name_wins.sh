#!/usr/bin/env bash
# azure-ai-ml 1.35.2: of two outbound rules with one name in a workspace file only the last is sent, without a word.
#
# Guess: the file is refused, as it is for an unknown field or a missing name; or both rules are sent and Azure decides.
# Seen:  the file loads with both rules, and the body that goes to Azure holds the last one alone. Names that differ in
#        case are two rules there, while Azure takes the names of resources for the same in any case.
# Why:   a rule pasted with the old name still in it takes another rule's place; the name it let through is missing at
#        the next run, and neither the file nor the client's output shows which.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-ai-ml==1.35.2
cat >"$place/hub.yml" <<'YAML'
$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json
name: hub
location: eastus
managed_network:
  isolation_mode: allow_only_approved_outbound
  outbound_rules:
  - {name: packages, type: fqdn, destination: pypi.example.org}
  - {name: packages, type: fqdn, destination: models.example.org}
  - {name: Packages, type: fqdn, destination: wheels.example.org}
YAML
cd "$place"
"$place/env/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import version
from azure.ai.ml import load_workspace

network = load_workspace("hub.yml").managed_network
written = [rule.destination for rule in network.outbound_rules]
sent = {name: rule.destination for name, rule in network._to_rest_object().outbound_rules.items()}
print(f"azure-ai-ml {version('azure-ai-ml')}: {len(written)} rules in the file {written}, sent: {sent}")
sys.exit(len(written) != 3 or sent != {"packages": "models.example.org", "Packages": "wheels.example.org"})
PYTHON
