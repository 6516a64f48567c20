"""Rules for ``api-version``: required everywhere, refused where the type has no such version, and a lens on bodies.

An answer leaves out the fields that are newer than the version asked for, and so does a PUT: what it does not carry
is gone afterwards (measured through azure-mgmt-network 30.2.0 and the JavaScript client).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.refusals import GATEWAY, Refusal, front_door

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z.0-9]+)?$", re.IGNORECASE)

_OLDEST: Final = "2014-01-01"
_NEWEST: Final = "2026-11-30"
"""Types that the table does not name, nor a parent of theirs: every date between these; real ones have some of them."""

_WITHOUT_LOCATION: Final = (
    "microsoft.authorization",
    "microsoft.insights",
    "microsoft.resourcegraph",
    "microsoft.resources",
)
"""Namespaces whose types have no location: ARM refuses a version of these with another code and words."""

_RULES: Final = {
    "sourceKubeSelectorGroups": "2025-09-01",
    "sourceGeoLocations": "2026-01-01",
    "destinationGeoLocations": "2026-03-01",
}
_RAI: Final = dict.fromkeys(
    ("properties.format", "acs", "acsRegos", "customExternalSafetyProviders"), "2026-09-15-preview"
)
_SINCE: Final[dict[str, dict[str, str]]] = {
    "firewallpolicies": {"aiSecurityAddOn": "2026-03-01"},
    "firewallpolicies/firewallpolicydrafts": {"aiSecurityAddOn": "2026-03-01"},
    "firewallpolicies/rulecollectiongroups": _RULES,
    "firewallpolicies/rulecollectiongroups/rulecollectiongroupdrafts": _RULES,
    "azurefirewalls": _RULES,
    "accounts/raipolicies": {**_RAI, "egressPolicy": "2026-05-15-preview"},
}
"""By type path: fields, wherever they stand in a body (one named ``properties.x`` only there), and the version that
brought them."""


def required_version(parameters: dict[str, str]) -> str:
    """The api-version of a request. Refuses as ARM's gateway does."""
    version = parameters.get("api-version", "")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise front_door(400, "MissingApiVersionParameter", message, headers=GATEWAY)
    if not _VERSION.match(version):
        message = f"The api-version '{version}' is invalid."
        raise front_door(400, "InvalidApiVersionParameter", message, headers=GATEWAY)
    return version


def refuse_unknown(address: Address, version: str) -> None:
    """A type has the versions it has; the refusal lists them."""
    known = _listed(address)
    if version.lower() not in known if known else not _OLDEST <= version[:10] <= _NEWEST:
        raise not_registered(address, version, known or versions_of(address))


def not_registered(address: Address, version: str, known: tuple[str, ...]) -> Refusal:
    """``NoRegisteredProviderFound`` as US Government answered it in April 2025; ``InvalidResourceType`` for types
    without a location, as ``roleAssignments`` was refused in October 2018.
    """
    if address.namespace.lower() in _WITHOUT_LOCATION:
        message = (
            f"The resource type '{address.type_path}' could not be found in the namespace '{address.namespace}' for "
            f"api version '{version}'. The supported api-versions are '{','.join(known)}'."
        )
        return front_door(404, "InvalidResourceType", message, headers=GATEWAY)
    message = (
        f"No registered resource provider found for location 'westeurope' and API version '{version}' for type "
        f"'{address.type_path}'. The supported api-versions are '{', '.join(known)}'. The supported locations are "
        "'westeurope, switzerlandnorth, eastus2'."
    )
    return front_door(400, "NoRegisteredProviderFound", message, headers=GATEWAY)


def versions_of(address: Address) -> tuple[str, ...]:
    """The versions that provider metadata lists for a type, oldest first; those of its whole namespace for a type
    that the table does not name.
    """
    return _listed(address) or _namespaces().get(address.namespace.lower(), ("2022-01-01",))


def _listed(address: Address) -> tuple[str, ...]:
    """The versions of a type: its own, or else those of the nearest parent that has some."""
    path = address.type_path.lower()
    while path:
        if found := _table().get((address.namespace.lower(), path)):
            return found
        path = path.rpartition("/")[0]
    return ()


@cache
def _table() -> dict[tuple[str, str], tuple[str, ...]]:
    """Versions by namespace and type path, lower case. Read when the first request comes."""
    text = files("allowlist.simulator.arm").joinpath("api_versions.json").read_bytes()
    return {
        (row["namespace"], path): tuple(row["versions"].split())
        for row in msgspec.json.decode(text)["rows"]
        for path in row["types"].split()
    }


@cache
def _namespaces() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for (namespace, _), versions in _table().items():
        found.setdefault(namespace, set()).update(versions)
    return {namespace: tuple(sorted(versions)) for namespace, versions in found.items()}


def sent_with(body: Any, address: Address, version: str) -> Any:
    """What a request of ``version`` can carry."""
    return _without(body, _newer(address, version))


def shown_with(reply: Reply, address: Address, version: str) -> None:
    """Leave out of an answer what is newer than ``version``."""
    newer = _newer(address, version)
    if any(name.rpartition(".")[2].encode() in reply.body for name in newer):
        reply.body = msgspec.json.encode(_without(msgspec.json.decode(reply.body), newer))


def _newer(address: Address, version: str) -> frozenset[str]:
    fields = _SINCE.get(address.type_path.lower(), {})
    return frozenset(name for name, since in fields.items() if version[:10] < since[:10])


def _without(value: Any, names: frozenset[str]) -> Any:
    if not names:
        return value
    if isinstance(value, dict):
        return {
            name: _without(_inside(name, item, names), names)
            for name, item in value.items()
            if name not in names
        }
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value


def _inside(name: str, item: Any, names: frozenset[str]) -> Any:
    if name != "properties" or not isinstance(item, dict):
        return item
    return {key: value for key, value in item.items() if f"properties.{key}" not in names}
