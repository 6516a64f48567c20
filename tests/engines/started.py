"""Start an engine on loopback with exported files, and ask it about one name at a time."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import msgspec
import yaml

from allowlist.filters.dns import AZURE_DNS
from allowlist.filters.lists import Service

Ask = Callable[[str, Service], bool]
"""Does a client get through to this name on this service?"""

GENEROUS = 60.0
"""Seconds that an engine may take to answer for the first time on a busy machine."""

HTTPS = Service("https", 443, 443)
HTTP = Service("http", 80, 80)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def version_of(*command: str) -> str:
    """The first line an engine prints of itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GENEROUS)
    return (done.stdout or done.stderr).strip().splitlines()[0]


@contextlib.contextmanager
def running(command: list[str], folder: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """The process of an engine, until it answers; ended whatever happens."""
    log = folder / "engine.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(process, log, is_up)
        yield
    finally:
        process.terminate()
        try:
            process.wait(GENEROUS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, is_up: Callable[[], bool]) -> None:
    end = time.monotonic() + GENEROUS
    while not is_up():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the engine did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def accepts(port: int) -> Callable[[], bool]:
    def ask() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    return ask


@contextlib.contextmanager
def origin(reply: bytes) -> Iterator[int]:
    """A server that answers every connection with ``reply``, whatever it is sent."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.settimeout(GENEROUS)
                self.request.recv(65536)
                self.request.sendall(reply)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def exchange(port: int, data: bytes) -> bytes:
    """What comes back for ``data``; empty where the connection is closed without a word."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), GENEROUS) as link:
        link.settimeout(GENEROUS)
        link.sendall(data)
        return link.recv(65536)
    return b""


def hello(name: str) -> bytes:
    """The first message of a TLS client that asks for ``name``."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def http(method: str, target: str, host: str) -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def _get(name: str, service: Service) -> bytes:
    host = name if service.low == 80 else f"{name}:{service.low}"
    return http("GET", f"http://{host}/", host)


def _connect(name: str, service: Service) -> bytes:
    return http("CONNECT", f"{name}:{service.low}", f"{name}:{service.low}")


def write(folder: Path, files: Mapping[str, str]) -> None:
    folder.chmod(0o755)
    for name, text in files.items():
        (folder / name).write_text(text)


@contextlib.contextmanager
def squid(files: Mapping[str, str], folder: Path) -> Iterator[Ask]:
    """Squid gives up root, so its files stand where its own user can read them."""
    port = free_port()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with TemporaryDirectory() as name, origin(reply) as parent:
        folder = Path(name)
        write(folder, files)
        (folder / "squid.conf").write_text(
            f"http_port 127.0.0.1:{port}\ncache_peer 127.0.0.1 parent {parent} 0 no-query no-digest default\n"
            "never_direct allow all\ncache deny all\naccess_log none\npid_filename none\ncache_store_log none\n"
            f"cache_log {folder}/engine.log\ncoredump_dir none\nvisible_hostname squid.test\nshutdown_lifetime 0 seconds\n"
            f"cache_effective_user proxy\ninclude {folder}/allowlist.conf\n"
        )
        (folder / "engine.log").touch()
        shutil.chown(folder, "proxy")
        shutil.chown(folder / "engine.log", "proxy")
        main = (folder / "allowlist.conf").read_text().replace('"allowlist-', f'"{folder}/allowlist-')
        (folder / "allowlist.conf").write_text(main)
        with running(["squid", "-N", "-n", f"allowlist{port}", "-f", "squid.conf"], folder, accepts(port)):

            def ask(name: str, service: Service) -> bool:
                sent = _connect(name, service) if service.protocol == "https" else _get(name, service)
                return b" 403 " not in exchange(port, sent).split(b"\r\n", 1)[0]

            yield ask


@contextlib.contextmanager
def nginx(files: Mapping[str, str], folder: Path) -> Iterator[Ask]:
    ports = {file.removeprefix("allowlist-").removesuffix(".conf"): free_port() for file in files}
    write(folder, files)
    streams = [slug for slug in ports if slug.startswith("https")]
    hosts = [slug for slug in ports if slug.startswith("http-")]
    stream = "".join(
        f"include {folder}/allowlist-{slug}.conf; server {{ listen 127.0.0.1:{ports[slug]}; ssl_preread on; "
        f"return $allowlist_{slug.replace('-', '_')}; }}\n"
        for slug in streams
    )
    web = "".join(
        f"include {folder}/allowlist-{slug}.conf; server {{ listen 127.0.0.1:{ports[slug]}; "
        f"return 200 $allowlist_{slug.replace('-', '_')}; }}\n"
        for slug in hosts
    )
    (folder / "nginx.conf").write_text(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nuser root;\ndaemon off;\nmaster_process off;\n"
        f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"stream {{ {_once(stream)} }}\nhttp {{ access_log off; {_once(web)} }}\n"
    )
    with running(["nginx", "-c", f"{folder}/nginx.conf"], folder, accepts(next(iter(ports.values())))):

        def ask(name: str, service: Service) -> bool:
            sent = hello(name) if service.protocol == "https" else _get(name, service)
            return exchange(ports[service.slug], sent).endswith(b"1")

        yield ask


def _once(text: str) -> str:
    return text


@contextlib.contextmanager
def haproxy(files: Mapping[str, str], folder: Path) -> Iterator[Ask]:
    write(folder, files)
    acls = [line for line in files["allowlist.cfg"].splitlines() if line.startswith("acl ")]
    labels = sorted({line.split()[1] for line in acls})
    ports = {label: free_port() for label in labels}
    with origin(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as backend:
        parts = [
            "global\n    maxconn 1000\ndefaults\n    timeout connect 60s\n    timeout client 60s\n    timeout server 60s\n"
        ]
        for label in labels:
            mine = "".join(f"    {line}\n" for line in acls if line.split()[1] == label)
            mode = "tcp" if "https" in label else "http"
            rule = (
                "    tcp-request inspect-delay 30s\n    tcp-request content accept if { req.ssl_hello_type 1 } "
                f"{label}\n    tcp-request content reject if {{ req.ssl_hello_type 1 }}\n"
                if mode == "tcp"
                else f"    http-request deny unless {label}\n"
            )
            parts.append(
                f"frontend {label}\n    mode {mode}\n    bind 127.0.0.1:{ports[label]}\n{mine}{rule}    default_backend b_{mode}\n"
            )
        parts += [
            f"backend b_{mode}\n    mode {mode}\n    server s 127.0.0.1:{backend}\n"
            for mode in ("tcp", "http")
        ]
        (folder / "haproxy.cfg").write_text("".join(parts))
        with running(["haproxy", "-db", "-f", "haproxy.cfg"], folder, accepts(ports[labels[0]])):

            def ask(name: str, service: Service) -> bool:
                port = ports[f"allowlist_{service.slug.replace('-', '_')}"]
                sent = hello(name) if service.protocol == "https" else http("GET", "/", name)
                return b" 200 " in exchange(port, sent)

            yield ask


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """A resolver that has an address for every name."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, link = self.request
            with contextlib.suppress(dns.exception.DNSException):
                query = dns.message.from_wire(data)
                reply = dns.message.make_response(query, recursion_available=True)
                question = query.question[0]
                if question.rdtype == dns.rdatatype.A:
                    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "192.0.2.1"))
                link.sendto(reply.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _resolves(port: int, name: str) -> bool:
    reply = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", GENEROUS, port)
    return bool(reply.answer) and reply.rcode() == dns.rcode.NOERROR


def _answers(port: int) -> Callable[[], bool]:
    def ask() -> bool:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            dns.query.udp(dns.message.make_query("up.test", "A"), "127.0.0.1", 1, port)
            return True
        return False

    return ask


@contextlib.contextmanager
def _resolver(
    folder: Path,
    files: Mapping[str, str],
    command: list[str],
    config: Callable[[int, int], Mapping[str, str]],
) -> Iterator[Ask]:
    port = free_port()
    with upstream() as above:
        write(folder, {**files, **config(port, above)})
        with running(
            [part.format(folder=folder, port=port, above=above) for part in command], folder, _answers(port)
        ):
            yield lambda name, service: _resolves(port, name)


def bind(files: Mapping[str, str], folder: Path) -> contextlib.AbstractContextManager[Ask]:
    def config(port: int, above: int) -> Mapping[str, str]:
        zones = "".join(
            f'zone "{name}.rpz" {{ type master; file "{folder}/allowlist-{name}.zone"; }};\n'
            for name in ("pass", "block")
        )
        return {
            "named.conf": f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; '
            f"forwarders {{ 127.0.0.1 port {above}; }}; forward only; recursion yes; dnssec-validation no; "
            f'pid-file none; session-keyfile "{folder}/session.key"; '
            'response-policy { zone "pass.rpz"; zone "block.rpz"; } qname-wait-recurse no; };\n'
            f"controls {{ }};\n{zones}"
        }

    return _resolver(folder, files, ["named", "-g", "-c", "{folder}/named.conf"], config)


def unbound_rpz(files: Mapping[str, str], folder: Path) -> contextlib.AbstractContextManager[Ask]:
    zones = "".join(
        f'rpz:\n    name: "{name}.rpz"\n    zonefile: "{folder}/allowlist-{name}.zone"\n'
        for name in ("pass", "block")
    )
    return _unbound(files, folder, zones)


def unbound_zones(files: Mapping[str, str], folder: Path) -> contextlib.AbstractContextManager[Ask]:
    return _unbound(files, folder, f'include: "{folder}/allowlist.unbound.conf"\n')


def _unbound(files: Mapping[str, str], folder: Path, more: str) -> contextlib.AbstractContextManager[Ask]:
    def config(port: int, above: int) -> Mapping[str, str]:
        return {
            "unbound.conf": f'server:\n    interface: 127.0.0.1@{port}\n    do-daemonize: no\n    username: ""\n'
            f'    chroot: ""\n    directory: "{folder}"\n    pidfile: ""\n    do-not-query-localhost: no\n    use-syslog: no\n'
            '    module-config: "respip iterator"\n    num-threads: 1\n'
            f'forward-zone:\n    name: "."\n    forward-addr: 127.0.0.1@{above}\n{more}'
        }

    return _resolver(folder, files, ["unbound", "-d", "-c", "{folder}/unbound.conf"], config)


def dnsmasq(files: Mapping[str, str], folder: Path) -> contextlib.AbstractContextManager[Ask]:
    command = [
        "dnsmasq",
        "--keep-in-foreground",
        "--port={port}",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
    ]
    command += ["--no-hosts", "--user=root", "--pid-file="]
    command += ["--conf-file={folder}/allowlist.dnsmasq.conf"]

    def config(port: int, above: int) -> Mapping[str, str]:
        del port
        return {file: text.replace(AZURE_DNS, f"127.0.0.1#{above}") for file, text in files.items()}

    return _resolver(folder, files, command, config)


def _bootstrap(listeners: list[dict[str, Any]], backend: int) -> str:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": backend}}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
    cluster = {
        "name": "egress",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "egress", "endpoints": [endpoint]},
    }
    return msgspec.json.encode({"static_resources": {"listeners": listeners, "clusters": [cluster]}}).decode()


