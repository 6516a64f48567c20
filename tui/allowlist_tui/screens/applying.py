"""A run while it happens: every step with its state and time, then how it ended and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen

from allowlist.apply.events import ProgressEvent
from allowlist.apply.result import RunResult
from allowlist.apply.stopping import Stop
from allowlist.plan.model import Change
from allowlist.store import Run
from allowlist.workflow.confirming import time_left
from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.host import Host, host_of
from allowlist_tui.look import ACTIONS, STEPS, Line, Piece
from allowlist_tui.outcome import go_on, result_lines
from allowlist_tui.screens.dialogs import Typed
from allowlist_tui.text import safe
from allowlist_tui.why import title_of
from allowlist_tui.widgets.bars import HintBar, TopBar, hints_of
from allowlist_tui.widgets.lines import PlainTable
from allowlist_tui.widgets.words import Words

_COLUMNS = (("state", 13), ("target and step", 0), ("time", 22))
_ENDED = ("verified", "failed", "unknown", "reverted")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One line of the table. ``expected`` is minutes, 0 where nothing is known."""

    target: str
    step: str
    state: str = "intended"
    text: str = ""
    changes: tuple[Change, ...] = ()
    begun: datetime | None = None
    ended: datetime | None = None
    expected: float = 0


class RunScreen(Screen[None]):
    """Shows a run. Subclasses say what is run and what may be done afterwards."""

    DEFAULT_CSS = """
    RunScreen {
        overflow: hidden;
        & PlainTable { height: 1fr; border: round $line; border-title-color: $quiet; }
        & #result { height: auto; max-height: 12; padding: 0 1; border: round $line; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", id="leave-run", tooltip="back to the review, once it has ended"),
        Binding(
            "x",
            "stop",
            "stop",
            id="stop-run",
            tooltip="end the run after the step in flight; again to leave that step to Azure; it can be resumed",
        ),
    ]

    class Happened(Message):
        """A worker tells what happened, with the moment."""

        def __init__(self, event: ProgressEvent, at: datetime) -> None:
            super().__init__()
            self.event = event
            self.at = at

    def __init__(self, session: ReviewSession, title: str, steps: tuple[StepView, ...] = ()) -> None:
        super().__init__()
        self.session = session
        self._title = title
        self._steps = {(step.target, step.step): step for step in steps}
        self._begun = session.now()
        self.run_id = ""
        self.is_over = False
        self.stop = Stop()

    @property
    def host(self) -> Host:
        return host_of(self.app)

    def compose(self) -> ComposeResult:
        yield TopBar()
        table = PlainTable(_COLUMNS, empty="getting ready …")
        table.border_title = Content(safe(self._title))
        yield table
        yield Words(id="result")
        yield HintBar()

    def on_mount(self) -> None:
        self.query_one(PlainTable).focus()
        self.host.stops.append(self.stop)
        self.set_interval(1.0, self.tick)
        self.tick()
        self.tell([(("working; nothing has to be done here", "muted"),)])
        self.host.slow(self, self.work, self.ended, failed=self.failed, group="run", writes=True)

    # what a subclass gives

    def work(self) -> RunResult:
        """Carry it out. Runs in a worker."""
        raise NotImplementedError

    def why_not(self, action: str) -> str:
        """Why a key does nothing now."""
        match action:
            case "leave":
                return "" if self.is_over else "it is running"
            case "stop" if self.is_over:
                return "it has ended"
            case "stop" if self.stop.at_once:
                return "it is leaving; what was sent goes on in Azure"
        return ""

    # what happens

    def watch_run(self, event: ProgressEvent) -> None:
        """From any thread: something happened."""
        self.post_message(self.Happened(event, self.session.now()))

    def on_run_screen_happened(self, message: Happened) -> None:
        self.show_event(message.event, message.at)

    def show_event(self, event: ProgressEvent, at: datetime) -> None:
        if event.step == "read":
            self.query_one(TopBar).tell(f"{event.target}: {event.text}")
            return
        key = (event.target, event.step)
        self._give(key, event.changes)
        step = self._steps.get(key) or StepView(target=event.target, step=event.step)
        text = event.text.removeprefix(f"{event.step}: ")
        state = step.state if event.state not in STEPS else event.state
        self._steps[key] = replace(
            step,
            state=state,
            text="" if text == event.state else text,
            begun=step.begun or at,
            ended=at if state in _ENDED else None,
            expected=event.expected or step.expected,
        )
        self.tick()

    def _give(self, key: tuple[str, str], ids: tuple[str, ...]) -> None:
        """What this step writes stands on its line and on no other: one state for one change."""
        taken = [change for step in self._steps.values() for change in step.changes if change.id in ids]
        if not taken:
            return
        for place, step in list(self._steps.items()):
            left = tuple(change for change in step.changes if change.id not in ids)
            if len(left) == len(step.changes) or place == key:
                continue
            if left or step.begun:
                self._steps[place] = replace(step, changes=left)
            else:
                del self._steps[place]
        step = self._steps.get(key) or StepView(target=key[0], step=key[1])
        kept = [change for change in step.changes if change.id not in ids]
        self._steps[key] = replace(step, changes=(*kept, *taken))

    def ended(self, result: RunResult) -> None:
        self.is_over, self.run_id = True, result.run_id
        if not result.is_complete:
            self.host.parting_words = [go_on(result)]
        self.tick()
        self.tell(result_lines(result, self.session.as_printed))
        self.after()

    def failed(self, reason: str) -> None:
        self.is_over = True
        self.tell(
            [
                (("✗ ", "bad"), (safe(line), "bad")) if not number else ((f"  {safe(line)}", "muted"),)
                for number, line in enumerate(reason.splitlines())
            ]
        )
        self.tick()

    def after(self) -> None:
        """The run has ended well or badly, and its result stands there."""

    def tell(self, lines: list[Line]) -> None:
        self.query_one("#result", Words).say(lines)

    def tick(self) -> None:
        """Times go on."""
        now = self.session.now()
        steps = [_at_the_end(step) if self.is_over else step for step in self._steps.values()]
        self.query_one(PlainTable).show([row for step in steps for row in _rows(step, now)])
        if not self.is_over:
            self.query_one(TopBar).tell(f"{self._title}  {_clock(now - self._begun)}")
        else:
            self.query_one(TopBar).tell(f"{self._title}  ended")
        self.query_one(HintBar).show(hints_of(self))

    def action_stop(self) -> None:
        """As Ctrl-C does on the command line: once after the step in flight, twice at the next safe point."""
        if reason := self.why_not("stop"):
            self.host.refuse(reason)
            return
        self.stop.ask()
        again = "leaving at the next safe point; what was sent goes on in Azure"
        once = (
            "stopping after the step in flight, x again leaves that to Azure; what is not done can be resumed"
        )
        self.tell([((again if self.stop.at_once else once, "warn"),)])
        self.tick()

    def action_leave(self) -> None:
        if self.is_over:
            self.dismiss(None)
        else:
            self.host.refuse(self.why_not("leave"))


class RollbackScreen(RunScreen):
    """The rollback of a run."""

    def __init__(self, session: ReviewSession, run_id: str) -> None:
        super().__init__(session, f"rolling back {run_id}")
        self._undone = run_id

    def work(self) -> RunResult:
        return self.session.roll_back(self._undone, self.watch_run, self.stop)


class ApplyScreen(RunScreen):
    """The approved part of a plan being applied; it can be stopped between steps, confirmed, and undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "confirm", "confirm", id="confirm-run", tooltip="make a provisional run final"),
        Binding("r", "roll_back", "roll back", id="undo-run", tooltip="undo what was written, verified"),
    ]

    def __init__(self, session: ReviewSession, review: Review) -> None:
        super().__init__(session, f"applying {review.plan.workload}", _planned_steps(review))
        self.review = review
        self.provisional: Run | None = None
        self._watcher = ""
        self._undoing = False

    def work(self) -> RunResult:
        return self.session.apply(self.review, self.watch_run, self.stop)

    def why_not(self, action: str) -> str:
        match action:
            case "confirm":
                return "" if self.provisional else "nothing is provisional"
            case "roll_back":
                return "" if self.is_over and self.run_id else "nothing was written yet"
        return super().why_not(action)

    def after(self) -> None:
        if self.session.confirm_within is not None:
            self.host.slow(self, self._watched_run, self._maybe_provisional, group="run")

    def _watched_run(self) -> tuple[Run, str]:
        """The run, and who undoes it unless it is confirmed; empty for this screen."""
        run = self.session.run(self.run_id)
        return run, self.session.leave_watcher(run.run_id) if run.state == "provisional" else ""

    def _maybe_provisional(self, found: tuple[Run, str]) -> None:
        run, self._watcher = found
        self.provisional = run if run.state == "provisional" else None
        if self.provisional is not None:
            who = f"unless it is confirmed, {self._watcher} undoes it" if self._watcher else ""
            keep = f"run {run.run_id} is provisional: allowlist confirm {run.run_id}"
            self.host.parting_words = [line for line in (who, keep) if line]
        self.tick()

    def tick(self) -> None:
        super().tick()
        if self.provisional is None:
            return
        left = time_left(self.provisional, self.session.now())
        if left > timedelta() or self._watcher:
            confirming = self.session.as_printed(f"allowlist confirm {self.provisional.run_id}")
            self.tell(_provisional_lines(confirming, left, self._watcher))
            self.host.slow(
                self,
                lambda: self.session.run(self.run_id),
                self._still,
                group="confirm",
                exclusive=True,
                failed=lambda _: None,
            )
        else:
            self.provisional = None
            self._undo("not confirmed in time: rolling back")

    def _still(self, run: Run) -> None:
        """Somebody else may have confirmed it, or undone it."""
        if self.provisional is not None and run.state == "confirmed":
            self._confirmed(run)
        elif self.provisional is not None and run.state == "rolled-back":
            self.provisional = None
            self.host.parting_words = []
            self.tell([(("✓ rolled back", "good"), (f"  {self._watcher} undid run {run.run_id}", "plain"))])
            self.tick()

    def action_confirm(self) -> None:
        if reason := self.why_not("confirm"):
            self.host.refuse(reason)
        else:
            self.host.slow(
                self, lambda: self.session.confirm(self.run_id), self._confirmed, group="run", writes=True
            )

    def _confirmed(self, run: Run) -> None:
        self.provisional = None
        self.host.parting_words = []
        self.tell([(("✓ final", "good"), (f"  run {run.run_id} was confirmed", "plain"))])
        self.tick()

    def action_roll_back(self) -> None:
        if reason := self.why_not("roll_back"):
            self.host.refuse(reason)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.provisional = None
                self._undo("rolling back")

        targets = tuple(dict.fromkeys(step.target for step in self._steps.values()))
        name = targets[0] if len(targets) == 1 else self.review.plan.workload
        lines: tuple[Line, ...] = ((("what this run wrote is undone and verified", "plain"),),)
        self.host.push_screen(Typed(f"roll back {self.run_id}", lines, name, "Roll back"), answered)

    def _undo(self, text: str) -> None:
        self.is_over = False
        self.stop = Stop()
        self.host.stops.append(self.stop)
        self.tell([((text, "warn"),)])
        self.host.slow(
            self,
            lambda: self.session.roll_back(self.run_id, self.watch_run, self.stop),
            self._undone,
            failed=self.failed,
            group="run",
            writes=True,
        )

    def _undone(self, result: RunResult) -> None:
        self.is_over = True
        if not result.is_complete:
            self.run_id = result.run_id
            self.tell(result_lines(result, self.session.as_printed))
            self.tick()
            return
        self.host.parting_words = []
        self.run_id = ""
        self.tell(
            [(("✓ rolled back", "good"), (f"  run {result.run_id}: {result.summary()}, verified", "plain"))]
        )
        self.tick()


