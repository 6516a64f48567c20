"""The version egress policies are spoken to with: no stable one carries them."""

from __future__ import annotations

API_VERSION = "2026-05-15-preview"
