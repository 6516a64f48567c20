"""Where text goes: data to stdout, narration to stderr; colour only where a person looks."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import click
import msgspec

from allowlist.cli.given import with_given
from allowlist.observe.logs import LOG
from allowlist.render.escape import STYLE, lines, one_line, with_styles, without_styles

_ENCODER = msgspec.json.Encoder()

GLYPHS = {
    "covered": "✓", "missing": "✗", "blocked": "⊘", "partial": "◐", "excess": "−", "redundant": "=",
    "widens": "!", "invalid": "✗", "unknown": "?", "allow": "✓", "deny": "✗",
    "met": "✓", "not met": "✗", "not in use": "–",
}  # fmt: skip

_COLOURS = {
    "covered": "green",
    "allow": "green",
    "met": "green",
    "not met": "red",
    "missing": "red",
    "blocked": "red",
    "deny": "red",
    "invalid": "red",
}


def say(text: str = "", level: str = "info", **fields: Any) -> None:
    """Narration, for people, or as JSON log lines with ``fields``; no secret gets through."""
    if text.strip() or not LOG.is_json:
        # A terminal that went away must not end a run half way.
        with suppress(OSError):
            click.echo(narration(text, level, **fields), err=True, color=uses_colour(sys.stderr))


def narration(text: str, level: str = "info", **fields: Any) -> str:
    """One line of narration in the form that was asked for, without secrets; commands in it run as printed."""
    text = with_given(text)
    if LOG.is_json:
        fields = {key: with_given(item) if isinstance(item, str) else item for key, item in fields.items()}
        return LOG.json_line(without_styles(text), level, fields, dt.datetime.now(dt.UTC))
    return with_styles(lines(LOG.clean(text)))


def put(text: str) -> None:
    """One line of data for people; whatever others wrote into it is shown and not obeyed. Commands in it run as printed."""
    click.echo(with_styles(one_line(with_given(text))), color=uses_colour(sys.stdout))


def put_each(texts: Iterable[str]) -> None:
    """Many lines of data for people; each goes through what a single one does, and a thousand at a time are written."""
    waiting = iter(texts)
    while some := list(itertools.islice(waiting, 1000)):
        shown = (with_styles(one_line(with_given(text))) for text in some)
        click.echo("\n".join(shown), color=uses_colour(sys.stdout))


def put_lines(text: str) -> None:
    """Several lines of data for people, each of them harmless; commands in them run as printed."""
    click.echo(with_styles(lines(with_given(text))), color=uses_colour(sys.stdout))


def put_document(text: str) -> None:
    """A document in a form of its own, whose renderer has escaped what others wrote as that form needs it."""
    click.echo(text, color=uses_colour(sys.stdout))


def put_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json_text(value))


def json_text(value: Any) -> str:
    """An indented document whose next steps run as printed; a plan stays as it was sealed."""
    return msgspec.json.format(_ENCODER.encode(_with_next_steps(value)), indent=2).decode()


_NEXT_STEPS = ("remedy", "hint", "next")


def _with_next_steps(value: Any) -> Any:
    """What is no document of its own with a digest: dictionaries and lists, as renderers make them."""
    if isinstance(value, dict):
        return {key: _next_step(key, item) for key, item in value.items()}
    return [_with_next_steps(item) for item in value] if isinstance(value, (list, tuple)) else value


def _next_step(key: str, item: Any) -> Any:
    return with_given(item) if key in _NEXT_STEPS and isinstance(item, str) else _with_next_steps(item)


def put_json_line(value: Any) -> None:
    click.echo(_ENCODER.encode(value).decode())


def put_json_lines(texts: Sequence[str]) -> None:
    """Many lines of JSON at once."""
    if texts:
        click.echo("\n".join(texts))


def uses_colour(stream: Any) -> bool:
    """NO_COLOR, CI and a stream nobody looks at switch colour off."""
    if os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(stream, "isatty", lambda: False)())


def is_interactive() -> bool:
    """May a person be asked something? Never under CI or without a terminal on both sides."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def styled(word: str) -> str:
    """A status word with its glyph; colour is only a third hint."""
    shown = click.style(f"{GLYPHS.get(word, '·')} {word}", fg=_COLOURS.get(word, "yellow"))
    return shown.replace("\x1b[", STYLE)


def plain(text: str) -> str:
    """Text from Azure or a catalog as one line made safe for a terminal and the log of a pipeline; our styles stay."""
    return one_line(text)
