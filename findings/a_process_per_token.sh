#!/usr/bin/env bash
# azure-identity 1.27.0: AzureCliCredential keeps no token: each get_token starts `az` once more.
#
# Guess: like most credentials of the package it keeps a token until shortly before it ends.
# Seen:  three calls for one scope start three processes, although the first token is good for an hour.
# Why:   `az` takes half a second and more to start. A pipeline with its bearer policy remembers the token; whoever makes
#        a client per target, or asks the credential himself, pays for every one.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-identity==1.27.0
mkdir "$place/bin"
cat >"$place/bin/az" <<'AZ'
#!/bin/sh
# Answers like `az account get-access-token --output json`.
echo started >>"$STARTS"
printf '{"accessToken": "t", "expiresOn": "2999-01-01 00:00:00.000000", "expires_on": 32472144000, "tokenType": "Bearer"}\n'
AZ
chmod +x "$place/bin/az"
STARTS="$place/starts" PATH="$place/bin:$PATH" "$place/env/bin/python" - <<'PYTHON'
import os, sys
from importlib.metadata import version
from azure.identity import AzureCliCredential

credential = AzureCliCredential()
for _ in range(3):
    credential.get_token("https://management.azure.com/.default")
starts = len(open(os.environ["STARTS"]).readlines())
print(f"azure-identity {version('azure-identity')}: 3 tokens for one scope, {starts} processes")
sys.exit(starts != 3)
PYTHON
