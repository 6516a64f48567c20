"""A text that looks like a secret in a rule of others stops nothing: it is masked where it is kept, and stays in Azure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.errors import AllowlistError, PlanRefused
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.plans import resealed
from tests.helpers.small_world import OURS, WORKLOAD, group, others_rule, small_world

SECRET = "https://store.example/list.json?sv=1&sig=abc%3Ddef"


def test_a_signed_address_in_a_rule_of_others_is_kept_masked_and_written_as_it_was(tmp_path: Path) -> None:
    theirs = others_rule("guest", description=SECRET)
    with small_world(tmp_path, group(OURS, "allowlist-wl", theirs, priority=1000)) as world:
        plan = world.plan()
        world.approve(plan)

        applied = world.apply(plan)
        written = str(world.body(OURS))
        undone = roll_back(world.project, applied.run_id, world.arm, world.context())

        assert applied.converged
        assert SECRET in written
        assert set(undone.fates.values()) == {"done"}
        assert SECRET in str(world.body(OURS))
        kept = world.ledger.snapshot(applied.run_id, "fw", "before") + world.ledger.snapshot(
            applied.run_id, "fw", "after"
        )
        assert b"sig=abc" not in kept
        assert b"(removed)" in kept


def test_a_rule_of_ours_that_would_hold_one_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """What we write is kept, to be resumed and undone; masked, it would be another rule."""
    with small_world(tmp_path) as world:
        plan = world.plan()
        first, *rest = plan.changes
        body = {**(first.operation.after or {}), "description": SECRET}
        spoken = msgspec.structs.replace(
            first, operation=msgspec.structs.replace(first.operation, after=body)
        )
        told = resealed(msgspec.structs.replace(plan, changes=(spoken, *rest)))
        world.approve(told)

        with pytest.raises(AllowlistError, match="signed URL"):
            world.apply(told)

        assert world.body(OURS) is None


def test_a_way_back_that_would_write_the_mask_is_refused_with_a_way_out(tmp_path: Path) -> None:
    """Somebody typed a secret into a rule of ours; taking the rule out is fine, bringing it back is not."""
    with small_world(tmp_path) as world:
        first = world.plan()
        world.approve(first)
        world.apply(first)
        world.simulator.edit(OURS, _type_a_secret)
        world.workload.write_text(
            "".join(line for line in WORKLOAD.splitlines(keepends=True) if "a.foo.com" not in line)
        )
        removal = world.plan()
        world.approve(removal)
        applied = world.apply(removal)

        with pytest.raises(PlanRefused, match="does not keep") as refused:
            roll_back(world.project, applied.run_id, world.arm, world.context())

        assert f"allowlist history {applied.run_id} --close" in refused.value.hint
        assert "(removed)" not in str(world.body(OURS))


def _type_a_secret(body: Any) -> None:
    for collection in body["properties"]["ruleCollections"]:
        for rule in collection["rules"]:
            if "a.foo.com" in rule["targetFqdns"]:
                rule["description"] += f" {SECRET}"
