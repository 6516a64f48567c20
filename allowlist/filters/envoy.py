"""Envoy: filter chains by server name, and a forward proxy's virtual hosts.

A server name ``*x`` or a name twice keeps Envoy 1.40 from starting, and an SNI with a dot at the end never matches
(measured). A virtual host has to name the port of a CONNECT as well, otherwise nothing matches one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import yaml

from allowlist.errors import InvalidInput
from allowlist.filters.dialects import DIALECTS, Dialect
from allowlist.filters.format import ALL_KINDS, Files, Imported, Trouble, TroubleKind, comment_lines, names_in
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.reading import everything

_TLS_INSPECTOR: Final = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
_TCP_PROXY: Final = (
    "type.googleapis.com/envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"
)


class _Envoy:
    widens: Mapping[Kind, Kind] = {}

    def _read(self, files: Files) -> Iterator[tuple[str, Any]]:
        for file, text in files.items():
            try:
                yield file, yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                raise InvalidInput.of(
                    file, "is neither YAML nor JSON", line=mark.line + 1 if mark else 0
                ) from None


class EnvoyServerNames(_Envoy):
    """``filter_chain_match.server_names`` by destination port."""

    name = "envoy-sni"
    title = "Envoy filter chains by server name (TLS passes through)"
    sees = staticmethod(names_in("https"))
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE, Kind.EVERYTHING})
    notes = (
        (
            "Put filter_chains into the listener, with the TLS inspector among its listener_filters; connections that "
            "match no chain are closed."
        ),
        "Every chain goes on to the cluster 'egress': name yours there.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        chains = [self._chain(service, shapes) for service, shapes in lists]
        return {"allowlist.envoy.yaml": _document(title, {"filter_chains": chains})}

    def _chain(self, service: Service, shapes: list[tuple[Shape, tuple[str, ...]]]) -> dict[str, Any]:
        names = [entry for shape, _ in shapes for entry in shape.patterns]
        match: dict[str, Any] = {"destination_port": service.low, "transport_protocol": "tls"}
        if "*" not in names:
            match["server_names"] = names
        proxy = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": f"allowlist-{service.slug}",
            "cluster": "egress",
        }
        return {
            "name": f"allowlist-{service.slug}",
            "filter_chain_match": match,
            "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}],
        }

    def read(self, files: Files) -> Imported:
        found = Imported()
        seen: set[tuple[int, str]] = set()
        for file, document in self._read(files):
            for match in _values(document, "filter_chain_match"):
                port = int(match.get("destination_port", 443))
                service = Service("https", port, port)
                names = match.get("server_names", [])
                if not names:
                    found.add(service, "*", everything(), file, 0)
                for name in names:
                    if (port, name.lower()) in seen:
                        found.troubles.append(
                            Trouble(TroubleKind.CONFLICT, file, 0, name, "stands twice; Envoy does not start")
                        )
                    seen.add((port, name.lower()))
                    found.add(service, name, DIALECTS["envoy filter_chain server_names"].read(name), file, 0)
        return found


class EnvoyForwardProxy(_Envoy):
    """``domains`` of the one virtual host that is let through; CONNECT carries ``host:port``, Host mostly no port."""

    name = "envoy-proxy"
    title = "Envoy forward proxy (virtual host domains)"
    sees = staticmethod(names_in("https", "http"))
    says = ALL_KINDS
    notes = (
        "Put virtual_hosts into the route configuration of a forward proxy; what no domain matches is answered 404.",
        "https names are matched with the port of the CONNECT, http names with and without port 80.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        hosts = []
        for service, shapes in lists:
            domains = [text for shape, _ in shapes for text in _domains(shape, service)]
            matcher: dict[str, Any] = (
                {"connect_matcher": {}} if service.protocol == "https" else {"prefix": "/"}
            )
            route: dict[str, Any] = {"match": matcher, "route": {"cluster": "egress"}}
            if service.protocol == "https":
                route["route"]["upgrade_configs"] = [{"upgrade_type": "CONNECT", "connect_config": {}}]
            hosts.append({"name": f"allowlist-{service.slug}", "domains": domains, "routes": [route]})
        return {"allowlist.envoy.yaml": _document(title, {"virtual_hosts": hosts})}

    def read(self, files: Files) -> Imported:
        found = Imported()
        seen: set[str] = set()
        for file, document in self._read(files):
            for host in _values(document, "virtual_hosts"):
                for item in host if isinstance(host, list) else [host]:
                    self._read_host(found, seen, file, item)
        return found

    def _read_host(self, found: Imported, seen: set[str], file: str, host: dict[str, Any]) -> None:
        connects = any("connect_matcher" in route.get("match", {}) for route in host.get("routes", []))
        for domain in host.get("domains", []):
            if domain.lower() in seen:
                found.troubles.append(
                    Trouble(TroubleKind.CONFLICT, file, 0, domain, "stands twice; Envoy does not start")
                )
            seen.add(domain.lower())
            self._read_domain(found, file, domain, connects=connects)

    def _read_domain(self, found: Imported, file: str, domain: str, *, connects: bool) -> None:
        name, colon, port = domain.rpartition(":")
        protocol = "https" if connects else "http"
        if not colon and connects and domain != "*":
            why = "lacks the port; a CONNECT to host:443 never matches it"
            found.troubles.append(Trouble(TroubleKind.DEAD, file, 0, domain, why))
            return
        if colon and not port.isdecimal():
            why = "means every name that starts with it"
            found.troubles.append(Trouble(TroubleKind.OPAQUE, file, 0, domain, why))
            return
        number = int(port) if colon else 443 if connects else 80
        dialect: Dialect = DIALECTS["envoy virtual_hosts Host"]
        found.add(Service(protocol, number, number), domain, dialect.read(name if colon else domain), file, 0)


def _domains(shape: Shape, service: Service) -> Iterator[str]:
    """``*x`` needs one character more in Envoy, so a suffix is written with the name itself beside it."""
    names = [f"*{shape.name}", shape.name] if shape.kind is Kind.ENDS else list(shape.patterns)
    for name in names:
        if name == "*":
            yield "*"
            continue
        yield f"{name}:{service.low}"
        if service.protocol == "http" and service.low == 80:
            yield name


def _values(document: Any, key: str) -> Iterator[Any]:
    """Every value of ``key``, however deep it stands."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(document, list):
        for item in document:
            yield from _values(item, key)


def _document(title: str, body: Any) -> str:
    text = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    return "\n".join([*comment_lines(title), text, ""])
