"""Work that makes millions of small objects, all of which live until it is done."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@contextmanager
def collector_paused() -> Iterator[None]:
    """Reference counting frees what falls away; looking for cycles over and over costs 40 % of a large plan."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass
class Process:
    """What is known of the process that runs."""

    is_one_command: bool = False
    """It ends with the command it was started for, and holds what it makes until then."""


PROCESS = Process()


@contextmanager
def kept_to_the_end() -> Iterator[None]:
    """``collector_paused`` for a command that tells what it made and ends.

    What was made is put among the old objects, which are seldom looked through. As young ones all of them would be as
    soon as the collector is on again: a twentieth of a large plan. A process that goes on is left as it is.
    """
    with collector_paused():
        yield
        if PROCESS.is_one_command:
            gc.freeze()
            gc.unfreeze()
