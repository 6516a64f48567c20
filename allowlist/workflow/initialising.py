"""Write a first ``allowlist.yaml``: for the enforcement points found, with the parameters the catalogs need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from allowlist.azure.connection import Place
from allowlist.catalog import Library
from allowlist.errors import ProviderNotRegistered, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import is_unread
from allowlist.estate.resource_id import normal_id
from allowlist.points.account_network.point import agent_subnet
from allowlist.points.accounts import ACCOUNTS
from allowlist.points.kind import Kind, kind_of, kinds
from allowlist.points.point import ArmReader, Target

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enforcement point that was found, and why it is one."""

    surface: str
    resource: str
    name: str
    why: str


def discover(arm: ArmReader, subscription: str, notify: Callable[[str], None] = lambda _: None) -> Estate:
    """Everything in a subscription that could be an enforcement point, by one list call per type.

    ``notify`` hears which resource providers the subscription does not use.
    """
    bodies: list[Body] = []
    listings = {kind.listed_type: kind.listing for kind in kinds().values() if kind.listing}
    for listing in listings.values():
        try:
            path = f"/subscriptions/{subscription}/providers/{listing.arm_type}"
            bodies += arm.list(path, listing.api_version)
        except ProviderNotRegistered as error:
            notify(str(error))
        except TargetNotFound:
            # A subscription that never used a resource provider does not know its namespace.
            continue
    return Estate.of(bodies, origin=f"subscription {subscription}")


def look_closer(arm: ArmReader, estate: Estate) -> Estate:
    """``estate`` with what lists do not show, such as managed networks and egress policies of accounts."""
    bodies = [body for kind in kinds().values() for body in closer_bodies(arm, kind, estate)]
    return estate.with_resources(bodies)


def closer_bodies(arm: ArmReader, kind: Kind, estate: Estate) -> Iterator[Body]:
    for listed in estate.of_type(kind.listed_type):
        yield from kind.look_closer(arm, listed)


def read_subscription(arm: ArmReader, subscription: str) -> Estate:
    """Every enforcement point of a subscription with all that decides there."""
    estate = look_closer(arm, discover(arm, subscription))
    for candidate in find_candidates(estate):
        target = Target(
            name=candidate.name, workload="", surface=candidate.surface, resource=candidate.resource,
            delete="add-only", options={},
        )  # fmt: skip
        estate = estate.with_resources(kind_of(candidate.surface).bind(target).read(arm))
    return estate


def agent_subnets(estate: Estate) -> dict[str, str]:
    """By account: the customer's subnet its agents run in, whose network's firewall decides about their egress."""
    found = {account["id"]: agent_subnet(account) for account in estate.of_type(ACCOUNTS)}
    return {account: subnet for account, subnet in found.items() if subnet}


def unread_injections(estate: Estate) -> list[str]:
    """Accounts of which it cannot be worked out in which network their agents run."""
    return [
        str(account.get("name"))
        for account in estate.of_type(ACCOUNTS)
        if _has_unread(account["properties"].get("networkInjections"))
    ]


def _has_unread(value: object) -> bool:
    return is_unread(value) or (isinstance(value, list) and any(map(is_unread, value)))


def find_candidates(estate: Estate) -> Iterator[Candidate]:
    """The enforcement points of an estate, kind by kind."""
    found = [(kind, item) for kind in kinds().values() for item in kind.find(estate)]
    taken = {normal_id(item.instead_of) for _, item in found if item.instead_of}
    for kind, item in found:
        if normal_id(item.resource) not in taken:
            yield Candidate(kind.name, item.resource, item.name, item.why)


def needed_parameters(library: Library, catalogs: Sequence[str]) -> dict[str, str]:
    """Placeholders of the default scenarios of ``catalogs``, each with what stands for it."""
    found: dict[str, str] = {}
    for name in catalogs:
        catalog = library.get(name)
        scenarios = catalog.default_scenarios
        for entry in catalog.entries_at(catalog.latest):
            if entry.scenario in scenarios and entry.need == "required":
                for parameter in _PLACEHOLDER.findall(entry.value):
                    found.setdefault(parameter, catalog.placeholders.get(parameter, ""))
    return found


def workload_text(
    name: str,
    library: Library,
    catalogs: Sequence[str],
    sources: Sequence[str],
    targets: Sequence[Candidate],
    parameters: Mapping[str, str],
    delete: str,
    subnets: Sequence[str] = (),
    *,
    place: Place,
) -> str:
    """The file, ready to be read by people: catalogs pinned to their newest release, cloud and tenant of ``place``."""
    wanted = needed_parameters(library, catalogs)
    document: dict[str, Any] = {
        "schema": "allowlist/workload/v1",
        "name": name,
        "cloud": place.cloud,
        **({"tenant": place.tenant} if place.tenant else {}),
        "parameters": {key: parameters.get(key, "") for key in wanted},
        "catalogs": [{"name": item, "version": library.get(item).latest} for item in catalogs],
        "sources": _sources(sources, subnets),
        "targets": [
            {
                "name": _slug(candidate.name),
                "surface": candidate.surface,
                "resource": candidate.resource,
                "delete": delete,
            }
            for candidate in targets
        ],
    }
    head = "# What this workload must reach. Reference: allowlist check --help, and the README.\n"
    missing = [f"#   {key}: {text}\n" for key, text in wanted.items() if not parameters.get(key)]
    notes = ["# Parameters still to fill in:\n", *missing] if missing else []
    return head + "".join(notes) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _sources(addresses: Sequence[str], subnets: Sequence[str]) -> dict[str, Any]:
    named = {"workload": {"addresses": list(addresses)}} if addresses else {}
    return {**named, "agents": {"subnets": list(subnets)}} if subnets else named


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "target"
