"""Write a man page for every command from the command itself (``make docs``): ``python docs/man.py FOLDER``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path

import click
from reference import EXITS

from allowlist import __version__
from allowlist.cli.main import COMMANDS, main

_VERBATIM = "\b\n"
"""How a help text says that a paragraph keeps its lines."""


def write(folder: Path) -> int:
    """How many pages there are now."""
    folder.mkdir(parents=True, exist_ok=True)
    contexts = list(_contexts(_context(main, "allowlist")))
    for context in contexts:
        (folder / f"{_title(context)}.1").write_text("\n".join(_page(context)) + "\n", "utf-8")
    return len(contexts)


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    return click.Context(command, parent, name, **command.context_settings)


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """The command of ``context`` and all below it; each is imported when it is asked for."""
    yield context
    for name, command in _children(context):
        yield from _contexts(_context(command, name, context))


def _children(context: click.Context) -> Iterator[tuple[str, click.Command]]:
    group = context.command
    for name in group.list_commands(context) if isinstance(group, click.Group) else ():
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield name, command


def _page(context: click.Context) -> Iterator[str]:
    today = datetime.now(UTC).date()
    yield f'.TH "{_title(context).upper()}" "1" "{today}" "allowlist {__version__}" "allowlist"'
    yield ".SH NAME"
    yield f"{_roff(_title(context))} \\- {_roff(_gist(context))}"
    yield ".SH SYNOPSIS"
    yield f".B {_roff(context.command_path)}"
    yield _roff(" ".join(context.command.collect_usage_pieces(context)))
    yield ".SH DESCRIPTION"
    yield from _prose(context.command.help or "")
    yield from _options(context)
    yield from _commands(context)
    yield from _ends(context)


def _options(context: click.Context) -> Iterator[str]:
    records = [item.get_help_record(context) for item in context.command.get_params(context)]
    yield ".SH OPTIONS"
    for option, text in (record for record in records if record and record[1]):
        yield from (".TP", f"\\fB{_roff(option)}\\fP")
        yield from _prose(text)


def _commands(context: click.Context) -> Iterator[str]:
    children = list(_children(context))
    if children:
        yield ".SH COMMANDS"
    for name, command in children:
        yield from (
            ".TP",
            f"\\fB{_roff(_title(context))}\\-{_roff(name)}\\fP(1)",
            _roff(_gist(_context(command, name, context))),
        )


def _ends(context: click.Context) -> Iterator[str]:
    if context.parent is not None:
        yield from (".SH SEE ALSO", f"\\fB{_roff(_title(context.parent))}\\fP(1)")
        return
    yield ".SH EXIT STATUS"
    for code, (text, _) in EXITS.items():
        yield from (".TP", f"\\fB{int(code)}\\fP", _roff(text.replace("`", "")))


def _gist(context: click.Context) -> str:
    """One line, never cut."""
    name = context.command_path.removeprefix("allowlist ")
    return COMMANDS.get(name) or context.command.get_short_help_str(limit=1000)


def _title(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; what keeps its lines is set as it stands."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", cleandoc(text))):
        if number:
            yield ".PP"
        keeps = paragraph.startswith(_VERBATIM)
        lines = paragraph.removeprefix(_VERBATIM).splitlines()
        yield from (".nf", *map(_roff, lines), ".fi") if keeps else map(_roff, map(str.strip, lines))


def _roff(text: str) -> str:
    """Text such that nothing of it is taken for a request, and a hyphen can be copied into a shell."""
    shown = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown


if __name__ == "__main__":
    sys.stderr.write(f"{write(Path(sys.argv[1]))} man pages written\n")
