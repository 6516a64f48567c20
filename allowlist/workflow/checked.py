"""What ``allowlist check`` says, as a value that can be kept."""

from __future__ import annotations

import msgspec

from allowlist.plan.findings import Finding


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, in the order in which it is told."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
