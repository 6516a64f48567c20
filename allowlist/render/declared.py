"""Resources as a pipeline of one's own declares them: what a plan would write, before it is any language's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from allowlist.estate.resource_id import ResourceId

__all__ = ["Declared", "label_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One resource with its ``properties`` whole. ``exists``: it is there already and is imported, not made.

    ``who`` are the catalog entries and changes it is written for.
    """

    id: str
    type: str
    api_version: str
    properties: dict[str, Any]
    exists: bool
    who: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ResourceId(self.id).name

    @property
    def parent(self) -> str:
        return ResourceId(self.id).parent.text


def label_of(item: Declared) -> str:
    """A name that Terraform and Bicep take: letters, digits and ``_``, told apart by what it is below."""
    text = f"{ResourceId(item.parent).name}_{item.name}"
    return re.sub(r"[^A-Za-z0-9_]", "_", text if text[:1].isalpha() else f"r_{text}")
