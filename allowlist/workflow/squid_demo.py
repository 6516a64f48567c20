"""The example company's list in a real Squid on this machine: what it lets through, name by name, against the proof.

Squid is started on loopback with the exported files and an upstream of ours that answers everything, so no request
leaves the machine. It is the Squid that is installed; without one the demo says so.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from allowlist.errors import AllowlistError
from allowlist.filters.registry import FORMATS
from allowlist.filters.squid import LISTS_OF_FILES
from allowlist.workflow.exporting import Wanted, exported

__all__ = ["Asked", "ask_squid", "squid_version"]

_PATIENCE: Final = 20.0
"""Seconds for Squid to start and for each answer."""
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SBIN: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One name that Squid was asked for by CONNECT on port 443."""

    name: str
    passed: bool
    proved: bool


def squid_version() -> str:
    """The version of the Squid on this machine. Raises AllowlistError where there is none."""
    path = shutil.which("squid", path=_SBIN)
    if path is None:
        raise AllowlistError(
            "Squid is not installed here",
            hint="install it (apt-get install squid), or run allowlist demo without --with",
        )
    told = subprocess.run([path, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Version (\S+)", told)
    return found.group(1) if found else "of unknown version"


def ask_squid(wanted: Wanted) -> list[Asked]:
    """Every name of the list and its neighbours, as Squid answers and as the proof says."""
    engine = FORMATS["squid"]
    files = exported(wanted, engine).files
    passing = engine.read(files).allowed
    https = next(names for service, names in passing.items() if str(service) == "https:443")
    names = sorted({name for item in wanted.requirements if item.pattern for name in _near(item.pattern)})
    with _origin() as upstream, _squid(files, upstream) as port:
        return [Asked(name, _connects(port, name), name in https) for name in names]


def _near(pattern: str) -> Iterator[str]:
    base = pattern.removeprefix("*").removeprefix(".")
    yield from (base, f"x.{base}", f"x{base}", f"{base}.example.org")


@contextlib.contextmanager
def _origin() -> Iterator[int]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.settimeout(_PATIENCE)
                self.request.recv(65536)
                self.request.sendall(_ANSWER)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextlib.contextmanager
def _squid(files: Mapping[str, str], upstream: int) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="allowlist-squid-") as name:
        folder, port = Path(name), _free_port()
        _configure(folder, files, port, upstream)
        path = shutil.which("squid", path=_SBIN) or "squid"
        command = [path, "-N", "-n", f"allowlist{port}", "-f", str(folder / "squid.conf")]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(process, port, folder / "squid.log")
            yield port
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            process.wait()


def _configure(folder: Path, files: Mapping[str, str], port: int, upstream: int) -> None:
    """Squid gives up root, so its files belong to the user it becomes."""
    for name, text in files.items():
        (folder / name).write_text(LISTS_OF_FILES.sub(rf'"{folder}/\1"', text), encoding="utf-8")
    as_root = os.geteuid() == 0
    lines = [
        f"http_port 127.0.0.1:{port}",
        f"cache_peer 127.0.0.1 parent {upstream} 0 no-query no-digest default",
        "never_direct allow all",
        "cache deny all",
        "access_log none",
        "pid_filename none",
        "cache_store_log none",
        f"cache_log {folder}/squid.log",
        "coredump_dir none",
        "visible_hostname demo.allowlist.example",
        "shutdown_lifetime 0 seconds",
        *(["cache_effective_user proxy"] if as_root else []),
        f"include {folder}/allowlist.conf",
        "",
    ]
    (folder / "squid.conf").write_text("\n".join(lines), encoding="utf-8")
    (folder / "squid.log").touch()
    if as_root:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "proxy")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AllowlistError(f"Squid did not start: {log.read_text('utf-8', 'replace').strip()[-300:]}")


def _connects(port: int, name: str) -> bool:
    """403 is Squid's own denial; whatever else comes is from behind it."""
    request = f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as link:
        link.settimeout(_PATIENCE)
        link.sendall(request)
        return b" 403 " not in link.recv(65536).split(b"\r\n", 1)[0]


def _free_port() -> int:
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        number: int = link.getsockname()[1]
        return number
