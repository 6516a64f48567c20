"""One browser page and the process behind it, which lives exactly as long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

DRIVER = "allowlist_tui.web.driver:SessionDriver"
PRELUDE = b"__GANGLION__\n"
"""The line a Textual app writes when its screen begins."""

LARGEST = 1000
"""Columns and rows a page may ask for."""

QUIT_SECONDS = 10.0
"""How long an app may take to take its screen away before it is told to end, and then ended."""

FINISH_SECONDS = 600.0
"""How long a process without a screen may take to finish what it writes to Azure; firewalls take minutes."""

_TERMINATE_SECONDS = 3.0
_KEPT_BYTES = 65536

Say = Callable[[str], None]


class Session(AppService):
    """Runs ``command`` in a process group of its own and relays its screen to ``socket``."""

    def __init__(
        self, command: Sequence[str], socket: web.WebSocketResponse, downloads: DownloadManager, say: Say
    ) -> None:
        async def close() -> None:
            await socket.close()

        super().__init__(
            command[0],
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=close,
            download_manager=downloads,
        )
        self._words = tuple(command)
        self._downloads = downloads
        self._say = say
        self._screen_is_gone = False

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(_within(width), _within(height))

    async def stop(self) -> None:
        """Ask the app to quit, wait for the write in flight, and leave no process of the group behind."""
        process, task = self._process, self._task
        if process is None or task is None:
            return
        await self._downloads.cancel_app_downloads(app_service_id=self.app_service_id)
        try:
            await self.send_meta({"type": "quit"})
            await self._leave(process)
        finally:
            _signal_group(process, signal.SIGKILL)
        await asyncio.wait({task})

    async def _leave(self, process: Process) -> None:
        if await _ends(process, QUIT_SECONDS):
            return
        if self._screen_is_gone and await _ends(process, FINISH_SECONDS):
            return
        _signal_group(process, signal.SIGTERM)
        await _ends(process, _TERMINATE_SECONDS)

    async def run(self) -> None:
        """Relay until the process ends; what it said instead of a screen is shown in the page."""
        assert self._process is not None
        process = self._process
        narration = asyncio.create_task(_read_all(process.stderr))
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await _has_begun(process.stdout):
                await self._relay(process.stdout)
        await _read_all(process.stdout)
        await process.wait()
        _signal_group(process, signal.SIGKILL)
        text = _printable(await narration)
        if text:
            self._say(text.rstrip())
        with contextlib.suppress(ConnectionError):
            await self._show(text or f"the review ended with exit code {process.returncode}\n")
            await self.remote_close()

    async def on_meta(self, data: bytes) -> None:
        message = json.loads(data)
        self._screen_is_gone |= message.get("type") == "exit"
        if message.get("type") == "open_url" and not _is_web_page(str(message.get("url"))):
            return
        await super().on_meta(data)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width=_within(width), height=_within(height)),
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return {**super()._build_environment(width, height), "TEXTUAL_DRIVER": DRIVER}

    async def _relay(self, stdout: asyncio.StreamReader) -> None:
        """Packets are a letter, a length of four bytes and a body."""
        handlers = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        while True:
            kind = await stdout.readexactly(1)
            size = int.from_bytes(await stdout.readexactly(4), "big")
            await handlers[kind](await stdout.readexactly(size))

    async def _show(self, text: str) -> None:
        """Write plain text onto the page's terminal, below the usual screen."""
        leave_screen = "\x1b[?1049l\x1b[?1003l\x1b[?1000l"
        await self.remote_write_bytes((leave_screen + text.replace("\n", "\r\n")).encode())


def _within(size: Any) -> int:
    return max(1, min(size, LARGEST)) if isinstance(size, int) else 80


def _is_web_page(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


async def _ends(process: Process, seconds: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _signal_group(process: Process, number: signal.Signals) -> None:
    """Tell the process and whatever it started; nobody there is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _has_begun(stdout: asyncio.StreamReader) -> bool:
    while line := await stdout.readline():
        if line == PRELUDE:
            return True
    return False


async def _read_all(stream: asyncio.StreamReader | None) -> bytes:
    """The last words, up to the end, however much comes."""
    assert stream is not None
    last = b""
    while chunk := await stream.read(_KEPT_BYTES):
        last = (last + chunk)[-_KEPT_BYTES:]
    return last


def _printable(data: bytes) -> str:
    text = data.decode(errors="replace")
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)
