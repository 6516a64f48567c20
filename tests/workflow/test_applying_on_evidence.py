"""A removal that passed its gate on the word of logs is applied only on the word of such logs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from allowlist.apply.result import RunResult
from allowlist.errors import PlanRefused
from allowlist.plan.model import Plan
from allowlist.simulator.traffic import Event, write_logs
from allowlist.workflow.applying import ApplyOptions, apply_plan
from allowlist.workflow.files import read_plan, write_file
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, read_estate
from tests.helpers.cli import FIREWALL_ONLY
from tests.helpers.traffic import allowed, event, reading
from tests.helpers.world import NET, POLICY, World, contoso_world

HOUR = 3600 * 10**7
NO_LONGER = (
    "\n  - {id: old, pattern: old.example, ports: ['https:443'], owner: o, reason: r, expires: '2090-01-01'}"
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Where old.example was let through by us, and nothing asks for it any more."""
    with contoso_world(tmp_path) as found:
        text = FIREWALL_ONLY.read_text()
        found.workload.write_text(text.replace("\nrequirements:\n", f"\nrequirements:{NO_LONGER}\n", 1))
        plan = found.plan()
        found.approve(plan)
        found.apply(plan)
        found.workload.write_text(f"{text}\ngates: {{unused_days: 2}}\n")
        yield found


def quiet(hours: int, *, ended: int = 0) -> list[Event]:
    """A flow that no rule of ours is about in each of the last ``hours``, but for the last ``ended``."""
    now = int(dt.datetime.now(dt.UTC).timestamp()) * 10**7
    return [
        event(0, "elsewhere.example", ticks=now - hour * HOUR, source="10.99.0.1")
        for hour in range(ended, hours + 1)
    ]


@contextmanager
def seen(world: World, folder: Path, flows: Sequence[Event]) -> Iterator[Project]:
    folder.mkdir()
    write_logs(flows, folder / "logs", firewall=f"{NET}/azureFirewalls/afw-weu", shapes=("storage",))
    with reading([folder / "logs"], folder) as traffic:
        yield replace(world.project, traffic=traffic)


def apply_on(world: World, project: Project, plan: Plan) -> RunResult:
    return apply_plan(project, plan, world.arm, world.context(), ApplyOptions())


def test_a_gate_that_logs_opened_is_open_at_apply_only_to_such_logs(world: World, tmp_path: Path) -> None:
    with seen(world, tmp_path / "whole", quiet(72)) as project:
        specs = project.targets()
        plan = make_plan(project, read_estate(project, specs, world.arm), specs)
    (removal,) = [change for change in plan.changes if change.operation.action == "remove"]
    assert "removals" not in removal.gates
    world.approve(plan, gates=False)
    collection, rule = removal.operation.path[-2:]
    used = allowed(
        0, "x.example", ticks=quiet(1)[1].ticks, source="10.40.0.4", rule=rule,
    )  # fmt: skip
    used = replace(used, collection=collection, policy=POLICY.rpartition("/")[2])
    other = {
        "without logs": None,
        "of a flow that it let through": [*quiet(72), used],
        "that ended a day and more ago": quiet(72, ended=26),
        "that began later than the workload asks for": quiet(40),
        "with an hour missing": [one for one in quiet(72) if one.ticks not in {at.ticks for at in quiet(31, ended=30)}],
    }  # fmt: skip
    for name, flows in other.items():
        with (
            seen(world, tmp_path / name, flows) if flows else nullcontext(world.project) as project,
            pytest.raises(PlanRefused, match="removals"),
        ):
            apply_on(world, project, plan)
        assert rule in world.rules(), name
    with seen(world, tmp_path / "again", quiet(72)) as project:
        assert apply_on(world, project, plan).is_complete
    assert rule not in world.rules()


def test_a_plan_whose_evidence_was_edited_is_refused(world: World, tmp_path: Path) -> None:
    """What logs said is sealed with the plan: neither the witness nor the gate can be written over."""
    with seen(world, tmp_path / "used", quiet(12)) as project:
        specs = project.targets()
        plan = make_plan(project, read_estate(project, specs, world.arm), specs)
    (removal,) = [change for change in plan.changes if change.operation.action == "remove"]
    assert "removals" in removal.gates
    write_file(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    document = json.loads((tmp_path / "plan.json").read_text())
    (told,) = [one for one in document["changes"] if one["id"] == removal.id]
    for edit in (
        {"traffic": ["touches no flow that was seen"]},
        {"gates": [gate for gate in told["gates"] if gate != "removals"]},
    ):
        edited = [one | edit if one["id"] == removal.id else one for one in document["changes"]]
        (tmp_path / "edited.json").write_text(json.dumps(document | {"changes": edited}))
        with pytest.raises(PlanRefused, match="edited"):
            read_plan(tmp_path / "edited.json")
