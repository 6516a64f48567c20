"""Where messages arrive in tests: a webhook receiver, a mail server, and the real hosts of chats behind a proxy."""

from __future__ import annotations

import http.server
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme


@dataclass
class Received:
    """One request as it came."""

    host: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with ``statuses`` one after the other, the last for good."""

    url: str
    requests: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)

    def next_status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    receiver = Receiver("")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Received(headers.get("host", ""), self.path, headers, body))
            self.send_response(receiver.next_status())
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with _running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        receiver.url = f"http://127.0.0.1:{port}/hook"
        yield receiver


@contextmanager
def internet(folder: Path, *hosts: str) -> Iterator[tuple[str, Path, Receiver]]:
    """A proxy that plays ``hosts`` itself, over TLS; its address, the authority to trust, and what arrived there."""
    authority = trustme.CA()
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    receiver = Receiver("")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            host = self.rfile.readline().decode().split()[1].partition(":")[0]
            while self.rfile.readline().strip():
                pass
            if host not in hosts:
                self.wfile.write(b"HTTP/1.1 502 Not Here\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(host).configure_cert(context)
            with context.wrap_socket(self.connection, server_side=True) as secure:
                _answer(secure, host, receiver)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server) as port:
        yield f"http://127.0.0.1:{port}", ca_file, receiver


def _answer(secure: ssl.SSLSocket, host: str, receiver: Receiver) -> None:
    stream = secure.makefile("rb")
    path = stream.readline().decode().split()[1]
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    receiver.requests.append(Received(host, path, headers, body))
    more = "".join(f"{name}: {value}\r\n" for name, value in receiver.headers.items())
    secure.sendall(
        f"HTTP/1.1 {receiver.next_status()} X\r\n{more}Content-Length: 2\r\nConnection: close\r\n\r\nok".encode()
    )


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Takes any mail in; its port, and the mails."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for raw in self.rfile:
                verb = raw.decode().strip().upper()
                if verb == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mails.append("".join(line.decode() for line in iter(self.rfile.readline, b".\r\n")))
                self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server) as port:
        yield port, mails


@contextmanager
def _running(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
