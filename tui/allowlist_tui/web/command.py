"""Which command each browser page runs: the one that was typed, without the options about serving it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import Any

import click


def served_command(context: click.Context, without: Collection[str]) -> list[str]:
    """The command line of ``context`` as typed, in this Python, minus the parameters named in ``without``.

    What came from the environment or by default is left out: the new process finds it by itself.
    """
    words = [sys.executable, "-m", "allowlist", *context.command_path.split()[1:]]
    arguments: list[str] = []
    for parameter in context.command.params:
        if parameter.name in without or not _was_typed(context, str(parameter.name)):
            continue
        value = context.params[str(parameter.name)]
        if isinstance(parameter, click.Option):
            words += _option(parameter, value)
        else:
            arguments += _texts(value)
    return [*words, *(["--", *arguments] if arguments else [])]


def _was_typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _option(option: click.Option, value: Any) -> Iterator[str]:
    if option.is_flag:
        yield option.opts[0] if value else option.secondary_opts[0]
        return
    for text in _texts(value):
        yield f"{option.opts[0]}={text}"


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (tuple, list)) else [str(value)]
