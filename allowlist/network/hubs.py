"""Virtual hubs: what a hub's routing intent or route table advertises to a connected network for the Internet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.network.observation import Evidence, evidence
from allowlist.network.read import objects, properties, reference, texts

HUB_TYPE = "Microsoft.Network/virtualHubs"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDefault:
    """A network's connection to a hub. ``next_hop`` is the firewall's (or appliance's) id, empty if there is none.

    ``accepted`` is false where the connection refuses the default route (``enableInternetSecurity`` false).
    """

    hub: str
    next_hop: str
    accepted: bool
    evidence: tuple[Evidence, ...]


def hub_default(estate: Estate, network_id: str) -> HubDefault | None:
    """The hub a network is connected to, with where it sends the Internet; None without a hub."""
    found = next(_connections(estate, normal_id(network_id)), None)
    if found is None:
        return None
    hub, connection = found
    next_hop, shown = _internet_next_hop(estate, hub, connection)
    return HubDefault(
        hub=hub,
        next_hop=next_hop,
        accepted=properties(connection).get("enableInternetSecurity") is not False,
        evidence=(evidence(connection, "properties.enableInternetSecurity"), *shown),
    )


def _connections(estate: Estate, network_id: str) -> Iterator[tuple[str, Body]]:
    for body in estate.of_type(f"{HUB_TYPE}/hubVirtualNetworkConnections"):
        if reference(properties(body), "remoteVirtualNetwork") == network_id:
            yield ResourceId(normal_id(body["id"])).parent.text, body


def _internet_next_hop(estate: Estate, hub: str, connection: Body) -> tuple[str, tuple[Evidence, ...]]:
    """Routing intent comes before route tables (Virtual WAN documentation, "routing intent and policies")."""
    for body in estate.children(hub, "routingIntent"):
        for index, policy in enumerate(objects(properties(body), "routingPolicies")):
            if "internet" in [str(item).lower() for item in texts(policy, "destinations")]:
                shown = evidence(body, f"properties.routingPolicies[{index}].nextHop")
                return normal_id(str(policy.get("nextHop") or "")), (shown,)
    table_id = reference(properties(connection).get("routingConfiguration"), "associatedRouteTable")
    for body in estate.children(hub, "hubRouteTables"):
        if table_id and normal_id(body["id"]) != table_id:
            continue
        for index, route in enumerate(objects(properties(body), "routes")):
            if "0.0.0.0/0" in (texts(route, "destinations")):
                shown = evidence(body, f"properties.routes[{index}].nextHop")
                return normal_id(str(route.get("nextHop") or "")), (shown,)
    return "", ()
