"""A scheduled run believes what people said last, the newest row of the ledger, and the policy that the ledger holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError, NotApproved
from allowlist.plan.model import Plan
from allowlist.store.identity import Identity
from allowlist.workflow.approval_policy import PolicyInForce, keep_policy
from allowlist.workflow.confirming import confirm_run
from allowlist.workflow.deciding import decide, decisions_on, take_in
from allowlist.workflow.review import Review
from allowlist.workflow.rolling_back import roll_back
from allowlist.workload.document import ApprovalRule
from tests.helpers.small_world import OTHERS, OURS, WORKLOAD, small_world
from tests.helpers.world import ALICE, World, now
from tests.workflow.test_sync import automate, only, run

BOB = Identity(who="bob@contoso.example", kind="verified")
SAFE = "apply: safe, unattended: {needs: [required], risks: [low, wildcard], catalogs: [own]}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_world(tmp_path) as found:
        automate(found, "apply: approved")
        found.approve(found.plan())
        yield found


def _while_reading(world: World, meddle: Callable[[], object]) -> None:
    """Do something, once, when the lock is held and the state is being read."""
    done: list[str] = []

    def watch(event: Any) -> None:
        if event.state == "reading" and not done:
            done.append("x")
            meddle()

    world.settings["on_event"] = watch


def test_a_rejection_that_comes_while_it_waits_for_its_lock_counts(world: World) -> None:
    plan = world.plan()
    _while_reading(world, lambda: world.reject(plan, ALICE))

    outcome = only(run(world))

    assert (outcome.state, outcome.applied) == ("pending", 0)
    assert world.body(OURS) is None


def test_what_is_still_approved_goes_when_a_part_was_rejected_meanwhile(world: World) -> None:
    plan = world.plan()
    _while_reading(
        world, lambda: decide(world.ledger, plan, plan.changes[:1], "reject", ALICE, "after all", now())
    )

    outcome = only(run(world))

    assert (outcome.applied, outcome.waiting) == (len(plan.changes) - 1, 1), outcome
    assert plan.changes[0].operation.path[1] not in world.rules(OURS)
    assert len(world.rules(OURS)) == 1


def test_a_clock_set_back_does_not_lead_out_of_a_freeze(world: World) -> None:
    days = [(now() + dt.timedelta(days=item)).date().isoformat() for item in (2, 5)]
    automate(world, f"apply: approved, freezes: [{{from: '{days[0]}', to: '{days[1]}', reason: audit}}]")
    world.record_at(now() + dt.timedelta(days=3))

    outcome = only(run(world))

    assert outcome.applied == 0
    assert any("audit" in line for line in outcome.lines)
    assert world.body(OURS) is None


def test_a_clock_set_back_gives_no_more_time_to_confirm(world: World) -> None:
    run_id = world.apply(world.plan(), confirm_within=dt.timedelta(minutes=10)).run_id
    world.record_at(now() + dt.timedelta(minutes=11))

    with pytest.raises(AllowlistError, match="had to be confirmed until"):
        confirm_run(world.ledger, run_id, "bob", now())


def test_under_another_policy_than_that_of_the_ledger_nothing_is_applied(world: World) -> None:
    strict = PolicyInForce(rule=ApprovalRule(four_eyes=True), origin="approval.yaml")
    keep_policy(world.ledger, world.project.workload.name, strict, ALICE.who)

    outcome = only(run(world))

    assert outcome.code not in (0, 2)
    assert "not the one the ledger holds" in outcome.text
    assert world.body(OURS) is None


GATES = "gates: {additions: 9, removals: 0, removal_share: 0, catalog_shrink: 0}\n"


def _widen(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"][0]["targetFqdns"].append("evil.example")


@pytest.mark.parametrize(
    "narrows", [False, True], ids=["and nothing else changed", "while less is asked for"]
)
def test_bringing_back_what_somebody_widened_is_no_way_past_the_brakes(tmp_path: Path, narrows: bool) -> None:
    """A revert passes the brakes on what is taken away only where the rule is again what our last run left."""
    text = WORKLOAD.replace("gates: {additions: 1}\n", GATES)
    with small_world(tmp_path, workload=text) as world:
        automate(world, "apply: approved, drift: revert")
        world.approve(world.plan())
        run(world)
        assert len(world.rules(OURS)) == 2
        world.edit(OURS, _widen)
        if narrows:
            world.workload.write_text(world.workload.read_text().replace("10.0.0.0/24", "10.0.0.0/25"))

        outcome = only(run(world))

        assert len(outcome.drift) == 1
        assert outcome.applied == (0 if narrows else 1), outcome
        assert any("gate removal" in line for line in outcome.lines) is narrows


def test_sync_writes_no_text_like_a_secret_into_a_rule_of_ours(world: World) -> None:
    text = world.workload.read_text().replace("id: a,", "id: eyjhbgcioij.eyjzdwiioij.abc,")
    world.workload.write_text(text)
    world.approve(world.plan())

    outcome = only(run(world))

    assert outcome.state == "failed"
    assert "JSON Web Token" in outcome.text
    assert world.body(OURS) is None


def _undo(world: World, run_id: str) -> None:
    assert roll_back(world.project, run_id, world.arm, world.context()).is_complete


@pytest.mark.parametrize("policy", ["apply: approved", SAFE])
def test_what_somebody_rolled_back_is_not_applied_again_on_the_same_word(world: World, policy: str) -> None:
    """An approval still in date was spent when what it let go was undone; so is the trust in what is safe."""
    automate(world, policy)
    first = only(run(world))
    assert first.applied == 2
    _undo(world, first.run_id)

    outcome = only(run(world))

    assert (outcome.state, outcome.applied, outcome.waiting) == ("pending", 0, 2)
    assert any("it was rolled back, so it takes a new approval" in line for line in outcome.lines)
    assert world.rules() == []
    world.approve(world.plan())
    assert only(run(world)).applied == 2


def test_neither_apply_nor_a_signed_file_from_before_brings_back_what_was_rolled_back(world: World) -> None:
    plan = world.plan()
    said = world.ledger.decisions_made()
    _undo(world, world.apply(plan).run_id)

    with pytest.raises(NotApproved, match="rolled back"):
        world.apply(world.plan())

    assert take_in(world.ledger, world.plan(), said, now()) == 0
    with pytest.raises(NotApproved, match="rolled back"):
        world.apply(world.plan())


def test_the_review_shows_what_a_rollback_has_undone_as_waiting(world: World) -> None:
    plan = world.plan()
    session = Review(plan, world.ledger, who=ALICE, clock=now)
    session.refresh()
    assert {item.value for item in session.states().values()} == {"approved"}
    _undo(world, world.apply(plan).run_id)

    session.refresh()

    assert {item.value for item in session.states().values()} == {"pending"}


def test_a_no_counts_for_the_same_change_under_other_gates(world: World) -> None:
    """What was approved in one plan and refused in another, over which another gate stands, is refused."""
    text = world.workload.read_text()
    world.workload.write_text(text.replace("gates: {additions: 1}", "gates: {additions: 5}"))
    other = world.plan()
    assert {item.digest for item in other.changes}.isdisjoint(
        item.digest for item in world_plan(world, text).changes
    )
    world.workload.write_text(text.replace("gates: {additions: 1}", "gates: {additions: 5}"))
    world.reject(other, BOB)
    world.workload.write_text(text)

    plan = world.plan()
    session = Review(plan, world.ledger, who=ALICE, clock=now)
    session.refresh()
    assert {item.value for item in session.states().values()} == {"rejected"}
    with pytest.raises(NotApproved, match="rejected after all"):
        world.apply(plan)
    assert only(run(world)).applied == 0
    decide(world.ledger, other, other.changes, "approve", BOB, "taken back", now())
    session.refresh()
    assert {item.value for item in session.states().values()} == {"approved"}
    assert only(run(world)).applied == 2


def test_a_no_from_before_ids_were_kept_counts_for_the_same_change_under_other_gates(world: World) -> None:
    text = world.workload.read_text()
    other = world_plan(world, text.replace("gates: {additions: 1}", "gates: {additions: 5}"))
    said = decisions_on(other, other.changes, "reject", BOB, "rejected after all", now())
    world.ledger.save_plan(
        other.digest, canonical_json(other), workload=other.workload, created=now(), who=BOB.who
    )
    world.ledger.decide(*(msgspec.structs.replace(item, change="") for item in said))
    plan = world_plan(world, text)
    world.approve(plan)

    with pytest.raises(NotApproved, match="rejected after all"):
        world.apply(plan)
    assert only(run(world)).applied == 0


def test_a_no_outlives_an_edit_of_the_target_where_nobody_is_asked(world: World) -> None:
    """What a policy would let go without a person is not let go past somebody's no on the state before an edit."""
    automate(world, SAFE)
    world.workload.write_text(world.workload.read_text().replace("additions: 1", "additions: 9"))
    world.reject(world.plan(), BOB)
    world.edit(OTHERS, lambda body: body["properties"].update(priority=2100))

    outcome = only(run(world))

    assert (outcome.applied, outcome.waiting) == (0, 2), outcome
    assert any("rejected after all" in line for line in outcome.lines)


def world_plan(world: World, text: str) -> Plan:
    world.workload.write_text(text)
    return world.plan()
