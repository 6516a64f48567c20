"""The entry point of the installed command: what needs no command is answered before one is imported."""

import os
import sys

_INTERRUPTED = 130


def run() -> None:
    """Run the command line and exit with its code; ``--version`` costs little more than starting Python."""
    if sys.argv[1:] == ["--version"]:
        from allowlist import __version__

        print(f"allowlist {__version__}")  # noqa: T201
        return
    try:
        from allowlist.cli.main import run as run_command

        run_command()
    except KeyboardInterrupt:  # while modules are loaded, or again while the first one is being told
        os._exit(_INTERRUPTED)
