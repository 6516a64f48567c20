"""How a virtual hub, its firewall, its policy and its route hang together.

``Microsoft.Network/virtualHubs`` name their ``azureFirewall``, firewalls their ``virtualHub`` and ``firewallPolicy``
(types of 2025-09-01). Routing intent sends destinations ``Internet`` or ``PrivateTraffic`` to a next hop and comes
before route tables (Virtual WAN documentation, "routing intent and routing policies").
"""

from __future__ import annotations

from allowlist.azure.facts import api_version
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import unmodelled_keys, unsettled
from allowlist.estate.parts import object_in, texts_in
from allowlist.estate.resource_id import normal_id

HUBS = "Microsoft.Network/virtualHubs"
FIREWALLS = "Microsoft.Network/azureFirewalls"
API_VERSION = api_version(HUBS)

INTENT = "routingIntent"
TABLES = "hubRouteTables"
_DEFAULT = "0.0.0.0/0"


def _reference(body: Body | None, name: str) -> str:
    found = object_in(body["properties"], name) if body else {}
    return str(found.get("id") or "")


def hub_of(firewall: Body | None) -> str:
    return _reference(firewall, "virtualHub")


def policy_of(firewall: Body | None) -> str:
    return _reference(firewall, "firewallPolicy")


def firewall_of(estate: Estate, hub: str) -> Body | None:
    """The firewall in a hub: as the hub says, or as a firewall says it stands there."""
    named = _reference(estate.get(hub), "azureFirewall")
    if named and (found := estate.get(named)) is not None:
        return found
    standing = (
        body for body in estate.of_type(FIREWALLS) if normal_id(hub_of(body) or "/") == normal_id(hub)
    )
    return next(standing, None)


def internet_next_hop(estate: Estate, hub: str) -> str:
    """Where the hub sends the Internet, normalised; empty where neither its intent nor its default table says, or
    one of them cannot be read."""
    intents = [route for body in estate.children(hub, INTENT) for route in _routes(body, "routingPolicies")]
    tables = (body for body in estate.children(hub, TABLES) if str(body.get("name")) == "defaultRouteTable")
    routes = [route for body in tables for route in _routes(body, "routes")]
    for route in (*intents, *routes):
        destinations = texts_in(route, "destinations")
        if not destinations:
            return ""
        if {"Internet", _DEFAULT} & set(destinations):
            hop = route.get("nextHop")
            return normal_id(hop) if isinstance(hop, str) and hop else ""
    return ""


def doubt_about_way(estate: Estate, hub: str) -> str:
    """Why it is not certain that what the hub says of its routes is in force; empty where it is."""
    default = [body for body in estate.children(hub, TABLES) if str(body.get("name")) == "defaultRouteTable"]
    intents = list(estate.children(hub, INTENT))
    for body in (estate.get(hub), *intents, *default):
        if body is not None and (state := unsettled(body)):
            return f"{body.get('name')} is {state}"
    said = object_in(estate.get(hub) or {}, "properties").get("routingState")
    if said and str(said).lower() not in ("provisioned", "none"):
        return f"the routing of {hub.rpartition('/')[2]} is {said}"
    for body in intents:
        more = unmodelled_keys(body["properties"], _INTENT)
        more += tuple(
            key for route in _routes(body, "routingPolicies") for key in unmodelled_keys(route, _POLICY)
        )
        if more:
            return f"nobody models {', '.join(dict.fromkeys(more))} of {body.get('name')}"
    return ""


_INTENT = frozenset({"provisioningState", "routingPolicies"})
_POLICY = frozenset({"name", "destinations", "nextHop"})
"""RoutingIntentProperties and RoutingPolicy (virtualWan.json, 2025-01-01)."""


def _routes(body: Body, name: str) -> list[Body]:
    """The routes of an intent or a table; one that says nothing where they are no list of objects."""
    found = body["properties"].get(name, [])
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else [{}]
