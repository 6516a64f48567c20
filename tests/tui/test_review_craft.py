"""Hostile text, failing work, settings, saving, copying, leaving: the screen never breaks and never obeys."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import events

from allowlist.errors import TargetUnavailable
from allowlist.plan.model import Gate, Plan, Risk
from allowlist_tui.app import why_not_copy, why_not_save
from allowlist_tui.look import RISKS, STATES, text_of
from allowlist_tui.screens.choosing import PlanChooser
from allowlist_tui.screens.dialogs import parse_date
from allowlist_tui.text import safe
from allowlist_tui.wrapping import wrapped
from tests.helpers.plans import a_change, a_plan, resealed
from tests.helpers.screen import SMALL, WIDE, Person, drive
from tests.helpers.sessions import NOON, contoso_plan, ledger_in, offline_session

HOSTILE = (
    "[red]shout[/red]",
    "[@click=app.quit]leave[/]",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.evil",
    "a\u200bb\u2066c",
    "line\nbreak\ttab\rreturn\x07bell",
    "раураl.com",
    "z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324",
    "$primary {x} %s \\[ ]] [/]",
)


def hostile_plan() -> Plan:
    changes = []
    for number, text in enumerate(HOSTILE):
        change = a_change(f"{number}.example.com", sources=("10.0.0.0/24",))
        changes.append(
            msgspec.structs.replace(
                change, title=text, target=text, reason=text, overlaps=(text,), gates=("widening",)
            )
        )
    gate = Gate(id="widening", passed=False, text=HOSTILE[1], changes=tuple(item.id for item in changes))
    plan = a_plan()
    targets = tuple(msgspec.structs.replace(plan.targets[0], name=text) for text in HOSTILE)
    return resealed(
        msgspec.structs.replace(
            plan, workload=HOSTILE[0], targets=targets, changes=tuple(changes), gates=(gate,)
        )
    )


def test_hostile_text_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        for _ in HOSTILE:
            text = person.screen_text
            assert not set(text) & set("\x1b\u202e\u200b\u2066\x07\t\r")
            await person.press("down")
        text = person.screen_text
        assert "[red]shout[/red]" in text
        assert "\\u202egnp.evil" in text
        assert "xn--" in text
        assert "раураl" not in text
        await person.press("x")
        await person.press("escape", "e", "escape", "a", "escape", "question_mark", "escape", "S", "escape")
        assert len(person.app.screen_stack) == 1

    drive(offline_session(tmp_path, hostile_plan()), look)


@given(st.text())
def test_no_text_moves_the_terminal(text: str) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert safe(shown) == shown or not shown.isascii()


@given(
    st.lists(st.tuples(st.text(alphabet="ab /.-界 ", max_size=40), st.just("plain")), min_size=1),
    st.integers(4, 60),
)
def test_wrapped_lines_fit_and_lose_no_word(line: list[tuple[str, str]], width: int) -> None:
    rows = tuple(wrapped([tuple(line)], width))
    assert all(sum(cell_len(text) for text, _ in row) <= width for row in rows)
    assert "".join(text_of(rows).split()) == "".join(text_of([tuple(line)]).split())


def test_every_state_and_risk_has_a_glyph_and_a_word() -> None:
    for signs in (STATES, RISKS):
        glyphs = [glyph for glyph, _, _ in signs.values()]
        assert len(set(glyphs)) == len(glyphs)
        assert all(word for _, word, _ in signs.values())


def test_gates_are_accepted_by_id_with_a_reason(tmp_path: Path) -> None:
    change = a_change("a.example.com", gates=("removals",), risk=Risk.REMOVAL)
    gate = Gate(id="removals", passed=False, text="1 rule is removed; the limit is 0", changes=(change.id,))

    async def decide(person: Person) -> None:
        assert "✗ 1 open: removals" in person.screen_text
        await person.press("space")
        assert person.state(change.id) == "gated"
        await person.press("a")
        await person.type("agreed")
        await person.press("enter")
        assert person.state(change.id) == "approved"
        assert "accepted removals  by alice@contoso.example: agreed" in person.why.replace("\n", " ")
        await person.press("a")
        assert "no gate is open" in person.toasts

    drive(offline_session(tmp_path, a_plan(change, gates=(gate,))), decide)


def test_a_final_gate_cannot_be_accepted(tmp_path: Path) -> None:
    change = a_change("a.example.com", gates=("hole",))
    gate = Gate(id="hole", passed=False, text="a proof fails", changes=(change.id,), final=True)

    async def decide(person: Person) -> None:
        await person.press("space", "a")
        await person.type("please")
        await person.press("enter")
        assert "cannot be accepted" in person.toasts
        assert person.state(change.id) == "gated"

    drive(offline_session(tmp_path, a_plan(change, gates=(gate,))), decide)


def test_a_plan_that_cannot_be_read_is_told_with_its_mistakes(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"schema": "allowlist/plan/v1", "worklod": "x"}')

    async def look(person: Person) -> None:
        await person.until(lambda: "worklod" in person.toasts)
        assert person.main.review is None
        await person.press("space", "x", "A", "u", "e", "escape", "2", "3", "4", "5", "1")

    drive(offline_session(tmp_path, plan=bad), look, opens=False)


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edited.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(contoso_plan(), covered=99)))

    async def look(person: Person) -> None:
        await person.until(lambda: "was edited" in person.toasts)

    drive(offline_session(tmp_path, plan=path), look, opens=False)


def test_work_that_fails_becomes_a_message(tmp_path: Path) -> None:
    def refuse(_: Any) -> Any:
        raise TargetUnavailable("could not reach Azure")

    def break_down(_: Any) -> Any:
        raise RuntimeError("boom")

    async def look(person: Person) -> None:
        await person.press("2")
        await person.until(lambda: "could not reach Azure" in person.toasts)
        assert "could not reach Azure" in person.screen_text
        await person.press("ctrl+r", "1")
        assert len(person.app.screen_stack) == 1

    drive(offline_session(tmp_path, state=refuse), look)

    async def look_again(person: Person) -> None:
        await person.press("2")
        await person.until(lambda: "unexpected RuntimeError: boom" in person.toasts)

    drive(offline_session(tmp_path, state=break_down), look_again)


def test_pending_plans_are_offered_when_none_is_named(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        for plan in (contoso_plan(), a_plan(a_change("a.example.com"))):
            ledger.save_plan(
                plan.digest, msgspec.json.encode(plan), workload=plan.workload, created=NOON, who="carol"
            )

    async def choose(person: Person) -> None:
        await person.until(lambda: isinstance(person.app.screen, PlanChooser))
        assert "2 pending plans" in person.screen_text
        await person.press("down", "enter")
        await person.until(lambda: person.main.review is not None)
        assert person.review.plan.workload == "research-agents"

    drive(offline_session(tmp_path, plan=None), choose, opens=False)


def test_no_plan_anywhere_is_said_with_the_next_step(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        await person.until(lambda: "no plan is pending" in person.screen_text)

    drive(offline_session(tmp_path, plan=None, project=None, state=None), look, opens=False)


def test_keys_and_theme_are_the_reviewers_own(tmp_path: Path) -> None:
    settings = tmp_path / "review.yaml"
    settings.write_text(
        "schema: allowlist/review-settings/v1\ntheme: allowlist-light\nkeys: {approve: 'ctrl+y,enter'}\n"
    )

    async def work(person: Person) -> None:
        assert person.app.theme == "allowlist-light"
        assert "^y approve" in person.screen_text
        await person.press("space")
        assert person.review.progress().ready == 0
        await person.press("ctrl+y")
        assert person.review.progress().ready == 1

    drive(offline_session(tmp_path), work, settings=settings)


def test_settings_that_make_no_sense_are_told_and_left_aside(tmp_path: Path) -> None:
    settings = tmp_path / "review.yaml"
    settings.write_text(
        "schema: allowlist/review-settings/v1\ntheme: neon\nkeys: {aprove: y, reject: ctrl+q}\n"
    )

    async def work(person: Person) -> None:
        assert "knows no theme 'neon'" in person.toasts
        assert "knows no action 'aprove'; did you mean 'approve'" in person.toasts
        assert "ctrl+q away" in person.toasts
        await person.press("space")
        assert person.review.progress().ready == 1

    drive(offline_session(tmp_path), work, settings=settings)


def test_ctrl_q_always_quits(tmp_path: Path) -> None:
    for before in (("x",), ("slash",), ("ctrl+p",)):

        async def leave(person: Person, keys: tuple[str, ...] = before) -> None:
            await person.press(*keys)
            await person.pilot.press("ctrl+q")
            assert person.app._exit

        drive(offline_session(tmp_path), leave)


@pytest.mark.parametrize("size", [(40, 10), (20, 6), (80, 24), (300, 40)])
def test_odd_terminals_break_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    async def work(person: Person) -> None:
        await person.press("down", "space", "x", "escape", "question_mark", "escape", "2", "3", "1", "z", "z")
        await person.pilot.resize_terminal(100, 30)
        await person.press("down")
        await person.pilot.resize_terminal(*size)
        await person.rest()

    drive(offline_session(tmp_path), work, size=size)


def test_text_pasted_into_the_review_decides_nothing(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        person.app.post_message(events.Paste("x u space"))
        await person.rest()
        assert person.review.progress().ready == 0
        assert len(person.app.screen_stack) == 1

    drive(offline_session(tmp_path), work)


def test_the_screen_is_saved_as_picture_or_text_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def work(person: Person) -> None:
        await person.press("S", "enter")
        await person.until((tmp_path / "review.svg").exists)
        await person.press("S", "enter")
        assert "is there already" in person.screen_text
        await person.press("ctrl+u", *"seen.txt", "enter")
        await person.until((tmp_path / "seen.txt").exists)

    drive(offline_session(tmp_path), work)
    assert "<svg" in (tmp_path / "review.svg").read_text()
    assert "font-face" not in (tmp_path / "review.svg").read_text()
    assert "changes 35" in (tmp_path / "seen.txt").read_text()
    assert why_not_save("review.exe") == "the name ends in .svg or .txt"


def test_copying_says_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")

    async def work(person: Person) -> None:
        await person.press("y")
        assert "given to the terminal (OSC 52)" in person.toasts
        assert "*.data.mcr.microsoft.com" in person.app.clipboard
        monkeypatch.setenv("TERM", "linux")
        await person.press("y")
        assert "not copied: a terminal of the kind 'linux' has no clipboard" in person.toasts

    drive(offline_session(tmp_path), work)
    assert "more than terminals take" in why_not_copy("x" * 80_000, {"TERM": "xterm"}, is_web=False)
    assert why_not_copy("x", {"TERM": "xterm"}, is_web=True)


def test_the_palette_finds_what_a_key_does(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("ctrl+p")
        await person.press(*"approve")
        await person.until(lambda: "approve the line" in person.screen_text)
        await person.press("enter")
        await person.until(lambda: person.review.progress().ready == 1)

    drive(offline_session(tmp_path), work)


def test_people_without_rights_read_only(tmp_path: Path) -> None:
    import allowlist.workflow.project as projects
    from tests.helpers.cli import CONTOSO

    text = (CONTOSO / "allowlist.yaml").read_text()
    path = tmp_path / "allowlist.yaml"
    path.write_text(
        text.replace("approval: {valid_days: 14}", "approval: {approvers: [dora@contoso.example]}")
    )

    async def work(person: Person) -> None:
        await person.press("space")
        assert "READ-ONLY" in person.screen_text
        assert "is not among the approvers" in person.toasts

    drive(offline_session(tmp_path, project=lambda: projects.load_project(path, now=NOON)), work, size=SMALL)


def test_dates_to_defer_to_lie_ahead() -> None:
    assert parse_date("10d", NOON) == NOON + dt.timedelta(days=10)
    assert parse_date("2w", NOON) == NOON + dt.timedelta(weeks=2)
    assert parse_date("2026-12-01", NOON) == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    assert [parse_date(text, NOON) for text in ("2026-11-01", "0d", "soon", "")] == [None] * 4


def test_colour_is_never_needed(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        assert person.app.no_color
        await person.press("space")
        assert "✓ approved" in person.screen_text
        assert "❯" in person.screen_text

    drive(offline_session(tmp_path), look, size=WIDE)
