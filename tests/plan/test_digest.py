"""A plan that was edited shows it; a change means the same wherever it stands."""

from __future__ import annotations

import msgspec

from allowlist.plan.digest import change_digest, is_intact
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
