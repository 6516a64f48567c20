"""Private DNS: does a name resolve to its private endpoint, seen from a given network?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import normal_id
from allowlist.network.observation import Evidence, evidence
from allowlist.network.read import objects, properties, reference, texts, under

ZONE_TYPE = "Microsoft.Network/privateDnsZones"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateZone:
    """One private DNS zone. ``records`` None means: none was read although the zone may hold some."""

    id: str
    name: str
    links: dict[str, Evidence]
    records: dict[str, tuple[tuple[str, ...], Evidence]] | None
    body: Body

    def record(self, label: str) -> tuple[tuple[str, ...], Evidence] | None:
        """The addresses of an A record, with the wildcard record as DNS would use it."""
        found = (self.records or {}).get(label.lower())
        return found or (self.records or {}).get("*")


def zones_of(estate: Estate) -> list[PrivateZone]:
    bodies = list(estate.of_type(ZONE_TYPE))
    read_any = any(True for body in bodies for _ in _record_bodies(estate, body))
    return [_zone(estate, body, read_any=read_any) for body in bodies]


def _zone(estate: Estate, body: Body, *, read_any: bool) -> PrivateZone:
    records = dict(_records(estate, body))
    return PrivateZone(
        id=normal_id(body["id"]),
        name=str(body.get("name") or normal_id(body["id"]).rpartition("/")[2]).lower(),
        links=dict(_links(estate, body)),
        records=records if records or read_any or _is_empty(body) else None,
        body=body,
    )


def _is_empty(body: Body) -> bool:
    """A new zone has one record set, its start of authority."""
    return properties(body).get("numberOfRecordSets") in (0, 1)


def _links(estate: Estate, body: Body) -> Iterator[tuple[str, Evidence]]:
    inner = properties(body)
    for item in estate.children(body["id"], "virtualNetworkLinks"):
        state = str(properties(item).get("virtualNetworkLinkState") or "Completed")
        network = reference(properties(item), "virtualNetwork")
        if network and state.lower() == "completed":
            yield network, evidence(item, "properties.virtualNetwork.id")
    for index, item in enumerate(objects(inner, "virtualNetworkLinks")):
        network = reference(properties(item), "virtualNetwork")
        if network:
            yield network, evidence(body, f"properties.virtualNetworkLinks[{index}]")


def _record_bodies(estate: Estate, body: Body) -> Iterator[Body]:
    yield from estate.children(body["id"], "A")


def _records(estate: Estate, body: Body) -> Iterator[tuple[str, tuple[tuple[str, ...], Evidence]]]:
    for item in _record_bodies(estate, body):
        inner = properties(item)
        rows = objects(inner, "aRecords") or objects(inner, "ARecords")
        addresses = tuple(str(row.get("ipv4Address")) for row in rows if row.get("ipv4Address"))
        name = str(item.get("name") or normal_id(item["id"]).rpartition("/")[2])
        yield name.lower(), (addresses, evidence(item, "properties.aRecords"))
    yield from _grouped_records(estate, body)


def _grouped_records(estate: Estate, body: Body) -> Iterator[tuple[str, tuple[tuple[str, ...], Evidence]]]:
    """Records a private endpoint's DNS zone group says it keeps; used where the zone's own were not read."""
    if any(True for _ in _record_bodies(estate, body)):
        return
    zone_id = normal_id(body["id"])
    for group in estate.of_type("Microsoft.Network/privateEndpoints/privateDnsZoneGroups"):
        for number, item in enumerate(objects(properties(group), "privateDnsZoneConfigs")):
            inner = properties(item)
            if normal_id(str(inner.get("privateDnsZoneId") or "")) != zone_id:
                continue
            place = f"properties.privateDnsZoneConfigs[{number}].properties.recordSets"
            for row in objects(inner, "recordSets"):
                addresses = tuple(str(address) for address in texts(row, "ipAddresses"))
                yield str(row.get("recordSetName") or "").lower(), (addresses, evidence(group, place))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The answer for one name from one network. ``private`` None means unknown; ``code`` says what is missing."""

    private: bool | None
    code: str
    because: str
    resource: str = ""
    evidence: tuple[Evidence, ...] = ()


def resolve(
    zones: Iterable[PrivateZone],
    zone_name: str,
    record: str,
    network: str,
    addresses: tuple[str, ...],
) -> Resolution:
    """Does Azure DNS, asked from ``network``, answer ``record`` in ``zone_name`` with one of ``addresses``?"""
    known = list(zones)
    if not known:
        return Resolution(
            private=None, code="dns-zone", because=f"no private DNS zone was read, {zone_name} neither"
        )
    same = [zone for zone in known if zone.name == zone_name]
    if not same:
        return Resolution(private=False, code="dns-zone", because=f"there is no zone {zone_name}")
    zone = next((item for item in same if normal_id(network) in item.links), None)
    if zone is None:
        shown = tuple(evidence(item.body, "name") for item in same)
        return Resolution(
            private=False,
            code="dns-link",
            because=f"zone {zone_name} is not linked to network {network.rpartition('/')[2]}",
            resource=same[0].id,
            evidence=shown,
        )
    return _answer(zone, record, addresses, zone.links[normal_id(network)])


def _answer(zone: PrivateZone, record: str, addresses: tuple[str, ...], link: Evidence) -> Resolution:
    found = zone.record(record)
    if zone.records is None:
        because = f"the records of zone {zone.name} were not read"
        return Resolution(
            private=None, code="dns-record", because=because, resource=zone.id, evidence=(link,)
        )
    if found is None:
        because = f"zone {zone.name} has no record {record}"
        return Resolution(
            private=False, code="dns-record", because=because, resource=zone.id, evidence=(link,)
        )
    answers, shown = found
    if addresses and not set(answers) & set(addresses):
        because = (
            f"record {record} in zone {zone.name} says {', '.join(answers) or 'nothing'}, "
            f"the endpoint has {', '.join(addresses)}"
        )
        return Resolution(
            private=False, code="dns-record", because=because, resource=zone.id, evidence=(link, shown)
        )
    because = f"record {record} in zone {zone.name} says {', '.join(answers)}"
    return Resolution(private=True, code="", because=because, resource=zone.id, evidence=(link, shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """A private resolver's inbound endpoint: asking its address means asking Azure DNS from its network."""

    address: str
    network: str
    name: str


def resolvers_of(estate: Estate) -> list[Resolver]:
    """Inbound endpoints of ``Microsoft.Network/dnsResolvers``."""
    return [
        Resolver(
            address=str(properties(item).get("privateIpAddress") or item.get("privateIpAddress")),
            network=under(reference(item, "subnet"), "virtualNetworks"),
            name=str(body.get("name", "")),
        )
        for body in estate.of_type("Microsoft.Network/dnsResolvers/inboundEndpoints")
        for item in objects(properties(body), "ipConfigurations")
    ]
