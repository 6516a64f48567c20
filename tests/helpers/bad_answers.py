"""A server on loopback that answers every request the same, over TLS: what proxies, gateways and broken services say."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

HOST = "127.0.0.2"
"""This machine, under an address that nothing here takes for an emulator that speaks plain http."""


@dataclass(frozen=True)
class Given:
    status: int = 200
    body: bytes = b""
    location: str = ""


@dataclass
class Bad:
    """Where it listens, what it answers, and what it was asked; ``authority`` is who issued its certificate."""

    authority: trustme.CA
    given: Given = Given()
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"


@contextmanager
def answering(authority: trustme.CA, given: Given = Given()) -> Iterator[Bad]:
    bad = Bad(authority, given)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            bad.asked.append((self.path, self.headers.get("Authorization", "")))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(bad.given.status)
            if bad.given.location:
                self.send_header("Location", bad.given.location)
            if bad.given.status not in (204, 304):
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(bad.given.body)))
            self.end_headers()
            self.wfile.write(bad.given.body if bad.given.status not in (204, 304) else b"")

        do_GET = do_POST = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    bad.port = int(server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield bad
    finally:
        server.shutdown()
        server.server_close()
