"""A plan is only what it was approved as: whatever is edited afterwards and sealed again, nothing of it is written."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace as replace_in
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.apply.result import RunResult
from allowlist.errors import AllowlistError, NotApproved, PlanRefused, StalePlan
from allowlist.plan.digest import sealed
from allowlist.plan.model import ApprovalInForce, Change, Plan, Risk
from allowlist.store.identity import Identity
from allowlist.workflow.applying import ApplyOptions
from allowlist.workflow.approval_policy import PolicyInForce, keep_policy
from allowlist.workflow.resuming import resume_run
from allowlist.workload.document import ApprovalRule
from tests.helpers.plans import resealed
from tests.helpers.small_world import OTHERS, OURS, WORKLOAD, small_world
from tests.helpers.trial import PowerCut
from tests.helpers.world import ALICE, World, now

BOB = Identity(who="bob@contoso.example", kind="verified")
replace = msgspec.structs.replace


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nothing is ever written: forgeries share it."""
    with small_world(tmp_path_factory.mktemp("untouched")) as found:
        yield found


@pytest.fixture(scope="module")
def approved(untouched: World) -> Plan:
    plan = untouched.plan()
    untouched.approve(plan)
    return plan


def _edited(plan: Plan, **fields: Any) -> Plan:
    return replace(plan, **fields)


def _first(plan: Plan, **fields: Any) -> Plan:
    """The plan with its first change edited."""
    first, *rest = plan.changes
    return replace(plan, changes=(replace(first, **fields), *rest))


def _body(plan: Plan, **fields: Any) -> Plan:
    """The plan with the rule its first change writes edited."""
    operation = plan.changes[0].operation
    return _first(plan, operation=replace(operation, after={**(operation.after or {}), **fields}))


def _place(plan: Plan, **fields: Any) -> Plan:
    return replace(plan, targets=(replace(plan.targets[0], **fields),))


def _approval(plan: Plan) -> ApprovalInForce:
    assert plan.approval is not None
    return plan.approval


def _wider(plan: Plan) -> Plan:
    return _body(plan, sourceAddresses=["*"], targetFqdns=["*"])


FORGERIES: dict[str, Callable[[Plan], Plan]] = {
    "everything for everybody": _wider,
    "another host": lambda plan: _body(plan, targetFqdns=["evil.example"]),
    "another source": lambda plan: _body(plan, sourceAddresses=["10.0.0.0/8"]),
    "a removal of others": lambda plan: _first(
        plan,
        operation=replace(
            plan.changes[0].operation,
            action="remove",
            resource=OTHERS,
            path=("others-names", "theirs"),
            before=plan.changes[0].operation.after,
            after=None,
        ),
    ),
    "another place": lambda plan: _first(plan, operation=replace(plan.changes[0].operation, resource=OTHERS)),
    "a milder risk": lambda plan: _first(plan, risk=Risk.IRREVERSIBLE),
    "no gates": lambda plan: replace(
        plan, gates=(), changes=tuple(replace(item, gates=()) for item in plan.changes)
    ),
    "gates that passed": lambda plan: replace(
        plan, gates=tuple(replace(gate, passed=True) for gate in plan.gates)
    ),
    "gates that are waived": lambda plan: replace(
        plan, gates=tuple(replace(gate, waived_by="mallory") for gate in plan.gates)
    ),
    "other costs": lambda plan: _first(plan, cost=replace(plan.changes[0].cost, minutes=0.5)),
    "another reason": lambda plan: _first(plan, reason="harmless"),
    "another title": lambda plan: _first(plan, title="add nothing"),
    "other requirements": lambda plan: _first(plan, requirements=()),
    "who asked": lambda plan: replace(plan, asked_by="somebody@else.example"),
    "another workload": lambda plan: replace(plan, workload="other"),
    "another cloud": lambda plan: replace(plan, cloud="china"),
    "another tenant": lambda plan: replace(plan, tenant="other.example"),
    "another target": lambda plan: _place(plan, resource=OTHERS),
    "another delete policy": lambda plan: _place(plan, delete="add-only"),
    "another base": lambda plan: replace(
        _place(plan, fingerprint="sha256:other"),
        changes=tuple(replace(item, precondition="sha256:other") for item in plan.changes),
    ),
    "a laxer policy": lambda plan: replace(
        plan, approval=replace(_approval(plan), digest="sha256:0", approvers=("mallory",))
    ),
    "an older shape": lambda plan: replace(plan, approval=None),
    "a change more": lambda plan: replace(plan, changes=(*plan.changes, _another(plan))),
    "an older date": lambda plan: replace(plan, created="2026-01-01T00:00:00+00:00"),
    "a date to come": lambda plan: replace(plan, created="2099-01-01T00:00:00+00:00"),
}


