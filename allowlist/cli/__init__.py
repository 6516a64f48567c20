"""One thin module per command; what they do stands in :mod:`allowlist.workflow`."""
