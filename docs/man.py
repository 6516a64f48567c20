"""Write a man page for every command from the command itself (``make docs``): ``python docs/man.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from allowlist import __version__
from allowlist.cli.main import main


def write(folder: Path) -> int:
    """How many pages there are now."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"version": __version__, "target_dir": str(folder)}
    write_man_pages("allowlist", main, **about)
    context = click.Context(main, info_name="allowlist")
    # Its own walk sees none of them: a command is imported when it is asked for.
    for name in main.list_commands(context):
        write_man_pages(name, main.get_command(context, name), parent_ctx=context, **about)
    return len(list(folder.glob("*.1")))


if __name__ == "__main__":
    sys.stderr.write(f"{write(Path(sys.argv[1]))} man pages written\n")
