"""Imports are a tree of decisions: no module reaches itself, not even where only types are checked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"allowlist": ROOT / "allowlist", "allowlist_tui": ROOT / "tui" / "allowlist_tui"}


def modules() -> dict[str, Path]:
    found = {}
    for name, folder in PACKAGES.items():
        for file in folder.rglob("*.py"):
            parts = (name, *file.relative_to(folder).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


def imported(source: str, known: set[str]) -> Iterator[str]:
    """Modules that ``source`` imports anywhere: at the top, in a function, or for a type checker only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def order_of(sources: dict[str, str]) -> list[str]:
    known = set(sources)
    graph = {
        name: {item for item in imported(source, known) if item in known and item != name}
        for name, source in sources.items()
    }
    return list(TopologicalSorter(graph).static_order())


def test_no_module_reaches_itself() -> None:
    sources = {name: file.read_text("utf-8") for name, file in modules().items()}
    assert len(order_of(sources)) == len(sources) > 400


def test_an_import_for_types_only_counts() -> None:
    hidden = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import thing\n"
    with pytest.raises(CycleError):
        order_of({"a": "import b", "b": hidden})
