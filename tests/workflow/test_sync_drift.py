"""Somebody changed what we own: it is found, told with a name where Azure has one, and treated as the policy says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.workflow.syncing.outcome import NOT_KNOWN
from tests.helpers import foundry
from tests.helpers.foundry_world import SURFACES, foundry_world
from tests.helpers.world import FOREIGN, OURS, World, contoso_world
from tests.workflow.test_sync import SAFE_EVERYTHING, automate, only, run, writes


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything applied, and nothing to say any more."""
    with contoso_world(tmp_path) as found:
        automate(found, SAFE_EVERYTHING)
        run(found)
        assert not only(run(found)).drift
        yield found


def remove_a_rule(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"].pop()


def widen_a_rule(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"][0]["targetFqdns"].append("*.evil.example")


def reword_a_rule(body: dict[str, Any]) -> None:
    rule = body["properties"]["ruleCollections"][0]["rules"][0]
    rule["protocols"].append(dict(rule["protocols"][0]))


def drift_policy(world: World, word: str) -> None:
    automate(world, f"{SAFE_EVERYTHING}, drift: {word}")


@pytest.mark.parametrize(("edit", "what"), [(remove_a_rule, "removed"), (widen_a_rule, "changed")])
def test_drift_is_reported_run_after_run_and_nothing_is_done(world: World, edit: Any, what: str) -> None:
    world.edit(OURS, edit)
    before = writes(world)
    for _ in range(2):
        outcome = only(run(world))
        (drift,) = outcome.drift
        assert (outcome.state, outcome.code, outcome.waiting) == ("pending", 2, 1)
        assert drift.what == what
        assert drift.rule.startswith("allowlist-research-agents/")
        assert any("only reported" in line for line in outcome.lines)
    assert writes(world) == before


def test_with_plan_the_way_back_waits_for_approval_and_then_goes(world: World) -> None:
    drift_policy(world, "plan")
    world.edit(OURS, remove_a_rule)
    outcome = only(run(world))
    assert (len(outcome.drift), outcome.applied, outcome.waiting) == (1, 0, 1)
    world.approve(world.plan())
    assert only(run(world)).applied == 1
    assert not only(run(world)).drift


@pytest.mark.parametrize("edit", [remove_a_rule, widen_a_rule])
def test_with_revert_it_is_undone_and_verified(world: World, edit: Any) -> None:
    drift_policy(world, "revert")
    rules = world.body(OURS)
    world.edit(OURS, edit)
    outcome = only(run(world))
    assert (outcome.state, outcome.applied, len(outcome.drift)) == ("applied", 1, 1), outcome
    after = world.body(OURS)
    assert rules is not None
    assert after is not None
    assert _names(after) == _names(rules)
    assert not only(run(world)).drift


def _names(body: dict[str, Any]) -> set[str]:
    return {
        name
        for item in body["properties"]["ruleCollections"]
        for rule in item["rules"]
        for name in rule["targetFqdns"]
    }


def test_drift_that_changes_nothing_is_told_once(world: World) -> None:
    world.edit(OURS, reword_a_rule)
    first = only(run(world))
    assert [item.what for item in first.drift] == ["changed"]
    assert first.waiting == 0
    assert not only(run(world)).drift


def test_what_people_apply_by_hand_and_what_others_do_to_theirs_is_no_drift(world: World) -> None:
    world.workload.write_text(world.workload.read_text().replace("10.40.2.0/24", "10.40.4.0/24"))
    plan = world.plan()
    world.approve(plan)
    assert world.apply(plan).is_complete
    world.edit(FOREIGN, lambda body: body["properties"]["ruleCollections"].pop())
    assert not only(run(world)).drift


def test_a_log_that_may_not_be_read_leaves_the_name_open(world: World) -> None:
    world.fault("GET:*:contains=eventtypes,status=403")
    world.edit(OURS, remove_a_rule)
    (drift,) = only(run(world)).drift
    assert (drift.who, drift.at) == (NOT_KNOWN, "")


def test_the_activity_log_says_who_it_was_and_when(world: World) -> None:
    world.simulator.edit(OURS, remove_a_rule, by="mallory@contoso.example")
    (drift,) = only(run(world)).drift
    assert drift.who == "mallory@contoso.example"
    assert drift.at.startswith("20")
    assert "removed by mallory@contoso.example" in str(drift)


def test_with_the_whole_group_gone_every_rule_is_told_with_who_removed_it(world: World) -> None:
    drift_policy(world, "revert")
    before = len(world.rules())
    world.simulator.remove(OURS, by="mallory@contoso.example")
    outcome = only(run(world))
    assert {(item.what, item.who) for item in outcome.drift} == {("removed", "mallory@contoso.example")}
    assert len(outcome.drift) == before == len(world.rules())
    assert outcome.applied == before


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_comes_to_rest_and_what_others_take_from_us_is_found(
    tmp_path: Path, surface: str
) -> None:
    with foundry_world(tmp_path, [surface], ["huggingface.co", "pypi.example"]) as world:
        automate_json(world, apply="approved")
        world.approve(world.plan())
        assert only(run(world)).applied > 0
        before, entries = writes(world), world.rows()
        at_rest = only(run(world))
        assert (at_rest.applied, at_rest.waiting, at_rest.drift) == (0, 0, ())
        assert (writes(world), world.rows()) == (before, entries)

        take_away(world, surface)
        outcome = only(run(world))
        assert [item.what for item in outcome.drift] == ["removed"]
        assert outcome.waiting > 0
        assert writes(world) == before


def automate_json(world: World, **automation: str) -> None:
    document = json.loads(world.workload.read_text())
    world.workload.write_text(json.dumps(document | {"automation": automation}))


def take_away(world: World, surface: str) -> None:
    """Somebody else takes one of our entries out."""
    if surface == "account-allow-list":
        world.edit(foundry.SPEECH, lambda body: body["properties"]["allowedFqdnList"].remove("pypi.example"))
    elif surface == "agent-egress":
        world.edit(foundry.POLICY, lambda body: _drop(body["properties"]["egressPolicy"]["rules"]))
    else:
        hub = surface == "hub-network"
        base, version = (foundry.HUB, "2025-12-01") if hub else (foundry.NETWORK, "2026-03-01")
        rules = world.arm.get(base, version)["properties"]["managedNetwork"]["outboundRules"]
        ours = next(name for name, rule in rules.items() if rule["destination"] == "pypi.example")
        world.simulator.remove(f"{base}/outboundRules/{ours}")


def _drop(rules: list[dict[str, Any]]) -> None:
    rules[:] = [rule for rule in rules if rule["match"]["host"] != "pypi.example"]
