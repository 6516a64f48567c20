"""Long work says which step it is at, of how many: to a person at a terminal, and to nobody else."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from allowlist.cli import counting
from allowlist.cli.counting import steps_shown
from allowlist.workflow import steps
from tests.helpers.cli import CONTOSO
from tests.helpers.terminal import needs_tmux, terminal

SLOWLY = """
import sys, time

from allowlist.cli.main import invoke
from allowlist.workflow import steps

as_it_is = steps._Course.at

def slowly(course, step, doing):
    as_it_is(course, step, doing)
    time.sleep(1.2)

steps._Course.at = slowly
sys.exit(invoke(sys.argv[1:]))
"""


def test_each_thing_takes_its_steps_and_none_is_a_step_back() -> None:
    heard: list[tuple[int, int, str]] = []
    with steps.listening(lambda done, total, doing: heard.append((done, total, doing))):
        for _ in steps.through(["a", "b"], 2, str):
            for step in (0, 1, 0):
                steps.at(step, "x")
    assert [done for done, _, _ in heard] == [0, 1, 1, 2, 3, 3]
    assert {total for _, total, _ in heard} == {4}
    assert [doing for _, _, doing in heard][2:4] == ["a: x", "b: x"]


def test_where_nobody_listens_the_same_things_come(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_shown():
        assert [*steps.through(["a", "b"], 2, str)] == ["a", "b"]
        steps.at(1, "x")
    assert capsys.readouterr() == ("", "")


def test_what_fails_is_told_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(counting, "_is_seen", lambda: True)
    monkeypatch.setattr(counting, "_SILENT", 0.0)
    monkeypatch.setattr(counting, "_FRESH", 0.001)
    with pytest.raises(RuntimeError):
        _fail_when_told(capsys)
    assert capsys.readouterr().err.endswith("\r\x1b[K")


def _fail_when_told(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_shown():
        for _ in steps.through(["a" * 200], 2, str):
            steps.at(1, "x")
            while not capsys.readouterr().err.startswith("\r\x1b[Kstep 2 of 2, aaa"):
                time.sleep(0.001)
            raise RuntimeError


@needs_tmux
def test_a_person_sees_the_step_and_then_the_answer_alone(tmp_path: Path) -> None:
    script = tmp_path / "slowly.py"
    script.write_text(SLOWLY)
    where = ("--workload", CONTOSO / "allowlist.yaml", "--snapshot", CONTOSO, "--only", "hub-firewall")
    with terminal(tmp_path, 100, 60, CI="", XDG_CACHE_HOME=str(tmp_path)) as pane:
        pane.run([sys.executable, script, "check", *where])
        pane.reads("of 4, hub-firewall: ")
        pane.reads("2 covered")
        assert "of 4, hub-firewall: " not in pane.screen().replace("\n", "")
