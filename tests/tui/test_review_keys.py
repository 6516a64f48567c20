"""Approving is staging: every key of the review, and what it puts on record."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from allowlist.workflow.review import State
from tests.helpers.screen import SMALL, Person, drive
from tests.helpers.sessions import ALICE, BOB, ledger_in, offline_session, planning_session


def test_a_plan_is_made_and_shown_in_three_panes(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        text = person.screen_text
        assert "35 pending" in text
        assert "hub-firewall" in text
        assert "*.data.mcr.microsoft.com" in text
        assert "nothing else" in text
        assert "10.40.0.4 → x.data.mcr.microsoft.com" in person.why
        assert "azure-container-registry@1.6.0#data-mcr-microsoft-com" in person.why

    drive(planning_session(tmp_path), look)


def test_everything_fits_into_a_small_terminal(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        lines = person.screen_text.splitlines()
        assert len(lines) == 24
        assert any("targets" in line for line in lines)
        assert any("changes 35" in line for line in lines)
        assert any("─ why" in line for line in lines)
        assert "space approve" in lines[-1]

    drive(offline_session(tmp_path), look, size=SMALL)


def test_space_approves_the_line_and_u_takes_it_back(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        first = person.table.current
        assert first is not None
        await person.press("space")
        assert person.state(first.id) == "approved"
        assert "approved by alice@contoso.example" in person.why
        await person.press("space")
        assert "approved by you already" in person.toasts
        await person.press("u")
        assert person.state(first.id) == "pending"
        await person.press("u")
        assert "nothing was decided in this sitting" in person.toasts

    drive(offline_session(tmp_path), decide)
    with ledger_in(tmp_path) as ledger:
        (plan,) = ledger.plans()
        assert plan.who == ALICE.who
        said = [entry.state for entry in ledger.entries(100) if entry.kind == "decision"]
    assert sorted(said) == ["approve", "defer"]


def test_x_rejects_only_with_a_reason(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        await person.press("down", "x")
        await person.press("enter")
        assert "a rejection needs a reason" in person.screen_text
        await person.type("not ours")
        await person.press("enter")
        change = person.table.current
        assert change is not None
        assert person.state(change.id) == "rejected"
        assert "not ours" in person.why

    drive(offline_session(tmp_path), decide)


def test_escape_leaves_every_question_without_an_answer(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        for key in ("x", "s", "c", "e", "S"):
            await person.press(key)
            assert len(person.app.screen_stack) == 2, key
            await person.press("escape")
            assert len(person.app.screen_stack) == 1, key
        assert person.review.progress().counts[State.PENDING] == 35

    drive(offline_session(tmp_path), decide)


def test_a_range_is_approved_after_its_count_was_shown_and_cancel_has_the_focus(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        await person.press("v", "down", "down", "space")
        assert "3 changes" in person.screen_text
        assert "wildcard" in person.screen_text
        await person.press("enter")
        assert person.review.progress().ready == 0
        await person.press("space")
        await person.press("tab", "enter")
        assert person.review.progress().ready == 3

    drive(offline_session(tmp_path), decide)


def test_bulk_approval_stays_inside_one_risk_tier(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        await person.press("v", "end", "space")
        assert "approve one tier at a time" in person.toasts
        assert len(person.app.screen_stack) == 1
        assert person.review.progress().ready == 0

    drive(offline_session(tmp_path), decide)


def test_keys_that_arrive_together_are_taken_in_order_also_by_a_dialog_that_just_opens(
    tmp_path: Path,
) -> None:
    async def decide(person: Person) -> None:
        await person.press("x", *"all too wide", "enter", "down", "space", "u", "down", "c", *"why?", "enter")
        first, second, third = person.review.plan.changes[:3]
        assert person.state(first.id) == "rejected"
        assert "all too wide" in str(person.review.standing(first.id).decisions)
        assert person.state(second.id) == "pending"
        assert "took back: approve" in person.toasts
        assert person.table.current is third
        assert "why?" in person.why
        await person.press("slash", *"risk:low", "enter", "v", "end", "space", "tab", "enter")
        assert person.review.progress().ready == person.table.count > 3
        await person.press("escape", "e", *"x.example", "escape", "question_mark", "escape", "home")
        assert len(person.app.screen_stack) == 1
        assert person.table.current is first

    drive(offline_session(tmp_path), decide)


def test_a_deferred_change_waits_until_its_date(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        change = person.table.current
        assert change is not None
        await person.press("s")
        await person.type("ask the owner")
        await person.press("enter", "enter")
        assert person.state(change.id) == "deferred"
        assert "2026-12-01" in person.why

    drive(offline_session(tmp_path), decide)


def test_a_comment_decides_nothing_and_stays_on_record(tmp_path: Path) -> None:
    async def decide(person: Person) -> None:
        change = person.table.current
        assert change is not None
        await person.press("c")
        await person.type("who asked?")
        await person.press("enter")
        assert person.state(change.id) == "pending"
        assert "who asked?" in person.why

    drive(offline_session(tmp_path), decide)


def test_decisions_of_others_appear_while_the_screen_is_open(tmp_path: Path) -> None:
    async def watch(person: Person) -> None:
        from allowlist.workflow.review import Review

        change = person.table.current
        assert change is not None
        with ledger_in(tmp_path) as elsewhere:
            bob = Review(person.review.plan, elsewhere, who=BOB, clock=person.main.session.now)
            bob.refresh()
            bob.reject([change.id], "too wide")
        await person.until(lambda: person.state(change.id) == "rejected")
        await person.until(lambda: "bob@contoso.example decided" in person.toasts)
        await person.rest()
        assert "too wide" in person.why

    drive(offline_session(tmp_path), watch)


def test_read_only_decides_nothing_whatever_key_is_pressed(tmp_path: Path) -> None:
    async def try_all(person: Person) -> None:
        for key in ("space", "x", "s", "c", "u", "a", "A"):
            await person.press(key)
            assert len(person.app.screen_stack) == 1, key
        assert "READ-ONLY" in person.screen_text
        assert "read-only: asked for" in person.toasts

    drive(offline_session(tmp_path, read_only="asked for"), try_all)
    with ledger_in(tmp_path) as ledger:
        assert ledger.entries(10) == ()


def test_keys_that_wait_when_the_app_ends_end_with_it(tmp_path: Path) -> None:
    async def defect(person: Person) -> None:
        def fail() -> None:
            raise LookupError("a defect below a key")

        person.app.call_later(fail)
        await asyncio.wait_for(person.press("down", "x"), 60)

    with pytest.raises(LookupError, match="a defect below a key"):
        drive(offline_session(tmp_path), defect)
