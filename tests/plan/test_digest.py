"""A plan that was edited shows it; a change means the same wherever it stands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from allowlist.errors import PlanRefused
from allowlist.plan.digest import change_digest, find_forgeries, is_intact, require_intact, sealed
from allowlist.plan.model import Cost, Gate, Plan, Risk
from tests.helpers.plans import a_change, a_plan


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


def test_the_digest_of_a_change_is_over_what_it_does_where_and_under_which_terms() -> None:
    gate = Gate(id="growth", passed=False, text="x", changes=(a_change().id,))
    plan = a_plan(a_change(gates=("growth",)), gates=(gate,))
    change, target = plan.changes[0], plan.targets[0]
    replace = msgspec.structs.replace
    assert plan.approval is not None
    operation = change.operation
    operations = [
        replace(operation, path=("allow", "other")),
        replace(operation, action="update"),
        replace(operation, after={"name": "x"}),
        replace(operation, context={"priority": 1}),
    ]
    others = [
        *((replace(change, operation=other), plan) for other in operations),
        (replace(change, risk=Risk.WILDCARD), plan),
        (replace(change, cost=Cost(monthly=1.0)), plan),
        (replace(change, gates=()), plan),
        (replace(change, reason="harmless"), plan),
        (change, replace(plan, workload="other")),
        (change, replace(plan, cloud="china")),
        (change, replace(plan, tenant="other")),
        (change, replace(plan, gates=())),
        (change, replace(plan, gates=(replace(gate, passed=True),))),
        (change, replace(plan, gates=(replace(gate, waived_by="me"),))),
        (change, replace(plan, targets=(replace(target, resource=f"{target.resource}x"),))),
        (change, replace(plan, targets=(replace(target, delete="add-only"),))),
        (change, replace(plan, approval=replace(plan.approval, digest="sha256:laxer"))),
    ]

    digests = {change_digest(*item) for item in others}

    assert change.digest == change_digest(change, plan)
    assert change.digest not in digests
    assert len(digests) >= len(others) - 1  # a gate taken out of the plan and out of the change read alike


def _forgeries() -> dict[str, Plan]:
    """A good plan in which one thing after the other was edited and the plan sealed again."""
    gate = Gate(id="growth", passed=False, text="x", changes=(a_change().id,))
    plan = a_plan(a_change(gates=("growth",)), gates=(gate,))
    replace, change = msgspec.structs.replace, plan.changes[0]
    edits: dict[str, dict[str, Any]] = {
        "has an older shape": {"approval": None},
        "is for the target 'spoke', which it does not have": {"changes": (replace(change, target="spoke"),)},
        f"2 changes are called {change.id}": {"changes": (change, change)},
        "gate growth stands over changes it does not have": {
            "gates": (replace(gate, changes=(change.id, "gone")),)
        },
        "is for another state of its target": {"changes": (replace(change, precondition="other"),)},
        "does something else than when it was made": {
            "changes": (replace(change, operation=replace(change.operation, path=("allow", "other"))),)
        },
        "means something else than when it was made": {"changes": (replace(change, reason="harmless"),)},
        "do not fit together": {"changes": (replace(change, gates=()),)},
    }
    return {told: sealed(replace(plan, **edit)) for told, edit in edits.items()}


@pytest.mark.parametrize("told", list(_forgeries()))
def test_an_edit_that_was_sealed_again_is_told_for_what_it_is_and_refused(told: str) -> None:
    plan = _forgeries()[told]
    assert told in "; ".join(find_forgeries(plan))
    with pytest.raises(PlanRefused, match=r"^the plan (was edited|has an older)") as refused:
        require_intact(plan, "the plan", "plan.json")
    assert refused.value.hint.endswith("allowlist plan -o plan.json")


def test_an_edit_that_was_not_sealed_is_told_first_and_a_plan_as_it_was_made_is_handed_on() -> None:
    plan = a_plan(a_change())
    edited = msgspec.structs.replace(plan, workload="other")
    assert next(find_forgeries(edited)) == "was edited after it was made (its digest does not fit)"
    assert require_intact(plan, "the plan") is plan
