#!/usr/bin/env bash
# azure-identity 1.27.0: AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET that are set and empty end
# DefaultAzureCredential in a ValueError before anything else is tried.
#
# Guess: empty counts as not set, as it does there for AZURE_AUTHORITY_HOST and AZURE_TOKEN_CREDENTIALS: the environment
#        is passed over, and managed identity or the developer's own sign-in is next.
# Seen:  "client_id should be the id of a Microsoft Entra application" from the constructor. The variable is not named,
#        and the word "environment" stands only in the traceback. With two of the three set it is passed over.
# Why:   charts and pipelines hand on every variable they know, empty where a job has no secret: where a managed
#        identity would do, nothing signs in. allowlist takes empty variables for absent ones.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-identity==1.27.0
"$place/env/bin/python" - <<'PYTHON'
import os, sys
from importlib.metadata import version
from azure.identity import DefaultAzureCredential

for name in [name for name in os.environ if name.startswith("AZURE_")]:
    del os.environ[name]


def seen(*empty: str) -> str:
    os.environ.update(dict.fromkeys(empty, ""))
    try:
        DefaultAzureCredential()
        return "goes on"
    except ValueError as error:
        return str(error)
    finally:
        for name in empty:
            del os.environ[name]


found = {
    "nothing set": seen(),
    "AZURE_AUTHORITY_HOST empty": seen("AZURE_AUTHORITY_HOST"),
    "AZURE_TOKEN_CREDENTIALS empty": seen("AZURE_TOKEN_CREDENTIALS"),
    "id and tenant empty": seen("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
    "id, tenant and secret empty": seen("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"),
}
print(f"azure-identity {version('azure-identity')}: {found}")
*others, last = found.values()
sys.exit(set(others) != {"goes on"} or "client_id should be" not in last)
PYTHON
