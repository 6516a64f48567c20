"""Rules found through an index are edited as rules found by looking through the list, whatever stands in it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.estate.bodies import Body
from allowlist.estate.fields import owner_of
from allowlist.plan.model import Operation
from allowlist.points.firewall.standing import StandingRules
from tests.helpers.laws import examples

rules = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", None, 7, ["a"]]),
        "description": st.sampled_from(["allowlist:wl:c@1#e", "allowlist:wl:c@2#e", "theirs", None]),
        "targetFqdns": st.lists(st.sampled_from(["x.com", "y.com"]), max_size=1),
    },
)


@st.composite
def operations(draw: Any) -> Operation:
    action = draw(st.sampled_from(["add", "update", "remove"]))
    before, after = draw(rules), draw(rules)
    return Operation(
        action=action,
        surface="s",
        resource="r",
        path=("c", draw(st.sampled_from(["a", "b"]))),
        before=None if action == "add" else before,
        after=None if action == "remove" else after,
    )


def _place(operation: Operation, standing: list[Body]) -> int | None:
    """Read off the sentence: the rule that reads as it did, else the one with its mark under its name."""
    before = operation.before
    if before is not None and before in standing:
        return standing.index(before)
    owner = owner_of((before or operation.after or {}).get("description"))
    for number, rule in enumerate(standing):
        if rule.get("name") == operation.path[1] and owner_of(rule.get("description")) == owner:
            return number
    return None


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(rules, max_size=6), st.lists(operations(), max_size=6))
def test_operations_edit_the_rules_they_would_find_by_looking(
    given_rules: list[Body], edits: list[Operation]
) -> None:
    expected, standing = list(given_rules), StandingRules(given_rules)
    for operation in edits:
        place, number = _place(operation, expected), standing.place_of(operation)
        assert (place is None) == (number is None)
        if operation.action == "remove" and place is not None and number is not None:
            expected = [rule for rule in expected if rule != expected[place]]
            standing.remove(number)
        elif operation.after is not None and place is not None and number is not None:
            expected[place] = operation.after
            standing.replace(number, operation.after)
        elif operation.after is not None:
            expected.append(operation.after)
            standing.append(operation.after)

        assert standing.in_order() == expected
        assert len(standing) == len(expected)
