"""Forgeries of whoever may edit a file, a row, a folder or a command line, by the command line and against the simulator.

Each sentence says what somebody does. Nothing may be written on its word, and the command may not end as done.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.documents import canonical_json
from allowlist.plan.model import Plan
from allowlist.simulator import Running, Simulator, serve
from allowlist.store import open_ledger
from allowlist.store.approval_file import write_approval
from allowlist.store.identity import Identity
from allowlist.store.signatures import sign
from allowlist.workflow.deciding import decisions_on
from allowlist.workflow.files import read_plan, write_file
from tests.helpers.cli import Result, allowlist
from tests.helpers.plans import resealed
from tests.helpers.shared import REPOSITORY
from tests.helpers.small_world import OURS, WORKLOAD, estate
from tests.helpers.world import now

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
replace = msgspec.structs.replace

ALICE, BOB = "alice@contoso.example", "bob@contoso.example"
SIGNED = f"approval: {{approvers: [{ALICE}, {BOB}], allowed_signers: signers}}\n"
GATES = "gates: {additions: 9}\n"


@dataclass
class Desk:
    """A folder with a workload, a plan, keys, signed approvals and a ledger; and the simulated Azure of all of them."""

    folder: Path
    running: Running
    simulator: Simulator
    published: Path

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder}/ledger.db"

    def run(self, command: str, *arguments: object) -> Result:
        azure = ("--arm-endpoint", self.running.url, "--credential", "none")
        where = ("--workload", self.folder / "allowlist.yaml", "--ledger", self.ledger_url)
        return allowlist(command, *arguments, *azure, *where)

    def apply(self, *arguments: object, plan: str = "plan.json", by: str = "alice.json") -> Result:
        given = ("--approvals", self.folder / by) if by else ()
        return self.run("apply", self.folder / plan, *given, *arguments)

    def plan(self, name: str = "plan.json") -> Plan:
        return read_plan(self.folder / name)

    def edit_json(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        file = self.folder / name
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))

    def signs(self, name: str, who: str, plan: Plan, key: str = "", **changes: Any) -> None:
        """A file of approvals by ``who``, signed with the key of that name."""
        made = decisions_on(plan, plan.changes, "approve", Identity(who=who, kind="unverified"), "ok", now())
        made = [replace(item, **changes) for item in made]
        write_approval(self.folder / name, made, lambda text: sign(text, self.folder / (key or who[:3])))

    def sql(self, statement: str, *values: object) -> None:
        """Into the database past its own guards."""
        with sqlite3.connect(self.folder / "ledger.db") as connection:
            guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in guards:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(statement, values)
        connection.close()


_TRIED: list[Callable[[Desk], Result]] = []


def _forgery(made: Callable[[Desk], Result]) -> Callable[[Desk], Result]:
    _TRIED.append(made)
    return made


def _keys(folder: Path) -> None:
    for name in ("ali", "bob", "two", "old"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name], check=True, cwd=folder)
    who = {"ali": ALICE, "bob": BOB, "two": BOB}
    lines = [
        f'{person} namespaces="allowlist" {(folder / f"{key}.pub").read_text()}'
        for key, person in who.items()
    ]
    over = f'{BOB} namespaces="allowlist",valid-before="20200101" {(folder / "old.pub").read_text()}'
    (folder / "signers").write_text("".join([*lines, over]))


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("master")
    _keys(folder)
    (folder / "allowlist.yaml").write_text(WORKLOAD.replace("gates: {additions: 1}\n", GATES) + SIGNED)
    seed = folder / "seed"
    seed.mkdir()
    (seed / "estate.json").write_text(json.dumps(estate()))
    simulator = Simulator()
    simulator.seed(seed)
    with serve(simulator) as running:
        desk = Desk(folder, running, simulator, tmp_path_factory.mktemp("feed") / "public")
        assert desk.run("plan", "-o", folder / "plan.json").code == 0
        desk.signs("alice.json", ALICE, desk.plan())
        yield desk


@pytest.fixture
def desk(master: Desk, tmp_path: Path) -> Desk:
    """A copy of everything but Azure, which nothing here may ever write to."""
    shutil.copytree(master.folder, tmp_path / "desk")
    return Desk(tmp_path / "desk", master.running, master.simulator, master.published)


@_forgery
def spliced(desk: Desk) -> Result:
    """A change of a plan for wider sources, approved there, takes the place of one here."""
    honest = (desk.folder / "allowlist.yaml").read_text()
    (desk.folder / "allowlist.yaml").write_text(honest.replace("10.0.0.0/24", "10.0.0.0/8"))
    desk.run("plan", "-o", desk.folder / "wide.json")
    desk.signs("wide-alice.json", ALICE, desk.plan("wide.json"))
    (desk.folder / "allowlist.yaml").write_text(honest)
    plan, wide = desk.plan(), desk.plan("wide.json")
    write_file(
        desk.folder / "plan.json", resealed(replace(plan, changes=(wide.changes[0], *plan.changes[1:])))
    )
    return desk.apply("--approvals", desk.folder / "wide-alice.json")


@_forgery
def twice(desk: Desk) -> Result:
    """One approved change stands in the plan twice."""
    plan = desk.plan()
    write_file(desk.folder / "plan.json", resealed(replace(plan, changes=(*plan.changes, plan.changes[0]))))
    return desk.apply()


@_forgery
def unknown_key(desk: Desk) -> Result:
    """An operation carries a second body under a key that no plan has."""

    def edit(plan: dict[str, Any]) -> None:
        plan["changes"][0]["operation"]["body"] = {"targetFqdns": ["*"]}

    desk.edit_json("plan.json", edit)
    return desk.apply()


@_forgery
def another_place(desk: Desk) -> Result:
    """The id of the target leads out of it by dots."""

    def edit(plan: dict[str, Any]) -> None:
        operation = plan["changes"][0]["operation"]
        operation["resource"] = operation["resource"].replace(
            "/ruleCollectionGroups/", "/../q/ruleCollectionGroups/"
        )

    desk.edit_json("plan.json", edit)
    write_file(desk.folder / "plan.json", resealed(_decoded(desk)))
    return desk.apply()


def _decoded(desk: Desk) -> Plan:
    return msgspec.json.decode((desk.folder / "plan.json").read_bytes(), type=Plan)


@_forgery
def endless(desk: Desk) -> Result:
    """What was signed a year ago says no end, and a day of today for its plan."""
    desk.signs("a.json", ALICE, desk.plan(), at=now() - dt.timedelta(days=365), expires=None, planned=now())
    return desk.apply(by="a.json")


@_forgery
def far_end(desk: Desk) -> Result:
    """What was signed a month ago under a policy of 14 days ends in a hundred years."""
    at, end = now() - dt.timedelta(days=30), now() + dt.timedelta(days=36500)
    desk.signs("a.json", ALICE, desk.plan(), at=at, expires=end, planned=now())
    return desk.apply(by="a.json")


@_forgery
def policy_word(desk: Desk) -> Result:
    """A file says that the policy of the workload let everything go."""
    made = decisions_on(
        desk.plan(),
        desk.plan().changes,
        "comment",
        Identity(who="policy:wl", kind="unverified"),
        "safe by policy: additive, wanted, proved, no gate",
        now(),
    )
    write_approval(desk.folder / "a.json", made)
    return desk.apply(by="a.json")


@_forgery
def two_keys(desk: Desk) -> Result:
    """One person with two keys, and one file under two names, are a quorum of two."""
    _quorum(desk)
    plan = desk.plan()
    desk.signs("a.json", BOB, plan)
    desk.signs("b.json", BOB, plan, key="two")
    shutil.copy(desk.folder / "a.json", desk.folder / "c.json")
    return desk.apply(
        "--approvals", desk.folder / "b.json", "--approvals", desk.folder / "c.json", by="a.json"
    )


def _quorum(desk: Desk) -> None:
    file = desk.folder / "allowlist.yaml"
    file.write_text(
        file.read_text().replace("approvers:", "quorum: {low: 2, wildcard: 2, irreversible: 2}, approvers:")
    )
    desk.run("plan", "-o", desk.folder / "plan.json")


@_forgery
def old_key(desk: Desk) -> Result:
    """The key was given up in 2020, and the decision says it was made in 2019."""
    desk.signs("a.json", BOB, desk.plan(), key="old", at=dt.datetime(2019, 5, 1, tzinfo=dt.UTC))
    return desk.apply(by="a.json")


@_forgery
def somebody_else(desk: Desk) -> Result:
    """Bob signs with his key in the name of Alice."""
    desk.signs("a.json", ALICE, desk.plan(), key="bob")
    return desk.apply(by="a.json")


@_forgery
def who_twice(desk: Desk) -> Result:
    """A decision names two people, and the one who signed stands first."""
    desk.signs("a.json", BOB, desk.plan(), key="bob")
    text = (desk.folder / "a.json").read_text()
    (desk.folder / "a.json").write_text(text.replace('"who":', f'"who": "{ALICE}", "who":', 1))
    return desk.apply(by="a.json")


@_forgery
def row_by_sql(desk: Desk) -> Result:
    """An approval is written into the database by hand, its refusals of such rows taken away first."""
    _kept(desk)
    (decision, *_) = decisions_on(
        desk.plan(), desk.plan().changes, "approve", Identity(who=ALICE, kind="verified"), "ok", now()
    )
    desk.sql(
        "INSERT INTO ledger_event SELECT max(seq) + 1, 'decision', ?, 'approve', max(at), ?, digest, digest FROM ledger_event",
        decision.change_digest,
        canonical_json(decision).decode(),
    )
    return desk.apply("--approved-only", by="")


def _kept(desk: Desk) -> None:
    """The ledger gets a row, and with it its tables."""
    with open_ledger(desk.ledger_url, environ={}, clock=now) as ledger:
        ledger.note("test", "began", "", {})


@_forgery
def invented_run(desk: Desk) -> Result:
    """A run that never was is put on record, properly, and then gone on with."""
    plan = desk.plan()
    with open_ledger(desk.ledger_url, environ={}, clock=now) as ledger:
        ledger.save_plan(plan.digest, canonical_json(plan), workload="wl", created=now(), who="mallory")
        ledger.begin_run("20260101-000000-abcdef", plan.digest, "mallory", now(), "apply")
        ids = [change.id for change in plan.changes]
        ledger.save_snapshot("20260101-000000-abcdef", "changes", "before", canonical_json(ids))
        ledger.finish_run("20260101-000000-abcdef", "interrupted", now(), {})
    return desk.run("apply", "--resume", "20260101-000000-abcdef")


@_forgery
def edited_plan_resumed(desk: Desk) -> Result:
    """The plan of such a run says something else than the one that was approved, under the approved one's digest."""
    plan = desk.plan()
    wider = json.loads(canonical_json(plan))
    wider["changes"][0]["operation"]["after"]["targetFqdns"] = ["*"]
    with open_ledger(desk.ledger_url, environ={}, clock=now) as ledger:
        ledger.save_plan(plan.digest, canonical_json(wider), workload="wl", created=now(), who="mallory")
        ledger.begin_run("20260101-000000-abcdef", plan.digest, "mallory", now(), "apply")
        ids = [change.id for change in plan.changes]
        ledger.save_snapshot("20260101-000000-abcdef", "changes", "before", canonical_json(ids))
        ledger.finish_run("20260101-000000-abcdef", "interrupted", now(), {})
    return desk.run("apply", "--resume", "20260101-000000-abcdef", "--approvals", desk.folder / "alice.json")


