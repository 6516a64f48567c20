"""The schemas that editors get are true: of every document here, of what the commands write, and of what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from allowlist.cli.schema import all_schemas
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.shared import REPOSITORY

_BLOCK = re.compile(r"^```(?:yaml|json)(?: title=[^\n]*)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def constant(schema: dict[str, Any]) -> str:
    """What stands under ``schema:`` in a document of this kind; nothing in an answer that has no such key."""
    body = schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    word = body.get("properties", {}).get("schema", {})
    return str(word.get("const") or word.get("enum", [""])[0])


@cache
def validators() -> dict[str, Any]:
    found = {}
    for make in all_schemas().values():
        schema = make()
        jsonschema.Draft202012Validator.check_schema(schema)
        found[constant(schema)] = jsonschema.Draft202012Validator(schema)
    return found


def inside(value: object) -> Iterator[dict[str, Any]]:
    """Every document of ours in a value, however deep."""
    if isinstance(value, dict):
        if str(value.get("schema")).startswith("allowlist/"):
            yield value
        for item in value.values():
            yield from inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item)


def documents(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text("utf-8")
    if "allowlist/" not in text:
        return
    for part in _BLOCK.findall(text) if path.suffix == ".md" else [text]:
        try:
            yield from inside(list(yaml.load_all(part, getattr(yaml, "CSafeLoader", yaml.SafeLoader))))
        except yaml.YAMLError:
            continue


def written(text: str) -> Iterator[Any]:
    """One document after the other, as explain writes them for several targets."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


def mistakes(document: dict[str, Any]) -> list[str]:
    validator = validators()[document["schema"]]
    plain = json.loads(json.dumps(document, default=str))
    return [f"{list(item.absolute_path)}: {item.message}" for item in validator.iter_errors(plain)]


def test_every_document_of_the_repository_fits_the_schema_of_its_kind() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    names = listed.stdout.split() or [str(path) for path in REPOSITORY.glob("[a-z]*/**/*.*")]
    wrong, kinds = {}, set()
    for name in names:
        if name.endswith((".yaml", ".yml", ".json", ".md")):
            for document in documents(REPOSITORY / name):
                kinds.add(document["schema"])
                if found := mistakes(document):
                    wrong[name] = found
    assert {kind.split("/")[1] for kind in kinds} >= {"workload", "catalog", "facts", "rule-list"}
    cut = wrong.pop("catalogs/README.md", [""])  # shortened there for the eye: "sha256:…"
    assert all("sha256:…" in text for text in cut)
    assert wrong == {}


def test_what_the_commands_write_fits_the_schema_of_its_kind(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    asked = ("--ledger", "sqlite:///ledger.db")
    allowlist("plan", *where, *asked, "-o", "plan.json")
    allowlist("approve", "plan.json", *asked, "--all", "--reason", "seen", "-o", "decisions.json")
    said = [
        Path("plan.json").read_text(),
        Path("decisions.json").read_text(),
        allowlist("check", *where, "--json").out,
        allowlist("explain", "https://pypi.example", *where, "--json").out,
        allowlist("history", *asked, "--decisions", "--json").out,
        allowlist("catalog", "find", "*.openai.azure.com", "--json").out,
    ]
    kinds = []
    for document in [document for text in said for document in written(text)]:
        assert isinstance(document, dict), document
        kinds.append(document["schema"].split("/")[1])
        assert mistakes(document) == [], kinds[-1]
    assert list(dict.fromkeys(kinds)) == [
        "plan",
        "approval",
        "findings",
        "explain",
        "history",
        "catalog-find",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "allowlist/workload/v9"),
        ("name", 7),
        ("subnets", "10.0.0.0/8"),
        ("needs", {"catalog": "foundry-hub"}),
        ("targets", [{"name": "hub"}]),
        ("approval", {"four_eyes": "maybe"}),
        ("approval", {"quorum": {"low": "two"}}),
        ("gates", {"plan_age_hours": "long"}),
        ("automation", {"apply": "sometimes"}),
        ("no such key", 1),
    ],
)
def test_what_the_schema_of_a_workload_refuses_the_reader_refuses_too(
    workplace: Path, key: str, value: object
) -> None:
    allowlist("demo", "--files", "contoso")
    path = Path("contoso/allowlist.yaml")
    document = yaml.safe_load(path.read_text())
    assert mistakes(document) == []
    document[key] = value
    path.write_text(yaml.safe_dump(document))
    by_schema = validators()["allowlist/workload/v1"].iter_errors(
        json.loads(json.dumps(document, default=str))
    )
    assert next(by_schema, None) is not None, "the schema lets it through"
    result = allowlist("check", "--workload", path, "--snapshot", CONTOSO)
    assert result.code == 1
    assert "allowlist.yaml:" in result.err
