"""Where enforcement points of Azure AI services accounts are found."""

from __future__ import annotations

from allowlist.points.kind import Listing

ACCOUNTS = "Microsoft.CognitiveServices/accounts"
LISTING = Listing(ACCOUNTS)
