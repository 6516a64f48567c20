"""The options that say where everything is: commands that are printed carry them on, so that they run as printed."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

_GIVEN: dict[str, tuple[str, ...]] = {}
"""What this command line gave, by the name of the option."""

_COMMAND = re.compile(r"(^|: |')allowlist ([a-z]+(?:[^;',\n]|(?<=\s)'[^'\n]*')*)", re.MULTILINE)
"""A command may be quoted itself, and may hold a word in quotes."""
_HAS_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")


_WITHOUT_A_WORKLOAD = ("approve", "review", "unlock")
"""Commands that read a workload file where there is one."""


class Carried(click.Option):
    """An option that whoever gave it would have to give again to the next command."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        result = super().handle_parse_result(ctx, opts, args)
        if ctx.get_parameter_source(self.name or "") is ParameterSource.COMMANDLINE:
            raw = opts[self.name or ""]
            values = raw if isinstance(raw, (list, tuple)) else (raw,)
            _GIVEN[self.opts[-1]] = tuple(str(value) for value in values)
        return result


_ROOT: list[click.Group] = []
"""The commands there are; the command line names them when it begins, so that no import points up to it."""


def begin(root: click.Group) -> None:
    """A new command line with the commands of ``root``; nobody is signed in yet."""
    _GIVEN.clear()
    _ROOT[:] = [root]
    if "allowlist.azure.connection" in sys.modules:
        from allowlist.azure.connection import forget_sign_ins

        forget_sign_ins()


def _find(name: str) -> click.Command | None:
    """Imported when a line names it."""
    return next((root.get_command(click.Context(root), name) for root in _ROOT), None)


def with_given(text: str) -> str:
    """``text``, and to every command in it the options of this command line that it takes and does not name.

    An address with a password is never printed.
    """
    if not _ROOT or "allowlist " not in text:
        return text

    def longer(match: re.Match[str]) -> str:
        words = match[2].rstrip(".").split()
        command = _find(words[0])
        tail = _words(command, set(words)) if command else ""
        return f"{match[0]}{tail}"

    return _COMMAND.sub(longer, text)


def handed_on(command: click.Command) -> tuple[list[str], dict[str, str]]:
    """What this command line gave and ``command`` takes too, for a process of ours: its arguments, and its variables.

    Everybody on a machine can read arguments (``ps``), and an address may hold a password: what has a variable goes
    there. What came from the environment is in there already.
    """
    arguments, variables = list[str](), dict[str, str]()
    for option in command.params:
        for value in _GIVEN.get(option.opts[-1], ()) if isinstance(option, Carried) else ():
            if isinstance(option.envvar, str):
                variables[option.envvar] = value
            else:
                arguments += [option.opts[-1], value]
    return arguments, variables


def _words(command: click.Command, named: set[str]) -> str:
    takes = {option.opts[-1]: option for option in command.params if isinstance(option, Carried)}
    found = [
        f" {name} {shlex.quote(value)}"
        for name, values in _GIVEN.items()
        if name in takes and name not in named
        for value in values
        if not _HAS_PASSWORD.search(value)
    ]
    return "".join(found) + _lacking(command, takes.get("--workload"), named)


def _lacking(command: click.Command, workload: click.Option | None, named: set[str]) -> str:
    """Of a command that reads the workload file: that it has to be named where none is in this folder."""
    default = workload.default if workload else None
    if not isinstance(default, Path) or command.name in _WITHOUT_A_WORKLOAD:
        return ""
    is_said = "--workload" in _GIVEN or {"--workload", "--subscription"} & named
    return "" if is_said or default.exists() else " --workload WORKLOAD"
