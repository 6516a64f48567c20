"""The templates of pages: everything that is put into one is escaped, and what cannot be seen is spelt out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from allowlist.documents.words import counted
from allowlist.render.escape import lines


@cache
def environment() -> Any:
    """Jinja2 with the templates beside this module; loaded when the first page is made."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["short"] = _short
    found.filters["counted"] = counted
    return found


def _visible(value: Any) -> Any:
    """What cannot be seen, or turns text round, is spelt out on a page as well."""
    return lines(value) if type(value) is str else value


def _short(text: str) -> str:
    return text if len(text) <= 17 else text[:16] + "…"
