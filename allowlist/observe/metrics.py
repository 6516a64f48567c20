"""Metrics of scheduled runs in Prometheus' text format: a file for the textfile collector, or ``/metrics``.

A run is a process of its own, so counters go on from what the file said before, and the moment of the last success
outlives a failed run. Without that file they begin at zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from allowlist.documents.source import refuse_pipes_and_devices
from allowlist.errors import AllowlistError, InvalidInput

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMeters:
    """What is measured of one target in one run. Of one that ``failed`` nothing else is known, and nothing else is told."""

    workload: str
    target: str
    pending: int
    missing: int
    concerns: int
    drifted: int
    applied: int
    failed: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeters:
    """What is measured of the run as a whole. ``finished`` is Unix time; ``requests`` count by subscription and method."""

    finished: float
    seconds: float
    exit_code: int
    requests: Mapping[tuple[str, str], int]
    waited: float
    notifications: Mapping[tuple[str, str], int]


_TARGET: Final = ("workload", "target")
_LAST_SUCCESS: Final = "allowlist_last_success_timestamp_seconds"


class Metrics:
    """The metrics of one run; ``before`` is the text of an earlier run, from which counters go on."""

    def __init__(self, before: str = "") -> None:
        from prometheus_client import CollectorRegistry, disable_created_metrics

        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: CollectorRegistry = CollectorRegistry()
        self._declare_gauges()
        self._declare_counters()
        self._succeeded_before: dict[str, float] = {}
        self._go_on_from(before)

    def _declare_gauges(self) -> None:
        from prometheus_client import Gauge

        gauge = partial(Gauge, registry=self.registry)
        self._last_success = gauge(
            _LAST_SUCCESS, "When a run last ended without a failed target, in Unix time.", ["workload"]
        )
        self._last_run = gauge(
            "allowlist_last_run_timestamp_seconds", "When a run last ended at all, in Unix time."
        )
        self._exit_code = gauge(
            "allowlist_run_exit_code", "Exit code of the last run; 2 says that something is pending."
        )
        self._run_seconds = gauge("allowlist_run_seconds", "How long the last run took, in seconds.")
        self._pending = gauge(
            "allowlist_pending_changes", "Changes that wait for people, a window or a gate.", _TARGET
        )
        self._missing = gauge(
            "allowlist_missing_requirements", "Requirements that are not covered after the run.", _TARGET
        )
        self._concerns = gauge(
            "allowlist_open_findings",
            "What else is not as it should be after the run: states, rules of ours, what was not read.",
            _TARGET,
        )
        self._drifted = gauge("allowlist_drifted_rules", "Rules of ours that somebody else changed.", _TARGET)
        self._failed = gauge("allowlist_target_failed", "1 when the target's pass failed.", _TARGET)
        self._target_seconds = gauge(
            "allowlist_target_seconds", "How long the target took, reading included, in seconds.", _TARGET
        )
        self._apply_seconds = gauge(
            "allowlist_apply_seconds", "The same for a target that was written to and verified.", _TARGET
        )

    def _declare_counters(self) -> None:
        from prometheus_client import Counter

        counter = partial(Counter, registry=self.registry)
        self._applied = counter("allowlist_applied_changes_total", "Changes applied and verified.", _TARGET)
        self._runs = counter("allowlist_runs_total", "Runs, by exit code.", ["exit_code"])
        self._requests = counter(
            "allowlist_arm_requests_total", "Requests to Azure Resource Manager.", ["subscription", "method"]
        )
        self._waited = counter(
            "allowlist_arm_wait_seconds_total",
            "Time spent waiting because Azure throttled or did not answer, in seconds.",
        )
        self._notifications = counter(
            "allowlist_notifications_total",
            "Messages, by channel and result (sent, failed).",
            ["channel", "result"],
        )

    def target(self, seen: TargetMeters) -> None:
        """Take in one target, as soon as it is done."""
        labels = (seen.workload, seen.target)
        if not seen.failed:
            self._pending.labels(*labels).set(seen.pending)
            self._missing.labels(*labels).set(seen.missing)
            self._concerns.labels(*labels).set(seen.concerns)
            self._drifted.labels(*labels).set(seen.drifted)
        self._failed.labels(*labels).set(int(seen.failed))
        self._target_seconds.labels(*labels).set(seen.seconds)
        if seen.applied:
            self._apply_seconds.labels(*labels).set(seen.seconds)
            self._applied.labels(*labels).inc(seen.applied)

    def run(self, seen: RunMeters, targets: Sequence[TargetMeters]) -> None:
        """Take in the run, at its end."""
        self._last_run.set(seen.finished)
        self._run_seconds.set(seen.seconds)
        self._exit_code.set(seen.exit_code)
        self._runs.labels(str(seen.exit_code)).inc()
        self._waited.inc(seen.waited)
        for request, count in seen.requests.items():
            self._requests.labels(*request).inc(count)
        for message, count in seen.notifications.items():
            self._notifications.labels(*message).inc(count)
        failed = {item.workload for item in targets if item.failed}
        for workload in dict.fromkeys(item.workload for item in targets):
            moment = self._succeeded_before.get(workload) if workload in failed else seen.finished
            if moment is not None:
                self._last_success.labels(workload).set(moment)

    def text(self) -> str:
        from prometheus_client import generate_latest

        return generate_latest(self.registry).decode()

    def write(self, path: Path) -> None:
        """Replace the file at once, so that no collector reads half of it. Raises AllowlistError."""
        from prometheus_client import write_to_textfile

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_to_textfile(str(path), self.registry)
        except OSError as error:
            raise AllowlistError(f"could not write {path}: {error.strerror}") from None

    @contextmanager
    def served(self, port: int) -> Iterator[int]:
        """``/metrics`` on this port of every address while the with-block runs; the port, for 0 a free one.

        Raises AllowlistError when the port cannot be had.
        """
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(port, registry=self.registry)
        except OSError as error:
            raise AllowlistError(
                f"could not serve metrics on port {port}: {error.strerror}",
                hint="choose another --metrics-port",
            ) from None
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _go_on_from(self, before: str) -> None:
        """Lines of somebody else's metrics, and of other labels than these have, are passed over."""
        from prometheus_client.parser import text_string_to_metric_families

        counters = (self._applied, self._runs, self._requests, self._waited, self._notifications)
        known = {family.name: counter for counter in counters for family in counter.collect()}
        for family in text_string_to_metric_families(before):
            for sample in family.samples:
                if family.name in known:
                    with suppress(ValueError):
                        counter = known[family.name]
                        (counter.labels(**sample.labels) if sample.labels else counter).inc(sample.value)
                elif sample.name == _LAST_SUCCESS and sample.labels.keys() == {"workload"}:
                    self._succeeded_before[sample.labels["workload"]] = sample.value


def metrics_before(path: Path) -> str:
    """What an earlier run wrote to ``path``; empty for none. Raises InvalidInput for a file of somebody else."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        refuse_pipes_and_devices(path)
        text = path.read_text("utf-8")
        names = [family.name for family in text_string_to_metric_families(text)]
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        names = []
    if not any(name.startswith("allowlist_") for name in names):
        raise InvalidInput.of(
            path,
            "is not a metrics file of allowlist, so it is not overwritten",
            hint="give another --metrics-file",
        )
    return text
