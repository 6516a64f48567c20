"""README and its like are executed: every console block runs, and prints what it says it prints."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from allowlist.cli.exits import Exit
from allowlist.cli.main import COMMANDS
from allowlist.network.recommendations import RECOMMENDATIONS
from allowlist.observe.metrics import Metrics
from allowlist.plan.findings import Status
from allowlist.plan.gate_words import GATES, words_of
from allowlist.points.verdict import Word
from allowlist.workload.document import EventKind, GateLimits
from tests.helpers.pages import IN_A_SHELL, File, follower, in_this_process, missing_in, put_file, steps_of
from tests.helpers.shared import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "catalogs" / "README.md"]
PAGES += sorted((REPOSITORY / "examples").rglob("README.md"))
SITE = [
    page
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
    if not page.is_relative_to(REPOSITORY / "docs" / "reference")
]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages, as the site has them below ``docs/reference``."""
    folder = tmp_path_factory.mktemp("reference")
    for name, text in _reference().pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _reference() -> Any:
    spec = importlib.util.spec_from_file_location("reference", REPOSITORY / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_IN_THE_SUITE = ("tour", "hub", "firewall", "teams")
"""Guides that are followed in every run; the others, and the rest of these, with ``make how-tos``."""
GUIDES = [REPOSITORY / "docs" / "tour.md", *sorted((REPOSITORY / "docs" / "how-to").glob("*.md"))]


_FOLLOWED = [*PAGES, *(page for page in GUIDES if IN_A_SHELL or page.stem in _IN_THE_SUITE)]


@pytest.mark.parametrize("page", _FOLLOWED, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_who_follows_a_page_sees_what_it_shows(
    page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a clone of the repository, as far as pages speak of its examples."""
    shutil.copytree(REPOSITORY / "examples", workplace / "examples")
    steps = steps_of(page) if IN_A_SHELL else in_this_process(steps_of(page))
    with follower(monkeypatch, workplace) as somebody:
        for step in steps:
            if isinstance(step, File):
                put_file(step, somebody.folder)
                continue
            result = somebody.run(step.text)
            assert result.code == step.code, f"{step.text}\n{result.out}{result.err}"
            assert missing_in(step, result) == [], f"{step.text}\n{result.out}{result.err}"


def test_a_command_of_a_guide_that_is_not_run_says_what_it_needs() -> None:
    """A newcomer never types a line that cannot work where they are without having been told."""
    untold = [
        f"{page.name}: {block.splitlines()[0]}"
        for page in GUIDES
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S)
        if not block.lstrip().startswith("# needs ")
    ]
    assert untold == []


def test_local_links_lead_somewhere(reference: Path) -> None:
    for page in [*PAGES, *SITE]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://")):
                found = (page.parent / target).resolve()
                made = REPOSITORY / "docs" / "reference"
                if found.is_relative_to(made):
                    found = reference / found.relative_to(made)
                assert found.exists(), f"{page.name} links to {target}"


def test_the_reference_names_every_command_gate_exit_code_metric_and_event(reference: Path) -> None:
    commands = (reference / "commands.md").read_text()
    assert all(f"## allowlist {name}\n" in commands for name in COMMANDS)
    assert "## allowlist catalog find\n" in commands
    assert {path.stem for path in (reference / "errors").iterdir()} == {
        str(int(code)) for code in Exit if code
    }
    assert {path.stem for path in (reference / "gates").iterdir()} == set(GATES)
    events = (reference / "events.md").read_text()
    assert all(f"`{name}`" in events for name in get_args(EventKind))
    metrics = (reference / "metrics.md").read_text()
    shown = {family.name for family in Metrics().registry.collect()}
    assert all(f"`{name}" in metrics for name in shown)
    workload = (reference / "documents" / "workload.md").read_text()
    for key in ("approvers", "four_eyes", "quorum", "allowed_signers", "waivers", "gates", "via"):
        assert f"`{key}`" in workload, key


def test_every_gate_of_the_product_has_a_page() -> None:
    source = (REPOSITORY / "allowlist" / "plan" / "gates.py").read_text("utf-8")
    written = set(re.findall(r"""_gate\(\s*"([a-z-]+)\"""", source))
    written |= set(re.findall(r"""_by_pattern\("([a-z-]+)\"""", source))
    assert len(written) > 12
    assert all(
        words_of(gate) for gate in [*written, "billed-firewall-x", "limit-name", "near-limit-fqdn-rules"]
    )
    assert words_of("nothing") is None


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every man page by the name of its file."""
    folder = tmp_path_factory.mktemp("manual")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "docs"))
        importlib.import_module("man").write(folder)
    return {page.stem: page.read_text() for page in folder.iterdir()}


def test_every_command_has_a_man_page_that_loses_nothing_of_its_help(manual: dict[str, str]) -> None:
    assert {f"allowlist-{name}" for name in COMMANDS} < set(manual)
    for page, text in manual.items():
        requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
        assert requests <= {".TH", ".SH", ".B", ".PP", ".TP", ".nf", ".fi"}, page
    schema = manual["allowlist-schema"].replace("\\-", "-")
    assert "\\&'# yaml-language-server: $schema=workload.schema.json'" in schema
    assert ".nf\nExamples:\n  allowlist schema\n" in schema


def test_man_pages_lead_to_each_other_and_tell_the_exit_codes(manual: dict[str, str]) -> None:
    for text in manual.values():
        for named in re.findall(r"\\fB([^\s(]+)\\fP\(1\)", text):
            assert named.replace("\\-", "-") in manual
    first = manual["allowlist"]
    assert all(f"\\fBallowlist\\-{name}\\fP(1)" in first for name in COMMANDS)
    assert all(f".TP\n\\fB{int(code)}\\fP\n" in first for code in Exit)
    about = re.search(r"^allowlist.*catalog.*schema \\- (.*)$", manual["allowlist-catalog-schema"], re.M)
    assert about is not None
    assert "catalog" in about[1]


_CODES = ("code", "finding", "reason", "warnings")


def _codes_in(source: str) -> set[str]:
    """Codes that a module gives a finding, a verdict, a refusal or a skip: said at once, or by a name it sets itself."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or getattr(call.func, "id", "") in ("LimitFinding", "Change"):
            continue
        given = [item.value for item in call.keywords if item.arg in _CODES]
        given += call.args[1:2] if getattr(call.func, "attr", "") == "skip" else []
        meant = [item for value in given for item in ast.walk(value)]
        meant += [
            part
            for item in meant
            if isinstance(item, ast.Name) and item.id in named
            for part in ast.walk(named[item.id])
        ]
        said = [item.value for item in meant if isinstance(item, ast.Constant)]
        found |= {
            text for text in said if isinstance(text, str) and re.fullmatch(r"[a-z]\w*[-_][\w-]+", text)
        }
    return found


def test_every_code_of_a_finding_or_a_skip_is_in_the_reference(reference: Path) -> None:
    page = (reference / "reason-codes.md").read_text()
    written = {word.value for word in Word} - {status.value for status in Status}
    for folder in ("plan", "points", "workflow"):
        for module in sorted((REPOSITORY / "allowlist" / folder).rglob("*.py")):
            source = module.read_text("utf-8")
            if re.search(r"\b(?:Finding|Judgement|Refusal|skip|Skip)\(|code=", source):
                written |= _codes_in(source)
    assert len(written) > 45
    assert {code for code in written if f"| `{code}` |" not in page} == set()


def test_every_posture_check_is_in_the_reference_with_its_page(reference: Path) -> None:
    rows = [
        row.split(" | ")
        for row in (reference / "posture.md").read_text().splitlines()
        if row.startswith("| `")
    ]
    assert [row[0].strip("|` ") for row in rows] == list(RECOMMENDATIONS)
    assert all(row[3].startswith("[page](https://learn.microsoft.com/azure/") for row in rows)


def test_the_pages_of_gates_name_settings_that_exist_with_the_defaults_they_have(reference: Path) -> None:
    defaults = GateLimits()
    told: list[str] = []
    for page in (reference / "gates").iterdir():
        for key, default in re.findall(r"`gates\.(\w+)`(?:[^`]*?\(default ([\d.]+))?", page.read_text()):
            told += [key] if default else []
            assert not default or float(default) == getattr(defaults, key), f"{page.name}: {key}"
            assert hasattr(defaults, key), f"{page.name}: {key}"
    assert set(told) == set(GateLimits.__struct_fields__) - {"plan_age_hours"}


def test_the_navigation_of_the_site_leads_to_pages(reference: Path) -> None:
    settings = yaml.load((REPOSITORY / "mkdocs.yml").read_text("utf-8"), yaml.BaseLoader)
    named = set(re.findall(r"[\w/.-]+\.md", str(settings["nav"])))
    written = {str(page.relative_to(REPOSITORY / "docs")) for page in SITE}
    made = {f"reference/{page.relative_to(reference)}" for page in reference.rglob("*.md")}
    assert named <= written | made
