"""A run, those that resumed it and its rollbacks are one life, and it can always go on to an end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.apply.stopping import Stop
from allowlist.errors import AllowlistError, StalePlan
from allowlist.store import RunKind
from allowlist.workflow.applying import ApplyOptions
from allowlist.workflow.closing import close_run
from allowlist.workflow.confirming import confirm_run
from allowlist.workflow.lives import changes_of_run, life_of
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import plan_way_back, roll_back
from tests.helpers.trial import PowerCut
from tests.helpers.world import OURS, World, contoso_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


@pytest.fixture
def applied(world: World) -> str:
    plan = world.plan()
    world.approve(plan)
    return world.apply(plan).run_id


def cut_off(world: World, moment: str, run_id: str) -> str:
    """A rollback whose process is gone after it said ``moment``. Returns its id."""

    def cut(event: object) -> None:
        if getattr(event, "state", "") == moment:
            raise PowerCut

    with pytest.raises(PowerCut):
        roll_back(world.project, run_id, world.arm, world.context(on_event=cut))
    return world.ledger.runs(1)[0].run_id


@pytest.mark.parametrize("moment", ["intended", "sent", "landed", "verified"])
def test_a_rollback_that_was_cut_off_is_finished_as_a_rollback(
    world: World, applied: str, moment: str
) -> None:
    before = world.foreign()
    rollback = cut_off(world, moment, applied)
    resumed = resume_run(world.project, rollback, world.arm, world.context(), ApplyOptions())
    assert world.rules() == []
    assert world.foreign() == before
    states = {run.run_id: run.state for run in world.ledger.runs()}
    assert states == {applied: "rolled-back", rollback: "resumed", resumed.run_id: "rolled-back"}
    assert not world.ledger.unfinished_runs()


def test_every_id_of_a_life_names_the_whole_of_it(world: World, applied: str) -> None:
    rollback = cut_off(world, "sent", applied)
    assert plan_way_back(world.project, applied, world.arm, world.context()).run.run_id == applied
    way = plan_way_back(world.project, rollback, world.arm, world.context())
    assert way.run.run_id == applied
    assert way.continues is not None
    roll_back(world.project, rollback, world.arm, world.context())
    assert world.rules() == []


def test_a_rollback_says_its_writes_and_minutes_before_it_writes(world: World, applied: str) -> None:
    way = plan_way_back(world.project, applied, world.arm, world.context())
    assert [item.text for item in way.work] == ["hub-firewall: 35 changes in 1 write, about 4 minutes"]
    assert len(world.rules()) == 35


def test_what_somebody_else_changed_is_not_undone_and_a_way_out_is_named(world: World, applied: str) -> None:
    def widen(body: dict[str, Any]) -> None:
        body["properties"]["ruleCollections"][0]["rules"][0]["sourceAddresses"].append("10.99.0.0/16")

    world.edit(OURS, widen)
    with pytest.raises(StalePlan, match="somebody else changed") as refused:
        roll_back(world.project, applied, world.arm, world.context())
    assert f"history {applied} --close" in refused.value.hint


def test_a_rule_of_ours_that_somebody_took_out_is_written_again_by_a_resume_and_stops_a_rollback(
    world: World,
) -> None:
    """Each way asks whether what its own writes presuppose still holds: of a resume the approved plan's "as before" for
    that rule, of a rollback what this life left, which nobody approved anew."""

    def cut(event: object) -> None:
        if getattr(event, "state", "") == "verified":
            raise PowerCut

    def take_out(body: dict[str, Any]) -> None:
        body["properties"]["ruleCollections"][0]["rules"].pop(0)

    plan = world.plan()
    world.approve(plan)
    world.settings |= {"on_event": cut}
    with pytest.raises(PowerCut):
        world.apply(plan)
    world.settings.pop("on_event")
    run = world.ledger.runs(1)[0].run_id
    # The journal has the first change as verified; whatever it has not, Azure is asked about.
    world.edit(OURS, take_out)
    with pytest.raises(StalePlan, match="somebody else changed") as refused:
        roll_back(world.project, run, world.arm, world.context())
    assert f"history {run} --close" in refused.value.hint

    result = resume_run(world.project, run, world.arm, world.context(), ApplyOptions())
    assert result.converged
    assert len(world.rules()) == 35


def test_what_a_later_run_of_ours_wrote_is_named_as_ours(world: World) -> None:
    some = world.plan()
    world.approve(some, *some.changes[:3])
    first = world.apply(some, approved_only=True).run_id
    rest = world.plan()
    world.approve(rest)
    later = world.apply(rest).run_id
    with pytest.raises(StalePlan, match=f"run {later} of ours wrote the same resource since"):
        roll_back(world.project, first, world.arm, world.context())


def test_a_rollback_asked_to_stop_is_interrupted_and_goes_on_when_given_again(
    world: World, applied: str
) -> None:
    stop = Stop()
    stop.ask()
    result = roll_back(world.project, applied, world.arm, world.context(should_stop=stop.asked))
    assert result.interrupted
    assert world.ledger.run(result.run_id).state == "interrupted"
    roll_back(world.project, applied, world.arm, world.context())
    assert world.rules() == []


def test_a_second_request_leaves_at_the_next_wait(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    stop = Stop()
    stop.ask()
    stop.ask()
    world.fault("PUT:ruleCollectionGroups:times=1:busy")
    world.settings |= {"sleep": stop.sleep}
    result = world.apply(plan)
    assert result.interrupted
    assert world.ledger.run(result.run_id).state == "interrupted"
    world.settings.pop("sleep")
    resume_run(world.project, result.run_id, world.arm, world.context(), ApplyOptions())
    assert len(world.rules()) == 35
    assert world.ledger.run(result.run_id).state == "resumed"


def test_a_run_that_nobody_wants_to_finish_is_closed_with_what_it_left(world: World, applied: str) -> None:
    rollback = cut_off(world, "sent", applied)
    _, left = close_run(world.context(), rollback, "the policy is going away")
    assert left == {"unknown": 35}
    closed = world.ledger.run(rollback)
    assert (closed.state, closed.summary["reason"]) == ("closed", "the policy is going away")
    assert not world.ledger.unfinished_runs()
    with pytest.raises(AllowlistError, match="nothing to close"):
        close_run(world.context(), rollback, "again")


def test_a_run_cut_off_before_it_noted_what_it_would_do_is_not_called_done(
    world: World, applied: str
) -> None:
    context, plan = world.context(), world.ledger.run(applied).plan_id
    context.ledger.begin_run("20260101-000000-abcdef", plan, "me", context.clock(), "apply", None)
    with pytest.raises(AllowlistError, match="before it noted what it would do; nothing was written"):
        resume_run(world.project, "20260101-000000-abcdef", world.arm, context, ApplyOptions())
    close_run(context, "20260101-000000-abcdef", "nothing to it")


def test_a_run_and_what_it_sets_out_to_do_are_noted_together(world: World, applied: str) -> None:
    """In one transaction, so that no kill comes between."""
    rollback = cut_off(world, "intended", applied)
    for run in (applied, rollback):
        kinds = [entry.kind for entry in reversed(world.ledger.entries(1000)) if entry.subject == run]
        assert kinds[:2] == ["run-begun", "snapshot"]
        assert len(changes_of_run(world.ledger, world.ledger.run(run), life_of(world.ledger, run).plan)) == 35


def unnoted(world: World, resumes: str | None, plan: str, kind: RunKind) -> str:
    """A run of an older ledger, killed between its beginning and the note of its changes."""
    run = f"20260101-000000-{kind}"
    world.ledger.begin_run(run, plan, "me", world.context().clock(), kind, resumes)
    return run


def test_a_rollback_of_a_run_that_never_noted_its_changes_is_not_called_rolled_back(
    world: World, applied: str
) -> None:
    run = unnoted(world, None, world.ledger.run(applied).plan_id, "apply")
    with pytest.raises(AllowlistError, match="before it noted what it would do; nothing was written"):
        roll_back(world.project, run, world.arm, world.context())
    assert world.ledger.run(run).state != "rolled-back"
    assert len(world.rules()) == 35


def test_a_rollback_cut_off_before_it_noted_what_it_undoes_is_finished_and_verified(
    world: World, applied: str
) -> None:
    rollback = unnoted(world, applied, world.ledger.run(applied).plan_id, "rollback")
    with pytest.raises(AllowlistError, match=f"its rollback {rollback} did not come to its end"):
        resume_run(world.project, applied, world.arm, world.context(), ApplyOptions())
    resumed = resume_run(world.project, rollback, world.arm, world.context(), ApplyOptions())
    assert resumed.count("done") == 35
    assert world.rules() == []
    states = {run.run_id: run.state for run in world.ledger.runs()}
    assert states == {applied: "rolled-back", rollback: "resumed", resumed.run_id: "rolled-back"}


def test_a_rollback_closed_before_it_noted_what_it_undoes_left_everything(world: World, applied: str) -> None:
    rollback = unnoted(world, applied, world.ledger.run(applied).plan_id, "rollback")
    _, left = close_run(world.context(), rollback, "not wanted any more")
    assert left == {"not done": 35}


def test_a_rollback_that_sent_nothing_explains_no_edit(world: World, applied: str) -> None:
    def take_out(body: dict[str, Any]) -> None:
        body["properties"]["ruleCollections"][0]["rules"].pop(0)

    cut_off(world, "intended", applied)
    world.edit(OURS, take_out)
    with pytest.raises(StalePlan, match="somebody else changed"):
        roll_back(world.project, applied, world.arm, world.context())


def test_a_rollback_cut_off_after_its_last_write_is_rolled_back_only_once_that_was_read(
    world: World, applied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its last write and its closing note nothing says "rolled back"; afterwards all of the life does at once."""
    monkeypatch.setattr(type(world.ledger), "finish_runs", _power_cut)
    with pytest.raises(PowerCut):
        roll_back(world.project, applied, world.arm, world.context())
    monkeypatch.undo()
    rollback = world.ledger.runs(1)[0].run_id
    assert world.rules() == []
    assert "rolled-back" not in {run.state for run in world.ledger.runs()}
    roll_back(world.project, rollback, world.arm, world.context())
    assert {run.state for run in world.ledger.runs()} == {"rolled-back", "resumed"}


def _power_cut(*_: object) -> None:
    raise PowerCut


def test_what_a_rollback_has_begun_to_undo_is_not_confirmed(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    run = world.apply(plan, confirm_within=dt.timedelta(minutes=10)).run_id
    rollback = cut_off(world, "landed", run)
    with pytest.raises(AllowlistError, match=f"its rollback {rollback} has begun"):
        confirm_run(world.ledger, run, "bob", world.context().clock())
    assert world.ledger.run(run).state == "provisional"
