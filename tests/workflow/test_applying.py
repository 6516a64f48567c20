"""Apply keeps its promises over real HTTP, whatever the service does meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.errors import (
    AllowlistError,
    AppliedInPart,
    BlockedByGate,
    LockHeld,
    NotApproved,
    PlanRefused,
    StalePlan,
)
from allowlist.workflow.applying import raise_if_incomplete
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.ledgers import execute_without_triggers
from tests.helpers.small_world import OURS as SHARED
from tests.helpers.small_world import group, others_rule, small_world
from tests.helpers.world import ALICE, FOREIGN, OURS, POLICY, World, contoso_world, now


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


def _add_rule(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"].append(
        {
            "ruleType": "ApplicationRule",
            "name": "added-by-others",
            "protocols": [{"protocolType": "Https", "port": 443}],
            "targetFqdns": ["late.example"],
            "sourceAddresses": ["10.50.0.0/20"],
        }
    )


def test_apply_then_plan_is_empty_and_one_write_was_enough(world: World) -> None:
    foreign = world.foreign()
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    raise_if_incomplete(result)
    assert result.converged
    assert world.plan().is_empty
    assert len(world.rules()) == len(plan.changes)
    assert sum(request.method == "PUT" for request in world.simulator.requests) == 1
    assert world.foreign() == foreign


def test_planning_and_deciding_write_nothing(world: World) -> None:
    world.approve(world.made_plan())
    assert {request.method for request in world.simulator.requests} == {"GET"}


def test_a_plan_is_stale_when_anything_it_relied_on_has_changed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.edit(FOREIGN, _add_rule)
    with pytest.raises(StalePlan, match="nothing was written"):
        world.apply(plan)
    assert not world.rules()


def test_an_old_plan_is_stale(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    with pytest.raises(StalePlan, match="hours old"):
        world.apply(plan, max_age=dt.timedelta(seconds=-1))


def test_what_is_not_approved_is_not_applied(world: World) -> None:
    plan = world.plan()
    with pytest.raises(NotApproved):
        world.apply(plan)
    world.approve(plan, *plan.changes[:3])
    with pytest.raises(NotApproved, match="32 of 35"):
        world.apply(plan)
    result = world.apply(plan, approved_only=True)
    assert result.count("done") == 3
    assert len(world.rules()) == 3


def test_an_approval_dies_with_any_difference_and_survives_an_identical_plan(world: World) -> None:
    first = world.plan()
    world.approve(first)
    again = world.plan()
    assert again.digest != first.digest or again.created == first.created
    raise_if_incomplete(world.apply(again))
    world.edit(OURS, lambda body: body["properties"]["ruleCollections"][0]["rules"].pop())
    with pytest.raises(NotApproved):
        world.apply(world.plan())


def test_an_edited_plan_is_refused(world: World) -> None:
    plan = msgspec.structs.replace(world.plan(), workload="other")
    with pytest.raises(PlanRefused):
        world.apply(plan)


def test_an_edited_ledger_is_not_believed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    forge = "UPDATE ledger_event SET body = replace(body, 'alice', 'mallory') WHERE kind = 'decision'"
    execute_without_triggers(f"sqlite:///{world.workload.parent}/ledger.db", forge)
    with pytest.raises(AllowlistError, match="the ledger was edited"):
        world.apply(plan)
    assert not world.rules()


def test_an_approval_does_not_open_another_plan(world: World) -> None:
    first = world.plan()
    world.approve(first)
    world.workload.write_text(world.workload.read_text().replace("10.40.2.0/24", "10.40.4.0/24"))
    other = world.plan()
    different = {change.digest for change in other.changes} - {change.digest for change in first.changes}
    assert different
    with pytest.raises(NotApproved, match=f"{len(different)} of 35"):
        world.apply(other)


def test_a_closed_gate_blocks_until_it_is_accepted_by_id(world: World) -> None:
    text = world.workload.read_text().replace("10.40.0.0/23, 10.40.2.0/24", '"*"')
    world.workload.write_text(text)
    plan = world.plan()
    assert "open-source" in {gate.id for gate in plan.gates}
    world.approve(plan, gates=False)
    with pytest.raises(BlockedByGate, match="open-source"):
        world.apply(plan)
    world.approve(plan)
    assert world.apply(plan).is_complete


HARMLESS = [
    "PUT:ruleCollectionGroups:times=2:busy",
    "PUT:ruleCollectionGroups:times=1:throttled-silently",
    "PUT:ruleCollectionGroups:times=1:reset-before",
    "PUT:ruleCollectionGroups:times=1:reset-after",
    "PUT:ruleCollectionGroups:times=1:unavailable",
    "PUT:ruleCollectionGroups:times=1:server-error",
    "PUT:ruleCollectionGroups:times=1:null-body",
    "PUT:ruleCollectionGroups:times=1:stale-etag",
    "PUT:ruleCollectionGroups:times=1:operation-slow",
    "PUT:ruleCollectionGroups:times=1:half-updated",
    "GET:*:times=2:unavailable",
    "GET:*:times=3:throttled-silently",
    "GET:operations:times=1:reset-before",
    "*:*:clock-skew",
]


@pytest.mark.parametrize("fault", HARMLESS)
def test_the_service_may_stumble_and_the_change_still_lands_once(world: World, fault: str) -> None:
    foreign = world.foreign()
    plan = world.plan()
    world.approve(plan)
    world.fault(fault)
    result = world.apply(plan)
    raise_if_incomplete(result)
    assert sorted(world.rules()) == sorted(change.operation.path[1] for change in plan.changes)
    assert world.foreign() == foreign
    assert world.plan().is_empty


def test_a_refused_write_is_told_as_not_done_and_can_be_tried_again(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.fault("PUT:ruleCollectionGroups:times=1:precondition")
    result = world.apply(plan)
    with pytest.raises(AppliedInPart) as told:
        raise_if_incomplete(result)
    assert "apply the plan again" in told.value.hint
    assert set(result.fates.values()) == {"not done"}
    assert world.ledger.run(result.run_id).state == "failed"
    raise_if_incomplete(world.apply(plan))
    assert world.plan().is_empty


def test_an_operation_that_keeps_failing_leaves_a_run_that_can_be_resumed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.fault("PUT:ruleCollectionGroups:operation-fails")
    result = world.apply(plan)
    assert world.ledger.run(result.run_id).state == "partial"
    world.simulator.faults.clear()
    raise_if_incomplete(resume_run(world.project, result.run_id, world.arm, world.context(), _options()))
    assert world.plan().is_empty


def test_somebody_who_edits_our_group_between_reading_and_writing_is_noticed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    seen: list[str] = []

    def meddle(event: Any) -> None:
        if event.state == "intended" and not seen:
            seen.append("x")
            group = {"properties": {"priority": 1000, "ruleCollections": []}}
            world.arm.put(OURS, group, "2024-05-01")

    world.settings["on_event"] = meddle
    result = world.apply(plan)
    assert not result.is_complete
    assert "changed by somebody else" in result.error
    assert not world.rules()


def _spelt_otherwise(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"][0]["description"] = "Ours, SEE TICKET 7"


def _in_another_order(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"].reverse()


def _with_one_more(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"].append(others_rule("late"))


@pytest.mark.parametrize("edit", [_spelt_otherwise, _in_another_order, _with_one_more])
def test_no_edit_of_others_is_overwritten_though_it_means_the_same(tmp_path: Path, edit: Any) -> None:
    """Their rules stand in the group we write, so a write of it would bring back what they have just edited."""
    theirs = [others_rule("guest", description="ours, see ticket 7"), others_rule("visitor")]
    with small_world(tmp_path, group(SHARED, "allowlist-wl", *theirs, priority=1000)) as world:
        plan = world.plan()
        world.approve(plan)
        edited: list[Any] = []

        def meddle(event: Any) -> None:
            if event.state == "intended" and not edited:
                world.edit(SHARED, edit)
                edited.append(world.body(SHARED))

        world.settings["on_event"] = meddle
        result = world.apply(plan)

        assert "changed by somebody else" in result.error
        assert world.body(SHARED) == edited[0]


def _options() -> Any:
    from allowlist.workflow.applying import ApplyOptions

    return ApplyOptions()


class PowerCut(BaseException):
    """Nothing catches it: as if the process were gone."""


@pytest.mark.parametrize("moment", ["intended", "sent", "landed", "verified"])
def test_after_a_crash_at_any_journal_line_the_next_run_finishes(world: World, moment: str) -> None:
    plan = world.plan()
    world.approve(plan)

    def cut(event: Any) -> None:
        if event.state == moment:
            raise PowerCut

    world.settings["on_event"] = cut
    with pytest.raises(PowerCut):
        world.apply(plan)
    world.settings.pop("on_event")
    (run,) = world.ledger.runs(1)
    result = resume_run(world.project, run.run_id, world.arm, world.context(), _options())
    raise_if_incomplete(result)
    assert set(result.fates.values()) == {"done"}
    assert world.plan().is_empty
    assert len(world.rules()) == len(plan.changes)


def test_two_runs_on_one_policy_do_not_mix(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    with (
        world.ledger.lock(f"apply {_lock_group()}", owner="bob", lease=dt.timedelta(minutes=1)),
        pytest.raises(LockHeld, match="bob"),
    ):
        world.apply(plan)
    assert not world.rules()


def _lock_group() -> str:
    return POLICY.lower().replace("afwp-weu", "afwp-global")


def test_a_rollback_brings_the_state_before_the_run_and_proves_it(world: World) -> None:
    before = world.plan()
    world.approve(before)
    result = world.apply(before)
    undone = roll_back(world.project, result.run_id, world.arm, world.context())
    assert set(undone.fates.values()) == {"done"}
    assert world.body(OURS) is None
    assert [change.digest for change in world.plan().changes] == [change.digest for change in before.changes]
    assert world.ledger.run(undone.run_id).state == "rolled-back"


def test_a_rollback_is_refused_when_somebody_changed_our_group_since(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    world.edit(OURS, lambda body: body["properties"]["ruleCollections"][0]["rules"].pop())
    with pytest.raises(StalePlan, match="cannot be rolled back"):
        roll_back(world.project, result.run_id, world.arm, world.context())


def test_a_failed_rollback_is_its_own_alarm(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    world.fault("DELETE:ruleCollectionGroups:operation-fails")
    with pytest.raises(AppliedInPart, match="ROLLBACK FAILED"):
        roll_back(world.project, result.run_id, world.arm, world.context())
    assert world.ledger.runs(1)[0].state == "rollback-failed"


def test_removals_wait_for_a_gate_and_come_with_the_writes_that_cover_them(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.apply(plan)
    text = world.workload.read_text().replace("  - {name: vscode, version: 2.0.0}\n", "")
    world.workload.write_text(text)
    smaller = world.plan()
    removals = [change for change in smaller.changes if change.operation.action == "remove"]
    assert len(removals) == 12
    assert {gate.id for gate in smaller.gates} >= {"removals", "shrunken-catalog"}
    world.approve(smaller, gates=False)
    with pytest.raises(BlockedByGate):
        world.apply(smaller)
    world.approve(smaller)
    raise_if_incomplete(world.apply(smaller))
    assert world.plan().is_empty


def test_a_cautious_delete_policy_leaves_rules_and_says_so(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.apply(plan)
    text = (
        world.workload.read_text()
        .replace("  - {name: vscode, version: 2.0.0}\n", "")
        .replace("delete: sync", "delete: no-remove")
    )
    world.workload.write_text(text)
    smaller = world.plan()
    assert smaller.is_empty
    assert {skip.code for skip in smaller.skips} == {"kept-by-delete-policy"}


def test_a_provisional_run_waits_to_be_confirmed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan, confirm_within=dt.timedelta(minutes=10))
    run = world.ledger.run(result.run_id)
    assert run.state == "provisional"
    assert dt.datetime.fromisoformat(run.summary["confirm_until"]) > now()
    assert ALICE.who not in run.who
