"""Forgeries of another mind: every field, swapped parts, old words said again, twins in names, files put in place of others."""

from __future__ import annotations

import copy
import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.documents.reader import read_json_document
from allowlist.errors import AllowlistError, NotApproved, PlanRefused
from allowlist.plan.approval import ApprovalPolicy, folded, standings
from allowlist.plan.digest import is_intact, sealed, with_digests
from allowlist.plan.model import SCHEMA, Plan
from allowlist.store import Decision, open_ledger
from allowlist.store.approval_file import read_approval, write_approval
from allowlist.store.identity import Identity
from allowlist.workflow.deciding import decisions_on, import_decisions, standings_in
from tests.helpers.plans import resealed
from tests.helpers.small_world import OURS, POLICY, WORKLOAD, small_world
from tests.helpers.world import ALICE, World, now

BOB = Identity(who="bob@contoso.example", kind="verified")
replace = msgspec.structs.replace
ANYBODY = ApprovalPolicy()
needs_keys = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("untouched")) as found:
        yield found


@pytest.fixture(scope="module")
def plan(untouched: World) -> Plan:
    return untouched.plan()


@pytest.fixture(scope="module")
def said(plan: Plan) -> list[Decision]:
    gates = [gate.id for gate in plan.gates if not gate.final]
    return decisions_on(plan, plan.changes, "approve", ALICE, "ok", now(), gates=gates)


def writes(given: Plan, decisions: list[Decision]) -> list[Any]:
    """What of a plan would be written on these decisions, if the plan is taken at all."""
    if not is_intact(given):
        return []
    found = standings(given, decisions, ANYBODY, now())
    return [item.change.operation for item in found if item.is_approved]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path, value


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"


def test_the_plan_as_it_was_made_would_be_written(plan: Plan, said: list[Decision]) -> None:
    assert writes(plan, said) == [change.operation for change in plan.changes]


def test_no_field_can_be_edited_so_that_something_else_is_written(plan: Plan, said: list[Decision]) -> None:
    document = json.loads(msgspec.json.encode(plan))
    honest = [change.operation for change in plan.changes]
    tried = 0
    for path, value in leaves(document):
        edited = copy.deepcopy(document)
        place = edited
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = other(value)
        try:
            forged = msgspec.convert(edited, Plan)
        except msgspec.ValidationError:
            continue
        for seal in (sealed, with_digests, resealed):
            tried += 1
            assert all(item in honest for item in writes(seal(forged), said)), path
    assert tried > 250


def test_no_list_can_be_shortened_or_turned_so_that_something_else_is_written(
    plan: Plan, said: list[Decision]
) -> None:
    honest = [change.operation for change in plan.changes]
    for name in ("changes", "gates", "targets", "gaps", "skips"):
        whole = getattr(plan, name)
        for part in (whole[:-1], whole[1:], whole[::-1], whole + whole):
            forged = resealed(replace(plan, **{name: part}))
            assert all(item in honest for item in writes(forged, said)), name


def test_two_changes_cannot_change_their_operations(plan: Plan, said: list[Decision]) -> None:
    first, second = plan.changes
    swapped = (replace(first, operation=second.operation), replace(second, operation=first.operation))
    named = (replace(first, id=second.id), replace(second, id=first.id))
    digests = (replace(first, digest=second.digest), replace(second, digest=first.digest))
    for changes in (swapped, named, digests):
        for seal in (sealed, resealed):
            forged = seal(replace(plan, changes=changes))
            taken = standings(forged, said, ANYBODY, now()) if is_intact(forged) else ()
            for item in taken:
                assert not item.is_approved or item.change.digest in {first.digest, second.digest}
                assert not item.is_approved or item.change in (first, second)


def test_a_key_said_twice_in_a_plan_is_told(plan: Plan, tmp_path: Path) -> None:
    """Of two values readers take the first or the last: what was looked at would not be what is written."""
    text = json.dumps(json.loads(msgspec.json.encode(plan)))
    file = tmp_path / "plan.json"
    file.write_text(text.replace('"workload": "wl"', '"workload": "shown", "workload": "wl"'))

    with pytest.raises(AllowlistError, match="workload"):
        read_json_document(file, Plan, SCHEMA)


