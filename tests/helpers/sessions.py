"""Desks for the review screen: the example company offline, with a ledger of its own and a clock that stands."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from allowlist.plan.model import Plan
from allowlist.store import Ledger, open_ledger
from allowlist.store.identity import Identity
from allowlist.workflow.files import write_file
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import load_project, read_estate
from allowlist.workflow.review_session import Access, ReviewSession
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ALICE = Identity(who="alice@contoso.example", kind="verified")
BOB = Identity(who="bob@contoso.example", kind="verified")


def noon() -> dt.datetime:
    return NOON


@cache
def contoso_plan() -> Plan:
    """The plan for the example company at noon, asked for by nobody in particular."""
    project = load_project(FIREWALL_ONLY, now=NOON)
    specs = project.targets()
    return make_plan(project, read_estate(project, specs, CONTOSO), specs)


def plan_file(folder: Path, plan: Plan) -> Path:
    path = folder / "plan.json"
    write_file(path, plan)
    return path


def offline_session(folder: Path, shown: Plan | None = None, **changes: Any) -> ReviewSession:
    """The example company from its snapshot with its plan; with ``shown`` nothing but that plan is known."""
    values: dict[str, Any] = {
        "ledger": lambda: ledger_in(folder),
        "who": lambda _: ALICE,
        "clock": noon,
        "project": lambda: load_project(FIREWALL_ONLY, now=NOON),
        "state": lambda narrate: nullcontext(CONTOSO),
        "plan": plan_file(folder, shown or contoso_plan()),
    }
    if shown is not None:
        values |= {"project": None, "state": None}
    return ReviewSession(Access(**values | changes))


def planning_session(folder: Path, **changes: Any) -> ReviewSession:
    """The example company without a plan: one is made when the screen opens."""
    return offline_session(folder, **{"plan": None, "makes_first": True} | changes)


def ledger_in(folder: Path, clock: Any = noon) -> Ledger:
    return open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=clock)
