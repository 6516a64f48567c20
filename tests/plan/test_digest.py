"""A plan that was edited shows it; a change means the same wherever it stands."""

from __future__ import annotations

import msgspec

from allowlist.plan.digest import change_digest, is_intact
from allowlist.plan.model import Gate, Plan
from tests.helpers.plans import GROUP, a_change, a_plan


def test_any_edit_of_a_plan_shows() -> None:
    plan = a_plan(a_change(), gates=(Gate(id="growth", passed=False, text="x"),), asked_by="alice")
    assert is_intact(plan)
    edits = {
        "workload": "v",
        "created": "later",
        "asked_by": "bob",
        "gates": (),
        "changes": (),
        "minutes": 3.0,
    }
    for name, value in edits.items():
        assert not is_intact(msgspec.structs.replace(plan, **{name: value})), name


def test_a_plan_survives_its_file() -> None:
    plan = a_plan(a_change(), a_change("b.example.com"))
    assert is_intact(msgspec.json.decode(msgspec.json.encode(plan), type=Plan))


def test_the_digest_of_a_change_is_over_what_it_does_and_where() -> None:
    one = a_change("a.example.com").operation
    assert change_digest(GROUP, one, ()) == change_digest(GROUP, one, ())
    others = [
        (f"{GROUP}x", one),
        (GROUP, msgspec.structs.replace(one, path=("allow", "other"))),
        (GROUP, msgspec.structs.replace(one, action="update")),
        (GROUP, msgspec.structs.replace(one, after={"name": "x"})),
        (GROUP, msgspec.structs.replace(one, context={"priority": 1})),
    ]
    assert len({change_digest(where, what, ()) for where, what in [(GROUP, one), *others]}) == 6
