"""Write a first ``allowlist.yaml``: for the enforcement points found, with the parameters the catalogs need."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from allowlist.azure.connection import Place
from allowlist.azure.facts import api_version
from allowlist.catalog import Catalog, Library
from allowlist.documents.reader import near_miss
from allowlist.documents.source import read_text
from allowlist.errors import AllowlistError, CatalogError, ProviderNotRegistered, TargetDenied, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import is_unread
from allowlist.estate.resource_id import normal_id
from allowlist.estate.unreadable import Unreadable
from allowlist.points.account_network.point import agent_subnet
from allowlist.points.accounts import ACCOUNTS
from allowlist.points.kind import Kind, kind_of, kinds
from allowlist.points.point import ArmReader, Target
from allowlist.rules.model import Ruleset

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


def with_listed(arm: ArmReader, estate: Estate, subscription: str) -> Estate:
    """``estate`` and, without their properties, the other resources of the subscription, as far as they may be listed.

    They say what is used there; nothing is judged by them.
    """
    path = f"/subscriptions/{subscription}/resources"
    try:
        listed = list(arm.list(path, api_version("Microsoft.Resources/resources")))
    except (TargetDenied, TargetNotFound):
        return estate
    others = (body for body in listed if estate.get(str(body["id"])) is None)
    return estate.with_resources([{**body, "properties": body.get("properties") or {}} for body in others])


def look_closer(arm: ArmReader, estate: Estate, denied: Callable[[TargetDenied], None]) -> Estate:
    """``estate`` with what lists do not show, such as managed networks and egress policies of accounts.

    ``denied`` hears what may not be read: what it would have shown is not known, and may be there.
    """
    bodies = [body for kind in kinds().values() for body in closer_bodies(arm, kind, estate, denied)]
    return estate.with_resources(bodies)


def closer_bodies(
    arm: ArmReader, kind: Kind, estate: Estate, denied: Callable[[TargetDenied], None]
) -> Iterator[Body]:
    for listed in estate.of_type(kind.listed_type):
        try:
            yield from kind.look_closer(arm, listed)
        except TargetDenied as error:
            denied(error)


def read_subscription(arm: ArmReader, subscription: str) -> Estate:
    """Every enforcement point of a subscription with all that decides there, and what may not be read."""
    told: list[Unreadable] = []
    listed = discover(arm, subscription)
    estate = look_closer(arm, listed, lambda error: told.append(Unreadable("", str(error))))
    estate = replace(estate, unreadable=(*estate.unreadable, *told))
    for candidate in find_candidates(estate):
        estate = estate.with_resources(kind_of(candidate.surface).bind(_target_of(candidate)).read(arm))
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


def rulesets_of(estate: Estate, candidates: Sequence[Candidate]) -> list[Ruleset]:
    """The rules of the enforcement points found, as far as they can be read whole."""
    found = []
    for candidate in candidates:
        try:
            found.append(kind_of(candidate.surface).bind(_target_of(candidate)).ruleset(estate))
        except AllowlistError:
            continue
    return found


def _target_of(candidate: Candidate) -> Target:
    return Target(
        name=candidate.name, workload="", surface=candidate.surface, resource=candidate.resource,
        delete="add-only", options={},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CatalogChoice:
    """A catalog to ask for, with scenarios besides its default ones, or without some of those."""

    name: str
    scenarios: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, library: Library) -> CatalogChoice:
        """``NAME`` or ``NAME:SCENARIO,SCENARIO``. Raises CatalogError with the choices there are."""
        name, _, listed = text.partition(":")
        catalog = library.get(name)
        scenarios = tuple(filter(None, listed.split(",")))
        for scenario in scenarios:
            if scenario not in catalog.scenarios:
                raise CatalogError(
                    f"catalog {name} has no scenario '{scenario}'{near_miss(scenario, catalog.scenarios)}",
                    hint=f"it has {', '.join(catalog.scenarios)}",
                )
        return cls(name, scenarios)

    def all_scenarios(self, library: Library) -> tuple[str, ...]:
        found = dict.fromkeys((*library.get(self.name).default_scenarios, *self.scenarios))
        return tuple(name for name in found if name not in self.left_out)

    def written(self, library: Library) -> dict[str, Any]:
        """The choice as an entry of ``catalogs`` in a workload file, pinned to the newest release."""
        use: dict[str, Any] = {"name": self.name, "version": library.get(self.name).latest}
        return use | (
            {"scenarios": list(self.all_scenarios(library))} if self.scenarios or self.left_out else {}
        )

    def without_unknown(self, library: Library, values: Mapping[str, str]) -> CatalogChoice:
        """Without default scenarios besides the first that need a parameter of which no value is known."""
        names = self.all_scenarios(library)
        lacking = (
            name
            for name in names[1:]
            if name not in self.scenarios
            and any(not values.get(key) for key in _parameters_of(library.get(self.name), (name,)))
        )
        return replace(self, left_out=tuple(lacking))


def needed_parameters(library: Library, catalogs: Sequence[CatalogChoice]) -> dict[str, str]:
    """Placeholders of the scenarios of ``catalogs``, each with what stands for it."""
    found: dict[str, str] = {}
    for choice in catalogs:
        for name, meaning in _parameters_of(library.get(choice.name), choice.all_scenarios(library)).items():
            found.setdefault(name, meaning)
    return found


def _parameters_of(catalog: Catalog, scenarios: Collection[str]) -> dict[str, str]:
    return {
        name: catalog.placeholders.get(name, "")
        for entry in catalog.entries_at(catalog.latest)
        if entry.scenario in scenarios and entry.need == "required"
        for name in _PLACEHOLDER.findall(entry.value)
    }


def workload_text(
    name: str,
    library: Library,
    catalogs: Sequence[CatalogChoice],
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
        "catalogs": [item.written(library) for item in catalogs],
        "sources": _sources(sources, subnets),
        "targets": [_target(candidate, delete) for candidate in targets],
    }
    head = "# What this workload must reach. Reference: allowlist check --help, and the README.\n"
    missing = [f"#   {key}: {text}\n" for key, text in wanted.items() if not parameters.get(key)]
    notes = ["# Parameters still to fill in:\n", *missing] if missing else []
    return head + "".join(notes) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


@dataclass(frozen=True, slots=True)
class Draft:
    """A workload file that names no target yet, such as ``recommend`` writes."""

    name: str
    catalogs: tuple[str, ...]
    document: Any


def read_draft(path: Path) -> Draft | None:
    """``path`` where it is a workload without targets of its own; None where it has some, or is something else."""
    from allowlist.documents.round_trip import round_trip

    document = round_trip().load(read_text(path))
    if not isinstance(document, dict) or document.get("targets") or not document.get("catalogs"):
        return None
    catalogs = tuple(
        f"{item['name']}:{','.join(item['scenarios'])}" if item.get("scenarios") else str(item["name"])
        for item in document["catalogs"]
    )
    return Draft(str(document.get("name", "")), catalogs, document)


def completed_text(
    draft: Draft,
    wanted: Sequence[str],
    sources: Sequence[str],
    targets: Sequence[Candidate],
    parameters: Mapping[str, str],
    delete: str,
    subnets: Sequence[str] = (),
) -> str:
    """The draft with targets in place of what it would discover, and the ``wanted`` parameters that it lacks.

    All else that it says stays, comments too.
    """
    from allowlist.documents.round_trip import round_trip

    document = draft.document
    document.pop("discover", None)
    known = document.setdefault("parameters", {})
    for key in dict.fromkeys(wanted):
        known.setdefault(key, parameters.get(key, ""))
    if not known:
        del document["parameters"]
    if sources or subnets:
        document.setdefault("sources", {}).update(_sources(sources, subnets))
    document["targets"] = [_target(candidate, delete) for candidate in targets]
    stream = io.StringIO()
    round_trip().dump(document, stream)
    return stream.getvalue()


def _target(candidate: Candidate, delete: str) -> dict[str, Any]:
    return {
        "name": _slug(candidate.name),
        "surface": candidate.surface,
        "resource": candidate.resource,
        "delete": delete,
    }


def _sources(addresses: Sequence[str], subnets: Sequence[str]) -> dict[str, Any]:
    named = {"workload": {"addresses": list(addresses)}} if addresses else {}
    return {**named, "agents": {"subnets": list(subnets)}} if subnets else named


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "target"