def _another(plan: Plan) -> Change:
    (forged, *_) = _body(plan, name="x", targetFqdns=["evil.example"]).changes
    return replace(forged, operation=replace(forged.operation, path=("allowlist-wl", "x")))


@pytest.mark.parametrize("seal", [sealed, resealed])
@pytest.mark.parametrize("name", FORGERIES)
def test_a_plan_that_was_edited_after_its_approval_writes_nothing(
    untouched: World, approved: Plan, name: str, seal: Callable[[Plan], Plan]
) -> None:
    with pytest.raises(PlanRefused):
        untouched.apply(seal(FORGERIES[name](approved)))

    assert untouched.body(OURS) is None


def test_with_a_forged_change_only_the_others_are_applied_and_only_when_told_so(world: World) -> None:
    plan = world.plan()
    world.approve(plan)

    world.apply(resealed(_wider(plan)), approved_only=True)

    assert len(_written(world)) == 1
    assert not {"*"} & {name for rule in _written(world) for name in rule["targetFqdns"]}


def _written(world: World) -> list[dict[str, Any]]:
    body = world.body(OURS) or {"properties": {"ruleCollections": []}}
    return [rule for item in body["properties"]["ruleCollections"] for rule in item["rules"]]


def test_the_plan_that_was_approved_is_applied(world: World) -> None:
    """So that the forgeries above fail for what was forged."""
    plan = world.plan()
    world.approve(plan)
    assert world.apply(plan).converged


@pytest.mark.parametrize("name", ["everything for everybody", "another reason", "no gates", "a milder risk"])
def test_what_was_forged_before_it_was_approved_is_not_written_either(untouched: World, name: str) -> None:
    """Whoever approves sees the forgery; the live state says something else."""
    forged = resealed(FORGERIES[name](untouched.plan()))
    untouched.approve(forged)

    with pytest.raises(PlanRefused):
        untouched.apply(forged)

    assert untouched.body(OURS) is None


def test_an_old_plan_does_not_become_young_by_its_date(world: World) -> None:
    made = now() - dt.timedelta(hours=100)
    old = sealed(replace(world.plan(), created=made.isoformat(timespec="seconds")))
    world.approve(old)
    young = sealed(replace(old, created=now().isoformat(timespec="seconds")))

    with pytest.raises(StalePlan, match="100 hours old"):
        world.apply(young)