def _planned_steps(review: Review) -> tuple[StepView, ...]:
    approved = [change for change in review.plan.changes if review.state(change.id) == "approved"]
    found: dict[tuple[str, str], list[Change]] = {}
    for change in approved:
        found.setdefault((change.target, _last(change.operation.resource)), []).append(change)
    minutes = {target.name: target.minutes for target in review.plan.targets}
    return tuple(
        StepView(target=target, step=step, changes=tuple(changes), expected=minutes.get(target, 0))
        for (target, step), changes in found.items()
    )


def _at_the_end(step: StepView) -> StepView:
    """What was not begun when the run ended does not come next any more."""
    return replace(step, state="left", expected=0) if step.state == "intended" and not step.begun else step


def _last(resource: str) -> str:
    return resource.rstrip("/").rpartition("/")[2]


def _rows(step: StepView, now: datetime) -> Iterator[tuple[Piece, ...]]:
    glyph, word, tone = STEPS[step.state]
    yield (
        (f"{glyph} {word}", tone),
        (f"{safe(step.target)}  {safe(step.step)}", "title"),
        (_time(step, now), "muted"),
    )
    if step.text:
        yield _below((f"  {safe(step.text)}", "warn"))
    for change in step.changes:
        sign, colour = ACTIONS[change.operation.action]
        yield _below((f"  {sign} {safe(title_of(change))}", colour if step.state == "verified" else "muted"))


def _below(piece: Piece) -> tuple[Piece, ...]:
    return (("", "plain"), piece, ("", "plain"))


def _time(step: StepView, now: datetime) -> str:
    expected = f"about {step.expected:g} min" if step.expected else ""
    if step.begun is None:
        return expected
    elapsed = _clock((step.ended or now) - step.begun)
    return f"{elapsed} / {expected}" if expected and step.ended is None else elapsed


def _clock(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


def _provisional_lines(confirming: str, left: timedelta, watcher: str) -> list[Line]:
    who = f"also when this screen is closed: {watcher} undoes it" if watcher else ""
    return [
        (
            ("◷ provisional  ", "warn"),
            (_clock(left), "title"),
            (" left to confirm with c, else it is undone", "plain"),
        ),
        ((f"elsewhere: {safe(confirming)}", "muted"),),
        *([((who, "muted"),)] if who else []),
    ]
