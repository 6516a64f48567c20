"""A scheduled run as text and JSON: bounded, the same facts in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from allowlist.documents.words import counted

SCHEMA = "allowlist/sync/v1"
SHOWN_TARGETS = 50
DETAILED_TARGETS = 10
SHOWN_DENIED = 3

_FIRST = ("failed", "rolled back", "pending", "applied", "in sync")

_SIGNS = {"in sync": "=", "pending": "…", "applied": "✓", "rolled back": "↩", "failed": "✗"}


class DriftLike(Protocol):
    """One rule of ours that somebody else changed."""

    @property
    def rule(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def at(self) -> str: ...


class DeniedLike(Protocol):
    """A name that logs say was denied."""

    @property
    def text(self) -> str: ...


class DeliveryLike(Protocol):
    """How it went with one channel (:class:`allowlist.notify.sending.Delivery`)."""

    @property
    def channel(self) -> str: ...
    @property
    def told(self) -> int: ...
    @property
    def error(self) -> str: ...


class OutcomeLike(Protocol):
    """What is shown of one target (:class:`allowlist.workflow.syncing.outcome.Outcome`)."""

    @property
    def workload(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def applied(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def gaps(self) -> int: ...
    @property
    def missing(self) -> int: ...
    @property
    def concerns(self) -> int: ...
    @property
    def plan_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def drift(self) -> Sequence[DriftLike]: ...
    @property
    def lines(self) -> tuple[str, ...]: ...
    @property
    def denied(self) -> Sequence[DeniedLike]: ...
    @property
    def seconds(self) -> float: ...


def outcome_text(outcome: OutcomeLike) -> str:
    """One line per target."""
    first, *_ = outcome.text.split("\n")
    return f"{_SIGNS[outcome.state]} {outcome.workload}/{outcome.target}: {outcome.state}: {first}"


def sync_text(outcomes: Sequence[OutcomeLike]) -> Iterator[str]:
    """What somebody has to look at, failures first, the first of many in detail; at the end how many of each."""
    noteworthy = [outcome for outcome in outcomes if outcome.state != "in sync" or outcome.denied]
    noteworthy.sort(key=lambda outcome: _FIRST.index(outcome.state))
    for number, outcome in enumerate(noteworthy[:SHOWN_TARGETS]):
        yield outcome_text(outcome)
        if number < DETAILED_TARGETS:
            yield from (f"    {line}" for line in (*outcome.lines, *_denied_lines(outcome)))
        yield from (f"    hint: {line}" for line in outcome.hint.splitlines())
    if len(noteworthy) > DETAILED_TARGETS:
        more = len(noteworthy) - SHOWN_TARGETS
        yield (f"… and {counted(more, 'more target')}; " if more > 0 else "") + "everything with --json"
    yield counts_text(outcomes)


def _denied_lines(outcome: OutcomeLike) -> Iterator[str]:
    yield from (item.text for item in outcome.denied[:SHOWN_DENIED])
    if len(outcome.denied) > SHOWN_DENIED:
        yield f"… and {len(outcome.denied) - SHOWN_DENIED} more denied (allowlist evidence)"


def _of_targets(outcomes: Sequence[OutcomeLike]) -> Iterator[OutcomeLike]:
    """Logs that were read are no target that is in sync."""
    return (item for item in outcomes if item.state != "in sync" or not item.denied)


def counts_text(outcomes: Sequence[OutcomeLike]) -> str:
    outcomes = [*_of_targets(outcomes)]
    counts = {state: sum(item.state == state for item in outcomes) for state in _SIGNS}
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    waiting = sum(item.waiting for item in outcomes)
    text = ", ".join(parts) or "no targets"
    return f"{text}; {counted(waiting, 'change', 'waits')}" if waiting else text


def sync_json(
    run_id: str,
    code: int,
    outcomes: Sequence[OutcomeLike],
    requests: Mapping[str, int],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole run as one document; ``requests`` counts ARM requests by method."""
    looked = [*_of_targets(outcomes)]
    return {
        "schema": SCHEMA,
        "run": run_id,
        "exit_code": code,
        "summary": {
            "targets": len(looked),
            **{state.replace(" ", "_"): sum(item.state == state for item in looked) for state in _SIGNS},
            "applied_changes": sum(item.applied for item in outcomes),
            "pending_changes": sum(item.waiting for item in outcomes),
            "missing_requirements": sum(item.missing for item in outcomes),
        },
        "arm_requests": dict(requests),
        **more,
        "targets": [_target_json(item) for item in outcomes],
    }


def _target_json(outcome: OutcomeLike) -> dict[str, Any]:
    return {
        "workload": outcome.workload,
        "target": outcome.target,
        "state": outcome.state,
        "exit_code": outcome.code,
        "text": outcome.text,
        "hint": outcome.hint,
        "applied": outcome.applied,
        "waiting": outcome.waiting,
        "gaps": outcome.gaps,
        "missing": outcome.missing,
        "findings": outcome.concerns,
        "plan": outcome.plan_id,
        "run": outcome.run_id,
        "drift": [
            {"rule": item.rule, "what": item.what, "who": item.who, "at": item.at} for item in outcome.drift
        ],
        "lines": list(outcome.lines),
        "denied": [item.text for item in outcome.denied],
        "seconds": round(outcome.seconds, 3),
    }


def deliveries_json(deliveries: Sequence[DeliveryLike]) -> list[dict[str, Any]]:
    """Which channels were told how much, and which could not be."""
    return [{"channel": item.channel, "told": item.told, "error": item.error or None} for item in deliveries]
