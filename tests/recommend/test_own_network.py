"""A program that knows no proxy is seen all the same: in a network of its own, where nothing leaves unless it is open."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.errors import AllowlistError
from allowlist.workflow.recommending import inside
from allowlist.workflow.recommending.running import Recorded, record, signs_of, why_no_namespace

needs_namespace = pytest.mark.skipif(
    bool(why_no_namespace()), reason="this system gives programs no network of their own"
)

CLOSED = """
import contextlib, os, socket, ssl
assert not [name for name in os.environ if name.lower().endswith("_proxy")]
context = ssl.create_default_context()
for host, port in (("eastus.api.azureml.ms", 443), ("bus.servicebus.windows.net", 5671), ("db.example.net", 6432)):
    with contextlib.suppress(OSError), socket.create_connection((host, port), 5) as link:
        if port == 443:
            context.wrap_socket(link, server_hostname=host)
socket.getaddrinfo("looked-up.example.net", 443)
with contextlib.suppress(OSError):
    socket.create_connection(("192.0.2.7", 8443), 5).close()
with contextlib.suppress(OSError):
    socket.create_connection(("192.0.2.7", 853), 5).close()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 48, ("time.example.net", 123))
try:
    socket.getaddrinfo("single", 443)
except socket.gaierror:
    print("no such name")
"""


def run(code: str, *, is_open: bool = False, timeout: float = 60) -> Recorded:
    return record([sys.executable, "-c", code], is_open=is_open, timeout=timeout)


@needs_namespace
def test_every_name_port_and_bare_address_is_seen_and_nothing_leaves() -> None:
    recorded = run(CLOSED)

    seen = {(one.name, one.port, one.is_udp) for one in recorded.requests if one.port}
    assert seen == {
        ("eastus.api.azureml.ms", 443, False),
        ("bus.servicebus.windows.net", 5671, False),
        ("db.example.net", 6432, False),
        ("192.0.2.7", 8443, False),
        ("192.0.2.7", 853, False),
        ("time.example.net", 123, True),
    }
    assert not any(one.let_through for one in recorded.requests)
    assert recorded.code == 0
    assert "in a network of its own (closed: nothing left)" in recorded.summary
    assert "192.0.2.7:853" in recorded.summary


@needs_namespace
def test_signs_say_port_moment_and_outcome_and_leave_bare_addresses_out() -> None:
    signs = {sign.value: sign for sign in signs_of(run(CLOSED))}

    assert signs["bus.servicebus.windows.net"].port == "tcp:5671"
    assert signs["time.example.net"].port == "udp:123"
    assert "looked up, never connected to" in signs["looked-up.example.net"].place
    assert signs["eastus.api.azureml.ms"].place.startswith("run (start, closed")
    assert "192.0.2.7" not in signs


@pytest.fixture
def far_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Whatever the run wants to reach outside is this server on loopback, which says hello."""
    asked: list[tuple[str, int]] = []
    server = socket.create_server(("127.0.0.1", 0))
    real = socket.create_connection

    def there(address: tuple[str, int], timeout: float | None = None) -> socket.socket:
        asked.append(address)
        if address[0] == "gone.example.net":
            raise socket.gaierror
        return real(("127.0.0.1", server.getsockname()[1]), timeout)

    def serve() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            with link:
                link.sendall(b"hello " + link.recv(100))

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr("socket.create_connection", there)
    yield asked
    server.close()


@needs_namespace
def test_an_open_run_gets_out_by_name_and_tells_what_came_of_it(far_end: list[tuple[str, int]]) -> None:
    recorded = run(
        "import socket\n"
        "link = socket.create_connection(('there.example.net', 5671), 5)\n"
        "link.sendall(b'friend')\n"
        "assert link.recv(100) == b'hello friend'\n"
        "lost = socket.create_connection(('gone.example.net', 5671), 5)\n"
        "assert lost.recv(100) == b''\n",
        is_open=True,
    )

    assert recorded.code == 0
    assert far_end == [("there.example.net", 5671), ("gone.example.net", 5671)]
    outcome = {one.name: one.let_through for one in recorded.requests if one.port}
    assert outcome == {"there.example.net": True, "gone.example.net": False}


@needs_namespace
def test_a_program_is_ended_after_its_time_with_what_it_started() -> None:
    recorded = run("import subprocess, sys; subprocess.run(['sleep', '600'])", timeout=2)

    assert recorded.code is None
    assert "was ended after its time" in recorded.summary


@needs_namespace
def test_a_program_that_is_not_there_is_an_error_and_the_code_of_one_that_is_comes_back() -> None:
    with pytest.raises(AllowlistError, match="cannot be run"):
        record(["/no/such/program"], is_open=False, timeout=20)

    assert run("raise SystemExit(7)").code == 7


def test_without_a_namespace_it_runs_behind_a_proxy_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    recorded = run("pass")

    assert why_no_namespace() == "that takes Linux and unshare"
    assert recorded.code == 0
    assert "no network of its own: that takes Linux and unshare" in recorded.summary


def test_a_system_that_refuses_namespaces_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert why_no_namespace() == "unshare: unshare failed: Operation not permitted"


def question(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "kind", "flags", "answers", "is_told"),
    [
        ("A.example.net", 1, 0x8180, 1, True),
        ("a.example.net", 28, 0x8180, 0, True),
        ("a.example.net", 65, 0x8180, 0, False),
        ("single", 1, 0x8183, 0, False),
        ("7.2.0.192.in-addr.arpa", 12, 0x8183, 0, False),
    ],
)
def test_the_resolver_knows_every_name_with_a_dot(
    tmp_path: Path, name: str, kind: int, flags: int, answers: int, is_told: bool
) -> None:
    file = tmp_path / "told"
    told = inside.Told(os.open(file, os.O_WRONLY | os.O_CREAT))

    answer = inside.answer_dns(question(name, kind), inside.Names(), told)

    assert struct.unpack_from("!HHHH", answer) == (7, flags, 1, answers)
    assert ('"a.example.net"' in file.read_text()) is is_told


def test_one_name_keeps_its_address_and_another_has_its_own() -> None:
    names = inside.Names()

    first, again, other = (names.address_of(name) for name in ("a.net", "a.net", "b.net"))

    assert first == again != other
    assert (names.name_of(first), names.name_of("192.0.2.1")) == ("a.net", "")


@pytest.mark.parametrize("hello", [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x05\x01\x00", bytes(300)])
def test_what_is_no_tls_hello_names_nobody(hello: bytes) -> None:
    assert inside.sni_of(hello) == ""


def test_a_tls_hello_names_its_server() -> None:
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="Name.example.net")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()

    assert inside.sni_of(outgoing.read()) == "name.example.net"
