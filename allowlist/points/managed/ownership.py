"""Ownership in the one place a rule has for it: its name. Pure.

A name takes 3 to 33 characters, so it carries the workload as a short digest, the beginning of the destination for
people, and a digest of the destination: ``al-3f2a1-huggingface-co-9c1b2f``.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_PREFIX: Final = "al-"
_READABLE: Final = 17
_ODD = re.compile(r"[^a-z0-9]+")


def name_prefix(workload: str) -> str:
    """How the names of all rules of ``workload`` begin."""
    return f"{_PREFIX}{_digest(workload, 5)}-"


def rule_name(workload: str, kind: str, destination: str) -> str:
    """The name of the rule of ``workload`` for a destination; the same whenever it is asked for."""
    plain = _ODD.sub("-", destination.lower().replace("*.", "any-")).strip("-")
    readable = plain[:_READABLE].strip("-")
    return f"{name_prefix(workload)}{readable}-{_digest(f'{kind} {destination}'.lower(), 6)}"


def is_owned(workload: str, name: str) -> bool:
    return name.lower().startswith(name_prefix(workload))


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
