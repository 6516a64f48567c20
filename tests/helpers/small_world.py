"""A world with one policy, one group of others and two requirements: small, so that many forgeries can be tried on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allowlist.azure.connection import Connection, connect
from allowlist.simulator import Simulator, serve
from allowlist.store import open_ledger
from tests.helpers.world import PATIENCE, World, now

NETWORK = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network"
POLICY = f"{NETWORK}/firewallPolicies/p"
OURS = f"{POLICY}/ruleCollectionGroups/allowlist-wl"
OTHERS = f"{POLICY}/ruleCollectionGroups/others"

WORKLOAD = f"""\
schema: allowlist/workload/v1
name: wl
requirements:
  - {{id: a, pattern: "a.foo.com", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}}
  - {{id: b, pattern: "*.bar.com", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}}
sources:
  s: {{addresses: [10.0.0.0/24]}}
targets:
  - name: fw
    surface: firewall-policy
    resource: {POLICY}
    delete: sync
gates: {{additions: 1}}
"""


def others_rule(name: str, **more: object) -> dict[str, object]:
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": [f"{name}.example"],
        "sourceAddresses": ["10.9.0.0/24"],
        **more,
    }


def group(resource: str, name: str, *rules: dict[str, object], priority: int = 2000) -> dict[str, object]:
    collection: dict[str, object] = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": f"{name}-names",
        "priority": 1000,
        "action": {"type": "Allow"},
        "rules": list(rules),
    }
    properties = {"priority": priority, "ruleCollections": [collection]}
    return {"id": resource, "name": name, "properties": properties}


def estate(*more: dict[str, object]) -> list[dict[str, object]]:
    policy: dict[str, object] = {
        "id": POLICY,
        "name": "p",
        "location": "westeurope",
        "properties": {"sku": {"tier": "Standard"}, "dnsSettings": {"enableProxy": True}},
    }
    return [policy, group(OTHERS, "others", others_rule("theirs")), *more]


@contextmanager
def small_world(folder: Path, *more: dict[str, object], workload: str = WORKLOAD) -> Iterator[World]:
    """``more`` are resources beside the policy and the group of others."""
    seed = folder / "seed"
    seed.mkdir()
    (seed / "estate.json").write_text(json.dumps(estate(*more)))
    file = folder / "allowlist.yaml"
    file.write_text(workload)
    simulator = Simulator()
    simulator.seed(seed)
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none", patience=PATIENCE)) as arm,
        open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=now) as ledger,
    ):
        yield World(simulator, running, arm, ledger, file)
