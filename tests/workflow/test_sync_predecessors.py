"""What earlier runs left comes first, and approvals kept in Git count only when somebody vouches for them."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from allowlist.store import open_ledger
from allowlist.store.approval_file import write_approval
from allowlist.store.signatures import sign
from allowlist.workflow.closing import close_run
from allowlist.workflow.deciding import decide
from tests.helpers.trial import PowerCut
from tests.helpers.world import ALICE, World, contoso_world, now
from tests.workflow.test_sync import SAFE_EVERYTHING, automate, only, run, writes


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


def cut_off(world: World, moment: str) -> None:
    """A person's apply that ended without a word."""

    def cut(event: object) -> None:
        if getattr(event, "state", "") == moment:
            raise PowerCut

    plan = world.plan()
    world.approve(plan)
    world.settings["on_event"] = cut
    with pytest.raises(PowerCut):
        world.apply(plan)
    del world.settings["on_event"]


@pytest.mark.parametrize("moment", ["intended", "sent", "landed"])
def test_what_a_crashed_run_left_is_finished_first(world: World, moment: str) -> None:
    automate(world, "apply: approved")
    cut_off(world, moment)
    first, *rest = run(world).outcomes
    assert (first.state, first.code) == ("applied", 0)
    assert "resumed run" in first.text
    assert [item.waiting for item in rest] == [0]
    assert not world.ledger.unfinished_runs()
    assert len(world.rules()) == 35


def test_where_nothing_is_applied_automatically_a_crashed_run_is_told_and_nothing_is_written(
    world: World,
) -> None:
    cut_off(world, "intended")
    before = writes(world)
    first, *_ = run(world).outcomes
    assert first.code == 7
    assert "allowlist apply --resume" in first.hint
    assert writes(world) == before


def test_a_run_of_an_older_ledger_that_noted_nothing_is_told_once_and_holds_nothing_up(world: World) -> None:
    """It wrote nothing, so all targets go on as if it were not there, until a person closes it."""
    automate(world, SAFE_EVERYTHING)
    plan = world.plan()
    world.approve(plan)
    old = "20260101-000000-aaaaaa"
    world.ledger.save_plan(
        plan.digest, msgspec.json.encode(plan), workload=plan.workload, created=now(), who="me"
    )
    world.ledger.begin_run(old, plan.digest, "me", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "apply")
    for state in ("applied", "pending"):
        told, *rest = run(world).outcomes
        assert (told.state, told.code, told.run_id) == ("pending", 2, old)
        assert told.hint == f"close it: allowlist history {old} --close REASON"
        assert state in {item.state for item in rest}
        assert not any(old in item.text for item in rest)
        assert len(rest) == len(world.project.workload.targets)
    assert len(world.rules()) == 35
    close_run(world.context(), old, "of last year")
    assert all(item.run_id != old for item in run(world).outcomes)


def test_a_run_whose_plan_cannot_be_read_holds_up_its_own_workload_and_is_told(world: World) -> None:
    """A later version may have begun it. What it wrote is not known, so nothing is written beside it."""
    automate(world, SAFE_EVERYTHING)
    foreign = "20260101-000000-cccccc"
    plan = "sha256:" + "c" * 64
    name = world.project.workload.name
    world.ledger.save_plan(plan, b'{"format": "of tomorrow"}', workload=name, created=now(), who="me")
    world.ledger.begin_run(foreign, plan, "me", now(), "apply", changes=("one",))
    before = writes(world)
    told, *rest = run(world).outcomes
    assert (told.state, told.target, told.code) == ("failed", "all targets", 1)
    assert f"the plan of run {foreign} cannot be read" in told.text
    assert "allowlist history --verify" in told.hint
    assert rest
    assert {item.state for item in rest} & {"applied"} == set()
    assert writes(world) == before


