"""``allowlist completion SHELL``: the script that completes commands and options."""

from __future__ import annotations

import click

from allowlist.cli.console import put_document


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and values in SHELL.

    \b
    Examples:
      bash, in ~/.bashrc:                eval "$(allowlist completion bash)"
      zsh, in ~/.zshrc after compinit:   eval "$(allowlist completion zsh)"
      fish, in ~/.config/fish/config.fish:
                                         allowlist completion fish | source
    """
    from click.shell_completion import get_completion_class

    from allowlist.cli.main import main

    kind = get_completion_class(shell)
    if kind is not None:
        put_document(kind(main, {}, "allowlist", "_ALLOWLIST_COMPLETE").source())
