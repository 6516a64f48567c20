"""README and its like are executed: every console block runs, and prints what it says it prints."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from allowlist.cli.exits import Exit
from allowlist.cli.main import COMMANDS
from allowlist.observe.metrics import Metrics
from allowlist.plan.gate_words import GATES, words_of
from allowlist.workload.document import EventKind
from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "catalogs" / "README.md"]
PAGES += sorted((REPOSITORY / "examples").rglob("README.md"))
SITE = [
    page
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
    if not page.is_relative_to(REPOSITORY / "docs" / "reference")
]

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"\s+# exits (\d+)$")
_CHANGE_ID = re.compile(r"\b[0-9a-f]{8}\b")


@dataclass
class Command:
    """One ``$`` line of a console block with the lines shown below it."""

    text: str
    code: int = 0
    shown: list[str] = field(default_factory=list)


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


def commands_of(page: Path) -> list[Command]:
    found: list[Command] = []
    for block in _BLOCK.findall(page.read_text("utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                expected = _EXITS.search(line)
                text = _EXITS.sub("", line[2:])
                found.append(Command(text, int(expected.group(1)) if expected else 0))
            elif line.strip() and line.strip() != "…":
                found[-1].shown.append(line)
    return found


def run(command: Command, monkeypatch: pytest.MonkeyPatch) -> Result:
    words = shlex.split(command.text)
    if words[0] == "cd":
        monkeypatch.chdir(words[1])
        return Result(0, "", "")
    assert words[0] == "allowlist", f"only allowlist and cd can be run here: {command.text}"
    return allowlist(*words[1:])


@pytest.mark.parametrize(
    "page", [*PAGES, REPOSITORY / "docs" / "tour.md"], ids=lambda page: str(page.relative_to(REPOSITORY))
)
def test_console_blocks_do_what_they_show(
    page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.is_relative_to(REPOSITORY / "examples"):
        shutil.copytree(REPOSITORY / "examples", workplace / "examples")
    for command in commands_of(page):
        result = run(command, monkeypatch)
        assert result.code == command.code, f"{command.text}\n{result.err}"
        printed = _CHANGE_ID.sub("ID", result.out + result.err)
        for line in command.shown:
            wanted = _CHANGE_ID.sub("ID", line.rstrip().removesuffix("…"))
            assert wanted in printed, f"{command.text}\ndid not print: {line}"


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


def test_the_navigation_of_the_site_leads_to_pages(reference: Path) -> None:
    settings = yaml.load((REPOSITORY / "mkdocs.yml").read_text("utf-8"), yaml.BaseLoader)
    named = set(re.findall(r"[\w/.-]+\.md", str(settings["nav"])))
    written = {str(page.relative_to(REPOSITORY / "docs")) for page in SITE}
    made = {f"reference/{page.relative_to(reference)}" for page in reference.rglob("*.md")}
    assert named <= written | made
