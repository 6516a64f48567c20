"""Ctrl-C and SIGTERM while something is written to Azure."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from allowlist.apply.stopping import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))

_INTERRUPTED = 130


@contextmanager
def stopping(parting: Callable[[str], list[str]], *, at_any_time: bool = False) -> Iterator[Stop]:
    """Let signals ask for the end of a run; ``parting`` gives the next commands for its id.

    Before anything is written a signal ends the command at once, unless ``at_any_time`` says that it always waits
    for the steps in flight.
    """
    stop, ending = Stop(), list[bool]()

    def ask(number: int, frame: object) -> None:
        del number, frame
        if not stop.run_id and not at_any_time:
            if ending:  # a second exception would come in the middle of closing connections
                _tell("interrupted")
                os._exit(_INTERRUPTED)
            ending.append(True)
            stop.ask()  # should the exception be lost in some library's clean-up, nothing is begun all the same
            raise KeyboardInterrupt
        stop.ask()
        if stop.at_once:
            _tell("leaving at the next safe point; what was sent is still running in Azure")
        else:
            _tell("finishing the steps in flight; once more to leave them to Azure", *parting(stop.run_id))

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in _SIGNALS if not _outlives_its_terminal(number)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outlives_its_terminal(number: int) -> bool:
    """Started with nohup, a run is not ended by the terminal that goes away."""
    return number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) == signal.SIG_IGN


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A Ctrl-C in here waits for the end: libraries that are closing would show where it caught them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        os.kill(os.getpid(), signal.SIGINT)


def interrupt_again() -> None:
    """A Ctrl-C in the middle of a destructor is lost there: it comes once more, a moment later."""
    threading.Timer(_A_MOMENT, _interrupt_main_thread).start()


def _interrupt_main_thread() -> None:
    """By a real signal where there is one: that also wakes a main thread which waits for a socket."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


_A_MOMENT = 0.02


def _tell(*lines: str) -> None:
    """Past the buffers of the standard streams: a handler may run in the middle of one of their writes."""
    from allowlist.cli.console import narration

    with suppress(OSError):
        os.write(2, "".join(f"{narration(line)}\n" for line in lines).encode())
