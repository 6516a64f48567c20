"""``allowlist completion SHELL``: the script that completes commands and options."""

from __future__ import annotations

import click

from allowlist.cli.console import put


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Example: eval "$(allowlist completion bash)"
    """
    from click.shell_completion import get_completion_class

    from allowlist.cli.main import main

    kind = get_completion_class(shell)
    if kind is not None:
        put(kind(main, {}, "allowlist", "_ALLOWLIST_COMPLETE").source())
