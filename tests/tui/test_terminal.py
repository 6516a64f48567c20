"""The review screen in a real terminal: start, quit, resize, paste, no colour, and a sane terminal afterwards."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.cli import CONTOSO
from tests.helpers.served import is_alive, wait_until
from tests.helpers.terminal import Terminal, needs_tmux, terminal
from tests.helpers.world import contoso_world

pytestmark = needs_tmux

REVIEW = (sys.executable, "-m", "allowlist", "review", "--only=hub-firewall")
OFFLINE = (*REVIEW, "--workload", CONTOSO / "allowlist.yaml", "--snapshot", CONTOSO)
CRASH = """
import sys

from allowlist.cli.main import invoke
from allowlist_tui.app import ReviewApp

def break_it(self):
    raise RuntimeError("made for the test")

ReviewApp.action_zoom = break_it
sys.exit(invoke(sys.argv[1:]))
"""
COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:[34]8;5;(\d+)|[34]8;2;(\d+);(\d+);(\d+)|([349][1-6]|10[1-6]))m")
GREYS = {0, 7, 8, 15, 16, 59, 102, 145, 188, 231, *range(232, 256)}


@contextmanager
def at_the_screen(folder: Path, width: int = 80, height: int = 24, **environ: str) -> Iterator[Terminal]:
    with terminal(folder, width, height, **environ) as pane:
        pane.run(["stty", "-g"])
        pane.run(OFFLINE)
        pane.reads("0 approved")
        yield pane


def has_colour(screen: str) -> bool:
    """Is anything on the screen of a colour other than grey?"""
    for index, red, green, blue, basic in COLOUR.findall(screen):
        if basic or (index and int(index) not in GREYS) or (red and not red == green == blue):
            return True
    return False


def is_sane(pane: Terminal) -> bool:
    """Back at the shell: the usual screen, no mouse reports, a cursor, and the line discipline as it was."""
    wait_until(pane.is_at_the_shell, "the shell is back")
    pane.run(["stty", "-g"])
    wait_until(lambda: len(_modes(pane)) > 1, "the modes are told")
    flags = [pane.flag(name) for name in ("mouse_any_flag", "cursor_flag")]
    return flags == ["0", "1"] and len(set(_modes(pane))) == 1


def _modes(pane: Terminal) -> list[str]:
    return re.findall(r"(?:[0-9a-f]+:){20,}[0-9a-f]+", pane.screen("-S", "-", "-J"))


def test_ctrl_q_quits_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with at_the_screen(tmp_path) as pane:
        pane.press("C-q")
        assert is_sane(pane)


@pytest.mark.parametrize("keys", [["/"], ["e"], ["?"], ["C-p"], ["x"], ["2"]], ids=" ".join)
def test_ctrl_q_quits_from_wherever_one_is(tmp_path: Path, keys: list[str]) -> None:
    with at_the_screen(tmp_path) as pane:
        pane.press(*keys)
        pane.press("C-q")
        wait_until(pane.is_at_the_shell, "the shell is back")


def test_every_size_shows_as_much_as_fits(tmp_path: Path) -> None:
    with at_the_screen(tmp_path) as pane:
        for width, height in ((200, 50), (30, 8), (10, 3), (300, 12), (80, 24)):
            pane.resize(width, height)
            pane.press("Down")
        pane.reads("0 approved")
        pane.reads("─ why")


def test_a_tiny_terminal_shows_the_pane_with_the_focus_alone(tmp_path: Path) -> None:
    with terminal(tmp_path, 30, 8) as pane:
        pane.run(OFFLINE)
        pane.reads("\n❯ ○ ")
        pane.press("Tab")
        pane.reads("What it does")
        assert "❯" not in pane.screen()


def test_pasted_text_does_not_confirm(tmp_path: Path) -> None:
    with contoso_world(tmp_path) as world, terminal(tmp_path, 120, 40) as pane:
        pane.run(
            [*REVIEW, "--credential=none", "--arm-endpoint", world.running.url, "--workload", world.workload]
        )
        pane.reads("0 approved")
        pane.press("Space", "A", "h")
        pane.reads("▊  h")
        pane.paste("ub-firewall\n", bracketed=True)
        pane.reads("pasted text is ignored")
        pane.press("Enter")
        pane.reads("is not hub-firewall yet")
        assert world.rules() == []
        pane.paste("ub-firewall\n", bracketed=False)
        pane.reads("applied and verified")


def test_without_colour_every_state_still_has_a_sign_that_the_first_line_names(tmp_path: Path) -> None:
    with at_the_screen(tmp_path, NO_COLOR="1") as pane:
        assert not has_colour(pane.screen("-e"))
        first, *rows = pane.screen().splitlines()
        assert re.search(r"○ \d+ pending +✓ 0 approved", first)
        assert sum("  ○  " in row or "❯ ○  " in row for row in rows) > 5
    with at_the_screen(tmp_path) as pane:
        assert has_colour(pane.screen("-e")), "else the line above proves nothing"


def test_a_crash_is_told_in_words_on_a_sane_terminal(tmp_path: Path) -> None:
    with terminal(tmp_path) as pane:
        pane.run(["stty", "-g"])
        pane.run([sys.executable, "-c", CRASH, *OFFLINE[3:]])
        pane.reads("0 approved")
        pane.press("z")
        text = pane.reads("made for the test")
        assert "Traceback" not in text
        assert is_sane(pane)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_being_told_to_end_leaves_a_sane_terminal(tmp_path: Path, number: int) -> None:
    with at_the_screen(tmp_path) as pane:
        os.kill(pane.program(), number)
        assert is_sane(pane)


def test_nothing_goes_on_behind_a_closed_window(tmp_path: Path) -> None:
    with at_the_screen(tmp_path) as pane:
        program = pane.program()
        pane.close()
        wait_until(lambda: not is_alive(program), "the screen ends")


def test_a_gated_change_is_found_approved_and_explained_by_keys_alone(tmp_path: Path) -> None:
    """What a person does with it from start to end: filter, approve, answer for the gate, explain a URL, leave."""
    asked_for = (CONTOSO / "allowlist.yaml").read_text("utf-8")
    (tmp_path / "allowlist.yaml").write_text(f"{asked_for}\ngates: {{additions: 9}}\n", "utf-8")
    with terminal(tmp_path, 100, 30) as pane:
        pane.run([*REVIEW, "--workload", "allowlist.yaml", "--snapshot", CONTOSO])
        pane.reads("✗ 1 open: growth")
        pane.press("/", *"huggingface.co", "Enter")
        pane.reads("changes 1 of ")
        pane.press("Space")
        pane.reads("waits for gate growth")
        pane.press("a")
        pane.reads("adds 35 rules; 9 are let through")
        pane.press(*"agreed", "Enter")
        pane.reads("✓ 1 approved")
        pane.press("e")
        pane.reads("NAME or URL")
        pane.press("C-u", *"http://huggingface.co/models", "Enter")
        pane.reads("explain http://huggingface.co/models")
        pane.reads("no rule matches; the default is deny")
        pane.press("C-q")
        wait_until(pane.is_at_the_shell, "the shell is back")
