"""A fleet in a simulator: many policies below one base, each with groups and a firewall, and the files for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allowlist.simulator import Simulator
from tests.helpers.arm import application_rule, collection

SUBSCRIPTIONS = tuple(f"00000000-0000-0000-0000-00000000000{number}" for number in range(1, 10))


def network(subscription: int = 0) -> str:
    return f"/subscriptions/{SUBSCRIPTIONS[subscription]}/resourceGroups/rg-hub/providers/Microsoft.Network"


def policy_id(number: int, subscription: int = 0) -> str:
    return f"{network(subscription)}/firewallPolicies/policy-{number:03}"


def seed_fleet(
    simulator: Simulator, policies: int, groups: int = 2, rules: int = 3, subscriptions: int = 1
) -> None:
    """``policies`` child policies spread over ``subscriptions``, each with a firewall, all below one base each."""
    bodies: list[dict[str, Any]] = []
    for subscription in range(subscriptions):
        bodies += [_policy(f"{network(subscription)}/firewallPolicies/base"), _ip_group(subscription)]
        bodies.append(_group(f"{network(subscription)}/firewallPolicies/base", 0, 1, subscription))
    for number in range(policies):
        subscription = number % subscriptions
        policy = policy_id(number, subscription)
        base = f"{network(subscription)}/firewallPolicies/base"
        bodies.append(_policy(policy, basePolicy={"id": base}))
        bodies += [_group(policy, at, rules, subscription) for at in range(groups)]
        bodies.append(_firewall(number, policy, subscription))
    simulator.seed(bodies)


def _policy(policy: str, **properties: Any) -> dict[str, Any]:
    return _body(policy, "Microsoft.Network/firewallPolicies", {"sku": {"tier": "Premium"}, **properties})


def _group(policy: str, at: int, rules: int, subscription: int) -> dict[str, Any]:
    found = [
        application_rule(
            f"rule-{number}",
            fqdns=[f"host{number}-{at}.example.org"],
            sourceAddresses=[],
            sourceIpGroups=[f"{network(subscription)}/ipGroups/agents"],
        )
        for number in range(rules)
    ]
    kind = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
    properties = {"priority": 2000 + 10 * at, "ruleCollections": [collection(*found)]}
    return _body(f"{policy}/ruleCollectionGroups/group-{at}", kind, properties)


def _firewall(number: int, policy: str, subscription: int) -> dict[str, Any]:
    name = f"{network(subscription)}/azureFirewalls/firewall-{number:03}"
    return _body(name, "Microsoft.Network/azureFirewalls", {"firewallPolicy": {"id": policy}})


def _ip_group(subscription: int) -> dict[str, Any]:
    name = f"{network(subscription)}/ipGroups/agents"
    return _body(name, "Microsoft.Network/ipGroups", {"ipAddresses": ["10.9.0.0/24"]})


def _body(resource: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"id": resource, "name": resource.rpartition("/")[2], "type": kind, "location": "westeurope", "properties": properties}  # fmt: skip


def write_fleet(
    folder: Path,
    policies: int,
    *,
    files: int = 1,
    subscriptions: int = 1,
    automation: str = "apply: safe, unattended: {catalogs: [own]}",
    names: Sequence[str] = ("needed.example.com",),
    source: str = "10.40.0.0/23",
) -> list[Path]:
    """Workload files that spread ``policies`` targets evenly; every target needs ``names`` from ``source``."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in range(files):
        targets = "".join(_target(number, number % subscriptions) for number in range(file, policies, files))
        wanted = "".join(_requirement(name) for name in names)
        path = folder / f"team-{file:03}.allowlist.yaml"
        path.write_text(
            f"schema: allowlist/workload/v1\nname: team-{file:03}\n"
            f"sources: {{agents: {{addresses: [{source}]}}}}\n"
            f"requirements:\n{wanted}targets:\n{targets}automation: {{{automation}}}\n"
        )
        written.append(path)
    return written


def _requirement(name: str) -> str:
    return (
        f"  - {{id: {name.replace('.', '-')}, pattern: {name}, ports: ['https:443'], owner: team, "
        "reason: needed, expires: '2999-01-01'}\n"
    )


def _target(number: int, subscription: int) -> str:
    resource = policy_id(number, subscription)
    return f"  - {{name: policy-{number:03}, surface: firewall-policy, resource: {resource}, priority: 1000, delete: sync}}\n"