@_forgery
def invented_past(desk: Desk) -> Result:
    """What a run that never was took away is "brought back" by its rollback, which asks nobody."""
    plan = desk.plan()
    back = replace(
        plan.changes[0].operation,
        action="remove",
        before={**(plan.changes[0].operation.after or {}), "targetFqdns": ["*"]},
        after=None,
    )
    past = resealed(replace(plan, changes=(replace(plan.changes[0], operation=back),)))
    run = "20260101-000000-abcdef"
    with open_ledger(desk.ledger_url, environ={}, clock=now) as ledger:
        ledger.save_plan(past.digest, canonical_json(past), workload="wl", created=now(), who="mallory")
        ledger.begin_run(run, past.digest, "mallory", now(), "apply")
        ledger.save_snapshot(run, "changes", "before", canonical_json([past.changes[0].id]))
        ledger.record_step(run, _step(past))
        ledger.finish_run(run, "succeeded", now(), {})
    return desk.run("rollback", run)


def _step(plan: Plan) -> Any:
    from allowlist.store import Step

    change = plan.changes[0]
    return Step(
        index=1,
        change_ids=(change.id,),
        target=change.target,
        action="write",
        state="verified",
        at=now(),
        detail={"resource": change.operation.resource},
    )


@_forgery
def emptied(desk: Desk) -> Result:
    """Bob said no; the ledger is taken away, and the anchor remembers that there was one."""
    _refused_by_bob(desk)
    for file in desk.folder.glob("ledger.db*"):
        file.unlink()
    return desk.apply()


