"""What a look showed is taken over while nothing it depends on is another, and never when it was edited."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from allowlist.documents import canonical_json
from allowlist.estate.bodies import Estate
from allowlist.estate.unreadable import Unreadable
from allowlist.plan.model import Plan
from allowlist.rules.addresses import AddressSet
from allowlist.rules.flow import Facts
from allowlist.store import Ledger, open_ledger
from allowlist.store.records import KeptAnswer
from allowlist.workflow import reuse
from allowlist.workflow.approval_policy import PolicyInForce
from allowlist.workflow.checked import Checked
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project, read_estate
from allowlist.workflow.reuse import Asked, Kept, Looked, Memory
from allowlist.workload import TargetSpec
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(FIREWALL_ONLY, now=NOW)


@pytest.fixture(scope="module")
def spec(project: Project) -> TargetSpec:
    (found,) = project.targets()
    return found


@pytest.fixture(scope="module")
def estate(project: Project, spec: TargetSpec) -> Estate:
    return read_estate(project, [spec], CONTOSO)


@pytest.fixture(scope="module")
def looked(project: Project, spec: TargetSpec, estate: Estate) -> Looked:
    plan = make_plan(project, estate, [spec], "runner")
    return Looked(plan=plan, rules={"c/r": "sha256:1"}, resource=spec.resource, lock_group="", decider="")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", environ={}, clock=lambda: NOW) as found:
        yield found


@pytest.fixture
def kept(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, looked: Looked, monkeypatch: Any
) -> str:
    """A look is in the ledger; the digest of what it was made from."""
    monkeypatch.setattr(reuse, "LARGEST", 1 << 24)
    before = Kept(ledger, project, "runner")
    inputs = before.inputs(project, spec, estate)
    before.keep(spec, inputs, looked)
    before.write()
    return inputs


def found(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, who: str = "runner"
) -> Looked | None:
    """What the next run takes over."""
    later = Kept(ledger, project, who)
    return later.find(spec, later.inputs(project, spec, estate), project.now)


def test_an_unchanged_target_gets_the_plan_that_would_be_made_now(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, looked: Looked, kept: str
) -> None:
    evening = replace(project, now=NOW + dt.timedelta(hours=9))
    taken = found(ledger, evening, spec, estate)

    assert taken is not None
    assert canonical_json(taken.plan) == canonical_json(make_plan(evening, estate, [spec], "runner"))
    assert (taken.rules, taken.resource) == (looked.rules, looked.resource)


def _without_a_rule(body: dict[str, Any]) -> dict[str, Any]:
    collections = body["properties"]["ruleCollections"]
    first = {**collections[0], "rules": collections[0]["rules"][1:]}
    return {**body, "properties": {**body["properties"], "ruleCollections": [first, *collections[1:]]}}


def _other_body(estate: Estate) -> Estate:
    groups = [body for body in estate.resources.values() if "ruleCollections" in body.get("properties", {})]
    return estate.with_resources([_without_a_rule(groups[0])])


def _other_state(estate: Estate) -> Estate:
    (body, *_) = [item for item in estate.resources.values() if "properties" in item]
    return estate.with_resources(
        [{**body, "properties": {**body["properties"], "provisioningState": "Failed"}}]
    )


def _policy(project: Project, **changes: Any) -> PolicyInForce:
    return msgspec.structs.replace(
        project.approval, rule=msgspec.structs.replace(project.approval.rule, **changes)
    )


def _catalog(project: Project) -> Project:
    name = project.workload.catalogs[0].name
    other = msgspec.structs.replace(project.library.get(name), title="another title")
    return replace(project, library=project.library.with_catalogs({name: other}))


PROJECTS: dict[str, Callable[[Project], Project]] = {
    "workload": lambda it: replace(it, workload=msgspec.structs.replace(it.workload, tenant="another")),
    "catalog": _catalog,
    "facts": lambda it: replace(it, facts=Facts(dns={"a.example": AddressSet.parse(["192.0.2.1"])})),
    "approval policy": lambda it: replace(it, policy=_policy(it, approvers=("zoe@contoso.example",))),
    "assumptions": lambda it: replace(it, policy=_policy(it, assumptions="refuse")),
    "day": lambda it: replace(it, now=it.now + dt.timedelta(days=1)),
    "clock set back": lambda it: replace(it, now=it.now - dt.timedelta(days=1)),
    "rules known to be ours": lambda it: replace(it, remembered={it.targets()[0].name: frozenset({"x"})}),
}


@pytest.mark.parametrize("change", PROJECTS)
def test_anything_else_that_a_plan_is_made_from_ends_it(
    change: str, ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, kept: str
) -> None:
    assert found(ledger, PROJECTS[change](project), spec, estate) is None


@pytest.mark.parametrize("change", [_other_body, _other_state])
def test_any_byte_of_a_body_ends_it(
    change: Callable[[Estate], Estate],
    ledger: Ledger,
    project: Project,
    spec: TargetSpec,
    estate: Estate,
    kept: str,
) -> None:
    assert found(ledger, project, spec, change(estate)) is None


def test_who_asks_and_the_product_end_it(
    ledger: Ledger,
    project: Project,
    spec: TargetSpec,
    estate: Estate,
    kept: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found(ledger, project, spec, estate, "somebody else") is None
    reuse._product.cache_clear()
    monkeypatch.setattr("allowlist.__version__", "0.0.0")
    assert found(ledger, project, spec, estate) is None
    reuse._product.cache_clear()


def test_traffic_is_looked_at_anew_each_time(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, kept: str
) -> None:
    traffic: Any = object()
    assert found(ledger, replace(project, traffic=traffic), spec, estate) is None


FORGERIES = {
    "another body in the row": "UPDATE ledger_event SET body = replace(body, 'sha256:', 'sha256:0')",
    "another key in the row": "UPDATE ledger_event SET state = 'sha256:' || hex(randomblob(32))",
    "another document": "UPDATE ledger_blob SET body = x'00'",
    "no document": "DELETE FROM ledger_blob",
}


@pytest.mark.parametrize("statement", FORGERIES.values(), ids=FORGERIES)
def test_what_was_edited_in_the_ledger_is_not_used(
    statement: str,
    ledger: Ledger,
    project: Project,
    spec: TargetSpec,
    estate: Estate,
    kept: str,
    tmp_path: Path,
) -> None:
    assert found(ledger, project, spec, estate) is not None
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        for trigger in [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(statement)

    assert found(ledger, project, spec, estate) is None
    assert ledger.verify()


def test_a_document_of_another_shape_is_not_used(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate
) -> None:
    later = Kept(ledger, project, "runner")
    inputs = later.inputs(project, spec, estate)
    ledger.keep_answers({f"{project.workload.name}/{spec.name}": KeptAnswer(inputs, b'{"plan":1}')})

    assert found(ledger, project, spec, estate) is None


def test_what_is_large_is_not_kept(
    ledger: Ledger, project: Project, spec: TargetSpec, estate: Estate, looked: Looked, monkeypatch: Any
) -> None:
    monkeypatch.setattr(reuse, "LARGEST", 1000)
    before = Kept(ledger, project, "runner")
    before.keep(spec, before.inputs(project, spec, estate), looked)
    before.write()

    assert found(ledger, project, spec, estate) is None
    assert not ledger.entries()


class Count:
    """What a check found, and how often it was worked out."""

    def __init__(self, folder: Path) -> None:
        self.environ = {"XDG_CACHE_HOME": str(folder)}
        self.times = 0

    def check(self, asked: Asked) -> Checked:
        return Memory(self.environ).answer(asked, Checked, self._made)

    def _made(self) -> Checked:
        self.times += 1
        return Checked(findings=(), notes=(f"made {self.times} times",))


@pytest.fixture
def count(tmp_path: Path) -> Count:
    return Count(tmp_path)


@pytest.fixture
def asked(project: Project, spec: TargetSpec, estate: Estate) -> Asked:
    return Asked(project, [spec], estate, ("check", "in full"))


def test_the_same_question_about_the_same_is_answered_once(count: Count, asked: Asked) -> None:
    assert count.check(asked) == count.check(asked)
    assert count.times == 1


@pytest.mark.parametrize("change", PROJECTS)
def test_anything_else_that_an_answer_rests_on_ends_it(change: str, count: Count, asked: Asked) -> None:
    count.check(asked)
    count.check(msgspec.structs.replace(asked, project=PROJECTS[change](asked.project)))
    assert count.times == 2


LIST = "/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/azureFirewalls"
STATES: dict[str, Callable[[Estate], Estate]] = {
    "a body": _other_body,
    "a state": _other_state,
    "something that could not be read": lambda it: replace(it, unreadable=(Unreadable("", "no right"),)),
    "a list that was empty": lambda it: replace(it, empty=frozenset({LIST})),
    "what is only planned": lambda it: replace(it, planned=True),
}


@pytest.mark.parametrize("change", STATES)
def test_any_other_state_ends_it(change: str, count: Count, asked: Asked) -> None:
    count.check(asked)
    count.check(msgspec.structs.replace(asked, estate=STATES[change](asked.estate)))
    assert count.times == 2


def test_another_question_or_product_ends_it(
    count: Count, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    count.check(asked)
    count.check(msgspec.structs.replace(asked, words=("check", "brief")))
    assert count.times == 2
    reuse._product.cache_clear()
    monkeypatch.setattr("allowlist.__version__", "0.0.0")
    count.check(asked)
    reuse._product.cache_clear()
    assert count.times == 3


@pytest.mark.parametrize("content", [b"", b"\x93\x01", b"\x92\xa0\xc4\x00"])
def test_an_answer_that_cannot_be_read_is_none(content: bytes, count: Count, asked: Asked) -> None:
    count.check(asked)
    (kept,) = (Path(count.environ["XDG_CACHE_HOME"]) / "allowlist" / "answers").iterdir()
    kept.write_bytes(content)
    count.check(asked)
    assert count.times == 2


def test_a_plan_that_is_only_looked_at_is_the_one_that_would_be_made_now(
    count: Count, asked: Asked, looked: Looked
) -> None:
    def never() -> Plan:
        raise AssertionError("it is known")

    memory = Memory(count.environ)
    memory.plan(asked, "runner", lambda: looked.plan)
    evening = replace(asked.project, now=NOW + dt.timedelta(hours=9))
    taken = memory.plan(msgspec.structs.replace(asked, project=evening), "runner", never)

    assert canonical_json(taken) == canonical_json(make_plan(evening, asked.estate, asked.specs, "runner"))
    with pytest.raises(AssertionError, match="known"):
        memory.plan(asked, "somebody else", never)


def test_a_plan_that_is_kept_is_never_one_that_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    of = ("--workload", FIREWALL_ONLY, "--snapshot", CONTOSO)
    first = allowlist("plan", *of)
    (kept,) = (tmp_path / "allowlist" / "answers").iterdir()
    answer = msgspec.msgpack.decode(kept.read_bytes(), type=reuse._Answer)
    plan = msgspec.msgpack.decode(answer.body, type=Plan)
    body = msgspec.msgpack.encode(msgspec.structs.replace(plan, changes=()))
    kept.write_bytes(msgspec.msgpack.encode(reuse._Answer(answer.inputs, body)))

    assert allowlist("plan", *of).out != first.out
    again = allowlist("plan", *of, "-o", tmp_path / "plan.json")
    assert len(msgspec.json.decode((tmp_path / "plan.json").read_bytes())["changes"]) == len(plan.changes)
    assert again.code == 0
