#!/usr/bin/env bash
# publicsuffixlist 1.1.2.20261023: the public suffix list parts the tenants of some Azure services and not of others.
#
# Guess: every domain below which strangers get names of their own is on the list, as blob.core.windows.net is.
# Seen:  two storage accounts are two sites; two accounts of openai.azure.com, services.ai.azure.com,
#        cognitiveservices.azure.com, search.windows.net or azurecr.io are one.
# Why:   whoever asks the list "would this wildcard let another tenant's names through?" hears no for *.openai.azure.com.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check publicsuffixlist==1.1.2.20261023
"$place/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from publicsuffixlist import PublicSuffixList

sites = PublicSuffixList()
parted = ["blob.core.windows.net", "azurefd.net", "trafficmanager.net"]
joined = ["openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com", "search.windows.net", "azurecr.io"]

def parts(suffix):
    return sites.privatesuffix(f"contoso.{suffix}") != sites.privatesuffix(f"fabrikam.{suffix}")

seen = {suffix: parts(suffix) for suffix in parted + joined}
print(f"publicsuffixlist {version('publicsuffixlist')}: tenants parted: {seen}")
sys.exit(seen != {**dict.fromkeys(parted, True), **dict.fromkeys(joined, False)})
PYTHON
