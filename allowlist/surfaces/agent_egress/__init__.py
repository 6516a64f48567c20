"""``egressPolicy`` of RAI policies, for hosted agents (preview 2026-05-15-preview).

No generally available SDK carries it, so it is spoken to over httpx with an azure-identity token.
"""
