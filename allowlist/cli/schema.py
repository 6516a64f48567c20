"""``allowlist schema``: the JSON Schema of every document, for editors and other tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from allowlist.cli.console import put, put_json


def _complete(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:
    del context, option
    return [CompletionItem(name) for name in all_schemas() if name.startswith(begun)]


def all_schemas() -> dict[str, Callable[[], dict[str, Any]]]:
    """Every schema by name: of documents, of the screen's settings, and of what each command prints with --json."""
    from allowlist.workflow.answer_schemas import ANSWERS
    from allowlist.workflow.schemas import SCHEMAS

    return {**SCHEMAS, "review-settings": _review_settings, **ANSWERS}


def _review_settings() -> dict[str, Any]:
    from allowlist.workflow.schemas import schema_of
    from allowlist_tui.config import Settings

    return schema_of(Settings, "review.yaml, keys and theme of the screen")


@click.command()
@click.argument("name", required=False, shell_complete=_complete)
def schema(name: str | None) -> None:
    """Print the JSON Schema of a document, or of what a command prints with --json.

    NAME is workload, catalog, facts, policy, decisions, plan, findings …; without a name it lists them. Editors check and complete allowlist.yaml with it: put
    '# yaml-language-server: $schema=workload.schema.json' into its first line.

    \b
    Examples:
      allowlist schema
      allowlist schema workload > workload.schema.json
    """
    from allowlist.documents.reader import near_miss
    from allowlist.errors import AllowlistError

    known = all_schemas()
    if name is None:
        for each, make in known.items():
            put(f"{each}  {make().get('title', '')}")
        return
    if name not in known:
        raise AllowlistError(
            f"there is no schema '{name}'{near_miss(name, known)}", hint=f"schemas: {', '.join(known)}"
        )
    put_json(known[name]())
