"""Documents of ours as files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.reader import read_json_document
from allowlist.documents.writing import write_bytes
from allowlist.plan.digest import require_intact
from allowlist.plan.model import SCHEMA, Plan

__all__ = ["read_plan", "write_bytes", "write_file"]


def read_plan(path: Path) -> Plan:
    """A plan file, whole and unedited. Raises InvalidInput with every mistake in it, or PlanRefused."""
    return require_intact(read_json_document(path, Plan, SCHEMA), str(path), shlex.quote(str(path)))


def write_file(path: Path, document: Any) -> None:
    """Write ``document`` as indented JSON. Raises AllowlistError with the reason when it cannot be written."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
