"""One enforcement point of any kind on a running simulator, with a ledger and a workload that names it."""

from __future__ import annotations

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
from tests.helpers.world import PATIENCE, World, now

Body = dict[str, Any]


def workload_for(surface: str, resource: str, names: list[str], options: Body | None = None) -> Body:
    return {
        "schema": "allowlist/workload/v1",
        "name": "research",
        "sources": {"lab": {"addresses": ["10.40.0.0/24"]}},
        "targets": [
            {
                "name": "point",
                "surface": surface,
                "resource": resource,
                "delete": "sync",
                "options": options or {},
            }
        ],
        "requirements": [
            {
                "id": name.replace("*", "any").replace(".", "-"),
                "pattern": name,
                "ports": ["https:443"],
                "owner": "team",
                "reason": "needed",
                "expires": "2999-01-01",
            }
            for name in names
        ],
        "gates": {"removals": 100, "removal_share": 1.0, "catalog_shrink": 1.0},
    }


@contextmanager
def kind_world(folder: Path, document: Body, bodies: list[Body], **settings: Any) -> Iterator[World]:
    """A world of ``bodies`` with the workload ``document``; ``settings`` are those of the simulator."""
    simulator = Simulator(**settings)
    simulator.seed(bodies)
    workload = folder / "allowlist.yaml"
    workload.write_text(json.dumps(document), "utf-8")
    catalogs = folder / "catalogs"
    catalogs.mkdir()
    shutil.copy(shipped_catalogs() / "vscode.yaml", catalogs)
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none", patience=PATIENCE)) as arm,
        open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=now) as ledger,
    ):
        world = World(simulator, running, arm, ledger, workload, catalogs)
        world.settings = {
            "sleep": time.sleep,
            "settle_pause": 0.01,
            "busy_pause": 0.02,
            "settle_attempts": 300,
        }
        yield world
