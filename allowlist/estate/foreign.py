"""JSON that repositories of templates hold beside them, and that is no state of anything: definitions of policies, forms of
the portal, workbooks, settings of tools.

In a folder it is passed over; given by itself it is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from allowlist.errors import InvalidInput

TOOL_FOLDERS: Final = frozenset(
    {
        "node_modules", "__pycache__", "venv", ".venv", ".git", ".github", ".gitlab", ".azuredevops", ".terraform",
        ".vscode", ".idea", ".devcontainer", ".config", ".husky", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    }
)  # fmt: skip
"""Folders of tools. Others are read, also those whose name begins with a dot: what is passed over is taken for absent."""

_SETTINGS: Final = frozenset(
    {
        "package.json", "package-lock.json", "tsconfig.json", "bicepconfig.json", "devcontainer.json", "launch.json",
        "settings.json", "tasks.json", "global.json", "version.json", "renovate.json", ".markdownlint.json",
        ".prettierrc.json", ".eslintrc.json", ".jscpd.json", ".cspell.json", ".jshintrc.json", ".releaserc.json",
    }
)  # fmt: skip
_POLICY: Final = ("policyrule", "policydefinitions", "policydefinitionid")
_FORM: Final = ({"view"}, {"handler", "parameters"})
_WORKBOOK: Final = "notebook/"


class ForeignDocument(InvalidInput):
    """It holds no resource, and is not meant to."""


def what_it_is(data: Any, file: str) -> str:
    """What a document is that is no state of Azure; empty where that is not certain."""
    if PurePath(file).name.lower() in _SETTINGS:
        return "settings of a tool"
    if not isinstance(data, Mapping):
        return ""
    keys = {str(key).lower(): value for key, value in data.items()}
    inner = keys.get("properties")
    inner = {str(key).lower() for key in inner} if isinstance(inner, Mapping) else set()
    if any(word in keys or word in inner for word in _POLICY) or keys.keys() == {"if", "then"}:
        return "a definition of Azure Policy"
    if str(keys.get("version")).lower().startswith(_WORKBOOK):
        return "a workbook"
    if "provider_schemas" in keys:
        return "a schema of Terraform's providers"
    if any(form <= keys.keys() for form in _FORM):
        return "a form of the portal"
    schema = keys.get("$schema")
    return f"a document of the schema {schema}" if isinstance(schema, str) and schema else ""


def refuse_foreign(data: Any, file: str) -> None:
    """Raises ForeignDocument for what is certainly no state."""
    what = what_it_is(data, file)
    if what:
        raise ForeignDocument.of(
            file, f"is {what} and holds no resource", hint="give a template, a plan or a saved resource"
        )