def _listener(name: str, port: int, chains: list[Any], **more: Any) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": name, "address": address, "filter_chains": chains, **more}


_ENVOY = ["-c", "bootstrap.json", "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]


@contextlib.contextmanager
def envoy_sni(files: Mapping[str, str], folder: Path) -> Iterator[Ask]:
    """One listener for each port: connections to loopback have no port 443 to tell chains apart by."""
    chains = yaml.safe_load(files["allowlist.envoy.yaml"])["filter_chains"]
    inspector = {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
        },
    }
    ports: dict[int, int] = {}
    listeners = []
    for chain in chains:
        number = chain["filter_chain_match"].pop("destination_port")
        ports[number] = free_port()
        listeners.append(_listener(f"l{number}", ports[number], [chain], listener_filters=[inspector]))
    with origin(b"1") as backend:
        write(folder, {"bootstrap.json": _bootstrap(listeners, backend)})
        with running([str(shutil.which("envoy")), *_ENVOY], folder, accepts(next(iter(ports.values())))):
            yield lambda name, service: exchange(ports[service.low], hello(name)) == b"1"


@contextlib.contextmanager
def envoy_proxy(files: Mapping[str, str], folder: Path) -> Iterator[Ask]:
    hosts = yaml.safe_load(files["allowlist.envoy.yaml"])["virtual_hosts"]
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "proxy",
        "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "route_config": {"name": "routes", "virtual_hosts": hosts},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}
        ],
    }
    port = free_port()
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    with origin(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as backend:
        write(folder, {"bootstrap.json": _bootstrap([_listener("proxy", port, [chain])], backend)})
        with running([str(shutil.which("envoy")), *_ENVOY], folder, accepts(port)):

            def ask(name: str, service: Service) -> bool:
                sent = _connect(name, service) if service.protocol == "https" else _get(name, service)
                return b" 404 " not in exchange(port, sent).split(b"\r\n", 1)[0]

            yield ask
