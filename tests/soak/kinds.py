"""The kill loop over the other kinds of enforcement points: ``python -m tests.soak.kinds``.

One plan writes to a secured hub, a perimeter, the managed networks of a hub and of an account, an account's list of
hosts and an egress policy. Each life is cut off at random, like those of :mod:`tests.soak.kills`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import foundry
from tests.helpers.foundry_world import RESOURCES, estate
from tests.helpers.hub import HUB, POLICY, intent, secured_hub
from tests.helpers.kinds import workload_for
from tests.helpers.perimeter import PROFILE, perimeter
from tests.soak.kills import LOADED, Loop, simulated

NAMES = ("one.example.com", "two.example.com", "three.example.com")
TARGETS = {**RESOURCES, "secured-hub": HUB, "security-perimeter": PROFILE}


class Kinds(Loop):
    """Everything there is of these six places, by place: names and what each entry lets through."""

    def state(self) -> dict[str, Any]:
        network = self.get(foundry.NETWORK, "2026-03-01")["properties"]["managedNetwork"]
        hub = self.get(foundry.HUB, "2025-12-01")["properties"]["managedNetwork"]
        policy = self.get(foundry.POLICY, "2026-05-15-preview")["properties"]
        groups = self.get(f"{POLICY}/ruleCollectionGroups", "2024-05-01")["value"]
        access = self.get(f"{PROFILE}/accessRules", "2024-10-01")["value"]
        return {
            "account-network": {name: rule["destination"] for name, rule in network["outboundRules"].items()},
            "hub-network": {name: rule["destination"] for name, rule in hub["outboundRules"].items()},
            "account-allow-list": sorted(
                self.get(foundry.SPEECH, "2024-10-01")["properties"]["allowedFqdnList"]
            ),
            "agent-egress": [rule["match"]["host"] for rule in policy["egressPolicy"]["rules"]],
            "secured-hub": {item["name"]: item["properties"]["ruleCollections"] for item in groups},
            "security-perimeter": {
                item["name"]: item["properties"]["fullyQualifiedDomainNames"] for item in access
            },
        }

    def others(self) -> dict[str, Any]:
        """What others wrote: it may never change."""
        found = self.state()
        return {
            "account-network": found["account-network"]["theirs"],
            "hub-network": found["hub-network"]["theirs"],
            "account-allow-list": "theirs.example" in found["account-allow-list"],
            "agent-egress": "theirs.example" in found["agent-egress"],
            "secured-hub": found["secured-hub"]["theirs"],
            "security-perimeter": found["security-perimeter"]["theirs"],
        }

    def account_rules(self) -> Any:
        """All that has to be as it was after a rollback: everything, an empty group of ours aside."""
        found = self.state()
        hub = {name: body for name, body in found["secured-hub"].items() if any(one["rules"] for one in body)}
        return found | {"secured-hub": hub}

    def our_rules(self) -> int:
        text = json.dumps(self.state())
        return sum(text.count(name) for name in NAMES)


def seed(folder: Path) -> Path:
    bodies = [*estate(), *secured_hub(intent()), *perimeter()]
    file = folder / "estate"
    file.mkdir()
    (file / "all.json").write_text(json.dumps({"value": bodies}))
    return file


def document() -> dict[str, Any]:
    made = workload_for("secured-hub", HUB, list(NAMES))
    made["targets"] = [
        {"name": kind, "surface": kind, "resource": resource, "delete": "sync"}
        for kind, resource in TARGETS.items()
    ]
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=0.0005)
    given = parser.parse_args()
    for name in LOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ALLOWLIST_LEDGER"] = f"sqlite:///{folder}/ledger.db"
        (folder / "allowlist.yaml").write_text(json.dumps(document()))
        with simulated(folder, given.pace, seed(folder)) as url:
            loop = Kinds(folder, url, given.seed)
            try:
                loop.run(given.kills)
            finally:
                for word, count in sorted(loop.counts.items()):
                    print(f"{count:6} {word}", flush=True)


if __name__ == "__main__":
    main()
