"""Read the network around a workload from ARM: list calls per subscription, and what may not be read is told.

A kind that cannot be read makes answers unknown, never fine. A resource provider that is not registered in a
subscription has no resources there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from allowlist.azure.facts import api_version
from allowlist.errors import ProviderNotRegistered, TargetDenied, TargetError
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.unreadable import Unreadable
from allowlist.network.read import objects, properties, reference
from allowlist.points.point import ArmReader

_WORKERS = 8
_BELOW = "providers/"


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type that is listed per subscription, and the lists below each of its resources."""

    type: str
    children: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return api_version(self.type)

    def child_version(self, child: str) -> str:
        """A setting of another provider below a resource has the versions of its own type."""
        return api_version(child.removeprefix(_BELOW)) if child.startswith(_BELOW) else self.version


ENDPOINTS = Kind("Microsoft.Network/privateEndpoints")

BEHIND_ENDPOINTS = (
    Kind("Microsoft.Network/virtualNetworks"),
    Kind("Microsoft.Network/networkInterfaces"),
    Kind("Microsoft.Network/azureFirewalls"),
    Kind("Microsoft.Network/privateDnsZones", ("virtualNetworkLinks", "A")),
    Kind("Microsoft.Network/dnsResolvers", ("inboundEndpoints",)),
    Kind("Microsoft.CognitiveServices/accounts"),
)
"""What it takes to tell whether a name resolves to a private endpoint."""

AROUND = (
    Kind("Microsoft.Network/azureFirewalls", (f"{_BELOW}Microsoft.Insights/diagnosticSettings",)),
    Kind("Microsoft.Network/routeTables"),
    Kind("Microsoft.Network/networkSecurityGroups"),
    Kind("Microsoft.Network/publicIPAddresses"),
    Kind(
        "Microsoft.Network/virtualHubs",
        ("hubVirtualNetworkConnections", "routingIntent", "hubRouteTables"),
    ),
    Kind("Microsoft.Network/bastionHosts"),
    Kind("Microsoft.Network/applicationGateways"),
    Kind("Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies"),
    Kind("Microsoft.Network/frontDoorWebApplicationFirewallPolicies"),
    Kind("Microsoft.ApiManagement/service"),
    Kind("Microsoft.Cdn/profiles", ("originGroups",)),
    Kind("Microsoft.Storage/storageAccounts"),
    Kind("Microsoft.KeyVault/vaults"),
    Kind("Microsoft.ContainerRegistry/registries"),
    Kind("Microsoft.Search/searchServices"),
    Kind("Microsoft.DocumentDB/databaseAccounts"),
    Kind("Microsoft.MachineLearningServices/workspaces", ("computes",)),
)
"""What a posture report looks at besides."""


@dataclass(slots=True)
class _Reading:
    bodies: list[Body] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    """Ids of lists below resources that were answered and held nothing."""


def read_surroundings(arm: ArmReader, known: Estate, named: Iterable[str], *, whole: bool) -> Estate:
    """``known`` with the network around the resources ``named``.

    Without ``whole`` only what decides about private endpoints is read, and nothing beyond one list per
    subscription where there are none.
    """
    subscriptions = _subscriptions([*named, *known.resources])
    endpoints = _read(arm, [ENDPOINTS], subscriptions)
    readings = [endpoints]
    if whole or endpoints.bodies:
        subscriptions = _subscriptions([*subscriptions_of(endpoints.bodies), *_ids(subscriptions)])
        networks = _read(arm, BEHIND_ENDPOINTS[:1], subscriptions)
        further = _subscriptions([*_ids(subscriptions), *_peers(networks.bodies)])
        beyond = [item for item in further if item not in subscriptions]
        readings += [networks, _read(arm, [ENDPOINTS, BEHIND_ENDPOINTS[0]], beyond)]
        kinds = {kind.type: kind for kind in (*BEHIND_ENDPOINTS[1:], *(AROUND if whole else ()))}
        readings.append(_read(arm, [*kinds.values()], further))
    bodies = [body for reading in readings for body in reading.bodies]
    unreadable = [item for reading in readings for item in reading.unreadable]
    new = [body for body in bodies if known.get(body["id"]) is None]
    whole_estate = known.with_resources(new)
    return Estate(
        whole_estate.resources,
        known.origin,
        whole_estate.derived,
        (*known.unreadable, *dict.fromkeys(unreadable)),
        empty=known.empty | {normal_id(item) for reading in readings for item in reading.empty},
    )


