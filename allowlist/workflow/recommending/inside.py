"""The first process of a network namespace of its own: it answers every DNS question, takes every connection and starts a
program there. It tells the outside what was asked for, as one JSON object a line.

Run as a file (``unshare -rnm python -I inside.py SETTINGS -- COMMAND``), so it imports nothing but the standard library.
Every address is local in here: each name gets one of 198.18.0.0/15 (RFC 2544, used by nobody), a listener waits on the
usual ports, and packets to all others are seen on the way to nowhere. Nothing can leave but through the Unix socket of
whoever started it, and that one is only given when the run is open.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

LISTENED = (
    443, 80, 8443, 8080, 5671, 5672, 1433, 3306, 5432, 6379, 6380, 10255, 27017, 9092, 9093, 8883, 1883, 389, 636, 22, 25,
    465, 587, 993, 1688, 8888, 11434,
)  # fmt: skip
TLS = (443, 8443)
_FIRST = int(ipaddress.IPv4Address("198.18.0.1"))
_LAST = int(ipaddress.IPv4Address("198.19.255.254"))
_HIDDEN = ("/run/systemd/resolve", "/run/nscd", "/var/run/nscd")
"""Sockets through which a resolver outside would answer."""
_IDLE = 60.0


class Told:
    """Lines for whoever started this; one writer at a time."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._begun = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, **said: object) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._file.write(json.dumps({**said, "after": time.monotonic() - self._begun}) + "\n")
            self._file.flush()


class Names:
    """One address a name, and back."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}
        self._by_address: dict[str, str] = {}
        self._lock = threading.Lock()

    def address_of(self, name: str) -> str:
        with self._lock:
            number = self._by_name.setdefault(name, min(_FIRST + len(self._by_name), _LAST))
            address = str(ipaddress.IPv4Address(number))
            self._by_address.setdefault(address, name)
            return address

    def name_of(self, address: str) -> str:
        return self._by_address.get(address, "")


def make_everything_local() -> None:
    """Bring the loopback interface up and make every IPv4 address an address of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(
            control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40)
        )  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
    lo = socket.if_nametoindex("lo")
    route = struct.pack(
        "BBBBBBBBI", socket.AF_INET, 0, 0, 0, 255, 3, 254, 2, 0
    )  # table local, scope host, type local
    route += struct.pack("HHI", 8, 4, lo)  # RTA_OIF
    head = struct.pack(
        "IHHII", 16 + len(route), 24, 0x1 | 0x4 | 0x400, 1, 0
    )  # RTM_NEWROUTE: request, ack, create
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(head + route)
        answer = netlink.recv(4096)
    (error,) = struct.unpack_from("i", answer, 16)
    if error:
        raise OSError(-error, os.strerror(-error))


def hide_resolvers() -> None:
    """Without the sockets of resolvers outside, programs ask the network, which is in here."""
    mount = shutil.which("mount")
    for folder in _HIDDEN:
        if mount and os.path.isdir(folder):
            subprocess.run([mount, "-t", "tmpfs", "none", folder], check=False, capture_output=True)


def answer_dns(question: bytes, names: Names, told: Told) -> bytes:
    """An address for every name with a dot; nothing for other kinds of records; no such name for the rest."""
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    kind = struct.unpack_from("!H", question, at + 1)[0]
    asked, name = question[12 : at + 5], ".".join(labels).lower()
    known = len(labels) > 1 and not name.endswith((".arpa", ".localhost"))
    if known and kind in (1, 28):
        told(event="resolved", name=name)
    answers = b""
    if known and kind == 1:
        address = socket.inet_aton(names.address_of(name))
        answers = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + address
    flags = 0x8180 if known else 0x8183
    return question[:2] + struct.pack("!HHHHH", flags, 1, 1 if answers else 0, 0, 0) + asked + answers


def serve_dns(names: Names, told: Told) -> None:
    over_udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    over_udp.bind(("", 53))
    over_udp.setsockopt(
        socket.IPPROTO_IP, 8, 1
    )  # IP_PKTINFO: an answer comes from the address that was asked
    over_tcp = socket.create_server(("", 53), backlog=64)

    def udp() -> None:
        while True:
            question, extra, _, peer = over_udp.recvmsg(4096, 256)
            with contextlib.suppress(IndexError, struct.error, OSError):
                answer = answer_dns(question, names, told)
                info = [
                    (level, kind, data[:4] + data[8:12] + data[4:8])
                    for level, kind, data in extra
                    if kind == 8
                ]
                over_udp.sendmsg([answer], info, 0, peer)

    def tcp() -> None:
        while True:
            link, _ = over_tcp.accept()
            with link, contextlib.suppress(IndexError, struct.error, OSError):
                link.settimeout(2)
                size = struct.unpack("!H", link.recv(2))[0]
                answer = answer_dns(link.recv(size), names, told)
                link.sendall(struct.pack("!H", len(answer)) + answer)

    for serve in (udp, tcp):
        threading.Thread(target=serve, daemon=True).start()


