"""plan, approve and reject from the command line; a plan is sealed and offline planning writes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from allowlist.plan.model import Plan
from tests.helpers.cli import CONTOSO, allowlist, on_contoso


@pytest.fixture
def plan_file(workplace: Path) -> Path:
    path = workplace / "plan.json"
    assert on_contoso("plan", "-o", path).code == 0
    return path


def _plan(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_every_change_of_the_plan_carries_three_proofs_that_hold(plan_file: Path) -> None:
    changes = _plan(plan_file)["changes"]
    assert changes
    for change in changes:
        assert {name: proof["holds"] for name, proof in change["proofs"].items()} == {
            "needed": True,
            "sufficient": True,
            "nothing_else": True,
        }
        assert change["requirements"]
        assert change["operation"]["after"]["description"].startswith("allowlist:research-agents:")


def test_of_a_plan_that_went_into_a_device_no_command_is_told_that_reads_it(workplace: Path) -> None:
    made = on_contoso("plan", "--only", "hub-firewall", "-o", os.devnull)
    assert made.code == 0
    assert os.devnull not in made.err


def test_one_group_means_one_write(plan_file: Path) -> None:
    (target,) = _plan(plan_file)["targets"]
    assert len(target["writes"]) == 1


def test_what_a_parent_policy_denies_is_a_gap_not_a_change(plan_file: Path) -> None:
    document = _plan(plan_file)
    gaps = document["gaps"]
    assert {gap["requirement"]["pattern"] for gap in gaps} == {
        "cas-server.xethub.hf.co",
        "transfer.xethub.hf.co",
    }
    assert not any("xethub.hf.co" in change["title"] for change in document["changes"])


def test_the_same_input_gives_the_same_changes(workplace: Path, plan_file: Path) -> None:
    again = workplace / "again.json"
    on_contoso("plan", "-o", again)
    digests = [[change["digest"] for change in _plan(path)["changes"]] for path in (plan_file, again)]
    assert digests[0] == digests[1]


def test_pending_changes_are_told_by_exit_code_only_on_request() -> None:
    assert on_contoso("plan", "--exit-code").code == 2
    assert on_contoso("plan").code == 0


def test_an_edited_plan_is_refused(plan_file: Path) -> None:
    text = plan_file.read_text().replace("huggingface.co", "evil.example", 1)
    plan_file.write_text(text)
    result = allowlist("approve", plan_file, "--all", "--reason", "looks fine")
    assert result.code == 1
    assert "edited" in result.err


def test_a_plan_that_is_no_plan_is_told_with_every_mistake(workplace: Path) -> None:
    bad = workplace / "bad.json"
    bad.write_text('{\n "schema": "allowlist/plan/v1",\n "workload": 3,\n "chnages": []\n}')
    result = allowlist("approve", bad, "--all", "--reason", "x")
    assert result.code == 1
    assert "bad.json:3:" in result.err
    assert "did you mean 'changes'" in result.err


def test_approving_needs_a_reason_and_a_choice(plan_file: Path) -> None:
    assert "--reason" in allowlist("approve", plan_file, "--all").err
    result = allowlist("approve", plan_file, "--reason", "x")
    assert result.code == 1
    assert "--all" in result.err


def test_approving_says_who_and_that_nobody_vouches_for_them(plan_file: Path) -> None:
    result = allowlist("approve", plan_file, "--all", "--reason", "ticket 4711")
    assert result.code == 0
    assert "unverified" in result.err


def test_a_change_can_be_named_by_the_start_of_its_id(plan_file: Path) -> None:
    change = _plan(plan_file)["changes"][0]
    assert allowlist("reject", plan_file, change["id"][:6], "--reason", "not now").code == 0
    result = allowlist("approve", plan_file, "nosuchid", "--reason", "x")
    assert result.code == 1


def test_the_plan_document_reads_back_as_it_was_made(plan_file: Path) -> None:
    import msgspec

    from allowlist.plan.digest import is_intact

    assert is_intact(msgspec.json.decode(plan_file.read_bytes(), type=Plan))


def test_planning_from_a_snapshot_leaves_the_snapshot_alone(workplace: Path) -> None:
    before = {path.name: path.read_bytes() for path in CONTOSO.iterdir()}
    on_contoso("plan", "-o", workplace / "p.json")
    assert {path.name: path.read_bytes() for path in CONTOSO.iterdir()} == before


def test_a_plan_and_a_file_of_decisions_say_which_schema_they_have(workplace: Path) -> None:
    assert on_contoso("plan", "-o", "plan.json", "--json").json["schema"] == "allowlist/plan/v1"
    allowlist("approve", "plan.json", "--all", "--reason", "ticket 1", "-o", "decisions.json")

    assert json.loads((workplace / "plan.json").read_text())["schema"] == "allowlist/plan/v1"
    assert json.loads((workplace / "decisions.json").read_text())["schema"] == "allowlist/approval/v1"
