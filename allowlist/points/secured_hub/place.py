"""How a virtual hub, its firewall, its policy and its route hang together.

``Microsoft.Network/virtualHubs`` name their ``azureFirewall``, firewalls their ``virtualHub`` and ``firewallPolicy``
(types of 2025-09-01). Routing intent sends destinations ``Internet`` or ``PrivateTraffic`` to a next hop and comes
before route tables (Virtual WAN documentation, "routing intent and routing policies"); a hub has at most one policy
for the Internet, with one next hop (same page). Among routes the longest prefix decides.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from allowlist.azure.facts import api_version
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import shown, unmodelled_keys, unsettled
from allowlist.estate.parts import object_in, texts_in
from allowlist.estate.resource_id import normal_id

HUBS = "Microsoft.Network/virtualHubs"
FIREWALLS = "Microsoft.Network/azureFirewalls"
API_VERSION = api_version(HUBS)

INTENT = "routingIntent"
TABLES = "hubRouteTables"
_DEFAULT = "0.0.0.0/0"
_EVERYTHING = frozenset({"internet", _DEFAULT})


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
    for route in (*_policies(estate, hub), *_table_routes(estate, hub)):
        destinations = _destinations(route)
        if not destinations:
            return ""
        if _EVERYTHING & set(destinations):
            return _hop(route)
    return ""


def _policies(estate: Estate, hub: str) -> list[Body]:
    return [route for body in estate.children(hub, INTENT) for route in _routes(body, "routingPolicies")]


def _table_routes(estate: Estate, hub: str) -> list[Body]:
    return [route for body in _default_tables(estate, hub) for route in _routes(body, "routes")]


def _default_tables(estate: Estate, hub: str) -> list[Body]:
    return [body for body in estate.children(hub, TABLES) if str(body.get("name")) == "defaultRouteTable"]


def _destinations(route: Body) -> list[str]:
    return [text.lower() for text in texts_in(route, "destinations")]


def _hop(route: Body) -> str:
    hop = route.get("nextHop")
    return normal_id(hop) if isinstance(hop, str) and hop else ""


def doubt_about_way(estate: Estate, hub: str) -> str:
    """Why it is not certain that what the hub says of its routes is in force; empty where it is."""
    return next(filter(None, _doubts(estate, hub)), "")


def _doubts(estate: Estate, hub: str) -> Iterator[str]:
    intents, tables = list(estate.children(hub, INTENT)), _default_tables(estate, hub)
    for body in (estate.get(hub), *intents, *tables):
        if body is not None and (state := unsettled(body)):
            yield f"{body.get('name')} is {state}"
    said = object_in(estate.get(hub) or {}, "properties").get("routingState")
    if said and str(said).lower() not in ("provisioned", "none"):
        yield f"the routing of {hub.rpartition('/')[2]} is {said}"
    for body in intents:
        policies = _routes(body, "routingPolicies")
        yield _not_modelled(body, unmodelled_keys(body["properties"], _INTENT), policies, _POLICY)
        yield _odd_destination(body, policies)
    for body in tables:
        yield _not_modelled(body, (), _routes(body, "routes"), _ROUTE)
    yield _other_way(estate, hub)


def _not_modelled(body: Body, more: tuple[str, ...], routes: Sequence[Body], known: frozenset[str]) -> str:
    more += tuple(key for route in routes for key in unmodelled_keys(route, known))
    return f"nobody models {', '.join(dict.fromkeys(more))} of {body.get('name')}" if more else ""


def _odd_destination(intent: Body, policies: Sequence[Body]) -> str:
    """A routing policy for what no page names may be for the Internet, or for a part of it."""
    odd = (text for policy in policies for text in texts_in(policy, "destinations"))
    found = next((text for text in odd if text.lower() not in ("internet", "privatetraffic")), "")
    return f"nobody models the destination {shown(found)} of {intent.get('name')}" if found else ""


def _other_way(estate: Estate, hub: str) -> str:
    """A second way for all or a part of the Internet: a name may have an address there."""
    main = internet_next_hop(estate, hub)
    policies = [(text, route) for route in _policies(estate, hub) for text in _destinations(route)]
    routes = [(text, route) for route in _table_routes(estate, hub) for text in _destinations(route)]
    decided = any(text == "internet" for text, _ in policies)
    for text, route in (*policies, *routes):
        if text == _DEFAULT and decided:
            continue
        if (text in _EVERYTHING or _is_public(text)) and _hop(route) != main:
            return f"{shown(text)} goes to {_hop(route).rpartition('/')[2] or 'no next hop that is known'}"
    return ""


def _is_public(text: str) -> bool:
    """Is it a prefix of which a part is on the Internet? Connections, which are destinations too, are not."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return found.version == 4 and not found.is_private


_INTENT = frozenset({"provisioningState", "routingPolicies"})
_POLICY = frozenset({"name", "destinations", "nextHop"})
_ROUTE = _POLICY | {"destinationType", "nextHopType"}
"""RoutingIntentProperties, RoutingPolicy and HubRoute (virtualWan.json, 2025-01-01)."""


def _routes(body: Body, name: str) -> list[Body]:
    """The routes of an intent or a table; one that says nothing where they are no list of objects."""
    found = body["properties"].get(name, [])
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else [{}]
