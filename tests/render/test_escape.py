"""Whatever a name holds, it is shown and not obeyed: by terminals, by logs of pipelines, by pages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.cli.console import plain, put, put_lines, say, styled
from allowlist.render.annotations import annotations_text
from allowlist.render.escape import STYLE, lines, markdown, one_line, with_styles
from allowlist.render.markdown import comment_markdown
from allowlist.render.notices import Notice, Report
from allowlist.render.report_html import report_html
from tests.helpers.shared import REPOSITORY

HOSTILE = [
    "\x1b[31mred",
    "\x1b]8;;https://evil.example\x07link",
    "bell\x07",
    "a\n::error::forged",
    "\r::set-output name=x::y",
    "  ::add-mask::x",
    "x ##vso[task.setvariable variable=a]b",
    "##[error]forged",
    "##teamcity[buildStop]",
    "\u202egnp.exe",
    "a\u2028b",
    "<img src=x onerror=alert(1)>",
    "\x9b31m",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_one_harmless_line(text: str) -> None:
    assert is_harmless(one_line(text))
    assert is_harmless(plain(f"requires it: {text}"))
    assert all(map(is_harmless, lines(text).split("\n")))


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6), max_size=4).map("".join))
def test_nothing_gets_through_in_any_mixture(text: str) -> None:
    assert is_harmless(one_line(text))
    assert is_harmless(with_styles(one_line(text)))
    assert not set("<>") & set(markdown(text))


def test_a_style_of_ours_survives_and_nobody_elses_does() -> None:
    shown = with_styles(plain(f"{styled('covered')} \x1b[32mforged"))
    assert shown.startswith("\x1b[")
    assert shown.count("\x1b") == 2
    assert STYLE not in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_reports_for_pipelines_and_pages_hold_no_command_and_no_markup_of_others(text: str) -> None:
    notice = Notice(rule="gap", level="error", target="fw", subject=text, text=text)
    report = Report(title=text, name="n", summary=text, file="allowlist.yaml", notices=(notice,))
    (annotation,) = annotations_text(report).split("\n")
    assert annotation.startswith("::error ")
    assert "##" not in annotation.replace("\\u0023#", "") or "[" not in annotation
    assert "\x1b" not in annotation
    page = comment_markdown(report)
    assert "<img" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_command_prints_is_harmless_by_default(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(f"{text} by {text}")
    put_lines(f"{text}\n{text}")
    say(f"{text}\n{text}")

    out, err = capsys.readouterr()

    assert all(map(is_harmless, [*out.split("\n"), *err.split("\n")]))


def test_commands_print_through_the_console_alone() -> None:
    """So that one place escapes: what others wrote never goes to standard output by another way."""
    own = {"console.py", "start.py"}
    printing = re.compile(r"\bclick\.(?:echo|secho)\(|\bsys\.stdout\.write\(|(?<![\w.])print\(")
    # JSON, and what a simulator on this machine says about itself.
    allowed = {"catalog_common.py": 1, "simulate.py": 3}
    folder = REPOSITORY / "allowlist" / "cli"
    found = {file.name: len(printing.findall(file.read_text("utf-8"))) for file in folder.glob("*.py")}
    assert {name: count for name, count in found.items() if count and name not in own} == allowed


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_what_cannot_be_seen(text: str) -> None:
    notice = Notice(rule="gap", level="error", target=text, subject=text, text=text, remedy=text)
    page = report_html(Report(title=text, name="n", summary=text, file="allowlist.yaml", notices=(notice,)))
    assert all(map(str.isprintable, page.split("\n")))
    assert "<img" not in page


def is_harmless(line: str) -> bool:
    """As the agents read a line: GitHub trims it and looks for ``::`` in front, the others look for ``##…[`` anywhere."""
    return line.isprintable() and not line.lstrip().startswith("::") and not re.search(r"##\w*\[", line)
