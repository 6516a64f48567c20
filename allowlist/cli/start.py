"""The entry point of the installed command: what needs no command is answered before one is imported."""

import sys


def run() -> None:
    """Run the command line and exit with its code; ``--version`` costs little more than starting Python."""
    if sys.argv[1:] == ["--version"]:
        from allowlist import __version__

        print(f"allowlist {__version__}")  # noqa: T201
        return
    from allowlist.cli.main import run as run_command

    run_command()