def _refused_by_bob(desk: Desk) -> None:
    where = ("--ledger", desk.ledger_url)
    said = allowlist("reject", desk.folder / "plan.json", "--all", "--reason", "no", *where)
    assert said.code == 0, said.err


@_forgery
def half_a_pin(desk: Desk) -> Result:
    """A policy is pinned to nothing, so that any file would do."""
    file = desk.folder / "policy.yaml"
    file.write_text("schema: allowlist/approval-policy/v1\n")
    return desk.run("plan", "-o", desk.folder / "p.json", "--policy", f"{file}@sha256:")


@_forgery
def misspelt_tier(desk: Desk) -> Result:
    """A quorum for a risk in other letters is a quorum for nothing."""
    file = desk.folder / "policy.yaml"
    file.write_text("schema: allowlist/approval-policy/v1\nquorum: {Low: 2, wildcrad: 2}\n")
    return allowlist("policy", file)


@_forgery
def misspelt_tier_in_the_workload(desk: Desk) -> Result:
    """As before, in the workload file: the plan would say less than whoever reads the file."""
    file = desk.folder / "allowlist.yaml"
    file.write_text(file.read_text().replace("approvers:", "quorum: {Low: 2}, approvers:"))
    return desk.run("plan", "-o", desk.folder / "p.json")


