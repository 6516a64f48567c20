"""Apply from the screen, against the simulator: typed confirmation, live progress, stop, confirm, roll back."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from allowlist.apply.events import ProgressEvent
from allowlist.apply.result import RunResult
from allowlist.workflow.review_session import Access, ReviewSession
from allowlist_tui.screens.applying import ApplyScreen, RunScreen, StepView
from tests.helpers import hints
from tests.helpers.cli import run
from tests.helpers.screen import SMALL, Person, drive
from tests.helpers.sessions import offline_session
from tests.helpers.world import contoso_world, now, session_of

TARGET = "hub-firewall"


async def approve_two(person: Person) -> None:
    await person.press("space", "down", "space")
    assert person.review.progress().ready == 2


async def confirm(person: Person, name: str = TARGET) -> None:
    """The focus is where one types; Enter does what the bright button says."""
    await person.type(name)
    await person.press("enter")


def over(person: Person) -> Callable[[], bool]:
    return lambda: isinstance(person.app.screen, ApplyScreen) and person.app.screen.is_over


def test_what_is_approved_is_applied_verified_and_can_be_rolled_back(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        assert "2 approved changes are written" in person.screen_text
        assert "33 are not approved" in person.screen_text
        await confirm(person)
        await person.until(over(person))
        await person.rest()
        text = person.screen_text
        assert "applied and verified" in text
        assert "✓ verified" in text
        assert len(world.rules()) == 2
        await person.press("r")
        await confirm(person)
        await person.until(lambda: "rolled back" in person.screen_text)
        assert world.rules() == []
        await person.press("escape")
        await person.press("4")
        await person.rest()
        assert "rolled-back" in person.screen_text

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work)


def test_enter_alone_and_pasted_text_never_apply(tmp_path: Path) -> None:
    from textual import events

    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A", "enter")
        assert "this is not hub-firewall yet" in person.screen_text
        person.app.post_message(events.Paste(TARGET))
        await person.rest()
        assert "pasted text is ignored" in person.screen_text
        await person.press("enter", "escape")
        assert len(person.app.screen_stack) == 1
        assert world.ledger.runs() == ()

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work)


def test_keys_that_arrive_together_decide_confirm_and_apply_in_their_order(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("space", "A", *TARGET, "enter")
        await person.until(over(person))
        await person.rest()
        assert "applied and verified" in person.screen_text
        assert len(world.rules()) == 1
        await person.press("r", *"no such name", "enter", "escape", "escape")
        assert len(person.app.screen_stack) == 1
        assert len(world.rules()) == 1

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work)


def test_a_wrong_name_applies_nothing(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        await confirm(person, "hub")
        assert "this is not hub-firewall yet" in person.screen_text
        assert world.ledger.runs() == ()

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work, size=SMALL)


def test_a_stale_plan_is_told_in_words(tmp_path: Path) -> None:
    from tests.helpers.world import FOREIGN

    async def work(person: Person) -> None:
        await approve_two(person)
        world.edit(FOREIGN, lambda body: body["properties"]["ruleCollections"].pop())
        await person.press("A")
        await confirm(person)
        await person.until(over(person))
        assert "has changed since the plan was made" in person.screen_text
        await person.press("escape")
        assert len(person.app.screen_stack) == 1

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work)


def test_a_provisional_run_counts_down_and_is_confirmed(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        assert "provisional" in person.screen_text
        await confirm(person)
        await person.until(lambda: "left to confirm" in person.screen_text)
        await person.press("c")
        await person.until(lambda: "was confirmed" in person.screen_text)
        assert world.ledger.runs()[0].state == "confirmed"

    with contoso_world(tmp_path) as world:
        drive(session_of(world, confirm_within=dt.timedelta(minutes=10)), work)


def test_a_provisional_run_nobody_confirms_is_undone(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        await confirm(person)
        await person.until(lambda: "rolled back" in person.screen_text)
        assert world.rules() == []

    with contoso_world(tmp_path) as world:
        drive(session_of(world, confirm_within=dt.timedelta(seconds=2)), work)


def test_whoever_leaves_a_provisional_run_leaves_a_process_that_undoes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, left = list[Access](), list[str]()

    def sit_down(access: Access) -> int:
        opened.append(access)
        return 0

    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        await confirm(person)
        await person.until(lambda: "also when this screen is closed" in person.screen_text)
        (parting,) = (text for text in person.app.parting_words if "process " in text)
        left.append(parting.partition("process ")[2].split()[0])
        assert left[0] in person.screen_text

    monkeypatch.setattr("allowlist.cli.review.show", sit_down)
    with contoso_world(tmp_path) as world:
        azure = ("--arm-endpoint", world.running.url, "--credential", "none", "--workload", world.workload)
        where = ("--ledger", f"sqlite:///{tmp_path}/ledger.db", "--confirm-within", "6s")
        assert run("review", *azure, *where).code == 0
        drive(ReviewSession(opened[0]), work)
        os.waitid(os.P_PID, int(left[0]), os.WEXITED | os.WNOWAIT)
        undone = next(run for run in world.ledger.runs() if run.kind == "apply")
        assert undone.state == "rolled-back"
        assert world.rules() == []


def test_what_the_screen_says_to_run_next_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a ledger of its own and another Azure than the cloud's, as the command line that opened it was given."""
    opened: list[Access] = []
    told: list[str] = []

    def sit_down(access: Access) -> int:
        opened.append(access)
        return 0

    monkeypatch.setattr("allowlist.cli.review.show", sit_down)

    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        await confirm(person)
        await person.until(over(person))
        await person.rest()
        assert "go on with: allowlist apply --resume" in person.screen_text
        told.extend(person.app.parting_words)

    monkeypatch.chdir(tmp_path)
    with contoso_world(tmp_path) as world:
        azure = ("--arm-endpoint", world.running.url, "--credential", "none", "--workload", world.workload)
        where = ("--ledger", f"sqlite:///{tmp_path}/other.db")
        world.simulator.inject("PUT:ruleCollectionGroups:operation-fails")
        assert run("review", *azure, *where).code == 0
        assert opened[0].as_printed("allowlist history").endswith(f"--ledger sqlite:///{tmp_path}/other.db")
        drive(ReviewSession(opened[0]), work)
        world.simulator.faults.clear()
        (resuming,) = hints.commands_in("\n".join(map(opened[0].as_printed, told)))
        resumed = run(*shlex.split(resuming))
        assert resumed.code == 0, resumed.err