def watch_packets(names: Names, told: Told) -> None:
    """Tell of connections to ports where nobody listens; nothing answers them but the kernel's refusal."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))

    def watch() -> None:
        while True:
            packet, (_, _, way, *_rest) = raw.recvfrom(2048)
            if way == socket.PACKET_OUTGOING or len(packet) < 28:
                continue
            start, target = (packet[0] & 15) * 4, socket.inet_ntoa(packet[16:20])
            if target.startswith("127.") or len(packet) < start + 14:
                continue
            source, port = struct.unpack_from("!HH", packet, start)
            is_first = packet[9] == 6 and packet[start + 13] & 0x12 == 0x02
            if is_first and port not in (*LISTENED, 53):
                told(event="connected", name=names.name_of(target), address=target, port=port, open=False)
            elif packet[9] == 17 and port != 53 and source != 53:
                told(
                    event="connected",
                    name=names.name_of(target),
                    address=target,
                    port=port,
                    open=False,
                    udp=True,
                )

    threading.Thread(target=watch, daemon=True).start()


def sni_of(hello: bytes) -> str:
    """The server's name in a TLS ClientHello; empty for anything else."""
    try:
        if hello[0] != 22 or hello[5] != 1:
            return ""
        at = 43 + 1 + hello[43]
        at += 2 + struct.unpack_from("!H", hello, at)[0]
        at += 1 + hello[at]
        end = at + 2 + struct.unpack_from("!H", hello, at)[0]
        at += 2
        while at < end:
            kind, size = struct.unpack_from("!HH", hello, at)
            if kind == 0:
                return (
                    hello[at + 9 : at + 9 + struct.unpack_from("!H", hello, at + 7)[0]]
                    .decode("ascii")
                    .lower()
                )
            at += 4 + size
    except (IndexError, struct.error, UnicodeDecodeError):
        pass
    return ""


def take_connections(names: Names, told: Told, outside: str) -> None:
    for port in LISTENED:
        server = socket.create_server(("", port), backlog=64)
        threading.Thread(target=_accept, args=(server, names, told, outside), daemon=True).start()


def _accept(server: socket.socket, names: Names, told: Told, outside: str) -> None:
    while True:
        link, _ = server.accept()
        address, port = link.getsockname()[:2]
        if address.startswith("127."):
            link.close()
            continue
        threading.Thread(target=_take, args=(link, address, port, names, told, outside), daemon=True).start()


def _take(link: socket.socket, address: str, port: int, names: Names, told: Told, outside: str) -> None:
    with link:
        name = names.name_of(address) or _name_on_the_wire(link, port)
        far = _outside(outside, name or address, port) if outside else None
        told(event="connected", name=name, address=address, port=port, open=far is not None)
        if far is None:
            return
        with far, contextlib.suppress(OSError):
            _both_ways(link, far)


def _name_on_the_wire(link: socket.socket, port: int) -> str:
    if port not in TLS:
        return ""
    link.settimeout(2)
    with contextlib.suppress(OSError):
        return sni_of(link.recv(4096, socket.MSG_PEEK))
    return ""


def _outside(path: str, name: str, port: int) -> socket.socket | None:
    far = socket.socket(socket.AF_UNIX)
    try:
        far.settimeout(_IDLE)
        far.connect(path)
        far.sendall(f"{name} {port}\n".encode())
        if far.recv(1) == b"+":
            return far
    except OSError:
        pass
    far.close()
    return None


def _both_ways(one: socket.socket, other: socket.socket) -> None:
    for end in (one, other):
        end.settimeout(_IDLE)
    while True:
        ready, _, _ = select.select([one, other], [], [], _IDLE)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


def as_before(command: list[str], uid: int, gid: int) -> list[str]:
    """``command`` as the person who asked for it, where a second namespace can say so; else as the root of this one."""
    unshare = shutil.which("unshare")
    if uid == 0 or not unshare:
        return command
    given = [unshare, "--user", f"--map-user={uid}", f"--map-group={gid}", "--"]
    probe = subprocess.run([*given, "true"], check=False, capture_output=True)
    return [*given, *command] if probe.returncode == 0 else command


def main() -> int:
    settings, command = json.loads(sys.argv[1]), sys.argv[3:]
    told, names = Told(int(settings["tell"])), Names()
    try:
        make_everything_local()
        hide_resolvers()
        serve_dns(names, told)
        watch_packets(names, told)
        take_connections(names, told, settings["outside"])
    except OSError as error:
        told(event="failed", why=str(error))
        return 125
    told(event="ready")
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environ["RES_OPTIONS"] = "ndots:1"
    try:
        child = subprocess.Popen(as_before(command, settings["uid"], settings["gid"]), env=environ)
    except OSError as error:
        told(event="unstarted", why=error.strerror)
        return 127
    code = child.wait()
    time.sleep(0.05)  # what the last packets say is still on its way
    told(event="ended", code=code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
