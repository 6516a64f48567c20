"""Run a program and record which names it asks for, and when; open, or closed so that nothing leaves.

Where the system lets it, the program runs in a network namespace of its own with a resolver and listeners that record
(``inside``): then it is seen whatever it makes of proxies, and closed is closed. Elsewhere it runs behind a proxy, where
only programs that take HTTPS_PROXY are seen and others connect past it. Which of the two it was is said with the result.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from allowlist.documents.words import counted
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
    """One name that was asked for: seconds after the start, and whether it was let through.

    ``port`` is 0 where the name was looked up and nothing connected to it; ``name`` is an address where no name is known.
    """

    name: str
    port: int
    secure: bool
    after: float
    let_through: bool
    is_udp: bool = False

    @property
    def outcome(self) -> str:
        if not self.port:
            return "looked up, never connected to"
        return "let through" if self.let_through else "closed"


@dataclass(slots=True, kw_only=True)
class Recorded:
    command: Sequence[str]
    is_open: bool
    requests: list[Request] = field(default_factory=list)
    code: int | None = None
    seconds: float = 0.0
    why_not_started: str = ""
    why_no_namespace: str = ""
    """Why it ran behind a proxy only; empty where it had a network of its own."""

    @property
    def summary(self) -> str:
        end = "was ended after its time" if self.code is None else f"ended with code {self.code}"
        names = len({request.name for request in self.requests if not _is_address(request.name)})
        told = f"ran {self.command[0]} {self.seconds:.1f} s {self._where}; it {end} and asked for {counted(names, 'name')}"
        bare = sorted({f"{one.name}:{one.port}" for one in self.requests if _is_address(one.name)})
        told += f", and for addresses without a name: {', '.join(bare[:5])}" if bare else ""
        if self.why_no_namespace:
            return (
                f"{told}. Programs that take no HTTPS_PROXY are not seen this way, and may get out "
                f"(no network of its own: {self.why_no_namespace})"
            )
        return f"{told}. Services of this machine were not to be reached from there"

    @property
    def _where(self) -> str:
        if self.why_no_namespace:
            return "behind a proxy (open)" if self.is_open else "behind a proxy (closed)"
        how = "open" if self.is_open else "closed: nothing left"
        return f"in a network of its own ({how})"

    def note(self, request: Request) -> None:
        """Take down each name with each port once: when it was first asked for, and whether it ever got through."""
        key = (request.name, request.port, request.is_udp)
        for index, known in enumerate(self.requests):
            if (known.name, known.port, known.is_udp) == key:
                if request.let_through and not known.let_through:
                    self.requests[index] = replace(known, let_through=True)
                return
        self.requests.append(request)

    def moment(self, request: Request) -> str:
        if request.after <= _START:
            return "start"
        return "exit" if self.seconds - request.after <= 1.0 else "running"


def record(command: Sequence[str], *, is_open: bool, timeout: float, isolate: bool = True) -> Recorded:
    """Run ``command`` to its end, or ``timeout`` seconds, in a network of its own if that can be had and is wanted.

    Raises AllowlistError when it cannot be started.
    """
    why = why_no_namespace() if isolate else "not wanted"
    recorded = Recorded(command=command, is_open=is_open, why_no_namespace=why)
    if not why:
        return _record_inside(recorded, timeout)
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
    """End a program and what it started: they share a session of their own."""
    _signal(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(5)
    _signal(child, signal.SIGKILL)
    child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        child.send_signal(number)


def why_no_namespace() -> str:
    """Why this system gives a program no network of its own; empty where it does."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        return "that takes Linux and unshare"
    try:
        probe = subprocess.run([unshare, "-rnm", "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (
        ""
        if probe.returncode == 0
        else probe.stderr.decode(errors="replace").strip().partition("\n")[0] or "refused"
    )


def _record_inside(recorded: Recorded, timeout: float) -> Recorded:
    reading, writing = os.pipe()
    with TemporaryDirectory(prefix="allowlist-run-") as folder, os.fdopen(reading, "rb") as told:
        outside = str(Path(folder) / "outside") if recorded.is_open else ""
        settings = {"tell": writing, "outside": outside, "uid": os.getuid(), "gid": os.getgid()}
        helper = [
            sys.executable,
            "-I",
            str(Path(__file__).with_name("inside.py")),
            json.dumps(settings),
            "--",
        ]
        listening = threading.Thread(target=_listen, args=(told, recorded), daemon=True)
        with _Outside(outside):
            begun = time.monotonic()
            child = subprocess.Popen(
                ["unshare", "-rnm", *helper, *recorded.command], pass_fds=(writing,), start_new_session=True
            )
            os.close(writing)
            listening.start()
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _end(child)
                recorded.seconds = time.monotonic() - begun
            listening.join(5)
    if recorded.why_not_started:
        raise AllowlistError(f"{recorded.command[0]} cannot be run: {recorded.why_not_started}")
    return recorded


def _listen(told: BinaryIO, recorded: Recorded) -> None:
    """Take down what the inside says, until nobody is left who could say more."""
    for line in told:
        said = json.loads(line)
        match said["event"]:
            case "resolved":
                recorded.note(
                    Request(name=said["name"], port=0, secure=False, after=said["after"], let_through=False)
                )
            case "connected":
                recorded.note(
                    Request(
                        name=said["name"] or said["address"],
                        port=said["port"],
                        secure=said["port"] == 443,
                        after=said["after"],
                        let_through=said["open"],
                        is_udp=said.get("udp", False),
                    )
                )
            case "ended":
                recorded.code = said["code"]
            case "failed" | "unstarted":
                recorded.why_not_started = said["why"]


class _Outside:
    """Carries connections of an open run out of the namespace; does nothing without a path."""

    def __init__(self, path: str) -> None:
        self._server = socket.socket(socket.AF_UNIX) if path else None
        self._path = path

    def __enter__(self) -> _Outside:
        if self._server is not None:
            self._server.bind(self._path)
            self._server.listen(64)
            threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(link,), daemon=True).start()

    def _carry(self, link: socket.socket) -> None:
        with link:
            try:
                link.settimeout(_IDLE)
                name, _, port = link.makefile("rb", buffering=0).readline(300).decode().strip().partition(" ")
                with socket.create_connection((name, int(port)), timeout=_IDLE) as far:
                    link.sendall(b"+")
                    _both_ways(link, far)
            except (OSError, ValueError):
                return


def signs_of(recorded: Recorded) -> list[Sign]:
    """Each name once, with when it was asked for and what came of it."""
    found: dict[tuple[str, int], Sign] = {}
    connected = {request.name for request in recorded.requests if request.port}
    for number, request in enumerate(recorded.requests, 1):
        if _is_address(request.name) or (not request.port and request.name in connected):
            continue
        scheme = {443: "https:443", 80: "http:80", 0: ""}.get(request.port, f"tcp:{request.port}")
        scheme = f"udp:{request.port}" if request.is_udp else scheme
        place = f"{RUN}{recorded.moment(request)}, {request.outcome}, {request.after:.1f} s)"
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


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdigit() or ":" in name


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
