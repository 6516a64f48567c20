"""Write a first ``allowlist.yaml``: for the enforcement points found, with the parameters the catalogs need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from allowlist.catalog import Library
from allowlist.errors import TargetNotFound
from allowlist.surfaces.base import ArmReader
from allowlist.surfaces.estate import Body, Estate

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enforcement point that was found, and why it is one."""

    surface: str
    resource: str
    name: str
    why: str


_LISTS = (
    ("Microsoft.Network/firewallPolicies", "2024-05-01"),
    ("Microsoft.Network/azureFirewalls", "2024-05-01"),
    ("Microsoft.MachineLearningServices/workspaces", "2024-10-01"),
    ("Microsoft.CognitiveServices/accounts", "2025-12-01"),
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
    for body in estate.of_type("Microsoft.CognitiveServices/accounts"):
        if body["properties"].get("restrictOutboundNetworkAccess"):
            yield _candidate("account-allow-list", body, "outbound access is restricted")
        elif body.get("kind") == "AIServices":
            yield _candidate("account-network", body, "Foundry account")


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
) -> str:
    """The file, ready to be read by people: catalogs pinned to their newest release."""
    wanted = needed_parameters(library, catalogs)
    document: dict[str, Any] = {
        "schema": "allowlist/workload/v1",
        "name": name,
        "cloud": "public",
        "parameters": {key: parameters.get(key, "") for key in wanted},
        "catalogs": [{"name": item, "version": library.get(item).latest} for item in catalogs],
        "sources": {"workload": {"addresses": list(sources)}},
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


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "target"
