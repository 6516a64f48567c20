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
from allowlist.rules.addresses import AddressSet
from allowlist.rules.flow import Facts
from allowlist.store import Ledger, open_ledger
from allowlist.store.records import KeptAnswer
from allowlist.workflow import reuse
from allowlist.workflow.approval_policy import PolicyInForce
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project, read_estate
from allowlist.workflow.reuse import Kept, Looked
from allowlist.workload import TargetSpec
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY

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
    return replace(project.approval, rule=msgspec.structs.replace(project.approval.rule, **changes))


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
