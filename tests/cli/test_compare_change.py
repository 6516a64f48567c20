"""A change of a repository: what does it open, what does it break? As text, SARIF and one comment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import REPOSITORY
from tests.workflow.test_assumptions import ALLOWED, HOST, Hub, _names


class Repository:
    """A repository of git with a workload and a folder of state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "infra").mkdir()
        self._git("init", "-q", "-b", "main")

    def _git(self, *words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def holds(self, *rules: tuple[str, dict[str, object]]) -> None:
        Hub(self.folder, *rules)
        (self.folder / "estate.json").rename(self.folder / "infra" / "estate.json")

    def commit(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "state")

    def compare(self, *arguments: object) -> Result:
        return allowlist("compare", "git:HEAD:infra", "infra", *arguments)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    found = Repository(tmp_path)
    found.holds(ALLOWED)
    found.commit()
    return found


OPENED = ("Allow", _names("wide", targetFqdns=["*.cdn.example"]))


def test_a_change_that_drops_one_rule_and_opens_another_is_told_as_both(repository: Repository) -> None:
    repository.holds(OPENED)
    result = repository.compare("--fail-on", "breaks")
    assert result.code == 2
    assert f"breaks {HOST} https:443" in result.out
    assert "opens 10.0.0.4 → x.cdn.example https:443" in result.out


def test_one_comment_and_sarif_hold_the_answer(repository: Repository, tmp_path: Path) -> None:
    repository.holds(OPENED)
    comment, sarif = tmp_path / "comment.md", tmp_path / "x.sarif"
    repository.compare("--report", f"comment={comment}", "--report", f"sarif={sarif}")
    text = comment.read_text()
    assert text.startswith("<!-- allowlist: compare trial -->")
    assert "breaks 1 required flow; opens 1 set of flows nobody asked for" in text
    found = json.loads(sarif.read_text())["runs"][0]["results"]
    assert {item["ruleId"]: item["level"] for item in found} == {
        "breaks": "error",
        "opens": "warning",
        "closes": "note",
    }


def test_what_a_requirement_asks_for_is_no_alarm(repository: Repository) -> None:
    repository.holds(ALLOWED, OPENED)
    repository.commit()
    repository.holds(ALLOWED)
    assert repository.compare("--fail-on", "opens").code == 0
    repository.holds()
    repository.commit()
    repository.holds(ALLOWED)
    result = repository.compare("--fail-on", "opens", "--json")
    assert result.code == 0
    assert [item["requirement"]["pattern"] for item in result.json[0]["mends"]] == [HOST]


def test_no_change_is_the_same(repository: Repository) -> None:
    assert repository.compare("--exit-code").code == 0


@pytest.mark.parametrize("place", ["git:nowhere:infra", "git:--output=x:infra", "git::infra"])
def test_a_revision_that_is_none_is_told(repository: Repository, place: str) -> None:
    del repository
    result = allowlist("compare", place, "infra")
    assert result.code == 1
    assert "git" in result.err
    assert not Path("x").exists()


def test_a_plan_that_is_only_a_check_is_not_kept(repository: Repository) -> None:
    repository.holds()
    result = allowlist("plan", "--check-only", "--snapshot", "infra", "--exit-code")
    assert result.code == 2
    assert "keep it with" not in result.err
    assert allowlist("plan", "--check-only", "--snapshot", "infra", "-o", "plan.json").code != 0
    assert not Path("plan.json").exists()


def test_the_action_and_the_hook_run_commands_that_exist() -> None:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    runs = "\n".join(step["run"] for step in action["runs"]["steps"])
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    entry = next(hook["entry"] for hook in hooks if hook["id"] == "allowlist-compare")
    told = allowlist("compare", "--help").out
    for option in ("--workload", "--facts", "--fail-on", "--format", "--report"):
        assert option in told
        assert option in runs
    assert entry == "allowlist compare --fail-on breaks"
    assert "${{" not in runs, "values of others reach the shell through its environment only"
