"""Random secured hubs: a firewall policy behind a virtual hub whose routes lead to its firewall, or not quite.

Meaning from the Virtual WAN documentation ("How to configure Virtual WAN Hub routing intent and routing policies",
learn.microsoft.com/azure/virtual-wan/how-to-routing-policies): a hub has at most one Internet policy, with one next
hop, and advertises 0.0.0.0/0 to it; members from the published types of ``virtualHubs`` and its children.
"""

from __future__ import annotations

import random

from tests.oracle.layered import layered
from tests.oracle.worlds import POLICY, PROVIDERS, Json, World, policy

VIRTUAL_HUB = f"{PROVIDERS}/Microsoft.Network/virtualHubs/vhub"
HUB_FIREWALL = f"{PROVIDERS}/Microsoft.Network/azureFirewalls/hubfw"
APPLIANCE = f"{PROVIDERS}/Microsoft.Network/networkVirtualAppliances/nva"
INTENT = f"{VIRTUAL_HUB}/routingIntent/intent"
TABLE = f"{VIRTUAL_HUB}/hubRouteTables/defaultRouteTable"

_STATES = ("Succeeded",) * 24 + ("Failed", "Updating")
_HOPS = (HUB_FIREWALL,) * 5 + (HUB_FIREWALL.upper(), APPLIANCE, APPLIANCE)


def secured(dice: random.Random) -> World:
    """A policy as elsewhere, and the way to it."""
    inner = dice.choice((policy, layered))(dice)
    bodies = [*inner.bodies, _hub(dice), _firewall(dice)]
    has_intent = dice.random() < 0.75
    if has_intent:
        bodies.append(_intent(dice))
    if dice.random() < (0.3 if has_intent else 0.8):
        bodies.append(_table(dice))
    return World("secured-hub", VIRTUAL_HUB, bodies, inner.wants, inner.feed)


def _body(resource: str, properties: Json) -> Json:
    namespace, *parts = resource.rpartition("/providers/")[2].split("/")
    kind = "/".join([namespace, *parts[::2]])
    return {"id": resource, "name": parts[-1], "type": kind, "properties": properties}


def _hub(dice: random.Random) -> Json:
    properties: Json = {
        "addressPrefix": "10.90.0.0/23",
        "provisioningState": dice.choice(_STATES),
        "routingState": dice.choice(("Provisioned",) * 10 + ("Failed", "Provisioning")),
    }
    if dice.random() < 0.8:
        properties["azureFirewall"] = {"id": HUB_FIREWALL}
    return _body(VIRTUAL_HUB, properties)


def _firewall(dice: random.Random) -> Json:
    return _body(
        HUB_FIREWALL,
        {
            "sku": {"name": "AZFW_Hub", "tier": "Standard"},
            "virtualHub": {"id": VIRTUAL_HUB},
            "firewallPolicy": {"id": POLICY},
            "provisioningState": dice.choice(_STATES),
        },
    )


def _intent(dice: random.Random) -> Json:
    """Mostly one policy for the Internet; some say it otherwise, some contradict themselves."""
    destination = dice.choice(("Internet",) * 8 + ("internet", "PrivateTraffic", "Everything"))
    policies: list[Json] = [
        {"name": "out", "destinations": [destination], "nextHop": dice.choice(_HOPS)},
    ]
    if dice.random() < 0.4:
        private = {"name": "in", "destinations": ["PrivateTraffic"], "nextHop": dice.choice(_HOPS)}
        policies.insert(dice.randint(0, 1), private)
    if dice.random() < 0.08:
        policies.append({"name": "again", "destinations": ["Internet"], "nextHop": dice.choice(_HOPS)})
    if dice.random() < 0.06:
        dice.choice(policies)["zzzCondition"] = "x"
    return _body(INTENT, {"provisioningState": dice.choice(_STATES), "routingPolicies": policies})


def _table(dice: random.Random) -> Json:
    """A default route, and routes for less than everything: private ones say nothing about the Internet."""
    places = ["0.0.0.0/0"] if dice.random() < 0.85 else []
    places += [place for place in ("20.0.0.0/8", "10.7.0.0/16") if dice.random() < 0.2]
    routes = [
        {
            "name": f"route{number}",
            "destinationType": "CIDR",
            "destinations": [place],
            "nextHopType": "ResourceId",
            "nextHop": dice.choice(_HOPS),
        }
        for number, place in enumerate(dice.sample(places, len(places)))
    ]
    if routes and dice.random() < 0.06:
        dice.choice(routes)["zzzCondition"] = "x"
    return _body(TABLE, {"provisioningState": dice.choice(_STATES), "routes": routes})
