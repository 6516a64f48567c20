"""Every command that prints JSON has a schema of it, and prints what it says and nothing beside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from allowlist.cli.main import main
from allowlist.cli.schema import all_schemas
from allowlist.cli.simulate import _described
from allowlist.simulator import Simulator, serve
from allowlist.workflow.answer_schemas import PRINTED_BY
from tests.helpers.cli import CONTOSO, allowlist, on_contoso
from tests.helpers.schemas import fits
from tests.helpers.shared import REPOSITORY

POSTURE = REPOSITORY / "examples" / "posture"


def _printing_json(command: click.Command, context: click.Context, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _printing_json(found, click.Context(found, parent=context), (*path, name))
    elif any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(path)


def test_every_command_with_json_has_a_schema_of_what_it_prints() -> None:
    assert sorted(_printing_json(main, click.Context(main), ())) == sorted(PRINTED_BY)
    assert {name for names in PRINTED_BY.values() for name in names} <= set(all_schemas())


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("catalog-list", ["catalog", "list"]),
        ("catalog-view", ["catalog", "show", "ml-packages", "--evidence", "observed"]),
        ("catalog-view", ["catalog", "show", "foundry-hub"]),
        ("catalog-diff", ["catalog", "diff", "foundry-hub@1.0.0..latest"]),
        ("catalog-changes", ["catalog", "changes", "--since", "2026-01-01"]),
        ("catalog-packages", ["catalog", "find", "--package", "azure-ai-ml==1.35", "--package", "nothing-known"]),
        ("catalog-lint", ["catalog", "lint", "broken.yaml"]),
        ("catalog-upgrades", ["catalog", "upgrades", "--workload", "contoso.yaml"]),
        ("recommend", ["recommend", "app"]),
        ("export-formats", ["export", "--list"]),
        ("export", ["export", "hugging-face", "--need", "conditional", "--to", "squid"]),
        ("approval-in-force", ["policy", "policy.yaml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)  # fmt: skip
def test_what_is_printed_without_an_estate_fits(schema: str, words: list[str], workplace: Path) -> None:
    shutil.copy(CONTOSO / "allowlist.yaml", "contoso.yaml")
    Path("broken.yaml").write_text("schema: allowlist/catalog/v1\nname: x\n")
    Path("policy.yaml").write_text("schema: allowlist/approval-policy/v1\napprovers: [a@b.example]\n")
    (workplace / "app").mkdir()
    (workplace / "app" / "requirements.txt").write_text("onnxruntime\ntransformers==4.50\nnobody-knows-it\n")
    (workplace / "app" / "main.py").write_text('import openai\nURL = "https://models.research.example/v1"\n')
    answer = allowlist(*words, "--json")
    fits(schema, answer.json)


def test_what_is_printed_of_an_estate_fits(workplace: Path) -> None:
    fits("simplify", on_contoso("simplify", "--json").json)
    shutil.copytree(CONTOSO, workplace / "after")
    group = workplace / "after" / "groups-weu.json"
    group.write_text(group.read_text().replace("packages.contoso.com", "packages.example"))
    where = ("--workload", CONTOSO / "allowlist.yaml")
    fits("compare", allowlist("compare", CONTOSO, workplace / "after", *where, "--json").json)
    on_contoso("plan", "-o", "plan.json")
    fits("export-declared", allowlist("export", "plan.json", "--to", "terraform", "--snapshot", CONTOSO, *where, "--json").json)  # fmt: skip
    told = allowlist(
        "posture", "--workload", POSTURE / "allowlist.yaml", "--snapshot", POSTURE / "mistakes", "--json"
    )
    fits("posture", told.json)


def test_what_is_printed_of_a_feed_and_a_simulator_fits(workplace: Path) -> None:
    shutil.copytree(REPOSITORY / "catalogs", "catalogs", ignore=shutil.ignore_patterns("[a-u]*"))
    allowlist("catalog", "index", "--catalogs", "catalogs", "-o", "public")
    fits("catalog-follow", allowlist("catalog", "follow", "public", "-o", "mine", "--json").json)
    with serve(Simulator()) as running:
        fits("simulator", json.loads(_described(running, as_json=True)))