def test_a_run_of_others_whose_plan_cannot_be_read_is_their_matter(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    plan = "sha256:" + "d" * 64
    world.ledger.save_plan(plan, b"[]", workload="of others", created=now(), who="me")
    world.ledger.begin_run("20260101-000000-dddddd", plan, "me", now(), "apply", changes=("one",))
    assert {item.state for item in run(world).outcomes} == {"applied"}


WORKING = """
import datetime as dt, sys
from allowlist.store import open_ledger
now = lambda: dt.datetime.now(dt.UTC)
with open_ledger(sys.argv[1], environ={}, clock=now) as ledger:
    ledger.begin_run("20260601-000000-bbbbbb", sys.argv[2], "bob", now(), "apply", changes=sys.argv[3:])
    print("begun", flush=True)
    sys.stdin.read()
"""


def test_a_run_that_another_process_still_carries_out_is_waited_for_not_called_unfinished(
    world: World, tmp_path: Path
) -> None:
    """Its lock may be gone, as when a person freed it while the process was stopped."""
    plan = world.plan()
    world.ledger.save_plan(
        plan.digest, msgspec.json.encode(plan), workload=plan.workload, created=now(), who="bob"
    )
    asked = [
        sys.executable,
        "-c",
        WORKING,
        f"sqlite:///{tmp_path}/ledger.db",
        plan.digest,
        plan.changes[0].id,
    ]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as working:
        assert working.stdout is not None
        assert working.stdout.readline() == "begun\n"
        told, *_ = run(world).outcomes
        assert (told.code, told.state) == (6, "failed")
        assert "is being carried out by bob" in told.text
        working.communicate("")


def test_a_run_whose_target_has_another_name_now_is_told_all_the_same(world: World) -> None:
    automate(world, "apply: approved")
    cut_off(world, "sent")
    text = world.workload.read_text("utf-8")
    world.workload.write_text(text.replace("name: hub-firewall", "name: renamed"), "utf-8")
    told, *_ = run(world).outcomes
    assert (told.state, told.code) == ("failed", 1)
    assert "hub-firewall" in told.text + told.target


def test_a_provisional_run_stands_until_its_time_is_over_and_is_then_rolled_back(world: World) -> None:
    automate(world, SAFE_EVERYTHING)
    plan = world.plan()
    world.approve(plan)
    world.apply(plan, confirm_within=dt.timedelta(minutes=5))
    stands, *_ = run(world).outcomes
    assert (stands.state, stands.code) == ("pending", 2)
    assert "allowlist confirm" in stands.hint
    assert len(world.rules()) == 35

    world.settings["clock"] = lambda: now() + dt.timedelta(minutes=6)
    automate(world, "apply: nothing")
    undone, *_ = run(world).outcomes
    assert undone.state == "rolled back"
    assert not world.rules()


def test_a_stop_ends_between_targets_and_the_rest_is_told(world: World) -> None:
    world.settings["should_stop"] = lambda: True
    outcome = only(run(world))
    assert (outcome.code, outcome.text) == (130, "stopped before it was its turn")
    assert not world.simulator.requests


@pytest.fixture
def key(world: World) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    folder = world.workload.parent
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = (folder / "key.pub").read_text()
    (folder / "signers").write_text(f'alice@contoso.example namespaces="allowlist" {public}')
    text = world.workload.read_text().replace(
        "approval: {valid_days: 14}", "approval: {allowed_signers: signers}"
    )
    world.workload.write_text(text)
    (folder / "approvals").mkdir()
    return key


def approve_in_git(world: World, count: int, key: Path | None) -> None:
    """Decided elsewhere, kept beside the workload file: this world's ledger knows nothing of it."""
    folder, plan = world.workload.parent, world.plan()
    with open_ledger(f"sqlite:///{folder}/elsewhere.db", environ={}, clock=now) as elsewhere:
        made = decide(elsewhere, plan, plan.changes[:count], "approve", ALICE, "ticket 1", now())
    write_approval(
        folder / "approvals" / "first.json", made, (lambda payload: sign(payload, key)) if key else None
    )


def test_a_signed_approval_in_git_opens_what_it_names_and_is_taken_in_once(world: World, key: Path) -> None:
    automate(world, "apply: approved, approvals: [approvals/*.json]")
    approve_in_git(world, 3, key)
    assert only(run(world, plan_only=True)).waiting == 35
    assert only(run(world)).applied == 3
    entries = world.rows()
    run(world)
    run(world)
    assert world.rows() <= entries + 2


def test_an_unsigned_approval_in_git_opens_nothing(world: World, key: Path) -> None:
    assert key
    automate(world, "apply: approved, approvals: [approvals/*.json]")
    approve_in_git(world, 3, None)
    outcome = only(run(world))
    assert (outcome.state, outcome.code) == ("failed", 1)
    assert "nobody vouches" in outcome.text
    assert not world.rules()
