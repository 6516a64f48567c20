"""The action and the hook on a repository with a pull request that drops one group and opens another.

The steps run as they stand in ``action.yml``, on a shallow checkout with a remote, as ``actions/checkout`` leaves it. In the
suite the tool of the working copy stands where the first step installs it; ``make action`` runs that step too, and
the hook by ``pre-commit`` itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.action.runner import Ran, Runner, sarif_of
from tests.helpers.shared import REPOSITORY
from tests.workflow.test_assumptions import ALLOWED, HOST, Hub, _names

PRE_COMMIT = os.environ.get("ALLOWLIST_PRE_COMMIT", "")
OPENED = ("Allow", _names("wide", targetFqdns=["*.cdn.example"]))
SUITE = ("Install",)
AFTER = {"after": "infra"}


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def _commit(folder: Path, *rules: tuple[str, dict[str, object]]) -> None:
    Hub(folder, *rules)
    (folder / "infra").mkdir(exist_ok=True)
    group = "-".join(str(rule["name"]) for _, rule in rules)
    state = (folder / "estate.json").read_text("utf-8")
    (folder / "estate.json").unlink()
    for old, new in (
        ("ruleCollectionGroups/g", f"ruleCollectionGroups/{group}"),
        ('"name": "g"', f'"name": "{group}"'),
    ):
        assert old in state
        state = state.replace(old, new)
    (folder / "infra" / "estate.json").write_text(state, "utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "state")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """main has a group that allows what is required; the branch change drops it and has one that opens something else."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    _commit(folder, ALLOWED)
    git(folder, "switch", "-q", "-c", "change")
    _commit(folder, OPENED)
    git(folder, "switch", "-q", "main")
    return folder


def _checkout(origin: Path, branch: str = "change") -> Path:
    folder = origin.parent / f"checkout-{branch}"
    git(origin.parent, "clone", "-q", "--depth=1", "--branch", branch, f"file://{origin}", str(folder))
    return folder


def _runner(origin: Path, branch: str = "change", *, fork: bool = False) -> Runner:
    runner = Runner(origin.parent / "runner", _checkout(origin, branch), fork=fork)
    (runner.tools / "bin").mkdir(parents=True, exist_ok=True)
    tool = runner.tools / "bin" / "allowlist"
    tool.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m allowlist "$@"\n')
    tool.chmod(0o755)
    return runner


def _tells_both(ran: Ran) -> None:
    assert ran.code == 2, ran.output
    levels = {(item["ruleId"], item["level"]) for item in sarif_of(ran)}
    assert levels >= {("breaks", "error"), ("opens", "warning")}
    for text in (ran.summary, ran.comment, ran.output, json.dumps(sarif_of(ran))):
        assert HOST in text
        assert "cdn.example" in text
    assert "::error" in ran.output


def test_the_action_tells_what_a_pull_request_breaks_and_opens(origin: Path) -> None:
    runner = _runner(origin)
    ran = runner.run(AFTER, without=SUITE)
    _tells_both(ran)
    assert ran.steps == ["Fetch the base", "Compare", "Keep one comment up to date"]
    assert "--method POST repos/acme/infra/issues/7/comments" in ran.comments[-1]
    runner.known_comment = "4711\n"
    again = runner.run(AFTER, without=SUITE)
    assert "--method PATCH repos/acme/infra/issues/comments/4711" in again.comments[-1]


def test_a_fork_gets_the_answer_without_a_comment(origin: Path) -> None:
    ran = _runner(origin, fork=True).run({**AFTER, "fail-on": "never"}, without=SUITE)
    assert (ran.code, ran.comments) == (0, [])
    assert HOST in ran.summary


def test_a_pull_request_that_changes_nothing_passes(origin: Path) -> None:
    ran = _runner(origin, "main").run({**AFTER, "comment": "false", "fail-on": "differs"}, without=SUITE)
    assert ran.code == 0, ran.output
    assert ran.steps == ["Fetch the base", "Compare"]
    assert sarif_of(ran) == []


@pytest.mark.skipif(not PRE_COMMIT, reason="run by make action")
def test_the_action_installs_itself_beside_the_job(origin: Path) -> None:
    _tells_both(Runner(origin.parent / "runner", _checkout(origin)).run(AFTER))


@pytest.mark.skipif(not PRE_COMMIT, reason="run by make action")
def test_pre_commit_runs_the_hook_on_what_is_about_to_be_committed(origin: Path) -> None:
    revision = git(REPOSITORY, "rev-parse", "HEAD").strip()
    hook = {"id": "allowlist-compare", "args": ["git:HEAD:infra", "infra"]}
    config = {"repos": [{"repo": str(REPOSITORY), "rev": revision, "hooks": [hook]}]}
    (origin / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(origin, "add", "-A")
    home = {**os.environ, "PRE_COMMIT_HOME": str(origin.parent / "home")}

    def hooked() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PRE_COMMIT, "run", "--verbose"], cwd=origin, env=home, capture_output=True, text=True, timeout=900, check=False
        )  # fmt: skip

    same = hooked()
    assert same.returncode == 0, same.stdout + same.stderr
    git(origin, "restore", "--source", "change", "infra")
    git(origin, "add", "-A")
    changed = hooked()
    assert changed.returncode == 1, changed.stdout + changed.stderr
    assert f"breaks {HOST}" in changed.stdout
