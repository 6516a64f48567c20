"""What the screen uses of textual and textual-serve that neither promises: named, so that a release can be looked at.

The upper bounds of both in ``pyproject.toml`` stand for this list. It may get shorter.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import allowlist_tui

PACKAGE = Path(allowlist_tui.__file__).parent
LIBRARIES = ("textual", "textual_serve")
USED = {
    "_build_environment": "the environment of the process behind a page, with our driver",
    "_close_messages_no_wait": "ends the app after a defect",
    "_compositor": "the screen as text, to save it; only its picture is public",
    "_exception": "the defect that ended the app",
    "_fatal_error": "keeps its traceback off the terminal",
    "_make_app": "the routes of the page server, before the port is open",
    "_open_app_process": "starts the process in a group of its own",
    "_process": "that process, which the base class waits for",
    "_process_messages": "relays what a page sends",
    "_stdin": "that process's input",
    "_task": "the relay, which the base class starts",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def own_names(trees: list[ast.Module]) -> set[str]:
    """Private names that this package defines: functions, and what it assigns on an object or in a class."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assigned = {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    named = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name for name in defined | assigned | named if is_private(name)}


def theirs(module: str, tree: ast.Module) -> Iterator[str]:
    """Private members of the libraries' classes that a class of ours defines again."""
    found = vars(importlib.import_module(module))
    for node in ast.walk(tree):
        ours = found.get(node.name) if isinstance(node, ast.ClassDef) else None
        if not isinstance(node, ast.ClassDef) or not inspect.isclass(ours):
            continue
        foreign = {
            name
            for base in ours.__mro__
            if base.__module__.partition(".")[0] in LIBRARIES
            for name in (*vars(base), *_assigned_in(base))
        }
        for item in ast.walk(node):
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and is_private(item.name):
                yield from {item.name} & foreign
            if (
                isinstance(item, ast.Attribute)
                and isinstance(item.value, ast.Name)
                and item.value.id == "self"
            ):
                yield from {item.attr} & foreign if is_private(item.attr) else ()


def _assigned_in(base: type) -> frozenset[str]:
    """What is set on objects in the module of a class."""
    return _assigned(base.__module__)


@cache
def _assigned(module: str) -> frozenset[str]:
    nodes = ast.walk(ast.parse(inspect.getsource(importlib.import_module(module))))
    return frozenset(
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_private(node.attr)
    )


def test_every_private_member_of_a_library_that_is_used_is_named() -> None:
    trees = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__main__.py"
    }
    own = own_names(list(trees.values()))
    reached = {
        node.attr
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own
        if ast.unparse(node) != "os._exit"
    }
    defined = {name for module, tree in trees.items() for name in theirs(module, tree)}
    assert reached | defined == set(USED)
