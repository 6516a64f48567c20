"""The simulator served by uvicorn in a thread of this process, with or without TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
import uvicorn

from allowlist.errors import AllowlistError
from allowlist.simulator.simulator import Simulator
from allowlist.simulator.web.app import build_app

_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where it listens. ``ca_file`` is the certificate authority to trust, None without TLS."""

    url: str
    port: int
    ca_file: Path | None
    simulator: Simulator

    def environment(self) -> dict[str, str]:
        """Variables that point Azure clients here: trust for requests and for aiohttp or Go, and the sign-in host."""
        if self.ca_file is None:
            return {"ALLOWLIST_ARM_ENDPOINT": self.url}
        trust = str(self.ca_file)
        return {
            "ALLOWLIST_ARM_ENDPOINT": self.url,
            "AZURE_AUTHORITY_HOST": self.url,
            "REQUESTS_CA_BUNDLE": trust,
            "SSL_CERT_FILE": trust,
            "NODE_EXTRA_CA_CERTS": trust,
        }


@contextmanager
def serve(
    simulator: Simulator,
    port: int = 0,
    tls: bool | Path | None = None,
    *,
    host: str = "127.0.0.1",
    names: Sequence[str] = (),
) -> Iterator[Running]:
    """Serve until the block ends. ``port`` 0 takes a free one; ``names`` are further hosts that it answers as.

    ``tls`` True makes a certificate authority for this run in a temporary file, a path writes it there.
    Raises AllowlistError when the port is taken.
    """
    with ExitStack() as stack:
        ca_file = _ca_file(tls, stack)
        context = _tls_context(ca_file, host) if ca_file else None
        listening = stack.enter_context(closing(_listen(host, port)))
        server = _server(simulator, context, (host, *names))
        thread = threading.Thread(
            target=server.run, args=([listening],), name="allowlist-simulator", daemon=True
        )
        thread.start()
        stack.callback(_stop, server, thread)
        _wait_until_started(server, thread)
        yield _running(simulator, listening, ca_file, host)


def _ca_file(tls: bool | Path | None, stack: ExitStack) -> Path | None:
    if isinstance(tls, Path):
        return tls
    return (
        Path(stack.enter_context(TemporaryDirectory(prefix="allowlist-simulator-")), "ca.pem")
        if tls
        else None
    )


def _stop(server: _Server, thread: threading.Thread) -> None:
    server.stop()
    thread.join()


def _running(simulator: Simulator, listening: socket.socket, ca_file: Path | None, host: str) -> Running:
    port = listening.getsockname()[1]
    name = "localhost" if ca_file and host == "127.0.0.1" else host
    url = f"{'https' if ca_file else 'http'}://{name}:{port}"
    return Running(url=url, port=port, ca_file=ca_file, simulator=simulator)


def _listen(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise AllowlistError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another port with --port"
        ) from None
    # Connections inherit it; asyncio sets it only on sockets that name their protocol, and 40 ms pass without it.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class _Server(uvicorn.Server):
    """Runs in a thread and ends at once: uvicorn looks ten times a second whether it should, and waits a while then."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake: Callable[[], object] = lambda: None

    def stop(self) -> None:
        """End it, from any thread."""
        self.should_exit = True
        self._wake()

    async def main_loop(self) -> None:
        """Until :meth:`stop`; no date header and no limit of requests asks for more."""
        asked = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, asked.set)
        if not self.should_exit:
            await asked.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on everybody: nobody waits for a simulator's last word. What still runs ends with the loop."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


def _server(simulator: Simulator, context: ssl.SSLContext | None, hosts: Sequence[str]) -> _Server:
    config = uvicorn.Config(
        build_app(simulator, hosts),
        http="h11",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        ssl_context_factory=(lambda config, default: context) if context else None,
    )
    return _Server(config)


def _tls_context(ca_file: Path, host: str) -> ssl.SSLContext:
    authority = trustme.CA(organization_name="allowlist simulator")
    names = dict.fromkeys(("localhost", "127.0.0.1", host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(ca_file))
    return context


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise AllowlistError("the simulator did not start")
        time.sleep(0.005)
