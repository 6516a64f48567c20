"""README and its like are executed: every console block runs, and prints what it says it prints."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "catalogs" / "README.md"]
PAGES += sorted((REPOSITORY / "examples").rglob("README.md"))

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"\s+# exits (\d+)$")
_CHANGE_ID = re.compile(r"\b[0-9a-f]{8}\b")


@dataclass
class Command:
    """One ``$`` line of a console block with the lines shown below it."""

    text: str
    code: int = 0
    shown: list[str] = field(default_factory=list)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
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


def test_local_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
