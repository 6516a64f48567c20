"""The example company on a running simulator, with a ledger: everything a run needs, over real HTTP."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allowlist.apply.executor import RunContext
from allowlist.apply.result import RunResult
from allowlist.azure.client import ArmClient, Patience
from allowlist.azure.connection import Connection, connect
from allowlist.documents import canonical_json, digest_of
from allowlist.plan.model import Change, Plan
from allowlist.simulator import Running, Simulator, parse_fault, serve
from allowlist.store import Ledger, open_ledger
from allowlist.store.identity import Identity
from allowlist.workflow.applying import ApplyOptions, apply_plan
from allowlist.workflow.deciding import decide
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project, read_estate
from allowlist.workflow.remembering import remembering
from allowlist.workflow.review_session import Access, ReviewSession
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY

NET = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu/providers/Microsoft.Network"
POLICY = f"{NET}/firewallPolicies/afwp-weu"
OURS = f"{POLICY}/ruleCollectionGroups/allowlist-research-agents"
FOREIGN = f"{POLICY}/ruleCollectionGroups/rcg-web"

ALICE = Identity(who="alice@contoso.example", kind="verified")
PATIENCE = Patience(first_poll=0.02, longest_poll=0.1, first_retry=0.02, longest_retry=0.1, retry=5.0)


_FIRST_PLANS: dict[str, Plan] = {}


@dataclass
class World:
    """A simulated estate, a client for it, and a ledger."""

    simulator: Simulator
    running: Running
    arm: ArmClient
    ledger: Ledger
    workload: Path
    catalogs: Path | None = None
    told: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return remembering(load_project(self.workload, catalogs=self.catalogs, now=now()), self.ledger)

    def plan(self) -> Plan:
        """A plan for what stands in the simulated Azure now.

        Of a world that nobody has asked or changed yet it is the same for every test, and made once a process.
        """
        world = self._as_it_began()
        if world is None:
            return self.made_plan()
        if world not in _FIRST_PLANS:
            _FIRST_PLANS[world] = self.made_plan()
        return _FIRST_PLANS[world]

    def made_plan(self) -> Plan:
        """A plan that is made now, whatever was planned before."""
        project = self.project
        specs = project.targets()
        return make_plan(project, read_estate(project, specs, self.arm), specs)

    def _as_it_began(self) -> str | None:
        """The digest of everything that a plan hangs on, or None where more has happened than that it was made."""
        simulator, folder = self.simulator, self.workload.parent
        others = [
            each.name for each in folder.iterdir() if each != self.workload and "ledger.db" not in each.name
        ]
        if others or self.catalogs or len(simulator.requests) or simulator.denied or simulator.faults.faults:
            return None
        if self.ledger.entries(1):
            return None
        today, policy = now().date().isoformat(), os.environ.get("ALLOWLIST_POLICY", "")
        return digest_of([today, policy, self.workload.read_text(), simulator.resources()])

    def approve(self, plan: Plan, *changes: Change, who: Identity = ALICE, gates: bool = True) -> None:
        accepted = [gate.id for gate in plan.gates if not gate.final] if gates else []
        decide(self.ledger, plan, changes or plan.changes, "approve", who, "test", now(), gates=accepted)

    def reject(self, plan: Plan, who: Identity) -> None:
        decide(self.ledger, plan, plan.changes, "reject", who, "rejected after all", now())

    def put_on_record(self, plan: Plan, who: Identity) -> None:
        """What the plan command does under four eyes."""
        self.ledger.save_plan(
            plan.digest, canonical_json(plan), workload=plan.workload, created=now(), who=who.who
        )

    def record_at(self, moment: dt.datetime) -> None:
        """A row that was written at ``moment``: since then clocks were set back."""
        url = f"sqlite:///{self.workload.parent}/ledger.db"
        with open_ledger(url, environ={}, clock=lambda: moment) as later:
            later.note("test", "clock", "", {})

    def context(self, **changes: Any) -> RunContext:
        defaults: dict[str, Any] = {
            "ledger": self.ledger,
            "who": "runner",
            "clock": now,
            "sleep": lambda _: None,
            "on_event": lambda event: self.told.append(event.text),
            "settle_attempts": 200,
            "settle_pause": 0.0,
        }
        known = RunContext.__dataclass_fields__
        given = {name: value for name, value in self.settings.items() if name in known}
        return RunContext(**{**defaults, **given, **changes})

    def apply(self, plan: Plan, **options: Any) -> RunResult:
        context = self.context()
        return apply_plan(self.project, plan, self.arm, context, ApplyOptions(**options))

    def fault(self, *texts: str) -> None:
        for text in texts:
            self.simulator.faults.add(parse_fault(text))

    def rows(self) -> int:
        """How many rows the ledger has, but for what a look showed and what the traffic was, which the next one may take over."""
        return sum(entry.kind not in ("answer", "traffic") for entry in self.ledger.entries(1000))

    def rules(self, resource: str = OURS) -> list[str]:
        body = self.body(resource)
        if body is None:
            return []
        return [rule["name"] for item in body["properties"]["ruleCollections"] for rule in item["rules"]]

    def body(self, resource: str) -> dict[str, Any] | None:
        """What the simulated Azure holds, or None."""
        try:
            return self.simulator.resource(resource)
        except KeyError:
            return None

    def edit(self, resource: str, change: Callable[[dict[str, Any]], None]) -> None:
        """What another team does meanwhile."""
        self.simulator.edit(resource, change)

    def foreign(self) -> dict[str, Any]:
        """Everything configured that is not ours, for comparison."""
        bodies = {}
        for file in ("rcg-erp", "rcg-avd", "rcg-build", "rcg-data", "rcg-web", "rcg-legacy"):
            body = self.simulator.resource(f"{POLICY}/ruleCollectionGroups/{file}")
            assert body is not None
            bodies[file] = body["properties"]["ruleCollections"]
        return bodies


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def contoso_world(folder: Path, **settings: Any) -> Iterator[World]:
    simulator = Simulator(**settings)
    simulator.seed(CONTOSO)
    workload = folder / "allowlist.yaml"
    workload.write_text(FIREWALL_ONLY.read_text())
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none", patience=PATIENCE)) as arm,
        open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=now) as ledger,
    ):
        yield World(simulator, running, arm, ledger, workload)


def session_of(world: World, **changes: Any) -> ReviewSession:
    """A session on a running simulator."""
    values: dict[str, Any] = {
        "ledger": lambda: world.ledger,
        "who": lambda _: ALICE,
        "clock": now,
        "project": lambda: world.project,
        "state": lambda narrate: nullcontext(world.arm),
        "azure": lambda narrate, sleep: nullcontext(world.arm),
        "makes_first": True,
        "sleep": lambda _: time.sleep(0.01),
    }
    return ReviewSession(Access(**values | changes))
