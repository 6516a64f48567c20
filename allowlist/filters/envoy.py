"""Envoy: filter chains by server name, and a forward proxy's virtual hosts.

A server name ``*x`` or a name twice keeps Envoy 1.40 from starting, and an SNI with a dot at the end never matches
(measured). A virtual host has to name the port of a CONNECT as well, otherwise nothing matches one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.documents import documents, yaml_of
from allowlist.filters.format import (
    ALL_KINDS,
    Files,
    Imported,
    Place,
    TroubleKind,
    line_of,
    names_in,
)
from allowlist.filters.lists import Kind, Lists, Service, Shape
from allowlist.filters.reading import Reading, everything


def _read(files: Files) -> Iterator[tuple[str, Any]]:
    for file, text in files.items():
        for document in documents(file, text):
            yield file, document


class EnvoyServerNames:
    """``filter_chain_match.server_names`` by destination port."""

    name = "envoy-sni"
    title = "Envoy filter chains by server name (TLS passes through)"
    widens: Mapping[Kind, Kind] = {}
    reconnects = True
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
        return {"allowlist.envoy.yaml": yaml_of(title, {"filter_chains": chains})}

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
        """A chain with server names before one without; the longest name decides."""
        found = Imported()
        dialect = DIALECTS["envoy filter_chain server_names"]
        entries: list[tuple[Service, str, Place, bool | None]] = []
        for file, document in _read(files):
            for chain in _mappings(document, "filter_chains"):
                entries += _server_names(chain, Place("", file), files[file])
            for chain in _values(document, "default_filter_chain"):
                place = _place("default_filter_chain", file, files[file])
                entries.append((Service("https"), "", place, _goes_on(chain)))
        _find_twice(found, [(service, name, place) for service, name, place, _ in entries if name])
        for service, name, place, passes in sorted(entries, key=lambda entry: _longest_first(entry[1])):
            reading = dialect.read(name) if name else everything()
            _say(found, service, reading, place, passes)
        return found


class EnvoyForwardProxy:
    """``domains`` of the one virtual host that is let through; CONNECT carries ``host:port``, Host mostly no port."""

    name = "envoy-proxy"
    title = "Envoy forward proxy (virtual host domains)"
    widens: Mapping[Kind, Kind] = {}
    reconnects = True
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
        return {"allowlist.envoy.yaml": yaml_of(title, {"virtual_hosts": hosts})}

    def read(self, files: Files) -> Imported:
        """An exact domain before the longest suffix, that before ``*`` (HTTP route configuration, domain search order)."""
        found = Imported()
        hosts = [
            (file, host) for file, document in _read(files) for host in _mappings(document, "virtual_hosts")
        ]
        places = [
            (_place(domain, file, files[file]), host)
            for file, host in hosts
            for domain in _texts(host, "domains")
        ]
        _find_twice(found, [(Service("any"), place.entry, place) for place, _ in places])
        for place, host in sorted(places, key=lambda item: _longest_first(item[0].entry)):
            routes = _mappings(host, "routes")
            connects = any("connect_matcher" in (route.get("match") or {}) for route in routes)
            self._read_domain(found, place, _routed(routes), connects=connects)
        return found

    def _read_domain(self, found: Imported, place: Place, passes: bool | None, *, connects: bool) -> None:
        domain = place.entry
        name, colon, port = domain.rpartition(":")
        protocol = "https" if connects else "http"
        if not colon and connects and domain != "*":
            found.tell(TroubleKind.DEAD, place, "lacks the port; a CONNECT to host:443 never matches it")
            return
        number = int(port) if port.isdecimal() and colon else 443 if connects else 80
        reading = DIALECTS["envoy virtual_hosts Host"].read(name if colon and port.isdecimal() else domain)
        service = Service(protocol) if domain == "*" else Service(protocol, number, number)
        _say(found, service, reading, place, passes)


def _say(found: Imported, service: Service, reading: Reading, place: Place, passes: bool | None) -> None:
    """One entry; where it is not known what becomes of its flows, they may pass and may not."""
    if passes is not None:
        found.add(service, place.entry, reading, place.file, place.line, allows=passes)
        return
    for scope in found.scopes(reading, place):
        found.either(replace(scope, services=(service,)), "what the other filters of Envoy do")


def _server_names(
    chain: Mapping[str, Any], where: Place, text: str
) -> Iterator[tuple[Service, str, Place, bool | None]]:
    match = chain.get("filter_chain_match") or {}
    port = match.get("destination_port")
    service = Service("https", int(port), int(port)) if port else Service("https", 443, 443)
    passes = _goes_on(chain)
    if match.keys() - {"destination_port", "server_names", "transport_protocol"}:
        passes = None
    names = _texts(match, "server_names")
    if not names:
        yield service, "", _place(str(chain.get("name") or "filter_chain_match"), where.file, text), passes
    for name in names:
        yield service, name, _place(name, where.file, text), passes


_PASSING_ON: Final = (
    "tcp_proxy",
    "sni_dynamic_forward_proxy",
    "http_connection_manager",
    "tls_inspector",
    "sni_cluster",
)


def _goes_on(chain: Any) -> bool | None:
    """Do the network filters of a chain pass a connection on? None where one of them decides by itself."""
    filters = [str(item.get("name") or "") for item in _mappings(chain, "filters")]
    if any("direct_response" in name for name in filters) or ("filters" in chain and not filters):
        return False
    return None if any(not any(known in name for known in _PASSING_ON) for name in filters) else True


def _routed(routes: list[Mapping[str, Any]]) -> bool | None:
    """Do the routes of a virtual host lead on? None where some do and some do not."""
    answers = {
        "route" in route
        for route in routes
        if "route" in route or {"direct_response", "redirect"} & route.keys()
    }
    whole = all((route.get("match") or {}).keys() <= {"connect_matcher", "prefix"} for route in routes)
    prefixes = {(route.get("match") or {}).get("prefix", "/") for route in routes}
    if len(answers) != 1 or not whole or prefixes - {"/"}:
        return None if routes else True
    return answers.pop()


def _find_twice(found: Imported, entries: list[tuple[Service, str, Place]]) -> None:
    seen: set[tuple[Service, str]] = set()
    for service, name, place in entries:
        if (service, name.lower()) in seen:
            found.tell(TroubleKind.CONFLICT, place, "stands twice; Envoy does not start")
        seen.add((service, name.lower()))


def _longest_first(entry: str) -> tuple[bool, bool, int]:
    return entry in ("", "*"), entry.startswith("*"), -len(entry)


def _place(entry: str, file: str, text: str) -> Place:
    return Place(entry, file, line_of(text, entry))


def _mappings(document: Any, key: str) -> list[Mapping[str, Any]]:
    """The mappings that stand under ``key``, in lists or alone, however deep."""
    found: list[Mapping[str, Any]] = []
    for value in _values(document, key):
        found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
    return found


def _texts(mapping: Mapping[str, Any], key: str) -> list[str]:
    value = mapping.get(key) or []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


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
