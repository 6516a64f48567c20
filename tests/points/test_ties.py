"""Two groups, or two collections of a group, with one priority: their order is documented nowhere, so nothing is certain by it."""

from __future__ import annotations

import copy
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.estate.bodies import Body, Estate
from allowlist.plan.findings import Status
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.rules.model import Action
from tests.helpers.laws import examples
from tests.helpers.one_flow import (
    ALLOW,
    DENY,
    FIREWALL,
    POLICY,
    classic,
    collection,
    names,
    policy,
    project,
    status,
)

GROUPS = f"{POLICY}/ruleCollectionGroups"


def grouped(*groups: tuple[str, int, list[Body]]) -> list[Body]:
    return [
        policy()[0],
        *(
            {
                "id": f"{GROUPS}/{name}",
                "name": name,
                "properties": {
                    "priority": priority,
                    "provisioningState": "Succeeded",
                    "ruleCollections": collections,
                },
            }
            for name, priority, collections in groups
        ),
    ]


@pytest.mark.parametrize(("allowing", "denying"), [("a", "z"), ("z", "a")])
def test_of_two_groups_with_one_priority_it_is_not_known_which_decides(
    tmp_path: Path, allowing: str, denying: str
) -> None:
    bodies = grouped((allowing, 400, [ALLOW]), (denying, 400, [DENY]))
    assert status(project(tmp_path, "firewall-policy", POLICY), bodies) is Status.UNKNOWN


@pytest.mark.parametrize(
    "collections", [[ALLOW, {**DENY, "priority": 200}], [{**DENY, "priority": 200}, ALLOW]]
)
def test_of_two_collections_with_one_priority_it_is_not_known_which_decides(
    tmp_path: Path, collections: list[Body]
) -> None:
    told = project(tmp_path, "firewall-policy", POLICY)
    assert status(told, policy(*collections)) is Status.UNKNOWN
    assert status(project(tmp_path, "azure-firewall", FIREWALL), classic(*collections)) is Status.UNKNOWN


def test_rules_that_cannot_meet_are_as_certain_as_before(tmp_path: Path) -> None:
    told = project(tmp_path, "firewall-policy", POLICY)
    for aside in (
        names("Deny", "r", targetFqdns=["b.foo.com"]),
        names("Deny", "r", sourceAddresses=["10.9.0.0/24"]),
        names("Deny", "r", protocols=[{"protocolType": "Https", "port": 8443}]),
    ):
        bodies = grouped(("a", 400, [ALLOW]), ("z", 400, [collection("Deny", 100, [aside])]))
        assert status(told, bodies) is Status.COVERED


def test_groups_of_a_parent_and_of_its_child_are_no_tie(tmp_path: Path) -> None:
    bodies = grouped(("a", 400, [ALLOW]))
    parent = f"{POLICY}arent"
    bodies[0]["properties"]["basePolicy"] = {"id": parent}
    above = copy.deepcopy(grouped(("z", 400, [DENY])))
    above = [{**body, "id": body["id"].replace(POLICY, parent)} for body in above]
    assert status(project(tmp_path, "firewall-policy", POLICY), [*bodies, *above]) is Status.BLOCKED


def test_the_doubt_names_both_rules_and_what_to_do() -> None:
    ruleset = to_ruleset(Estate.of(grouped(("a", 400, [ALLOW]), ("z", 400, [DENY]))), POLICY)
    verdict = evaluate(ruleset, flow("a.foo.com"))
    assert verdict.action is None
    assert all(part in str(verdict) for part in ("p/a/allow/s", "p/z/deny/r", "give one of them another"))


def flow(name: str) -> Flow:
    return Flow(source=0x0A000004, port=443, application="https", sni=name, host=name)


NAMES = ("a.foo.com", "b.foo.com", "c.bar.com")
PATTERNS = (*NAMES, "*.foo.com", "*")


@st.composite
def tied_collections(draw: Any) -> list[Body]:
    """Two or three collections of one priority."""
    return [
        {
            **collection(
                draw(st.sampled_from(["Allow", "Deny"])),
                200,
                [
                    names("", str(position), targetFqdns=[draw(st.sampled_from(PATTERNS))])
                    for position in range(draw(st.integers(1, 2)))
                ],
            ),
            "name": f"c{number}",
        }
        for number in range(draw(st.integers(2, 3)))
    ]


@settings(max_examples=examples(300), deadline=None)
@given(tied_collections(), st.booleans())
def test_what_is_certain_of_equal_ranks_is_so_in_every_order(found: list[Body], in_groups: bool) -> None:
    def decided(collections: list[Body], name: str) -> Action | None:
        bodies = (
            grouped(*((item["name"], 400 + item["priority"], [item]) for item in collections))
            if in_groups
            else policy(*collections)
        )
        return evaluate(to_ruleset(Estate.of(bodies), POLICY), flow(name)).action

    for name in NAMES:
        certain = decided(found, name)
        ranked = (
            [{**item, "priority": 200 + place} for place, item in enumerate(order)]
            for order in permutations(found)
        )
        answers = {decided(order, name) for order in ranked}
        assert certain is None or answers == {certain}
        assert len(found) > 2 or len(answers) == 1 or certain is None
