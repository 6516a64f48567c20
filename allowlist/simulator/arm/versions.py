"""Rules for ``api-version``: required everywhere, refused where the type has no such version, and a lens on bodies.

An answer leaves out the fields that are newer than the version asked for, and so does a PUT: what it does not carry
is gone afterwards (measured through azure-mgmt-network 30.2.0 and the JavaScript client).
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.refusals import GATEWAY, Refusal, front_door

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z.0-9]+)?$", re.IGNORECASE)

_OLDEST: Final = "2014-01-01"
_NEWEST: Final = "2026-11-30"
"""Other namespaces than Microsoft.Network: every date between these; real ones publish some of them."""

_NETWORK: Final = tuple(
    f"{year}-{day}"
    for year, days in {
        "2018": "01-01 02-01 04-01 06-01 07-01 08-01 10-01 11-01 12-01",
        "2019": "02-01 04-01 06-01 07-01 08-01 09-01 11-01 12-01",
        "2020": "03-01 04-01 05-01 06-01 07-01 08-01 11-01",
        "2021": "02-01 03-01 05-01 08-01",
        "2022": "01-01 05-01 07-01 09-01 11-01",
        "2023": "02-01 04-01 05-01 06-01 09-01 11-01",
        "2024": "01-01 03-01 05-01 07-01 10-01",
        "2025": "01-01 03-01 05-01 07-01 09-01",
        "2026": "01-01 03-01",
    }.items()
    for day in days.split()
)
"""Stable versions of Microsoft.Network (azure-rest-api-specs; the last five from azure-mgmt-network 33.1.0)."""

_OWN_PROVIDERS: Final = (
    "privatednszones",
    "dnszones",
    "dnsresolvers",
    "dnsforwardingrulesets",
    "frontdoor",
    "trafficmanagerprofiles",
)
"""Types of Microsoft.Network that other teams publish, with versions of their own."""

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
    known = versions_of(address)
    is_known = version in known if _is_network(address) else _OLDEST <= version[:10] <= _NEWEST
    if not is_known:
        raise not_registered(address, version, known)


def not_registered(address: Address, version: str, known: tuple[str, ...]) -> Refusal:
    """``NoRegisteredProviderFound`` as US Government answered it in April 2025."""
    message = (
        f"No registered resource provider found for location 'westeurope' and API version '{version}' for type "
        f"'{address.type_path}'. The supported api-versions are '{', '.join(known)}'. The supported locations are "
        "'westeurope, switzerlandnorth, eastus2'."
    )
    return front_door(400, "NoRegisteredProviderFound", message, headers=GATEWAY)


def versions_of(address: Address) -> tuple[str, ...]:
    """The versions that provider metadata lists for a type."""
    return (
        _NETWORK
        if _is_network(address)
        else ("2022-01-01", "2024-10-01", "2025-12-01", "2026-05-01", "2026-07-01")
    )


def _is_network(address: Address) -> bool:
    is_here = address.namespace.lower() == "microsoft.network"
    return is_here and not address.type_path.lower().startswith(_OWN_PROVIDERS)


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