def test_other_order_and_spelling_of_the_same_json_is_the_same_plan(plan: Plan, tmp_path: Path) -> None:
    document = json.loads(msgspec.json.encode(plan))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(dict(sorted(document.items(), reverse=True)), indent=3, ensure_ascii=True))

    assert read_json_document(file, Plan, SCHEMA) == plan


def test_a_digest_in_other_letters_is_another_digest(plan: Plan, said: list[Decision]) -> None:
    for change in (str.upper, str.title, lambda text: f" {text}", lambda text: text.removeprefix("sha256:")):
        again = [msgspec.structs.replace(item, change_digest=change(item.change_digest)) for item in said]
        assert writes(plan, again) == []


TWINS = ("ａ.foo.com", "a.foo.com\u200b", "а.foo.com", "A.FOO.COM", "a。foo.com", "a.foo.com.")


@pytest.mark.parametrize("twin", TWINS, ids=ascii)
def test_a_name_that_looks_alike_is_not_the_name_that_was_approved(
    plan: Plan, said: list[Decision], twin: str
) -> None:
    changes = list(plan.changes)
    place = next(number for number, item in enumerate(changes) if "a.foo.com" in item.title)
    operation = changes[place].operation
    after = {**(operation.after or {}), "targetFqdns": [twin]}
    changes[place] = replace(changes[place], operation=replace(operation, after=after))

    assert writes(resealed(replace(plan, changes=tuple(changes))), said) == [
        item.operation for number, item in enumerate(plan.changes) if number != place
    ]


@pytest.mark.parametrize("field", ["cloud", "tenant", "workload"], ids=lambda name: f"of another {name}")
def test_decisions_on_the_same_changes_elsewhere_are_none_here(plan: Plan, field: str) -> None:
    elsewhere = resealed(replace(plan, **{field: "other"}))
    said = decisions_on(elsewhere, elsewhere.changes, "approve", ALICE, "ok", now())

    assert writes(plan, said) == []
    assert writes(elsewhere, said) != [] or elsewhere.gates


def test_decisions_given_under_another_policy_are_none_here(plan: Plan) -> None:
    assert plan.approval is not None
    lax = resealed(replace(plan, approval=replace(plan.approval, digest="sha256:lax")))
    said = decisions_on(lax, lax.changes, "approve", ALICE, "ok", now())

    assert writes(plan, said) == []


def test_decisions_on_another_state_of_the_target_are_none_here(plan: Plan, said: list[Decision]) -> None:
    older = [msgspec.structs.replace(item, precondition="sha256:" + "0" * 64) for item in said]

    assert writes(plan, older) == []


def test_an_old_approval_said_again_does_not_outdo_the_rejection_after_it(world: World) -> None:
    plan = world.plan()
    folder = world.workload.parent
    made = decisions_on(plan, plan.changes, "approve", BOB, "ok", now() - dt.timedelta(hours=1))
    write_approval(folder / "old.json", made)
    import_decisions(world.ledger, plan, [folder / "old.json"], None, now())
    rejected = [msgspec.structs.replace(item, verdict="reject", expires=None, at=now()) for item in made]
    world.ledger.decide(*(msgspec.structs.replace(item, identity="unverified") for item in rejected))

    import_decisions(world.ledger, plan, [folder / "old.json"], None, now())

    with pytest.raises((NotApproved, PlanRefused)):
        world.apply(plan)
    assert world.body(OURS) is None


def test_a_file_of_decisions_cannot_say_who_vouches_for_it(world: World) -> None:
    plan = world.plan()
    file = world.workload.parent / "a.json"
    write_approval(file, decisions_on(plan, plan.changes, "approve", ALICE, "ok", now()))
    document = json.loads(file.read_text())
    for decision in document["decisions"]:
        decision["identity"] = "verified"
    file.write_text(json.dumps(document))

    with pytest.raises(AllowlistError, match="identity"):
        read_approval(file, allowed_signers=None, at=now())


