"""Nothing that nobody models is ever cover: every kind is fed values and keys it has never seen, one at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Body, Estate
from allowlist.plan.findings import Status
from allowlist.workflow.checking import check_targets
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project
from tests.helpers.one_flow import (
    ALLOW,
    BLOCKED,
    COVERED,
    FIREWALL,
    POLICY,
    changed,
    classic,
    policy,
    project,
    status,
)

UNDECISIVE = frozenset(
    # Labels, places and what says nothing about flows.
    {"name", "description", "id", "category", "priority", "servers", "tier", "firewallPolicy"}
    | {"accessRulesVersion"}
)
ENUMERATIONS = frozenset(
    {"type", "ruleType", "protocolType", "ruleCollectionType", "actionType", "mode", "defaultAction"}
)


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every object inside ``value`` with the way to it; the map of rules by name is none."""
    if isinstance(value, dict):
        if path[-1:] != ("outboundRules",):
            yield path, value
        for key, item in value.items():
            yield from objects(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from objects(item, (*path, place))


def inner(bodies: list[Body]) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The objects below ``properties`` of the bodies that decide (references to others do not)."""
    return [
        (path, found)
        for path, found in objects(bodies)
        if len(path) > 1 and path[1] == "properties" and path[-1] not in ("firewallPolicy",)
    ]


@pytest.mark.parametrize("kind", COVERED)
def test_a_flow_that_is_covered_is_no_longer_once_a_value_is_unknown(kind: str, tmp_path: Path) -> None:
    surface, resource, bodies = COVERED[kind]
    given = project(tmp_path, surface, resource)
    assert status(given, bodies) is Status.COVERED

    green = [
        (*path, key, odd)
        for path, found in inner(bodies)
        for key, value in found.items()
        if key not in UNDECISIVE and not isinstance(value, dict)
        if not (kind == "agent-egress" and path[0] == 0)
        for odd in ("zzz-unknown", {"zzz": 1}, 4711)
        if status(given, changed(bodies, path, key, odd)) is Status.COVERED
    ]
    assert green == []


@pytest.mark.parametrize("kind", COVERED)
@pytest.mark.parametrize("value", ["x", False, 0, {"a": 1}], ids=str)
def test_a_flow_that_is_covered_is_no_longer_once_a_key_is_unknown(
    kind: str, value: Any, tmp_path: Path
) -> None:
    surface, resource, bodies = COVERED[kind]
    given = project(tmp_path, surface, resource)

    green = [
        path
        for path, _ in inner(bodies)
        if not _is_beside(kind, path)
        if status(given, changed(bodies, path, "zzzUnknown", value)) is Status.COVERED
    ]
    assert green == []


def _is_beside(kind: str, path: tuple[Any, ...]) -> bool:
    """Objects of which only one member bears on egress: the rest of a workspace, an account, a firewall with a policy."""
    body, rest = path[0], path[1:]
    if kind == "firewall-policy":
        return bool(body == 2)
    if kind == "secured-hub":
        return body in (2, 3)
    if kind == "security-perimeter":
        return rest[-1] in ("privateLinkResource", "profile")
    if kind in ("hub-network", "account-network", "agent-egress"):
        return rest == ("properties",)
    return False


@pytest.mark.parametrize("kind", BLOCKED)
def test_a_deny_with_something_unknown_never_lets_a_flow_count_as_covered(kind: str, tmp_path: Path) -> None:
    surface, resource, bodies = BLOCKED[kind]
    given = project(tmp_path, surface, resource)
    assert status(given, bodies) is Status.BLOCKED

    keys = [
        (path, "zzzUnknown", value)
        for path, _ in inner(bodies)
        if not _is_beside(kind, path)
        for value in ("x", False)
    ]
    values = [
        (path, key, "zzz-unknown")
        for path, found in inner(bodies)
        for key in found
        if key in ENUMERATIONS and not _is_beside(kind, path)
    ]
    green = [
        change for change in (*keys, *values) if status(given, changed(bodies, *change)) is Status.COVERED
    ]
    assert green == []


@pytest.mark.parametrize("kind", COVERED)
def test_a_value_in_another_case_is_that_value(kind: str, tmp_path: Path) -> None:
    surface, resource, bodies = COVERED[kind]
    given = project(tmp_path, surface, resource)

    other = [
        (*path, key, spelled)
        for path, found in inner(bodies)
        for key, value in found.items()
        if isinstance(value, str) and key not in UNDECISIVE
        for spelled in (value.lower(), value.upper())
        if status(given, changed(bodies, path, key, spelled)) is not Status.COVERED
    ]
    assert other == []


@pytest.mark.parametrize("state", ["Failed", "Updating", "Deleting", "Canceled", "Zzz"])
@pytest.mark.parametrize("kind", COVERED)
def test_what_is_not_in_the_state_succeeded_is_no_cover_and_no_plan_calls_it_fine(
    kind: str, state: str, tmp_path: Path
) -> None:
    surface, resource, bodies = COVERED[kind]
    given = project(tmp_path, surface, resource)
    for path, found in inner(bodies):
        if "provisioningState" in found:
            estate = changed(bodies, path, "provisioningState", state)
            assert status(given, estate) is not Status.COVERED, path
            made = make_plan(given, Estate.of(estate), given.targets())
            assert not made.is_settled, path
            told = [item.text for item in made.concerns] + [item.reason for item in made.changes]
            told += [gap.cause for gap in made.gaps]
            assert any(state in text for text in told), path


STOPPED: dict[str, tuple[str, list[Body]]] = {
    "a policy that Azure lists no firewall for": (
        "firewall-policy",
        changed(policy(ALLOW)[:2], (0, "properties"), "firewalls", []),
    ),
    "a policy on a firewall that was stopped": (
        "firewall-policy",
        changed(policy(ALLOW), (2, "properties"), "ipConfigurations", []),
    ),
    "a classic firewall that was stopped": (
        "azure-firewall",
        changed(classic(ALLOW), (0, "properties"), "ipConfigurations", []),
    ),
}


@pytest.mark.parametrize("what", STOPPED)
def test_rules_that_no_firewall_carries_are_no_cover_and_can_be_written_all_the_same(
    what: str, tmp_path: Path
) -> None:
    kind, bodies = STOPPED[what]
    surface, resource, _ = COVERED[kind]
    given = project(tmp_path, surface, resource)
    specs, estate = given.targets(), Estate.of(copy.deepcopy(bodies))

    (check,) = check_targets(given, estate, specs)

    (told,) = [item for item in check.findings if item.requirement]
    assert told.status is Status.UNKNOWN
    made = make_plan(given, estate, specs)
    assert not made.changes
    assert not made.is_settled
    assert any(word in item.text for item in made.concerns for word in ("attached to no firewall", "stopped"))
    without = [body for body in bodies if "ruleCollectionGroups" not in body["id"]]
    if kind == "firewall-policy":
        assert [item.operation.action for item in make_plan(given, Estate.of(without), specs).changes] == [
            "add"
        ]


def test_a_parent_whose_children_are_carried_is_in_force(tmp_path: Path) -> None:
    surface, resource, _ = COVERED["firewall-policy"]
    given = project(tmp_path, surface, resource)
    bodies = changed(policy(ALLOW)[:2], (0, "properties"), "firewalls", [])
    bodies = changed(bodies, (0, "properties"), "childPolicies", [{"id": f"{POLICY}-child"}])

    assert status(given, bodies) is Status.COVERED


def test_one_of_two_firewalls_that_was_stopped_leaves_the_other_in_force(tmp_path: Path) -> None:
    surface, resource, _ = COVERED["firewall-policy"]
    given = project(tmp_path, surface, resource)
    bodies = changed(policy(ALLOW), (2, "properties"), "ipConfigurations", [])
    running = {**policy(ALLOW)[2], "id": f"{FIREWALL}2", "name": "fw2"}

    assert status(given, [*bodies, running]) is Status.COVERED


def test_what_somebody_added_to_a_rule_of_ours_in_a_perimeter_is_taken_back(tmp_path: Path) -> None:
    surface, resource, bodies = COVERED["security-perimeter"]
    given = project(tmp_path, surface, resource)
    (written,) = make_plan(given, Estate.of([*bodies[:2], bodies[3]]), given.targets()).changes
    mine = {**(written.operation.after or {}), "fullyQualifiedDomainNames": ["a.foo.com", "more.foo.com"]}
    estate = [*bodies[:2], {"id": written.operation.resource, "name": "mine", "properties": mine}, bodies[3]]

    (change,) = make_plan(given, Estate.of(estate), given.targets()).changes

    assert change.operation.after == written.operation.after
    assert not judge_is_settled(given, estate)


def judge_is_settled(given: Project, bodies: list[Body]) -> bool:
    return make_plan(given, Estate.of(copy.deepcopy(bodies)), given.targets()).is_settled
