"""Slow work: done in threads that nobody waits for when leaving, its failures told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from textual.dom import DOMNode

from allowlist.errors import AllowlistError

T = TypeVar("T")
Failed = Callable[[str], None]
DECIDING = "decide"
"""The group of work that writes a decision: the next key waits for it."""


async def in_thread(work: Callable[[], T], keep: list[Thread] | None = None) -> T:
    """Do ``work`` in a daemon thread, so that leaving the app never waits for Azure.

    A thread that writes is also put into ``keep``: whoever leaves can wait for it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(tell: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            loop.call_soon_threadsafe(lambda: None if done.done() else tell())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            reason = error
            finish(lambda: done.set_exception(reason))
        else:
            finish(lambda: done.set_result(result))

    thread = Thread(target=run, daemon=True)
    if keep is not None:
        keep[:] = [*(item for item in keep if item.is_alive()), thread]
    thread.start()
    return await done


def run_slow(
    node: DOMNode,
    work: Callable[[], T],
    then: Callable[[T], None],
    failed: Failed,
    *,
    group: str = "default",
    exclusive: bool = False,
    keep: list[Thread] | None = None,
) -> None:
    """Do ``work`` aside, then show it with ``then`` on the screen's own thread; ``failed`` gets a failure in words."""

    async def run() -> None:
        try:
            then(await in_thread(work, keep))
        except Exception as error:
            failed(words_of(error))

    node.run_worker(run(), group=group, exclusive=exclusive, exit_on_error=False)


def words_of(error: BaseException) -> str:
    """An error as a person reads it."""
    if isinstance(error, AllowlistError):
        return f"{error}\n{error.hint}" if error.hint else str(error)
    return f"unexpected {type(error).__name__}: {error}\nthis is a defect of allowlist; please report it"
