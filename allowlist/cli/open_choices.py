"""What a command would ask a person, told all at once where nobody can be asked: each choice, and one line that answers all."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import click
from click.core import ParameterSource

from allowlist.cli.console import say
from allowlist.cli.given import Carried
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that is open: what may be said, and the words that say the likeliest of it."""

    question: str
    values: tuple[str, ...]
    answer: tuple[str, ...]


def refuse_open(choices: Sequence[Choice], besides: Sequence[str] = ()) -> None:
    """Raises AllowlistError with every open choice and the command that answers them all; ``besides`` may be said too."""
    if not choices:
        return
    for choice in choices:
        say(f"{choice.question}: {shlex.join(choice.answer)}")
        for value in choice.values:
            say(f"  {value}")
    for line in besides:
        say(f"besides: {line}")
    words = [word for choice in choices for word in choice.answer]
    raise AllowlistError(
        f"{counted(len(choices), 'choice', 'is')} open, and nobody can be asked here",
        hint=f"this answers all: {shlex.join(['allowlist', *_own_words(), *words])}",
    )


def _own_words() -> list[str]:
    """The command as it was given, without what every printed command carries on by itself."""
    context = click.get_current_context()
    words = [context.info_name or ""]
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and not isinstance(option, Carried):
            value = context.params[name]
            values = value if isinstance(value, tuple) else (value,)
            flag = option.opts[-1]
            words += [flag] if value is True else [w for one in values for w in (flag, str(one))]
    return words
