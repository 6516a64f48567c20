"""Private endpoints and the private DNS that leads to them."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Body
from allowlist.estate.known import is_expression
from allowlist.network.endpoints import UNSTATED, Endpoint, ServedName
from allowlist.network.observation import Observation, evidence, expressions, fault, met, unknown
from allowlist.network.read import member, name_of, objects, properties, reference
from allowlist.network.scene import Scene
from allowlist.network.serving import resolution_from
from allowlist.network.topology import Network

Observations = Iterator[Observation]
_CODE = "endpoint-approved"


def connections(scene: Scene) -> Observations:
    """A connection that is not approved carries nothing: its names still go out through the firewall."""
    for endpoint in scene.endpoints:
        what = f"{endpoint.name} to {endpoint.target_name} ({endpoint.group or 'no sub-resource'})"
        if endpoint.is_approved:
            yield met(_CODE, endpoint.id, f"{what} is approved", endpoint.evidence)
        elif endpoint.status == UNSTATED:
            says = f"whether {what} is approved was not read"
            yield unknown(_CODE, endpoint.id, says, f"read {endpoint.name} again", endpoint.evidence)
        else:
            says = f"{what} is {endpoint.status.lower()}: it serves no name"
            remedy = (
                f"approve the connection on {endpoint.target_name}"
                if endpoint.status.lower() == "pending"
                else f"create {endpoint.name} again and have it approved"
            )
            yield fault(_CODE, endpoint.id, says, remedy, endpoint.evidence)
    yield from _strangers(scene)
    yield from _unread(scene)


def _unread(scene: Scene) -> Observations:
    """Connections that stand behind an expression: each may be one that is not approved."""
    for key in sorted(scene.estate.resources):
        body = scene.estate.resources[key]
        for name in _LISTS:
            place = evidence(body, f"properties.{name}")
            if place.doubt and _hides_connections(properties(body), name):
                says = f"whether connections of {body.get('name')} are approved is not known"
                yield unknown(_CODE, str(body["id"]), says, "read what is deployed", place)


_LISTS = (
    "privateLinkServiceConnections",
    "manualPrivateLinkServiceConnections",
    "privateEndpointConnections",
)


def _hides_connections(inner: Body, name: str) -> bool:
    """Is the list, one of its connections or the state of one an expression?"""
    items = inner.get(name)
    if not isinstance(items, list):
        return bool(items)
    return any(
        not isinstance(item, dict)
        or is_expression(item.get("properties"))
        or next(expressions(properties(item).get("privateLinkServiceConnectionState")), "") != ""
        for item in items
    )


def _strangers(scene: Scene) -> Observations:
    """Connections that wait on a resource and whose endpoint was not read: somebody asks to be let in."""
    known = {endpoint.id for endpoint in scene.endpoints}
    for key in sorted(scene.estate.resources):
        body = scene.estate.resources[key]
        for index, connection in enumerate(objects(properties(body), "privateEndpointConnections")):
            inner = properties(connection)
            status = str(member(inner, "privateLinkServiceConnectionState").get("status") or "")
            endpoint = reference(inner, "privateEndpoint")
            if endpoint not in known and status.lower() in ("pending", "rejected", "disconnected"):
                yield _stranger(body, index, endpoint, status)


def _stranger(body: Body, index: int, endpoint: str, status: str) -> Observation:
    place = (
        f"properties.privateEndpointConnections[{index}].properties.privateLinkServiceConnectionState.status"
    )
    name = str(body.get("name") or name_of(str(body["id"])))
    says = f"connection of {name_of(endpoint) or 'an unknown endpoint'} to {name} is {status.lower()}"
    remedy = "approve or reject it" if status.lower() == "pending" else "remove it"
    return fault(_CODE, str(body["id"]), says, remedy, evidence(body, place), severity="warning")


def resolution(scene: Scene) -> Observations:
    """Per endpoint and zone: is there a zone, is it linked where it must be, does it hold the record?"""
    for endpoint in scene.near_endpoints:
        if not endpoint.is_approved:
            continue
        for network in scene.networks:
            for served in _wanted(endpoint):
                yield _resolution(scene, network, endpoint, served)


def _wanted(endpoint: Endpoint) -> list[ServedName]:
    """Names whose zones the endpoint states, by name or zone group; without that those its kind always has.

    Not every account is asked by all of its names, so a zone nobody states for it is no fault.
    """
    stated = {item.zone for item in endpoint.names if item.stated}
    stated |= {name_of(item) for item in endpoint.stated_zones}
    usual = {zone.name for zone in endpoint.zones if not zone.name.startswith("privatelink.services.ai.")}
    return [item for item in endpoint.names if item.zone in (stated or usual)]


def _resolution(scene: Scene, network: Network, endpoint: Endpoint, served: ServedName) -> Observation:
    found = resolution_from(scene, network, endpoint, served)
    resource = found.resource or endpoint.id
    if found.private:
        return met("dns-record", resource, f"{served.name} resolves to {endpoint.name}", *found.evidence)
    if found.code == "dns-proxy":
        return met("dns-zone", endpoint.id, f"{served.name} is not asked for: see the DNS proxy")
    unread = scene.unread("Microsoft.Network/privateDnsZones")
    if found.private is None or unread:
        says = f"whether {served.name} resolves to {endpoint.name} is not known: {unread or found.because}"
        remedy = "read zones, links and records: allowlist snapshot -o DIR"
        return unknown(found.code, resource, says, remedy, *found.evidence)
    answer = scene.answering(network)
    says = f"{found.because}, so {_subject(found.code, served)} resolves to the public address and the firewall sees it"
    remedy = {
        "dns-zone": f"create {served.zone} and link it to {name_of(answer.network)}",
        "dns-link": f"link {served.zone} to {name_of(answer.network)} ({answer.says})",
        "dns-record": f"add the endpoint's DNS zone group, or record {served.record} with its address",
    }[found.code]
    shown = (*found.evidence, *answer.evidence, endpoint.evidence)
    return fault(found.code, resource, says, remedy, *shown)


def _subject(code: str, served: ServedName) -> str:
    """A zone or link fault is one fault, however many names it concerns; a record fault names its name."""
    return (
        served.name
        if code == "dns-record"
        else f"what it answers for ({served.zone.removeprefix('privatelink.')})"
    )
