"""One spelling for one meaning: canonical JSON (sorted keys, no blanks, UTF-8) and its SHA-256."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical_json(value: Any) -> bytes:
    """Encode ``value`` (plain data or msgspec Structs) the same way on every machine."""
    return _ENCODER.encode(value)


def digest_of(value: Any) -> str:
    """``sha256:<64 hex digits>`` of the canonical JSON of ``value``."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()
