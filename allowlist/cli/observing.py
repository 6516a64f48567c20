"""What a scheduled run shows of itself: narration, messages, metrics; the options for it, and who watches."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import now
from allowlist.cli.console import plain, say

if TYPE_CHECKING:
    from allowlist.notify.sending import Delivery
    from allowlist.observe.metrics import Metrics, TargetMeters
    from allowlist.store import Ledger
    from allowlist.workflow.project import Project
    from allowlist.workflow.syncing.outcome import Outcome

metrics_file_option = click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALLOWLIST_METRICS_FILE",
    help="Write metrics for Prometheus' textfile collector; counters go on from what it holds.",
)

metrics_port_option = click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    envvar="ALLOWLIST_METRICS_PORT",
    help="Serve /metrics on this port while the run lasts.",
)


class Observer:
    """Watches a run: narrates it on stderr, measures it, and gathers its news. Called from several threads."""

    def __init__(
        self, ledger: Ledger, metrics: Metrics | None, metrics_file: Path | None, unsaid: frozenset[str]
    ) -> None:
        from allowlist.workflow.syncing.news import Newsroom

        self._room = Newsroom(ledger, now)
        self._metrics = metrics
        self._file = metrics_file
        self._unsaid = unsaid
        self._begun = time.monotonic()

    def workload(self, project: Project, file: Path) -> None:
        self._room.workload(project, file)

    def outcome(self, outcome: Outcome) -> None:
        from allowlist.render.sync import outcome_text

        if outcome.state not in self._unsaid:
            _narrate(outcome, outcome_text(outcome))
        if self._metrics:
            self._metrics.target(_meters(outcome))
        self._room.outcome(outcome)

    def tell(self, who: str, run: str) -> tuple[Delivery, ...]:
        """Send the news; a channel that fails is told here and fails nothing."""
        deliveries = self._room.tell(who, run, os.environ, time.sleep)
        for item in deliveries:
            if item.error:
                say(f"could not tell {item.channel}: {item.error}; the next run tries again", "warning")
        return deliveries

    def measure(
        self,
        outcomes: Sequence[Outcome],
        deliveries: Sequence[Delivery],
        requests: Mapping[tuple[str, str], int],
        waited: float,
        code: int,
    ) -> None:
        """Finish the metrics and write their file; one that cannot be written is told and fails nothing."""
        if self._metrics is None:
            return
        from allowlist.errors import AllowlistError
        from allowlist.observe.metrics import RunMeters

        counts: dict[tuple[str, str], int] = {}
        for item in deliveries:
            key = (item.kind, "failed" if item.error else "sent")
            counts[key] = counts.get(key, 0) + 1
        seen = RunMeters(
            finished=now().timestamp(),
            seconds=time.monotonic() - self._begun,
            exit_code=code,
            requests=requests,
            waited=waited,
            notifications=counts,
        )
        self._metrics.run(seen, [_meters(outcome) for outcome in outcomes])
        try:
            if self._file:
                self._metrics.write(self._file)
        except AllowlistError as error:
            say(str(error), "warning")


@contextmanager
def observed(
    ledger: Ledger, metrics_file: Path | None, metrics_port: int | None, *, quiet: bool
) -> Iterator[Observer]:
    """An observer for one run. Raises AllowlistError, before anything is done, for a file or port it cannot use."""
    unsaid = frozenset({"in sync", "pending"} if quiet else {"in sync"})
    if metrics_file is None and metrics_port is None:
        yield Observer(ledger, None, None, unsaid)
        return
    from allowlist.observe.metrics import Metrics, metrics_before

    metrics = Metrics(metrics_before(metrics_file) if metrics_file else "")
    with ExitStack() as stack:
        if metrics_port is not None:
            stack.enter_context(metrics.served(metrics_port))
        yield Observer(ledger, metrics, metrics_file, unsaid)


def _narrate(outcome: Outcome, text: str) -> None:
    say(
        plain(text),
        "error" if outcome.state == "failed" else "info",
        workload=outcome.workload,
        target=outcome.target,
        state=outcome.state,
        exit_code=outcome.code,
        run_id=outcome.run_id,
        hint=outcome.hint,
    )


def _meters(outcome: Outcome) -> TargetMeters:
    from allowlist.observe.metrics import TargetMeters

    return TargetMeters(
        workload=outcome.workload,
        target=outcome.target,
        pending=outcome.waiting,
        missing=outcome.missing,
        concerns=outcome.concerns,
        drifted=len(outcome.drift),
        applied=outcome.applied,
        failed=outcome.state == "failed",
        seconds=outcome.seconds,
    )
