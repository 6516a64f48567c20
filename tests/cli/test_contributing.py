"""A contributor's five minutes in a clone: add an entry, lint it, let the build review it, release it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.cli import Result, allowlist
from tests.helpers.schemas import fits
from tests.helpers.shared import REPOSITORY

NEW = (
    *("--id", "vscode-new-cdn", "--pattern", "*.new-cdn.vscode.dev", "--port", "https:443"),
    *("--consumer", "client", "--purpose", "loads the editor"),
    *("--source", "microsoft/vscode-docs:docs/setup/network.md"),
)


def git(*arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@contoso.example")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(workplace: Path) -> Path:
    """A clone of some of the catalogs with a branch of the contributor's."""
    (workplace / "catalogs").mkdir()
    for name in ("vscode", "hugging-face", "python-packages"):
        shutil.copy(REPOSITORY / "catalogs" / f"{name}.yaml", workplace / "catalogs")
    git("init", "--quiet", "--initial-branch", "main")
    git("add", ".")
    git("commit", "--quiet", "-m", "base")
    git("switch", "--quiet", "-c", "pull-request")
    return workplace


def add(*changed: str) -> Result:
    return allowlist("catalog", "add", "vscode", *NEW, *changed)


def test_a_right_entry_passes_and_the_review_says_what_it_means(clone: Path) -> None:
    before = (clone / "catalogs/vscode.yaml").read_text()

    fits("catalog-add", add("--json").json)

    assert (clone / "catalogs/vscode.yaml").read_text().startswith(before.rstrip("\n"))
    assert allowlist("catalog", "lint", "--base", "main").code == 0
    review = allowlist("catalog", "review", "--base", "main")
    assert review.code == 0
    assert "| `vscode` | minor | 2.1.0 | 1 | 0 | 0 | 1 |" in review.out
    assert "*.new-cdn.vscode.dev https:443" in review.out
    released = allowlist("catalog", "release", "vscode", "--note", "a new content network")
    assert released.out == "vscode 2.1.0\n"
    assert allowlist("catalog", "lint", "--base", "main").code == 0


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (("--pattern", "*vscode-cdn.net"), "lookalike-wildcard"),
        (("--pattern", "*.dev"), "wildcard-too-wide"),
        (("--pattern", "*.blob.core.windows.net"), "shared-suffix"),
        (("--pattern", "update.c0de.visualstudlo.com"), "misspelt-owner"),
    ],
)
def test_a_wrong_entry_is_told_at_its_line(clone: Path, changed: tuple[str, str], complaint: str) -> None:
    assert add(*changed).code == 0
    lines = (clone / "catalogs/vscode.yaml").read_text().splitlines()
    written = next(
        number for number, line in enumerate(lines, 1) if f'"{changed[1]}"' in line or changed[1] in line
    )

    told = allowlist("catalog", "lint", "catalogs/vscode.yaml", "--base", "main").out

    assert any(
        line.startswith(f"catalogs/vscode.yaml:{written}:") and complaint in line
        for line in told.splitlines()
    )


def test_an_edited_past_is_refused(clone: Path) -> None:
    path = clone / "catalogs/vscode.yaml"
    path.write_text(path.read_text().replace('"*.vscode-cdn.net"', '"*.vscode-cdn.org"', 1))

    refused = allowlist("catalog", "lint", "--base", "main")

    assert refused.code == 1
    assert "rewritten-release" in refused.out
    assert "changed-meaning" in refused.out


@pytest.mark.parametrize("command", [("add", "vscode", *NEW), ("release", "vscode")])
def test_the_catalogs_of_the_installed_tool_are_never_edited(
    workplace: Path, command: tuple[str, ...]
) -> None:
    refused = allowlist("catalog", *command)

    assert refused.code == 1
    assert "no folder 'catalogs' here" in refused.err
    assert list(workplace.iterdir()) == []


def test_a_misspelt_catalog_is_told_with_the_right_name(clone: Path) -> None:
    refused = allowlist("catalog", "add", "vscod", *NEW)

    assert refused.code == 1
    assert "did you mean 'vscode'?" in refused.err
    del clone


def test_the_review_shows_how_sure_a_new_entry_is_and_every_report_that_was_added(clone: Path) -> None:
    assert add().code == 0
    review = allowlist("catalog", "review", "--base", "main")
    assert re.search(r"  - evidence: (?:high|medium|low|contested): ", review.out)

    file = clone / "catalogs/vscode.yaml"
    text = file.read_text()
    first = text.index("    sources:")
    report = "    evidence:\n      - {class: maintainer-said, repo: contoso/docs, where: issue 12, works_without: true, date: 2026-11-01}\n"
    file.write_text(text[:first] + report + text[first:])

    review = allowlist("catalog", "review", "--base", "main")
    assert "- evidence of " in review.out
    assert "works without it: maintainer said, `contoso/docs issue 12 2026-11-01`" in review.out
    reviews = allowlist("catalog", "review", "--base", "main", "--json").json
    fits("catalog-review", reviews)
    (told,) = reviews[0]["evidence"]
    assert (told["after"], len(told["added"]), told["removed"]) == ("contested", 1, [])
