"""``allowlist schema``: the JSON Schema of every document, for editors and other tools."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from allowlist.cli.console import put, put_json


def _complete(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:
    del context, option
    from allowlist.workflow.schemas import SCHEMAS

    return [CompletionItem(name) for name in SCHEMAS if name.startswith(begun)]


@click.command()
@click.argument("name", required=False, shell_complete=_complete)
def schema(name: str | None) -> None:
    """Print the JSON Schema of a document: workload, catalog, facts, policy, decisions, plan, findings, explain …

    Without a name it lists them. Editors check and complete allowlist.yaml with it: put
    '# yaml-language-server: $schema=workload.schema.json' into its first line.

    \b
    Examples:
      allowlist schema
      allowlist schema workload > workload.schema.json
    """
    from allowlist.workflow.schemas import SCHEMAS, schema_named

    if name is None:
        for known, make in SCHEMAS.items():
            put(f"{known}  {make().get('title', '')}")
        return
    put_json(schema_named(name))