def test_leaving_while_it_runs_ends_it_between_two_steps(tmp_path: Path) -> None:
    sessions: list[Any] = []

    async def work(person: Person) -> None:
        await approve_two(person)
        await person.press("A")
        await confirm(person)
        await person.until(lambda: isinstance(person.app.screen, ApplyScreen))
        sessions.append(person.app)
        await person.pilot.press("ctrl+q")

    with contoso_world(tmp_path) as world:
        drive(session_of(world), work)
        for thread in sessions[0].writing:
            thread.join(20)
        (run,) = world.ledger.runs()
        assert run.state in ("interrupted", "succeeded", "failed")
        assert not any(thread.is_alive() for thread in sessions[0].writing)


def test_a_change_stands_on_one_line_of_a_run_whatever_its_step_is_called(tmp_path: Path) -> None:
    async def watch(person: Person) -> None:
        changes = person.review.plan.changes[:3]
        steps = (StepView(target="hub", step="planned", changes=changes, expected=4),)
        screen = Waiting(person.main.session, "applying", steps)
        person.app.push_screen(screen)
        await person.rest()
        first = changes[0]
        event = ProgressEvent(target="hub", step="batch", state="verified", text="", changes=(first.id,))
        screen.show_event(event, now())
        await person.rest()
        text = person.screen_text
        assert text.count(first.operation.after["targetFqdns"][0] if first.operation.after else "") == 1
        assert "○ next" in text
        end.set()
        await person.until(lambda: screen.is_over)
        await person.rest()
        assert "○ next" not in person.screen_text, "nothing comes next when it is over"
        assert "· not done" in person.screen_text

    class Waiting(RunScreen):
        def work(self) -> RunResult:
            end.wait(60)
            return RunResult("20261124-120000-abcdef")

    end = threading.Event()
    drive(offline_session(tmp_path), watch)
