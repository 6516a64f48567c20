"""Random managed networks with private endpoint rules, and a workload that wants a resource by private endpoint.

Meaning from "Configure a managed network" of Foundry and of Azure Machine Learning: such a rule names a resource and
a subresource, is taken with Internet outbound as well as with approved outbound, and is the only way to a storage
account in approved-only mode, whose public name it then answers to ("Azure Private Endpoint private DNS zone values").
"""

from __future__ import annotations

import random

from tests.oracle.worlds import PROVIDERS, SERVICES, Json, World, hub, network

STORE = f"{PROVIDERS}/Microsoft.Storage/storageAccounts/stx"
OTHER_STORE = f"{PROVIDERS}/Microsoft.Storage/storageAccounts/sty"
STORE_HOST = "stx.blob.core.windows.net"
BLOB, FILE = f"{STORE}|blob", f"{STORE}|file"
"""Places by private endpoint: resource and subresource."""
PLACES = (STORE_HOST, BLOB, FILE, f"{OTHER_STORE}|blob")

_MODES = ("AllowOnlyApprovedOutbound",) * 5 + ("AllowInternetOutbound",) * 3
_STATUSES = ("Active",) * 5 + ("active", "Inactive", "Provisioning", "Failed", "Deleting", "Odd")


def endpoints(dice: random.Random) -> World:
    """A managed network as elsewhere, with private endpoint rules beside its others."""
    inner = dice.choice((hub, network))(dice)
    managed = inner.bodies[-1]["properties"]["managedNetwork"]
    managed["isolationMode"] = dice.choice((*_MODES, "allowonlyapprovedoutbound", "Disabled", "New"))
    if dice.random() < 0.1:
        managed["status"] = {"status": "Inactive"}
    if dice.random() < 0.12:
        managed["provisioningState"] = dice.choice(("Updating", "Failed"))
    rules = managed["outboundRules"]
    if dice.random() < 0.6:
        rules.clear()
    if dice.random() < 0.15:
        rules["byname"] = {
            "type": "FQDN",
            "category": "UserDefined",
            "status": "Active",
            "destination": STORE_HOST,
        }
    for name, place in zip(("theirs", "__SYS_PE_stx", "Connection_stx"), _places(dice), strict=False):
        rules[name] = _rule(dice, place, "Required" if name.startswith("__") else "UserDefined")
    return World(inner.kind, inner.resource, inner.bodies, _wants(dice), places=PLACES)


def _wants(dice: random.Random) -> list[tuple[str, str, str, int]]:
    found = [
        (f"by-{place.rpartition('|')[2]}", place, "tcp", 1)
        for place in dice.sample((BLOB, FILE), dice.randint(1, 2))
    ]
    if dice.random() < 0.4:
        found.append(("by-name", STORE_HOST, *dice.choice(SERVICES)))
    return found


def _places(dice: random.Random) -> list[str]:
    """No two rules for one place: the service refuses the second."""
    return dice.sample((BLOB, FILE, f"{OTHER_STORE}|blob"), dice.randint(0, 3))


def _rule(dice: random.Random, place: str, category: str) -> Json:
    resource, _, group = place.rpartition("|")
    destination: Json = {
        "serviceResourceId": dice.choice((resource, resource, resource.upper())),
        "subresourceTarget": dice.choice((group, group, group.capitalize())),
        "sparkEnabled": dice.choice((True, False)),
    }
    rule: Json = {
        "type": dice.choice(("PrivateEndpoint", "PrivateEndpoint", "privateendpoint")),
        "category": category,
        "status": dice.choice(_STATUSES),
        "destination": destination,
    }
    if dice.random() < 0.1:
        dice.choice((rule, destination))["zzzCondition"] = "x"
    return rule
