"""A scheduled run over real HTTP: what it does alone, what it leaves to people, and that it can be run twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import LockHeld
from allowlist.workflow.syncing.context import Settings
from allowlist.workflow.syncing.outcome import Outcome
from allowlist.workflow.syncing.run import Report, Work, sync
from tests.helpers.world import OURS, World, contoso_world, now


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


EVERYTHING = "unattended: {needs: [required, conditional, optional], risks: [low, wildcard], catalogs: [%s]}"
ALL_CATALOGS = (
    "foundry-agents, azure-ai-services, azure-container-registry, azure-monitor, python-packages, "
    "hugging-face, vscode, own"
)
SAFE_EVERYTHING = f"apply: safe, {EVERYTHING % ALL_CATALOGS}"


def automate(world: World, text: str) -> None:
    """Write the ``automation`` section of the workload file."""
    head, _, _ = world.workload.read_text().partition("\nautomation:")
    world.workload.write_text(f"{head.rstrip()}\nautomation: {{{text}}}\n")


def run(world: World, **settings: Any) -> Report:
    return sync(works(world), world.context(), Settings(**settings))


def works(world: World) -> list[Work]:
    specs = world.project.targets()
    return [
        Work(
            workload=world.project.workload.name,
            file=world.workload,
            targets=tuple(spec.name for spec in specs),
            resources=tuple(spec.resource for spec in specs),
            arm=world.arm,
            load=lambda: world.project,
        )
    ]


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def writes(world: World) -> int:
    return sum(request.method not in ("GET", "HEAD") for request in world.simulator.requests)


def test_by_default_nothing_is_applied_even_when_people_approved(world: World) -> None:
    world.approve(world.plan())
    outcome = only(run(world))
    assert (outcome.state, outcome.code, outcome.waiting) == ("pending", 2, 35)
    assert any("automation.apply" in line for line in outcome.lines)
    assert writes(world) == 0
    assert not world.rules()


def test_what_waits_is_kept_as_one_pending_plan_however_often_it_runs(world: World) -> None:
    first = only(run(world))
    entries = world.rows()
    second = only(run(world))
    assert first.plan_id
    assert (second.plan_id, second.meaning) == (first.plan_id, first.meaning)
    assert world.rows() == entries
    assert [plan.plan_id for plan in world.ledger.plans(pending_only=True)] == [first.plan_id]


def test_what_people_approved_is_applied_and_verified(world: World) -> None:
    automate(world, "apply: approved")
    plan = world.plan()
    world.approve(plan, *plan.changes[:4])
    outcome = only(run(world))
    assert (outcome.state, outcome.code, outcome.applied, outcome.waiting) == ("applied", 2, 4, 31)
    assert len(world.rules()) == 4
    assert world.ledger.run(outcome.run_id).state == "succeeded"


def test_a_decision_counts_at_once_though_nothing_else_is_another(world: World) -> None:
    automate(world, "apply: approved")
    first = only(run(world))
    answers = [entry.seq for entry in world.ledger.entries(1000) if entry.kind == "answer"]
    assert answers
    assert only(run(world)).meaning == first.meaning
    assert [entry.seq for entry in world.ledger.entries(1000) if entry.kind == "answer"] == answers
    plan = world.plan()
    world.approve(plan, *plan.changes[:2])
    assert only(run(world)).applied == 2


def test_the_policy_lets_through_only_what_is_safe_and_the_ledger_says_on_whose_word(world: World) -> None:
    automate(world, "apply: safe")
    plan = world.plan()
    outcome = only(run(world))
    assert 0 < outcome.applied < len(plan.changes)
    applied = {change.operation.path[1]: change for change in plan.changes}
    for rule in world.rules():
        change = applied[rule]
        assert change.operation.action == "add"
        assert change.risk.value == "low"
        assert {ref.need for ref in change.requirements} == {"required"}
        assert "own" not in {ref.catalog for ref in change.requirements}
        (word,) = world.ledger.decisions([change.digest])
        assert (word.verdict, word.who) == ("comment", "policy:research-agents")


def test_the_second_run_writes_nothing_and_says_nothing(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    first = only(run(world))
    assert first.applied == 35
    before, entries = writes(world), world.rows()
    again = only(run(world))
    assert (again.applied, again.waiting, again.plan_id) == (0, 0, "")
    assert writes(world) == before
    assert world.rows() == entries


def test_a_rejected_change_is_never_applied_by_policy(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    plan = world.plan()
    from allowlist.workflow.deciding import decide
    from tests.helpers.world import ALICE

    decide(world.ledger, plan, plan.changes[:1], "reject", ALICE, "no", now())
    outcome = only(run(world))
    assert outcome.waiting == 1
    assert plan.changes[0].operation.path[1] not in world.rules()


@pytest.mark.parametrize("closed", ["windows: [{days: [], from: '00:00', to: '00:00'}]", "freezes: [{from: '2020-01-01', to: '2999-01-01', reason: audit}]"])  # fmt: skip
def test_outside_windows_and_in_a_freeze_everything_waits(world: World, closed: str) -> None:
    automate(world, f"{SAFE_EVERYTHING}, {closed}")
    outcome = only(run(world))
    assert (outcome.state, outcome.waiting) == ("pending", 35)
    assert writes(world) == 0


def test_a_closed_gate_stops_what_the_policy_would_let_through(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    world.workload.write_text(
        world.workload.read_text().replace("approval:", "gates: {additions: 3}\napproval:")
    )
    outcome = only(run(world))
    assert outcome.applied == 0
    assert any("gate" in line for line in outcome.lines)


def test_planning_only_writes_nothing_to_azure(world: World, tmp_path: Path) -> None:
    automate(world, SAFE_EVERYTHING)
    outcome = only(run(world, plan_only=True, plans=tmp_path / "plans"))
    assert (outcome.waiting, writes(world)) == (35, 0)
    assert (tmp_path / "plans" / "research-agents.hub-firewall.plan.json").exists()


def test_a_second_run_says_who_is_at_work_and_exits_six(world: World) -> None:
    with world.ledger.lock("sync research-agents", owner="bob@build-7", lease=dt.timedelta(minutes=1)):
        outcome = only(run(world))
    assert outcome.code == LockHeld.exit_code == 6
    assert "bob@build-7" in outcome.text


def test_a_target_that_fails_is_told_and_its_plan_stays(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    world.fault("PUT:ruleCollectionGroups:status=403")
    outcome = only(run(world))
    assert (outcome.state, outcome.code) == ("failed", 7)
    world.simulator.faults.clear()
    healed = run(world)
    assert len(world.rules()) == 35
    assert OURS.rpartition("/")[2]
    assert {item.state for item in healed.outcomes} <= {"applied", "pending"}
