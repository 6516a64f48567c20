"""Private endpoints: whom they serve, where they stand, and whether they are approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.network.observation import Evidence, evidence
from allowlist.network.private_link import LinkedService, Zone, names_follow_resource, service_of, zones_for
from allowlist.network.read import member, objects, properties, reference, references, texts, under

ENDPOINT_TYPE = "Microsoft.Network/privateEndpoints"
_LISTS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
UNSTATED = "Unknown"
"""Of a connection of which nothing says whether it is approved."""
APPROVED = "Approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedName:
    """A host name an endpoint serves: the zone that must answer, and the record in it.

    ``stated`` names are written at the endpoint itself; the others follow from the resource's name.
    """

    name: str
    zone: str
    record: str
    stated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One private endpoint. ``addresses`` is empty where its interface was not read."""

    id: str
    name: str
    network: str
    subnet: str
    target: str
    group: str
    status: str
    addresses: tuple[str, ...]
    names: tuple[ServedName, ...]
    zones: tuple[Zone, ...]
    stated_zones: tuple[str, ...]
    evidence: Evidence
    body: Body

    @property
    def is_approved(self) -> bool:
        return self.status.lower() == "approved"

    @property
    def target_name(self) -> str:
        return ResourceId(self.target).name


def endpoints_of(estate: Estate, cloud: str) -> list[Endpoint]:
    """All private endpoints of the estate; one per connection and sub-resource."""
    return [item for body in estate.of_type(ENDPOINT_TYPE) for item in _endpoints(estate, body, cloud)]


def _endpoints(estate: Estate, body: Body, cloud: str) -> Iterator[Endpoint]:
    inner = properties(body)
    for key in _LISTS:
        for index, connection in enumerate(objects(inner, key)):
            details = properties(connection)
            target = normal_id(str(details.get("privateLinkServiceId") or ""))
            place = f"properties.{key}[{index}].properties.privateLinkServiceConnectionState.status"
            status, shown = _status(estate, body, target, details, evidence(body, place))
            for group in texts(details, "groupIds") or [""]:
                service = service_of(ResourceId(target).type, str(group), cloud) if target else None
                yield _endpoint(estate, body, target, str(group), status, shown, service)


def _endpoint(
    estate: Estate,
    body: Body,
    target: str,
    group: str,
    status: str,
    shown: Evidence,
    service: LinkedService | None,
) -> Endpoint:
    inner = properties(body)
    subnet = reference(inner, "subnet")
    kind = str((estate.get(target) or {}).get("kind") or "")
    zones = zones_for(service, kind) if service else ()
    return Endpoint(
        id=normal_id(body["id"]),
        name=str(body.get("name") or ResourceId(body["id"]).name),
        network=under(subnet, "virtualNetworks"),
        subnet=subnet,
        target=target,
        group=group,
        status=status,
        addresses=tuple(dict.fromkeys(_addresses(estate, inner))),
        names=tuple(_names(estate, inner, target, service, zones)),
        zones=zones,
        stated_zones=tuple(_stated_zones(estate, body)),
        evidence=shown,
        body=body,
    )


def _status(estate: Estate, body: Body, target: str, details: Body, own: Evidence) -> tuple[str, Evidence]:
    """The state both sides tell; where they differ, the one that is not approved counts."""
    status = str(member(details, "privateLinkServiceConnectionState").get("status") or UNSTATED)
    if status != APPROVED:
        return status, own
    owner = estate.get(target) if target else None
    for index, connection in enumerate(objects(properties(owner), "privateEndpointConnections")):
        inner = properties(connection)
        if owner is None or reference(inner, "privateEndpoint") != normal_id(body["id"]):
            continue
        theirs = str(member(inner, "privateLinkServiceConnectionState").get("status") or status)
        if theirs != APPROVED:
            place = f"properties.privateEndpointConnections[{index}].properties.privateLinkServiceConnectionState.status"
            return theirs, evidence(owner, place)
    return status, own


def _addresses(estate: Estate, inner: Body) -> Iterator[str]:
    for item in objects(inner, "customDnsConfigs"):
        yield from (str(address) for address in texts(item, "ipAddresses"))
    for item in objects(inner, "ipConfigurations"):
        if properties(item).get("privateIPAddress"):
            yield str(properties(item)["privateIPAddress"])
    for interface in references(inner, "networkInterfaces"):
        for item in objects(properties(estate.get(interface)), "ipConfigurations"):
            if properties(item).get("privateIPAddress"):
                yield str(properties(item)["privateIPAddress"])


def _names(
    estate: Estate, inner: Body, target: str, service: LinkedService | None, zones: tuple[Zone, ...]
) -> Iterator[ServedName]:
    """Names the endpoint states itself, then those that follow from the resource's name."""
    if service is None:
        return
    seen: set[str] = set()
    stated = [str(item.get("fqdn") or "") for item in objects(inner, "customDnsConfigs")]
    for interface in references(inner, "networkInterfaces"):
        for item in objects(properties(estate.get(interface)), "ipConfigurations"):
            details = member(properties(item), "privateLinkConnectionProperties")
            stated += [str(name) for name in texts(details, "fqdns")]
    label = _label(estate, target)
    follow = [f"{label}.{zone.suffixes[0]}" for zone in zones] if names_follow_resource(service) else []
    for name in (*stated, *follow):
        found = _served(name.lower().rstrip("."), service, stated=name in stated)
        if found is not None and found.name not in seen:
            seen.add(found.name)
            yield found


def _label(estate: Estate, target: str) -> str:
    """The first label of a resource's host names: an account's custom subdomain, else the resource's name."""
    custom = properties(estate.get(target)).get("customSubDomainName")
    return str(custom or ResourceId(target).name).lower()


def _served(name: str, service: LinkedService, *, stated: bool) -> ServedName | None:
    for zone in service.zones:
        for suffix in zone.suffixes:
            if name.endswith(f".{suffix}"):
                record = name.removesuffix(f".{suffix}")
                return ServedName(name=name, zone=zone.name, record=record, stated=stated)
    return None


def _stated_zones(estate: Estate, body: Body) -> Iterator[str]:
    """Zones named by the endpoint's DNS zone groups."""
    for group in estate.children(body["id"], "privateDnsZoneGroups"):
        for item in objects(properties(group), "privateDnsZoneConfigs"):
            zone = properties(item).get("privateDnsZoneId")
            if zone:
                yield normal_id(str(zone))
