"""Two clouds behind one proxy, each a simulator of its own, and what every client asked of whom."""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from allowlist.simulator import Running, Simulator, serve
from tests.helpers.cli import CONTOSO

HOSTS = {
    "public": ("management.azure.com", "login.microsoftonline.com"),
    "usgov": ("management.usgovcloudapi.net", "login.microsoftonline.us", "logs.blob.core.usgovcloudapi.net"),
}
"""Resource Manager and sign-in of each; and a storage account, which is not there."""
_REQUEST = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.1\r\n")


@dataclass
class Clouds:
    """``asked`` holds (host, method and path) of every request that any client made."""

    environment: Mapping[str, str]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def hosts(self) -> set[str]:
        return {host for host, _ in self.asked}

    def tokens(self) -> int:
        return sum(host.startswith("login.") and path.endswith("/token") for host, path in self.asked)

    def sign_in_tenants(self) -> set[str]:
        return {path.split("/")[1] for host, path in self.asked if host.startswith("login.")}


@contextmanager
def two_clouds(folder: Path) -> Iterator[Clouds]:
    """Both clouds hold the example company, so that a request that goes astray is answered, not refused."""
    authority = trustme.CA()
    trust = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trust))
    with _running(folder, "public") as public, _running(folder, "usgov") as usgov:
        by_host = {
            host: running
            for cloud, running in (("public", public), ("usgov", usgov))
            for host in HOSTS[cloud]
        }
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
            proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
            clouds = Clouds(
                {
                    "HTTPS_PROXY": proxy,
                    "NO_PROXY": "127.0.0.1,localhost",
                    "REQUESTS_CA_BUNDLE": str(trust),
                    "SSL_CERT_FILE": str(trust),
                }
            )
            accepting = threading.Thread(
                target=_accept, args=(listening, authority, by_host, clouds), daemon=True
            )
            accepting.start()
            yield clouds
            listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


@contextmanager
def _running(folder: Path, cloud: str) -> Iterator[Running]:
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator, tls=folder / f"{cloud}.pem", names=HOSTS[cloud]) as running:
        yield running


def _accept(
    listening: socket.socket, authority: trustme.CA, by_host: Mapping[str, Running], clouds: Clouds
) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_tunnel, args=(client, authority, by_host, clouds), daemon=True).start()


def _tunnel(
    client: socket.socket, authority: trustme.CA, by_host: Mapping[str, Running], clouds: Clouds
) -> None:
    """``CONNECT host:443``, opened up to see what is asked; a host of neither cloud is noted and refused."""
    with suppress(OSError), client:
        host = client.recv(65536).split(b" ")[1].partition(b":")[0].decode()
        if host not in by_host:
            clouds.asked.append((host, "CONNECT /"))
            client.sendall(b"HTTP/1.1 502 unknown\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(ours)
        theirs = ssl.create_default_context(cafile=str(by_host[host].ca_file))
        with (
            ours.wrap_socket(client, server_side=True) as near,
            socket.create_connection(("localhost", by_host[host].port)) as plain,
            theirs.wrap_socket(plain, server_hostname="localhost") as far,
        ):
            _pump(near, far, host, clouds)


def _pump(near: ssl.SSLSocket, far: ssl.SSLSocket, host: str, clouds: Clouds) -> None:
    while True:
        ready = [item for item in (near, far) if item.pending()] or select.select([near, far], [], [], 60)[0]
        for source in ready:
            try:
                source.setblocking(False)
                data = source.recv(65536)
            except ssl.SSLWantReadError:  # a session ticket is no data
                continue
            finally:
                source.setblocking(True)
            if not data:
                return
            if source is near:
                if found := _REQUEST.match(data):
                    clouds.asked.append((host, f"{found[1].decode()} {found[2].decode()}".split(" ", 1)[1]))
                far.sendall(data)
            else:
                near.sendall(data)