OTHER_FILES = {
    "a requirement more": WORKLOAD.replace(
        "requirements:\n",
        'requirements:\n  - {id: c, pattern: "c.foo.com", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}\n',
    ).replace("a.foo.com", "d.foo.com"),
    "other sources": WORKLOAD.replace("10.0.0.0/24", "10.0.0.0/8"),
    "another name": WORKLOAD.replace("name: wl", "name: other"),
    "another resource": WORKLOAD.replace("firewallPolicies/p", "firewallPolicies/q"),
    "another cloud": WORKLOAD + "cloud: usgov\n",
    "another tenant": WORKLOAD + "tenant: other.example\n",
    "another delete policy": WORKLOAD.replace("delete: sync", "delete: add-only"),
    "a laxer approval policy": WORKLOAD + "approval: {}\n",
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_another_workload_file_is_not_what_was_approved(world: World, name: str) -> None:
    if "laxer" in name:
        world.workload.write_text(WORKLOAD + f"approval: {{approvers: [{ALICE.who}]}}\n")
    plan = world.plan()
    world.approve(plan)
    world.workload.write_text(OTHER_FILES[name])

    with pytest.raises(PlanRefused):
        world.apply(plan)

    assert world.body(OURS) is None


def test_what_means_something_else_now_is_named(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    world.workload.write_text(OTHER_FILES["other sources"])

    with pytest.raises(StalePlan, match=r"a\.foo\.com https:443: nothing asks"):
        world.apply(plan)


def test_a_rejection_that_comes_while_apply_waits_for_its_lock_counts(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    _while_reading(world, lambda: world.reject(plan, BOB))

    with pytest.raises(NotApproved, match="rejected after all"):
        world.apply(plan)

    assert world.body(OURS) is None


def test_an_approval_that_ends_while_apply_waits_for_its_lock_has_ended(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    later = now() + dt.timedelta(days=14, seconds=1)
    _while_reading(world, lambda: world.settings.update(late=True))
    world.settings["clock"] = lambda: later if world.settings.get("late") else now()

    with pytest.raises(NotApproved, match="expired"):
        world.apply(plan)

    assert world.body(OURS) is None


def test_a_rejection_that_comes_while_a_resume_waits_for_its_lock_counts(world: World) -> None:
    """What the interrupted run had not written yet may still be refused."""
    plan = world.plan()
    world.approve(plan)
    _cut_off(world, plan)
    (run,) = world.ledger.unfinished_runs()
    _while_reading(world, lambda: world.reject(plan, BOB))

    with pytest.raises(NotApproved, match="rejected after all"):
        resume_run(world.project, run.run_id, world.arm, world.context(), ApplyOptions())

    assert world.body(OURS) is None


def _resume(world: World, policy: PolicyInForce | None = None) -> RunResult:
    (run,) = world.ledger.unfinished_runs()
    project = replace_in(world.project, policy=policy) if policy else world.project
    return resume_run(project, run.run_id, world.arm, world.context(), ApplyOptions())


STRICTER = {
    "the ledger": ApprovalRule(four_eyes=True),
    "the workload file": ApprovalRule(quorum={"low": 2, "wildcard": 2}),
    "--policy": ApprovalRule(approvers=[BOB.who]),
}


@pytest.mark.parametrize("where", STRICTER)
def test_a_resume_writes_nothing_that_a_stricter_policy_does_not_let_through(
    world: World, where: str
) -> None:
    plan, rule = world.plan(), STRICTER[where]
    world.approve(plan)
    _cut_off(world, plan)
    stricter = PolicyInForce(rule=rule, origin="approval.yaml")
    if where == "the ledger":
        keep_policy(world.ledger, plan.workload, stricter, BOB.who)
        with pytest.raises(PlanRefused, match="not the one the ledger holds"):
            _resume(world)
    if where == "the workload file":
        world.workload.write_text(WORKLOAD + f"approval: {msgspec.json.encode(rule).decode()}\n")
    given = None if where == "the workload file" else stricter

    with pytest.raises(NotApproved, match="is not written any more: pending"):
        _resume(world, given)
    assert world.body(OURS) is None

    world.approve(plan, who=BOB)
    assert _resume(world, given).converged


def test_a_resume_under_a_laxer_policy_goes_on(world: World) -> None:
    plan = _policy(world, f"{{approvers: [{ALICE.who}]}}")
    world.approve(plan)
    _cut_off(world, plan)
    world.workload.write_text(WORKLOAD)

    assert _resume(world).converged


def test_a_resume_goes_on_with_the_workload_it_began_for_and_no_other(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    _cut_off(world, plan)
    for name in ("another name", "another resource", "another delete policy"):
        world.workload.write_text(OTHER_FILES[name])
        with pytest.raises(AllowlistError):
            _resume(world)
        assert world.body(OURS) is None, name


def _cut_off(world: World, plan: Plan) -> None:
    """The process of a run ends when its first write is announced."""

    def watch(event: Any) -> None:
        if event.state == "intended":
            raise PowerCut

    world.settings["on_event"] = watch
    with pytest.raises(PowerCut):
        world.apply(plan)
    del world.settings["on_event"]


def _while_reading(world: World, meddle: Callable[[], None]) -> None:
    """Do something once the lock is held and the state is being read."""

    def watch(event: Any) -> None:
        if event.state == "reading":
            meddle()

    world.settings["on_event"] = watch


def test_a_clock_set_back_does_not_revive_an_approval(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    with_future = now() + dt.timedelta(days=15)
    world.record_at(with_future)

    with pytest.raises((NotApproved, StalePlan)):
        world.apply(plan)

    assert world.body(OURS) is None


def _policy(world: World, text: str) -> Plan:
    world.workload.write_text(WORKLOAD + f"approval: {text}\n")
    return world.plan()


def test_four_eyes_are_not_those_of_one_person_who_edits_who_asked(world: World) -> None:
    plan = sealed(replace(_policy(world, "{four_eyes: true}"), asked_by=BOB.who))
    world.put_on_record(plan, BOB)
    world.approve(plan, who=BOB)
    for forged in (plan, sealed(replace(plan, asked_by=ALICE.who)), sealed(replace(plan, asked_by=""))):
        with pytest.raises(NotApproved):
            world.apply(forged)
    assert world.body(OURS) is None


def test_four_eyes_are_not_those_of_one_person_who_edits_who_asked_before_approving(world: World) -> None:
    forged = sealed(replace(_policy(world, "{four_eyes: true}"), asked_by=ALICE.who))
    world.approve(forged, who=BOB)
    with pytest.raises(NotApproved, match="1 of 2"):
        world.apply(forged)


def test_four_eyes_are_those_of_the_one_who_asked_and_the_one_who_approves(world: World) -> None:
    plan = sealed(replace(_policy(world, "{four_eyes: true}"), asked_by=BOB.who))
    world.put_on_record(plan, BOB)
    world.approve(plan, who=ALICE)
    assert world.apply(plan).converged


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_signature_is_bound_to_everything_that_was_approved(world: World) -> None:
    from allowlist.store.approval_file import write_approval
    from allowlist.store.signatures import sign
    from allowlist.workflow.deciding import decisions_on, import_decisions

    folder = world.workload.parent
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=folder)
    public = (folder / "key.pub").read_text()
    (folder / "signers").write_text(f'{ALICE.who} namespaces="allowlist" {public}')
    plan = _policy(world, f"{{approvers: [{ALICE.who}], allowed_signers: signers}}")
    gates = [gate.id for gate in plan.gates]
    made = decisions_on(plan, plan.changes, "approve", ALICE, "ok", now(), gates=gates)
    write_approval(folder / "a.json", made, lambda payload: sign(payload, folder / "key"))
    signers = world.project.approval.signers

    for name, forge in FORGERIES.items():
        forged = resealed(forge(plan))
        import_decisions(world.ledger, forged, [folder / "a.json"], signers, now())
        with pytest.raises(PlanRefused):
            world.apply(forged)
        assert world.body(OURS) is None, name
    import_decisions(world.ledger, plan, [folder / "a.json"], signers, now())
    assert world.apply(plan).converged


def test_a_decision_from_the_future_is_refused(world: World) -> None:
    from allowlist.store.approval_file import write_approval
    from allowlist.workflow.deciding import decisions_on, import_decisions

    plan = world.plan()
    made = decisions_on(plan, plan.changes, "approve", ALICE, "ok", now() + dt.timedelta(days=1))
    write_approval(world.workload.parent / "a.json", made)
    with pytest.raises(AllowlistError, match="from the future"):
        import_decisions(world.ledger, plan, [world.workload.parent / "a.json"], None, now())