SPELLINGS = (
    "Bob@Contoso.Example",
    " bob@contoso.example ",
    "ｂob@contoso.example",
    "bob\u200b@contoso.example",
    "bob\ufe0f@contoso.example",
    "bob\u034f@contoso.example",
    "\u3164bob@contoso.example",
    "bo\u00adb@contoso.example",
    "bob@contoso.example\t",
)


@pytest.mark.parametrize("name", SPELLINGS, ids=ascii)
def test_one_person_is_no_quorum_under_two_spellings(plan: Plan, name: str) -> None:
    risks = {change.risk.value: 2 for change in plan.changes}
    twice = [Identity(who=BOB.who, kind="verified"), Identity(who=name, kind="verified")]
    said = [item for who in twice for item in decisions_on(plan, plan.changes, "approve", who, "ok", now())]

    found = standings(plan, said, ApprovalPolicy(quorum=risks), now())

    assert folded(name) == folded(BOB.who)
    assert not any(len(item.approvers) > 1 or item.is_approved for item in found)


@pytest.mark.parametrize("name", ["bоb@contoso.example", "bob@contoso.exаmple"], ids=ascii)
def test_a_name_in_letters_of_another_script_is_not_on_the_list(plan: Plan, name: str) -> None:
    said = decisions_on(plan, plan.changes, "approve", Identity(who=name, kind="verified"), "ok", now())

    assert not any(
        item.approvers for item in standings(plan, said, ApprovalPolicy(approvers=(BOB.who,)), now())
    )


def test_whoever_asked_is_no_second_pair_of_eyes_under_another_spelling(plan: Plan) -> None:
    asked = resealed(replace(plan, asked_by=BOB.who))
    for name in SPELLINGS:
        said = decisions_on(asked, asked.changes, "approve", Identity(who=name, kind="verified"), "ok", now())
        found = standings(asked, said, ApprovalPolicy(four_eyes=True), now())
        assert not any(item.approvers for item in found), ascii(name)


@needs_keys
def test_a_pattern_among_allowed_signers_lets_no_key_speak_for_everybody(world: World) -> None:
    from allowlist.store.signatures import sign

    folder = world.workload.parent
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=folder)
    public = (folder / "key.pub").read_text()
    plan = world.plan()
    file = folder / "a.json"
    write_approval(
        file,
        decisions_on(plan, plan.changes, "approve", BOB, "ok", now()),
        lambda payload: sign(payload, folder / "key"),
    )
    signers = folder / "signers"
    for head in ("*@contoso.example", "*", "alice@contoso.example,b*@contoso.example"):
        signers.write_text(f'{head} namespaces="allowlist" {public}')
        with pytest.raises(AllowlistError, match="no line names bob"):
            read_approval(file, allowed_signers=signers, at=now())
    signers.write_text(f'# people\nalice@contoso.example,{BOB.who} namespaces="allowlist" {public}')
    assert {item.identity for item in read_approval(file, allowed_signers=signers, at=now())} == {"signed"}


@needs_keys
def test_a_signature_belongs_to_its_decisions_and_to_no_others(world: World) -> None:
    from allowlist.store.signatures import sign

    folder = world.workload.parent
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=folder)
    (folder / "signers").write_text(f'{BOB.who} namespaces="allowlist" {(folder / "key.pub").read_text()}')
    plan = world.plan()
    file = folder / "a.json"
    made = decisions_on(plan, plan.changes[:1], "approve", BOB, "ok", now())
    write_approval(file, made, lambda payload: sign(payload, folder / "key"))
    honest = json.loads(file.read_text())
    edits: dict[str, Any] = {
        "change_digest": plan.changes[1].digest,
        "verdict": "reject",
        "who": ALICE.who,
        "expires": "2099-01-01T00:00:00Z",
        "precondition": "sha256:" + "1" * 64,
        "asked_by": "somebody",
        "planned": "2026-01-01T00:00:00Z",
        "at": "2026-01-01T00:00:00Z",
    }
    for key, value in edits.items():
        forged = copy.deepcopy(honest)
        forged["decisions"][0][key] = value
        file.write_text(json.dumps(forged))
        with pytest.raises(AllowlistError):
            read_approval(file, allowed_signers=folder / "signers", at=now())
    file.write_text(json.dumps({**honest, "decisions": honest["decisions"] * 2}))
    with pytest.raises(AllowlistError):
        read_approval(file, allowed_signers=folder / "signers", at=now())


