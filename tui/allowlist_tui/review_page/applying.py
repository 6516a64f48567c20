"""The run that the page has under way: one at a time, carried out as whoever began it, seen by everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allowlist.apply.events import OnEvent, ProgressEvent
from allowlist.apply.result import RunResult
from allowlist.apply.stopping import Stop
from allowlist.errors import AllowlistError
from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.look import text_of
from allowlist_tui.outcome import result_lines
from allowlist_tui.slow import words_of

Apply = Callable[[Review, OnEvent, Stop], RunResult]


@dataclass(slots=True)
class _Run:
    by: str
    stop: Stop
    steps: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    is_over: bool = False
    wrote: bool = False
    text: str = "getting ready"


class Applying:
    """Carries out what is approved. Every method may be called from any thread."""

    def __init__(self, session: ReviewSession) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None

    def why_not(self, review: Review) -> str:
        """Why nothing can be applied now; empty when something can."""
        run = self._run
        if run is not None and not run.is_over:
            return f"{run.by} is applying"
        if run is not None and run.wrote:
            return "this plan was applied; make a new one: allowlist plan"
        return self._session.why_not_apply(review)

    def begin(self, review: Review) -> None:
        """Begin to apply what is approved. Raises AllowlistError where that cannot be."""
        with self._lock:
            if reason := self.why_not(review):
                raise AllowlistError(reason, hint="nothing was written")
            self._run = run = _Run(by=review.who.who, stop=Stop())
            self._thread = threading.Thread(target=self._carry_out, args=(run, review), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """The first time after the step in flight, the second time at the next safe point."""
        run = self._run
        if run is None or run.is_over:
            raise AllowlistError("nothing is being applied", hint="nothing was stopped")
        run.stop.ask()

    def view(self) -> dict[str, Any] | None:
        """The run as the page shows it; None before the first."""
        run = self._run
        if run is None:
            return None
        with self._lock:
            steps = [dict(step) for step in run.steps.values()]
        asked = not run.is_over and run.stop.asked()
        text = "stopping after the step in flight" if asked else run.text
        return {"by": run.by, "over": run.is_over, "steps": steps, "text": text}

    def finish(self) -> str:
        """For a server that leaves: end after the step in flight, wait for it, and say how it ended."""
        run, thread = self._run, self._thread
        if run is None or thread is None:
            return ""
        if not run.is_over:
            run.stop.ask()
        thread.join()
        return run.text

    def _carry_out(self, run: _Run, review: Review) -> None:
        try:
            result = self._session.apply(review, lambda event: self._seen(run, event), run.stop)
            run.wrote = result.wrote_something
            undo = self._session.as_printed(f"taken back by: allowlist rollback {result.run_id}")
            lines = result_lines(result, self._session.as_printed, undo)
            told = [text_of(lines), self._provisional(result)]
            run.text = "\n".join(text for text in told if text)
        except Exception as error:
            run.text = words_of(error)
        finally:
            run.is_over = True

    def _seen(self, run: _Run, event: ProgressEvent) -> None:
        with self._lock:
            if event.step == "read":
                run.text = f"{event.target}: {event.text}"
                return
            run.text = "applying"
            step = {"target": event.target, "step": event.step, "state": event.state, "text": event.text}
            run.steps[(event.target, event.step)] = step

    def _provisional(self, result: RunResult) -> str:
        """Who undoes a run that has to be confirmed, and how it is confirmed."""
        if self._session.confirm_within is None or not result.run_id:
            return ""
        run = self._session.run(result.run_id)
        if run.state != "provisional":
            return ""
        watcher = self._session.leave_watcher(run.run_id)
        keep = self._session.as_printed(f"allowlist confirm {run.run_id}")
        return f"provisional: keep it with {keep}" + (f"; else {watcher} undoes it" if watcher else "")
