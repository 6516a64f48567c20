"""A proxy in front of a Resource Manager that shares no code with the product or the simulator.

It counts what passes, and takes out of answers and requests what is newer than the api-version asked for, by a table of
its own. ``redirects`` sends matching requests elsewhere instead.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SINCE = {
    "sourceKubeSelectorGroups": "2025-09-01",
    "sourceGeoLocations": "2026-01-01",
    "destinationGeoLocations": "2026-03-01",
    "aiSecurityAddOn": "2026-03-01",
    "acs": "2026-09-15",
    "customExternalSafetyProviders": "2026-09-15",
}
_HOP = ("connection", "transfer-encoding", "content-length", "host", "keep-alive")


@dataclass
class Passing:
    """``asked`` holds (method, path) of everything that came; ``seen`` the URLs of whoever was redirected to."""

    url: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    redirects: tuple[str, str, int] = ("", "", 307)
    """A method, a part of the path, and the status; an empty method redirects nothing."""
    strayed: list[str] = field(default_factory=list)

    def methods(self) -> set[str]:
        return {method for method, _ in self.asked}


def _projected(value: Any, version: str) -> Any:
    if isinstance(value, dict):
        return {
            name: _projected(item, version)
            for name, item in value.items()
            if SINCE.get(name, "") <= version[:10]
        }
    return [_projected(item, version) for item in value] if isinstance(value, list) else value


def _body(content: bytes, version: str) -> bytes:
    try:
        return json.dumps(_projected(json.loads(content), version)).encode()
    except ValueError:
        return content


@contextmanager
def plain_proxy(upstream: str) -> Iterator[Passing]:
    """Serves ``upstream`` (http) under another address on the loopback."""
    there = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def pass_on(self) -> None:
            path = urlsplit(self.path)
            version = parse_qs(path.query).get("api-version", ["9999-99-99"])[0]
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            passing.asked.append((self.command, path.path))
            if path.path.startswith("/elsewhere"):
                passing.strayed.append(self.path)
            method, part, status = passing.redirects
            if method == self.command and part in path.path:
                self.answer(status, [("Location", f"{passing.url}/elsewhere{self.path}")], b"")
                return
            connection = http.client.HTTPConnection(str(there.hostname), there.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.request(self.command, self.path, _body(content, version) if content else None, headers)
            answer = connection.getresponse()
            kept = [
                (name, value.replace(upstream, passing.url))
                for name, value in answer.getheaders()
                if name.lower() not in _HOP
            ]
            self.answer(
                answer.status,
                kept,
                _body(answer.read(), version).replace(upstream.encode(), passing.url.encode()),
            )
            connection.close()

        def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    passing = Passing(f"http://127.0.0.1:{server.server_port}")
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield passing
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
