"""Tell a service tag from a word, and a misspelt tag from a known one."""

from __future__ import annotations

from typing import Final

from allowlist.catalog.service_tags import NEEDS_SUB_TAG, SERVICE_TAGS, SUB_TAGS
from allowlist.documents.reader import near_miss

_KNOWN: Final = frozenset(tag.lower() for tag in SERVICE_TAGS)
_PARTS: Final = {
    f"{tag}.{part}".lower(): f"{tag}.{part}" for tag, parts in SUB_TAGS.items() for part in parts
}
_NAMES: Final = sorted({*(SERVICE_TAGS - NEEDS_SUB_TAG), *_PARTS.values()})


def resembles_tag(written: str) -> bool:
    """Does the word begin with a tag that Azure knows, in any capitals, perhaps with a region?"""
    return written.lower().partition(".")[0] in _KNOWN


def invalid_tag_note(written: str) -> str:
    """What is wrong with a tag's name, with the likely one; empty for a known tag."""
    family, _, part = written.partition(".")
    needs_part = family.lower() in {tag.lower() for tag in NEEDS_SUB_TAG}
    is_known = written.lower() in _PARTS if needs_part else family.lower() in _KNOWN
    if is_known:
        return ""
    return f"no service tag is called '{written}'{_likely(written, family, part)}"


def _likely(written: str, family: str, part: str) -> str:
    whole = near_miss(written.replace(" ", ""), _NAMES)
    return whole or (near_miss(family, SERVICE_TAGS) if part else "")
