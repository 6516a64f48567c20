"""The Foundry estate on a running simulator, with a ledger: runs over real HTTP."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allowlist.azure.connection import Connection, connect
from allowlist.catalog.library import shipped_catalogs
from allowlist.simulator import Simulator, serve
from allowlist.store import open_ledger
from tests.helpers import foundry
from tests.helpers.world import PATIENCE, World, now

HTTPS = ["https:443"]
RESOURCES = {
    "hub-network": foundry.HUB,
    "account-network": foundry.ACCOUNT,
    "account-allow-list": foundry.SPEECH,
    "agent-egress": foundry.POLICY,
}
SURFACES = list(RESOURCES)


def estate(**changes: Any) -> list[foundry.Body]:
    """Everything of the company, each network with a rule of somebody else."""
    theirs = {"theirs": foundry.fqdn("theirs.example")}
    bodies = {
        "hub": foundry.hub(theirs),
        "account": foundry.account(),
        "network": foundry.network(theirs),
        "speech": foundry.speech(["theirs.example"]),
        "policy": foundry.policy(
            [
                {
                    "name": "theirs",
                    "ruleType": "Fqdn",
                    "match": {"host": "theirs.example"},
                    "action": {"actionType": "Allow"},
                }
            ]
        ),
    }
    return copy.deepcopy(list((bodies | changes).values()))


def write_workload(
    folder: Path,
    surfaces: list[str],
    names: list[str],
    *,
    delete: str = "sync",
    options: dict[str, foundry.Body] | None = None,
) -> Path:
    document = {
        "schema": "allowlist/workload/v1",
        "name": "research",
        "sources": {"lab": {"addresses": ["10.40.0.0/24"]}},
        "targets": [
            {
                "name": surface,
                "surface": surface,
                "resource": RESOURCES[surface],
                "delete": delete,
                "options": (options or {}).get(surface, {}),
            }
            for surface in surfaces
        ],
        "requirements": [
            {
                "id": name.replace(".", "-").replace("*", "any"),
                "pattern": name,
                "ports": HTTPS,
                "owner": "team",
                "reason": "needed",
                "expires": "2999-01-01",
            }
            for name in names
        ],
        "gates": {"removals": 100, "removal_share": 1.0, "catalog_shrink": 1.0},
    }
    path = folder / "allowlist.yaml"
    path.write_text(json.dumps(document), "utf-8")
    return path


@contextmanager
def foundry_world(
    folder: Path,
    surfaces: list[str],
    names: list[str],
    *,
    bodies: list[foundry.Body] | None = None,
    delete: str = "sync",
    options: dict[str, foundry.Body] | None = None,
    **settings: Any,
) -> Iterator[World]:
    """A world whose workload wants ``names`` on ``surfaces``; ``settings`` are those of the simulator."""
    simulator = Simulator(**settings)
    simulator.seed(estate() if bodies is None else bodies)
    workload = write_workload(folder, surfaces, names, delete=delete, options=options)
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none", patience=PATIENCE)) as arm,
        open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=now) as ledger,
    ):
        catalogs = folder / "catalogs"
        catalogs.mkdir()
        shutil.copy(shipped_catalogs() / "vscode.yaml", catalogs)
        world = World(simulator, running, arm, ledger, workload, catalogs)
        world.settings = {
            "sleep": time.sleep,
            "settle_pause": 0.01,
            "busy_pause": 0.02,
            "settle_attempts": 300,
        }
        yield world
