"""Draft and deploy without losing what others did: base, live and draft are compared before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.workflow.applying import raise_if_incomplete
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.world import FOREIGN, POLICY, World, contoso_world

POLICY_DRAFT = f"{POLICY}/firewallPolicyDrafts/default"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Our group exists already, and the target is written through drafts."""
    with contoso_world(tmp_path) as found:
        plan = found.plan()
        found.approve(plan, *plan.changes[:5])
        found.apply(plan, approved_only=True)
        text = found.workload.read_text().replace("    delete: sync\n", "    delete: sync\n    via: draft\n")
        found.workload.write_text(text)
        yield found


def _sent(world: World, method: str) -> list[str]:
    return [request.path for request in world.simulator.requests if request.method == method]


def _rename(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"][0]["name"] = "renamed-by-others"


def test_the_whole_policy_is_drafted_deployed_and_verified(world: World) -> None:
    foreign = world.foreign()
    plan = world.plan()
    world.approve(plan)
    raise_if_incomplete(world.apply(plan))
    assert [path for path in _sent(world, "POST") if path.endswith("/deploy")]
    assert not [path for path in _sent(world, "PUT")[1:] if "Drafts/default" not in path]
    assert len(world.rules()) == 35
    assert world.foreign() == foreign
    assert world.body(POLICY_DRAFT) is None
    assert world.plan().is_empty


def test_a_draft_of_somebody_else_is_never_deployed_and_is_named(world: World) -> None:
    theirs = world.body(FOREIGN)
    assert theirs is not None
    _rename(theirs)
    policy = world.body(POLICY)
    assert policy is not None
    world.arm.put(POLICY_DRAFT, {"properties": policy["properties"]}, "2024-05-01")
    world.arm.put(
        f"{FOREIGN}/ruleCollectionGroupDrafts/default", {"properties": theirs["properties"]}, "2024-05-01"
    )
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    assert "renamed-by-others" in result.error
    assert set(result.fates.values()) == {"not done"}
    assert not [path for path in _sent(world, "POST") if path.endswith("/deploy")]


def test_a_live_edit_while_the_draft_is_built_stops_the_deployment_and_is_shown(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.fault("PUT:ruleCollectionGroupDrafts:times=1:delay=0.3")
    original = world.arm.put
    meddled: list[str] = []

    def put(resource: str, body: Any, api_version: str) -> Any:
        if "Drafts/default" in resource and not meddled:
            meddled.append(resource)
            world.edit(FOREIGN, _rename)
        return original(resource, body, api_version)

    world.arm.put = put  # type: ignore[method-assign, assignment]
    result = world.apply(plan)
    assert "deploying would have taken back rcg-web" in result.error
    assert "renamed-by-others (added)" in result.error
    assert world.body(POLICY_DRAFT) is None
    assert not [path for path in _sent(world, "POST") if path.endswith("/deploy")]


def test_a_draft_left_by_a_lost_connection_is_nobody_elses_and_goes_on(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.fault("POST:*:times=1:reset-before")
    raise_if_incomplete(world.apply(plan))
    assert len([path for path in _sent(world, "POST") if path.endswith("/deploy")]) == 2
    assert world.plan().is_empty


def test_a_way_back_goes_through_a_draft_too(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    roll_back(world.project, result.run_id, world.arm, world.context())
    assert len(world.rules()) == 5
    assert world.body(POLICY_DRAFT) is None