def _ids(subscriptions: Iterable[str]) -> list[str]:
    return [f"/subscriptions/{item}" for item in subscriptions]


def _subscriptions(ids: Iterable[str]) -> list[str]:
    found = (ResourceId(item).subscription.lower() for item in ids)
    return [item for item in dict.fromkeys(found) if item]


def subscriptions_of(endpoints: Iterable[Body]) -> Iterator[str]:
    """The subscriptions of the networks that endpoints stand in."""
    for body in endpoints:
        yield reference(properties(body), "subnet")


def _peers(networks: Iterable[Body]) -> Iterator[str]:
    for body in networks:
        for item in objects(properties(body), "virtualNetworkPeerings"):
            yield reference(properties(item), "remoteVirtualNetwork")


def _read(arm: ArmReader, kinds: Sequence[Kind], subscriptions: Sequence[str]) -> _Reading:
    """All lists at once; a kind's children after their parents are known."""
    wanted = [(kind, item) for kind in kinds for item in subscriptions]
    result = _Reading()
    for reading in _at_once(lambda pair: _list_kind(arm, *pair), wanted):
        result.bodies += reading.bodies
        result.unreadable += reading.unreadable
        result.empty += reading.empty
    return result


def _at_once(
    read: Callable[[tuple[Kind, str]], _Reading], wanted: Sequence[tuple[Kind, str]]
) -> Iterator[_Reading]:
    """One list alone needs no threads: a run over a fleet asks for one with every target."""
    if len(wanted) < 2:
        yield from map(read, wanted)
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from pool.map(read, wanted)


def _list_kind(arm: ArmReader, kind: Kind, subscription: str) -> _Reading:
    reading = _Reading()
    path = f"/subscriptions/{subscription}/providers/{kind.type}"
    parents = _list(arm, path, kind.version, kind.type, subscription, reading)
    reading.bodies += parents
    for child in kind.children:
        for body in parents:
            if _is_wanted(kind, body):
                name = child.removeprefix(_BELOW) if child.startswith(_BELOW) else f"{kind.type}/{child}"
                refused = len(reading.unreadable)
                found = _list(
                    arm, f"{body['id']}/{child}", kind.child_version(child), name, subscription, reading
                )
                reading.bodies += found
                if child.startswith(_BELOW) and not found and len(reading.unreadable) == refused:
                    reading.empty.append(f"{body['id']}/{child}")
                if child == "originGroups":
                    reading.bodies += _origins(arm, kind, subscription, found, reading)
    return reading


def _origins(
    arm: ArmReader, kind: Kind, subscription: str, groups: Iterable[Body], reading: _Reading
) -> list[Body]:
    name = f"{kind.type}/originGroups/origins"
    return [
        body
        for group in groups
        for body in _list(arm, f"{group['id']}/origins", kind.version, name, subscription, reading)
    ]


def _is_wanted(kind: Kind, body: Body) -> bool:
    """Of private DNS zones only those for private endpoints are looked into."""
    is_zone = kind.type.endswith("/privateDnsZones")
    return not is_zone or str(body.get("name", "")).lower().startswith("privatelink.")


def _list(
    arm: ArmReader, path: str, version: str, kind: str, subscription: str, reading: _Reading
) -> list[Body]:
    try:
        return [body for body in arm.list(path, version) if _has_id(body)]
    except ProviderNotRegistered:
        return []
    except TargetError as error:
        reading.unreadable.append(_reason(kind, subscription, error))
        return []


def _has_id(body: Body) -> bool:
    return bool(normal_id(str(body.get("id") or "")))


def _reason(kind: str, subscription: str, error: TargetError) -> Unreadable:
    denied = isinstance(error, TargetDenied)
    return Unreadable.listed(
        kind, subscription, f"the right {kind}/read is missing" if denied else str(error)
    )
