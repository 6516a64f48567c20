"""Where the managed network of an account stands, and the version it is spoken to with."""

from __future__ import annotations

API_VERSION = "2026-03-01"
TAIL = "/managedNetworks/default"