@_forgery
def policy_said_twice(desk: Desk) -> Result:
    """A policy says four eyes, and below that it says none."""
    file = desk.folder / "policy.yaml"
    file.write_text(
        "schema: allowlist/approval-policy/v1\nfour_eyes: true\napprovers: [a]\nfour_eyes: false\n"
    )
    return allowlist("policy", file)


@_forgery
def file_called_ledger(desk: Desk) -> Result:
    """A file called ledger lies where "--policy ledger" is said; the real one holds a stricter policy."""
    (desk.folder / "ledger").write_text("schema: allowlist/approval-policy/v1\n")
    (desk.folder / "strict.yaml").write_text(
        "schema: allowlist/approval-policy/v1\napprovers: [carol@contoso.example]\n"
    )
    assert (
        allowlist("policy", desk.folder / "strict.yaml", "--keep-for", "wl", "--ledger", desk.ledger_url).code
        == 0
    )
    return desk.apply("--policy", "ledger")


def _published(desk: Desk) -> Path:
    """A catalog as Alice publishes it; made once for all."""
    if not desk.published.exists():
        (desk.folder / "one").mkdir()
        shutil.copy(REPOSITORY / "catalogs" / "azure-ai-search.yaml", desk.folder / "one")
        given = ("--catalogs", desk.folder / "one", "--sign", desk.folder / "ali")
        made = allowlist("catalog", "index", "-o", desk.published, *given)
        assert made.code == 0, made.err
    return Path(shutil.copytree(desk.published, desk.folder / "public"))


def _followed(desk: Desk) -> Result:
    who = ("--allowed-signers", desk.folder / "signers", "--signed-by", ALICE)
    return allowlist("catalog", "follow", desk.folder / "public", "-o", desk.folder / "got", *who)


@_forgery
def catalog_swapped(desk: Desk) -> Result:
    """A name is put into a catalog that is published."""
    file = next(_published(desk).glob("azure-ai-search*"))
    file.write_text(file.read_text().replace("windows.net", "windows.net.evil.example", 1))
    return _followed(desk)


@_forgery
def index_leads_out(desk: Desk) -> Result:
    """The publisher's own, signed index names a file outside of its folder."""
    folder = _published(desk)
    (index,) = folder.glob("index.json")
    text = index.read_text()
    name = next(folder.glob("azure-ai-search*")).name
    index.write_text(text.replace(f'"{name}"', f'"../{name}"'))
    shutil.copy(folder / name, desk.folder / name)
    signature = next(folder.glob("index.json.*"))
    signature.write_text(sign(index.read_bytes(), desk.folder / "ali"))
    return _followed(desk)


@_forgery
def index_of_another(desk: Desk) -> Result:
    """Bob, who may sign as well, signs the index in place of Alice."""
    folder = _published(desk)
    (index,) = folder.glob("index.json")
    next(folder.glob("index.json.*")).write_text(sign(index.read_bytes(), desk.folder / "bob"))
    return _followed(desk)


