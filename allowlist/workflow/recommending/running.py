"""Run a program behind a proxy that records which names it asks for, and when; open, or closed so that nothing leaves.

Only programs that take HTTPS_PROXY are seen: others connect past it, or fail. That is said with the result, not hidden.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from allowlist.errors import AllowlistError
from allowlist.workflow.recommending.recommend import RUN
from allowlist.workflow.recommending.signs import Confidence, Sign, What

_HEAD: Final = 64 * 1024
_START: Final = 3.0
_IDLE: Final = 60.0
_REFUSED: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_FAILED: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One name that was asked for: seconds after the start, and whether it was let through."""

    name: str
    port: int
    secure: bool
    after: float
    let_through: bool


@dataclass(slots=True, kw_only=True)
class Recorded:
    command: Sequence[str]
    is_open: bool
    requests: list[Request] = field(default_factory=list)
    code: int | None = None
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        how = "open" if self.is_open else "closed: nothing left"
        end = "was ended after its time" if self.code is None else f"ended with code {self.code}"
        names = len({request.name for request in self.requests})
        return (
            f"ran {self.command[0]} {self.seconds:.1f} s behind a proxy ({how}); it {end} and asked for {names} names. "
            "Programs that take no HTTPS_PROXY are not seen this way"
        )

    def moment(self, request: Request) -> str:
        if request.after <= _START:
            return "start"
        return "exit" if self.seconds - request.after <= 1.0 else "running"


def record(command: Sequence[str], *, is_open: bool, timeout: float) -> Recorded:
    """Run ``command`` to its end, or ``timeout`` seconds. Raises AllowlistError when it cannot be started."""
    recorded = Recorded(command=command, is_open=is_open)
    with _Proxy(recorded) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), address)
        environment = {**os.environ, **proxies, **{name.lower(): value for name, value in proxies.items()}}
        environment |= {
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
            "NODE_USE_ENV_PROXY": "1",
        }
        begun = time.monotonic()
        try:
            child = subprocess.Popen(list(command), env=environment, start_new_session=True)
        except OSError as error:
            raise AllowlistError(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            recorded.code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            _end(child)
        finally:
            if child.poll() is None:
                _end(child)
            recorded.seconds = time.monotonic() - begun
    return recorded


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def signs_of(recorded: Recorded) -> list[Sign]:
    """Each name once, with when it was asked for and what came of it."""
    found: dict[tuple[str, int], Sign] = {}
    for number, request in enumerate(recorded.requests, 1):
        scheme = {443: "https:443", 80: "http:80"}.get(request.port, f"tcp:{request.port}")
        outcome = "let through" if request.let_through else "closed"
        place = f"{RUN}{recorded.moment(request)}, {outcome}, {request.after:.1f} s)"
        found.setdefault(
            (request.name, request.port),
            Sign(
                what=What.HOST,
                value=request.name,
                file=place,
                line=number,
                confidence=Confidence.USED,
                port=scheme,
            ),
        )
    return list(found.values())


class _Proxy:
    """A proxy on loopback: CONNECT and absolute addresses, one thread a connection."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._begun = time.monotonic()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def __enter__(self) -> _Proxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            client.settimeout(_IDLE)
            try:
                head = _head(client)
                target = _target(head)
                if target is not None:
                    self._pass(client, head, *target)
            except OSError:
                return

    def _pass(self, client: socket.socket, head: bytes, name: str, port: int, secure: bool) -> None:
        is_open = self._recorded.is_open
        with self._lock:
            after = time.monotonic() - self._begun
            self._recorded.requests.append(
                Request(name=name, port=port, secure=secure, after=after, let_through=is_open)
            )
        if not is_open:
            client.sendall(_REFUSED)
            return
        try:
            server = socket.create_connection((name, port), timeout=_IDLE)
        except OSError:
            client.sendall(_FAILED)
            return
        with server:
            if secure:
                client.sendall(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            else:
                server.sendall(head)
            _both_ways(client, server)


def _head(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _HEAD:
        part = client.recv(4096)
        if not part:
            break
        data += part
    return data


def _target(head: bytes) -> tuple[str, int, bool] | None:
    """``(name, port, is CONNECT)`` of a request to a proxy; None for anything else."""
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return None
    if words[0] == "CONNECT":
        name, _, port = words[1].rpartition(":")
        return (name.strip("[]").lower(), int(port), True) if name and port.isdecimal() else None
    parts = urlsplit(words[1])
    try:
        return (parts.hostname.lower(), parts.port or 80, False) if parts.hostname else None
    except ValueError:
        return None


def _both_ways(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], _IDLE)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
