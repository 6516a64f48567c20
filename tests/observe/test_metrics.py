"""What a run measures is readable by Prometheus, and a failed run does not forget the last success."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from allowlist.errors import AllowlistError, InvalidInput
from allowlist.observe.metrics import Metrics, RunMeters, TargetMeters, metrics_before


def target(**changes: Any) -> TargetMeters:
    values: dict[str, Any] = {
        "workload": "agents", "target": "hub", "pending": 3, "missing": 2, "concerns": 4, "drifted": 1,
        "applied": 0, "failed": False, "seconds": 1.5,
    }  # fmt: skip
    return TargetMeters(**values | changes)


def run(**changes: Any) -> RunMeters:
    values: dict[str, Any] = {
        "finished": 1000.0, "seconds": 4.0, "exit_code": 0, "requests": {("sub", "GET"): 3},
        "waited": 0.5, "notifications": {("slack", "sent"): 1},
    }  # fmt: skip
    return RunMeters(**values | changes)


def after(before: str, seen: RunMeters, *targets: TargetMeters) -> str:
    metrics = Metrics(before)
    for item in targets:
        metrics.target(item)
    metrics.run(seen, targets)
    return metrics.text()


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_everything_documented_is_measured() -> None:
    text = after("", run(), target(applied=2))
    declared = {family.name for family in Metrics().registry.collect()}
    assert {name.removesuffix("_total") for name, _ in values(text)} == declared
    assert len(declared) == 16


def test_a_failed_run_keeps_the_moment_of_the_last_success() -> None:
    first = after("", run(finished=1000.0), target())
    second = after(first, run(finished=2000.0, exit_code=1), target(failed=True))
    found = values(second)
    assert found[("allowlist_last_success_timestamp_seconds", ("agents",))] == 1000.0
    assert found[("allowlist_last_run_timestamp_seconds", ())] == 2000.0
    third = values(after(second, run(finished=3000.0), target()))
    assert third[("allowlist_last_success_timestamp_seconds", ("agents",))] == 3000.0


def test_a_workload_that_never_succeeded_has_no_such_moment() -> None:
    found = values(after("", run(exit_code=1), target(failed=True)))
    assert not any(name == "allowlist_last_success_timestamp_seconds" for name, _ in found)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_counters_go_on_from_run_to_run(counts: list[int]) -> None:
    text = ""
    for count in counts:
        text = after(text, run(requests={("sub", "GET"): count}), target())
    found = values(text)
    assert found[("allowlist_arm_requests_total", ("GET", "sub"))] == sum(counts)
    assert found[("allowlist_runs_total", ("0",))] == len(counts)


def test_the_file_is_replaced_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "allowlist.prom"
    assert metrics_before(path) == ""
    metrics = Metrics()
    metrics.run(run(), [target()])
    metrics.write(path)
    assert metrics_before(path) == metrics.text()
    assert [item.name for item in path.parent.iterdir()] == ["allowlist.prom"]


@pytest.mark.parametrize("text", ["node_load1 0.2\n", "my notes, not to be lost {", "\x00\xff"])
def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.prom"
    path.write_text(text, "latin-1")
    with pytest.raises(InvalidInput, match="not a metrics file of allowlist"):
        metrics_before(path)


def test_metrics_are_served_while_the_run_lasts() -> None:
    metrics = Metrics()
    with metrics.served(0) as port:
        metrics.target(target())
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert values(text)[("allowlist_pending_changes", ("agents", "hub"))] == 3
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_port_in_use_is_told_in_words() -> None:
    with (
        Metrics().served(0) as port,
        pytest.raises(AllowlistError, match=f"port {port}"),
        Metrics().served(port),
    ):
        pass
