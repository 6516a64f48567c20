"""Every schema holds every example and whatever the product prints, and says something about every key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from allowlist.cli.schema import all_schemas
from allowlist.simulator.traffic import decided
from allowlist.workflow.schema_words import KEYS
from allowlist.workflow.schemas import undescribed
from tests.helpers.cli import CONTOSO, allowlist, on_contoso
from tests.helpers.schemas import fits
from tests.helpers.shared import REPOSITORY
from tests.helpers.traffic import bodies_in, event, write

SCHEMAS = all_schemas()
WRITTEN = ("workload", "facts", "mapping", "policy", "decisions", "review-settings")
WORKLOADS = sorted(
    path
    for path in [*REPOSITORY.glob("examples/**/*.yaml"), CONTOSO / "allowlist.yaml"]
    if "allowlist/workload/v1" in path.read_text("utf-8")
)


def check(name: str, document: Any) -> None:
    jsonschema.Draft202012Validator(SCHEMAS[name]()).validate(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name]())
    assert json.loads(allowlist("schema", name).out) == json.loads(json.dumps(SCHEMAS[name]()))


@pytest.mark.parametrize("name", WRITTEN)
def test_something_is_said_about_every_key_that_people_write(name: str) -> None:
    assert list(undescribed(SCHEMAS[name]())) == []


def test_nothing_is_said_about_keys_that_are_not_there() -> None:
    known = {
        f"{section}.{key}"
        for name in WRITTEN
        for section, body in SCHEMAS[name]()["$defs"].items()
        for key in body.get("properties", {})
    }
    assert {f"{section}.{key}" for section, keys in KEYS.items() for key in keys} <= known


@pytest.mark.parametrize("path", WORKLOADS, ids=lambda path: str(path.parent.name + "/" + path.name))
def test_every_example_of_a_workload_fits(path: Path) -> None:
    check("workload", json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str)))


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("catalogs/*.yaml")), ids=lambda path: path.stem)
def test_every_catalog_fits(path: Path) -> None:
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    document = yaml.load(path.read_text("utf-8"), loader)
    check("catalog", json.loads(json.dumps(document, default=str)))


def test_what_commands_print_fits(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    check("findings", allowlist("check", *where, "--json").json)
    plan = allowlist("plan", *where, "-o", "plan.json", "--json").json
    check("plan", plan)
    change = plan["changes"][0]["id"]
    gates = [word for gate in plan["gates"] for word in ("--accept", gate["id"])]
    allowlist("approve", "plan.json", change, *gates, "--reason", "t", "-o", "decisions.json")
    check("decisions", json.loads((workplace / "decisions.json").read_text()))
    check("history", allowlist("history", "--decisions", "--json").json)
    check("catalog-find", allowlist("catalog", "find", "huggingface.co", "registry", "--json").json)
    flows = [{"fqdn": "crl.microsoft.com"}, {"fqdn": "pytorch.org", "source": "10.40.0.4"}]
    (workplace / "flows.jsonl").write_text("\n".join(map(json.dumps, flows)))
    for line in allowlist("explain", "--flows", "flows.jsonl", *where).out.splitlines():
        check("explain", json.loads(line))


def test_every_key_of_evidence_is_in_its_schema(workplace: Path) -> None:
    """Of a whole window with a change replayed, of one that is not whole, and of logs without a workload."""
    bodies = bodies_in(CONTOSO)
    flows = [
        event(minute, name, source="10.40.0.4")
        for minute in range(0, 180, 20)
        for name in ("packages.example", "models.research.contoso.com", "www.hugg1ngface.co")
    ]
    logs = write(workplace / "logs", [decided(one, bodies) for one in flows])
    on_contoso("plan", "-o", "plan.json")
    whole = on_contoso("evidence", logs, "--what-if", "plan.json", "--json").json
    (logs / "broken.json").write_text('{"time": "x", "category": "y", "properties": {}}\n{\n')
    doubtful = on_contoso("evidence", logs, "--json").json
    alone = allowlist("evidence", logs, "--logs-only", "--json").json

    assert whole["unused"]
    assert whole["effects"]
    assert whole["denied"]
    assert doubtful["unused"] is alone["unused"] is None
    assert doubtful["read"]["first_left_out"]
    for document in (whole, doubtful, alone):
        fits("evidence", document)


def test_facts_and_policies_fit() -> None:
    check("facts", {"schema": "allowlist/facts/v1", "dns": {"a.example": ["10.0.0.4"]}})
    check(
        "policy",
        {"schema": "allowlist/approval-policy/v1", "approvers": ["a@b.example"], "quorum": {"billed": 2}},
    )
    check(
        "mapping",
        {
            "schema": "allowlist/rule-list/v1",
            "file": "r.csv",
            "policy": "/s/p",
            "columns": {"name": "Rule Name"},
        },
    )
    with pytest.raises(jsonschema.ValidationError):
        check("workload", {"schema": "allowlist/workload/v1", "name": "w", "target": []})


def test_an_unknown_schema_names_those_there_are() -> None:
    answer = allowlist("schema", "worklod")
    assert answer.code == 1
    assert "did you mean 'workload'?" in answer.err
    assert "workload, catalog, facts" in answer.err
    assert "workload  allowlist.yaml, a workload" in allowlist("schema").out
