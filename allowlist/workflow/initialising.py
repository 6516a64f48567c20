"""Write a first ``allowlist.yaml``: for the enforcement points found, with the parameters the catalogs need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml

from allowlist.catalog import Library
from allowlist.errors import TargetDenied, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.points.account_network import surface as account_network
from allowlist.points.agent_egress import surface as agent_egress
from allowlist.points.point import ArmReader, Target
from allowlist.workflow.surfaces import surface_of

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enforcement point that was found, and why it is one."""

    surface: str
    resource: str
    name: str
    why: str


_ACCOUNTS = "Microsoft.CognitiveServices/accounts"
_LISTS = (
    ("Microsoft.Network/firewallPolicies", "2024-05-01"),
    ("Microsoft.Network/azureFirewalls", "2024-05-01"),
    ("Microsoft.MachineLearningServices/workspaces", "2024-10-01"),
    (_ACCOUNTS, "2025-12-01"),
)


def discover(arm: ArmReader, subscription: str) -> Estate:
    """Everything in a subscription that could be an enforcement point, by one list call per type."""
    bodies: list[Body] = []
    for kind, version in _LISTS:
        try:
            bodies += arm.list(f"/subscriptions/{subscription}/providers/{kind}", version)
        except TargetNotFound:
            # A subscription that never used a resource provider does not know its namespace.
            continue
    return Estate.of(bodies, origin=f"subscription {subscription}")


def look_closer(arm: ArmReader, estate: Estate) -> Estate:
    """``estate`` with what lists do not show: managed networks and egress policies of its Foundry accounts."""
    bodies: list[Body] = []
    for account in estate.of_type(_ACCOUNTS):
        if account.get("kind") == "AIServices":
            bodies += _beside(arm, account["id"])
    return estate.with_resources(bodies)


def _beside(arm: ArmReader, account: str) -> Iterator[Body]:
    with suppress(TargetNotFound, TargetDenied):
        network = f"{account}/managedNetworks/default"
        yield {**arm.get(network, account_network.API_VERSION), "id": network, "name": "default"}
    with suppress(TargetNotFound, TargetDenied):
        yield from arm.list(f"{account}/raiPolicies", agent_egress.API_VERSION)


def read_subscription(arm: ArmReader, subscription: str) -> Estate:
    """Every enforcement point of a subscription with all that decides there."""
    estate = look_closer(arm, discover(arm, subscription))
    for candidate in find_candidates(estate):
        target = Target(
            name=candidate.name, workload="", surface=candidate.surface, resource=candidate.resource,
            delete="add-only", options={},
        )  # fmt: skip
        estate = estate.with_resources(surface_of(candidate.surface).read(arm, target))
    return estate


def agent_subnets(estate: Estate) -> dict[str, str]:
    """By account: the customer's subnet its agents run in, whose network's firewall decides about their egress."""
    found = {account["id"]: account_network.agent_subnet(account) for account in estate.of_type(_ACCOUNTS)}
    return {account: subnet for account, subnet in found.items() if subnet}


def find_candidates(estate: Estate) -> Iterator[Candidate]:
    """Enforcement points of an estate: policies, classic firewalls, hubs and accounts with managed networks."""
    for body in estate.of_type("Microsoft.Network/firewallPolicies"):
        carried = len(body["properties"].get("firewalls") or ())
        if not body["properties"].get("childPolicies"):
            yield _candidate("firewall-policy", body, f"{carried} firewalls carry it")
    for body in estate.of_type("Microsoft.Network/azureFirewalls"):
        if not body["properties"].get("firewallPolicy"):
            yield _candidate("azure-firewall", body, "classic rules")
    for body in estate.of_type("Microsoft.MachineLearningServices/workspaces"):
        mode = (body["properties"].get("managedNetwork") or {}).get("isolationMode", "")
        if mode == "AllowOnlyApprovedOutbound":
            yield _candidate("hub-network", body, "managed network with approved outbound only")
    for body in estate.of_type(_ACCOUNTS):
        if body["properties"].get("restrictOutboundNetworkAccess"):
            yield _candidate("account-allow-list", body, "outbound access is restricted")
        elif _has_managed_network(estate, body):
            yield _candidate("account-network", body, "Foundry account with a managed network")
    for body in estate.of_type(f"{_ACCOUNTS}/raiPolicies"):
        if body["properties"].get("egressPolicy"):
            yield _candidate("agent-egress", body, "policy with egress rules for hosted agents")


def _has_managed_network(estate: Estate, account: Body) -> bool:
    injections = account["properties"].get("networkInjections") or ()
    managed = any(item.get("useMicrosoftManagedNetwork") for item in injections)
    return managed or estate.get(f"{account['id']}/managedNetworks/default") is not None


def _candidate(surface: str, body: Body, why: str) -> Candidate:
    return Candidate(surface, body["id"], body.get("name", ""), why)


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
) -> str:
    """The file, ready to be read by people: catalogs pinned to their newest release."""
    wanted = needed_parameters(library, catalogs)
    document: dict[str, Any] = {
        "schema": "allowlist/workload/v1",
        "name": name,
        "cloud": "public",
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
