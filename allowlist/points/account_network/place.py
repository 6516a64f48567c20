"""Where the managed network of an account stands, and the version it is spoken to with."""

from __future__ import annotations

from allowlist.azure.facts import api_version

API_VERSION = api_version("Microsoft.CognitiveServices/accounts/managedNetworks")
TAIL = "/managedNetworks/default"
