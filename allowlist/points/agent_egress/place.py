"""The version egress policies are spoken to with: no stable one carries them."""

from __future__ import annotations

from allowlist.azure.facts import api_version

API_VERSION = api_version("Microsoft.CognitiveServices/accounts/raiPolicies")
