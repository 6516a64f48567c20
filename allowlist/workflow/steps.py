"""How far a command has come, told to whoever listens; where nobody does, telling costs one look.

Work that takes seconds goes target by target through a few steps. Who shows them listens for as long as the work
lasts; threads that work for it have no listener of their own and say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

Listener = Callable[[int, int, str], None]
"""Hears how many steps are done, of how many, and what is being done."""


class _Course:
    """Where the work is: the steps before the thing at hand, all steps, and what that thing is called."""

    def __init__(self, tell: Listener) -> None:
        self.tell = tell
        self.before = 0
        self.total = 0
        self.name = ""
        self.furthest = 0

    def at(self, step: int, doing: str) -> None:
        self.furthest = max(self.furthest, self.before + step)
        self.tell(self.furthest, self.total, f"{self.name}: {doing}")


_COURSE: ContextVar[_Course | None] = ContextVar("course", default=None)


@contextmanager
def listening(tell: Listener) -> Iterator[None]:
    """``tell`` hears of every step until this ends."""
    before = _COURSE.set(_Course(tell))
    try:
        yield
    finally:
        _COURSE.reset(before)


def through(things: Sequence[T], steps: int, name: Callable[[T], str]) -> Iterator[T]:
    """``things`` one by one, each of which takes ``steps``."""
    course = _COURSE.get()
    if course is None:
        yield from things
        return
    course.total, course.furthest = len(things) * steps, 0
    for number, thing in enumerate(things):
        course.before, course.name = number * steps, name(thing)
        yield thing


def at(step: int, doing: str) -> None:
    """The thing at hand is at ``step`` of its steps, counted from 0; a step that is done again is no step back."""
    course = _COURSE.get()
    if course is not None:
        course.at(step, doing)