@needs_keys
def test_a_key_that_was_made_for_something_else_signs_nothing_here(world: World) -> None:
    folder = world.workload.parent
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=folder)
    plan, public = world.plan(), (folder / "key.pub").read_text()

    def sign(payload: bytes) -> str:
        command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(folder / "key"), "-n", "git"]
        return subprocess.run(command, input=payload, capture_output=True, check=True).stdout.decode()

    write_approval(folder / "a.json", decisions_on(plan, plan.changes, "approve", BOB, "ok", now()), sign)
    (folder / "signers").write_text(f"{BOB.who} {public}")
    with pytest.raises(AllowlistError):
        read_approval(folder / "a.json", allowed_signers=folder / "signers", at=now())


def test_allowed_signers_put_in_place_of_others_are_another_policy(world: World) -> None:
    (world.workload.parent / "signers").write_text(f"{ALICE.who} ssh-ed25519 AAAA\n")
    world.workload.write_text(WORKLOAD + "approval: {allowed_signers: signers}\n")
    plan = world.plan()
    world.approve(plan)
    (world.workload.parent / "signers").write_text("mallory ssh-ed25519 BBBB\n")

    with pytest.raises(PlanRefused, match="approval policy"):
        world.apply(plan)
    assert world.body(OURS) is None


def test_a_ledger_without_its_last_rows_applies_nothing_where_an_anchor_remembers_them(world: World) -> None:
    folder = world.workload.parent
    plan = world.plan()
    world.approve(plan)
    world.ledger.close()
    shutil.copy(folder / "ledger.db", folder / "before.db")
    environ = {"ALLOWLIST_ANCHOR": str(folder / "anchor.json")}
    url = f"sqlite:///{folder}/ledger.db"
    with open_ledger(url, environ=environ, clock=now) as ledger:
        world.ledger = ledger
        world.reject(plan, BOB)
    for file in folder.glob("ledger.db*"):
        file.unlink()
    shutil.copy(folder / "before.db", folder / "ledger.db")

    with open_ledger(url, environ=environ, clock=now) as ledger:
        world.ledger = ledger
        with pytest.raises(AllowlistError, match="the ledger was edited"):
            world.apply(plan)
    assert world.body(OURS) is None


def test_a_clock_set_forward_makes_no_approval_that_outlives_its_time(world: World) -> None:
    """Approved under a clock a year ahead: when the clock is right again, that is a decision from the future."""
    plan = world.plan()
    ahead = now() + dt.timedelta(days=365)
    made = decisions_on(plan, plan.changes, "approve", ALICE, "ok", ahead)
    write_approval(world.workload.parent / "a.json", made)

    with pytest.raises(AllowlistError, match="from the future"):
        import_decisions(world.ledger, plan, [world.workload.parent / "a.json"], None, now())


def test_the_same_group_under_another_policy_of_the_workload_is_another_target(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    moved = replace(plan.targets[0], resource=POLICY.replace("/p", "/q"))
    forged = resealed(replace(plan, targets=(moved,)))

    assert not any(item.is_approved for item in standings_in(world.ledger, forged, ANYBODY, now()))
    with pytest.raises(PlanRefused):
        world.apply(forged)
    assert world.body(OURS) is None


def test_a_gate_accepted_for_one_change_is_not_open_for_another(plan: Plan) -> None:
    first, second = plan.changes
    said = [
        *decisions_on(plan, plan.changes, "approve", ALICE, "ok", now()),
        *decisions_on(plan, [first], "comment", ALICE, "ok", now(), gates=list(first.gates)),
    ]

    found = {item.change.id: item.state for item in standings(plan, said, ANYBODY, now())}

    assert found == {first.id: "approved", second.id: "gated"}