@_forgery
def wider_export(desk: Desk) -> Result:
    """What was approved to open beyond a narrow list is taken for a wider one."""
    where = ("--workload", desk.folder / "allowlist.yaml", "--ledger", desk.ledger_url)
    wanted = ("export", "--to", "unbound", *where)
    assert allowlist(*wanted, "--propose", desk.folder / "wider.json").code == 0
    desk.signs("a.json", ALICE, desk.plan("wider.json"))
    file = desk.folder / "allowlist.yaml"
    file.write_text(file.read_text().replace("*.bar.com", "*.com"))
    return allowlist(
        *wanted, "--allow-wider", "--approvals", desk.folder / "a.json", "-o", desk.folder / "out"
    )


@_forgery
def export_as_a_plan(desk: Desk) -> Result:
    """What was approved for a filter is applied to a firewall."""
    where = ("--workload", desk.folder / "allowlist.yaml", "--ledger", desk.ledger_url)
    assert allowlist("export", "--to", "unbound", *where, "--propose", desk.folder / "wider.json").code == 0
    desk.signs("a.json", ALICE, desk.plan("wider.json"))
    return desk.apply(plan="wider.json", by="a.json")


@_forgery
def longer_policy(desk: Desk) -> Result:
    """The policy of the ledger lets an approval stand a day; the one of the plan, a year."""
    (desk.folder / "strict.yaml").write_text(
        f"schema: allowlist/approval-policy/v1\nvalid_days: 1\napprovers: [{ALICE}, {BOB}]\nallowed_signers: signers\n"
    )
    assert (
        allowlist("policy", desk.folder / "strict.yaml", "--keep-for", "wl", "--ledger", desk.ledger_url).code
        == 0
    )
    desk.signs("a.json", ALICE, desk.plan(), at=now() - dt.timedelta(days=2))
    return desk.apply(by="a.json")


@_forgery
def no_after_yes(desk: Desk) -> Result:
    """Bob's signed no is brought together with an older yes of his, the yes last."""
    plan = desk.plan()
    desk.signs("yes.json", BOB, plan, at=now() - dt.timedelta(hours=1))
    desk.signs("no.json", BOB, plan, verdict="reject", expires=None)
    return desk.apply("--approvals", desk.folder / "yes.json", by="no.json")


@_forgery
def no_without_a_signature(desk: Desk) -> Result:
    """A yes without a signature under Bob's name does not take back his signed no."""
    plan = desk.plan()
    desk.signs("no.json", BOB, plan, verdict="reject", expires=None)
    made = decisions_on(plan, plan.changes, "approve", Identity(who=BOB, kind="unverified"), "ok", now())
    write_approval(desk.folder / "yes.json", made)
    return desk.apply("--approvals", desk.folder / "no.json", "--approvals", desk.folder / "yes.json")


@_forgery
def signers_given_along(desk: Desk) -> Result:
    """The file of allowed signers gets a key more, after the plan was approved by nobody else."""
    (desk.folder / "signers").write_text(
        (desk.folder / "signers").read_text()
        + f'{ALICE} namespaces="allowlist" {(desk.folder / "old.pub").read_text()}'
    )
    desk.signs("a.json", ALICE, desk.plan(), key="old")
    return desk.apply(by="a.json")


@_forgery
def confirmed_for_somebody(desk: Desk) -> Result:
    """A run that never was provisional is confirmed."""
    plan = desk.plan()
    with open_ledger(desk.ledger_url, environ={}, clock=now) as ledger:
        ledger.save_plan(plan.digest, canonical_json(plan), workload="wl", created=now(), who="mallory")
        ledger.begin_run("20260101-000000-abcdef", plan.digest, "mallory", now(), "apply")
        ledger.finish_run("20260101-000000-abcdef", "partial", now(), {})
    return allowlist("confirm", "20260101-000000-abcdef", "--ledger", desk.ledger_url)


FORGERIES = {made.__name__: made for made in _TRIED}


@pytest.mark.parametrize("name", FORGERIES)
def test_nothing_is_written_on_a_forged_word(desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWLIST_ANCHOR", str(desk.folder / "anchor.json"))
    monkeypatch.chdir(desk.folder)
    result = FORGERIES[name](desk)
    assert result.code not in (0, 2), result.out + result.err
    with pytest.raises(KeyError):
        desk.simulator.resource(OURS)


def test_what_was_not_forged_is_written(tmp_path: Path, master: Desk) -> None:
    """So that the forgeries fail for what is forged."""
    simulator = Simulator()
    simulator.seed(master.folder / "seed")
    shutil.copytree(master.folder, tmp_path / "desk")
    with serve(simulator) as running:
        result = Desk(tmp_path / "desk", running, simulator, master.published).apply()
    assert result.code == 0, result.err
    assert simulator.resource(OURS)
