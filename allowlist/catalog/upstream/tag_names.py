"""Tell a service tag from a word, and a misspelt tag from a known one."""

from __future__ import annotations

from typing import Final

from allowlist.azure.facts import service_tags
from allowlist.documents.reader import near_miss

_FACTS: Final = service_tags()
_KNOWN: Final = frozenset(tag.lower() for tag in _FACTS.service_tags)
_PARTS: Final = {
    f"{tag}.{part}".lower(): f"{tag}.{part}" for tag, parts in _FACTS.sub_tags.items() for part in parts
}
_NAMES: Final = sorted({*_FACTS.service_tags, *_PARTS.values()} - {*_FACTS.needs_sub_tag})


def resembles_tag(written: str) -> bool:
    """Does the word begin with a tag that Azure knows, in any capitals, perhaps with a region?"""
    return written.lower().partition(".")[0] in _KNOWN


def invalid_tag_note(written: str) -> str:
    """What is wrong with a tag's name, with the likely one; empty for a known tag."""
    family, _, part = written.partition(".")
    needs_part = family.lower() in {tag.lower() for tag in _FACTS.needs_sub_tag}
    is_known = written.lower() in _PARTS if needs_part else family.lower() in _KNOWN
    if is_known:
        return ""
    return f"no service tag is called '{written}'{_likely(written, family, part)}"


def _likely(written: str, family: str, part: str) -> str:
    whole = near_miss(written.replace(" ", ""), _NAMES)
    return whole or (near_miss(family, _FACTS.service_tags) if part else "")
