#!/usr/bin/env bash
# azure-ai-ml 1.35.2: the action of a service tag rule (Allow, Deny) is lost when a managed network is read and sent again.
#
# Guess: what the package's own REST model has (ServiceTagDestination.action, "Known values are Allow and Deny") is kept by
#        the entity people work with, or the rule is left out of what is sent.
# Seen:  the answer of the service is read with its action, the entity has no place for it, and the body that goes back
#        has the rule without one. addressPrefixes, of the same age, is kept.
# Why:   "get the workspace, add one rule, update" hands a rule that denies back without saying that it denies. allowlist
#        reads and writes the raw bodies.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-ai-ml==1.35.2
"$place/env/bin/python" - 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import version
from azure.ai.ml._restclient.arm_ml_service.models import ManagedNetworkSettings
from azure.ai.ml.entities import ManagedNetwork

answer = {
    "isolationMode": "AllowOnlyApprovedOutbound",
    "outboundRules": {"old-sql": {
        "type": "ServiceTag", "category": "UserDefined", "status": "Active",
        "destination": {"serviceTag": "Sql.WestUS", "protocol": "TCP", "portRanges": "1433", "action": "Deny",
                        "addressPrefixes": ["192.0.2.0/24"]},
    }},
}
read = ManagedNetworkSettings._deserialize(answer, [])
network = ManagedNetwork._from_rest_object(read)
sent = network._to_rest_object().as_dict()["outboundRules"]["old-sql"]["destination"]
print(f"azure-ai-ml {version('azure-ai-ml')}: read {read.outbound_rules['old-sql'].destination.as_dict()}, sent {sent}")
sys.exit(read.outbound_rules["old-sql"].destination.action != "Deny" or "action" in sent or "addressPrefixes" not in sent)
PYTHON
