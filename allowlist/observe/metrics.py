"""Metrics of scheduled runs in Prometheus' text format: a file for the textfile collector, or ``/metrics``.

A run is a process of its own, so counters go on from what the file said before, and the moment of the last success
outlives a failed run. Without that file they begin at zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from allowlist.errors import AllowlistError, InvalidInput

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric as it is documented and registered."""

    name: str
    kind: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    text: str


_TARGET = ("workload", "target")

METRICS: Final = (
    Metric(
        name="allowlist_last_success_timestamp_seconds",
        kind="gauge",
        labels=("workload",),
        text="When a run last ended without a failed target, in Unix time.",
    ),
    Metric(
        name="allowlist_last_run_timestamp_seconds",
        kind="gauge",
        labels=(),
        text="When a run last ended at all, in Unix time.",
    ),
    Metric(
        name="allowlist_run_exit_code",
        kind="gauge",
        labels=(),
        text="Exit code of the last run; 2 says that something is pending.",
    ),
    Metric(
        name="allowlist_run_seconds", kind="gauge", labels=(), text="How long the last run took, in seconds."
    ),
    Metric(
        name="allowlist_pending_changes",
        kind="gauge",
        labels=_TARGET,
        text="Changes that wait for people, a window or a gate.",
    ),
    Metric(
        name="allowlist_missing_requirements",
        kind="gauge",
        labels=_TARGET,
        text="Requirements that are not covered after the run.",
    ),
    Metric(
        name="allowlist_drifted_rules",
        kind="gauge",
        labels=_TARGET,
        text="Rules of ours that somebody else changed.",
    ),
    Metric(
        name="allowlist_target_failed", kind="gauge", labels=_TARGET, text="1 when the target's pass failed."
    ),
    Metric(
        name="allowlist_target_seconds",
        kind="gauge",
        labels=_TARGET,
        text="How long the target took, reading included, in seconds.",
    ),
    Metric(
        name="allowlist_apply_seconds",
        kind="gauge",
        labels=_TARGET,
        text="The same for a target that was written to and verified.",
    ),
    Metric(
        name="allowlist_applied_changes_total",
        kind="counter",
        labels=_TARGET,
        text="Changes applied and verified.",
    ),
    Metric(name="allowlist_runs_total", kind="counter", labels=("exit_code",), text="Runs, by exit code."),
    Metric(
        name="allowlist_arm_requests_total",
        kind="counter",
        labels=("subscription", "method"),
        text="Requests to Azure Resource Manager.",
    ),
    Metric(
        name="allowlist_arm_wait_seconds_total",
        kind="counter",
        labels=(),
        text="Time spent waiting because Azure throttled or did not answer, in seconds.",
    ),
    Metric(
        name="allowlist_notifications_total",
        kind="counter",
        labels=("channel", "result"),
        text="Messages, by channel and result (sent, failed).",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMeters:
    """What is measured of one target in one run."""

    workload: str
    target: str
    pending: int
    missing: int
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


class Metrics:
    """The metrics of one run; ``before`` is the text of an earlier run, from which counters go on."""

    def __init__(self, before: str = "") -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: CollectorRegistry = CollectorRegistry()
        kinds: dict[str, Any] = {"gauge": Gauge, "counter": Counter}
        self._all: dict[str, Any] = {
            item.name: kinds[item.kind](item.name, item.text, item.labels, registry=self.registry)
            for item in METRICS
        }
        self._succeeded_before: dict[str, float] = {}
        self._go_on_from(before)

    def target(self, seen: TargetMeters) -> None:
        """Take in one target, as soon as it is done."""
        labels = (seen.workload, seen.target)
        self._set("allowlist_pending_changes", seen.pending, *labels)
        self._set("allowlist_missing_requirements", seen.missing, *labels)
        self._set("allowlist_drifted_rules", seen.drifted, *labels)
        self._set("allowlist_target_failed", int(seen.failed), *labels)
        self._set("allowlist_target_seconds", seen.seconds, *labels)
        if seen.applied:
            self._set("allowlist_apply_seconds", seen.seconds, *labels)
            self._add("allowlist_applied_changes_total", seen.applied, *labels)

    def run(self, seen: RunMeters, targets: Sequence[TargetMeters]) -> None:
        """Take in the run, at its end."""
        self._set("allowlist_last_run_timestamp_seconds", seen.finished)
        self._set("allowlist_run_seconds", seen.seconds)
        self._set("allowlist_run_exit_code", seen.exit_code)
        self._add("allowlist_runs_total", 1, str(seen.exit_code))
        self._add("allowlist_arm_wait_seconds_total", seen.waited)
        for (subscription, method), count in seen.requests.items():
            self._add("allowlist_arm_requests_total", count, subscription, method)
        for (channel, result), count in seen.notifications.items():
            self._add("allowlist_notifications_total", count, channel, result)
        failed = {item.workload for item in targets if item.failed}
        for workload in dict.fromkeys(item.workload for item in targets):
            moment = self._succeeded_before.get(workload) if workload in failed else seen.finished
            if moment is not None:
                self._set("allowlist_last_success_timestamp_seconds", moment, workload)

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

    def _set(self, name: str, value: float, *labels: str) -> None:
        self._labelled(name, labels).set(value)

    def _add(self, name: str, value: float, *labels: str) -> None:
        self._labelled(name, labels).inc(value)

    def _labelled(self, name: str, labels: tuple[str, ...]) -> Any:
        metric = self._all[name]
        return metric.labels(*labels) if labels else metric

    def _go_on_from(self, before: str) -> None:
        from prometheus_client.parser import text_string_to_metric_families

        known = {item.name: item for item in METRICS}
        for family in text_string_to_metric_families(before):
            for sample in family.samples:
                metric = known.get(sample.name)
                if metric is None or set(metric.labels) != set(sample.labels):
                    continue
                if metric.kind == "counter":
                    self._add(metric.name, sample.value, *(sample.labels[name] for name in metric.labels))
                elif metric.name == "allowlist_last_success_timestamp_seconds":
                    self._succeeded_before[sample.labels["workload"]] = sample.value


def metrics_before(path: Path) -> str:
    """What an earlier run wrote to ``path``; empty for none. Raises InvalidInput for a file of somebody else."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
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
