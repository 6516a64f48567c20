"""What a run has to tell: news per target from its outcome, news per workload from pins, dates and decisions.

An event without parts says that a condition is over. It is never sent, but what comes back later is news again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.documents.words import counted
from allowlist.errors import CatalogError
from allowlist.notify.channels import channels_of
from allowlist.notify.events import Event, gist, parts_of
from allowlist.notify.sending import Delivery, deliver
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.outcome import LOGS, Outcome, gap_text
from allowlist.workflow.upgrades import Upgrade, find_upgrades
from allowlist.workload import Workload

WAIVER_NOTICE = dt.timedelta(days=14)
APPROVAL_NOTICE = dt.timedelta(days=3)

# Another run at work, or somebody's Ctrl-C, is no news; a lock that is never freed shows in the metrics.
_NO_NEWS = frozenset({6, 130})


class Newsroom:
    """Gathers news while a run goes on, and tells it at the end. A watcher of the run; safe between threads."""

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._subscribers: dict[str, Workload] = {}
        self._events: list[Event] = []

    def workload(self, project: Project, file: Path) -> None:
        """Whoever wants no messages costs nothing."""
        del file
        if project.workload.notifications:
            self._subscribers[project.workload.name] = project.workload
            self._gather([_catalog_updates(project), _expiring_dates(project.workload, self._clock().date())])

    def outcome(self, outcome: Outcome) -> None:
        if outcome.workload in self._subscribers:
            self._gather(list(news_of(outcome, self._ledger, self._clock())))

    def tell(
        self, who: str, run: str, environ: Mapping[str, str], sleep: Callable[[float], None]
    ) -> tuple[Delivery, ...]:
        """Send what is new to the channels of the workload files. Never raises for a channel that fails."""
        channels = channels_of(self._subscribers.values(), environ, self._clock, sleep)
        return deliver(self._events, channels, self._ledger, who, run)

    def _gather(self, events: list[Event]) -> None:
        with self._lock:
            self._events += events


def news_of(outcome: Outcome, ledger: Ledger, now: dt.datetime) -> Iterator[Event]:
    """News about one target: every kind once, without parts where there is none."""
    if outcome.code in _NO_NEWS:
        return
    if outcome.target == LOGS and outcome.state != "failed":
        yield _event(outcome, "failed", "", ())
        yield _denied_names(outcome)
        return
    yield from _what_happened(outcome)
    if outcome.state == "failed":  # nothing is known about the rest, so nothing of it is over
        return
    applied = _applied_changes(ledger, outcome)
    plan = _plan(ledger, outcome.plan_id) if outcome.plan_id else None
    waiting = _waiting_changes(plan, applied)
    yield _plan_ready(outcome, waiting, _gaps(plan, outcome))
    yield from _approved(outcome, _approvals(ledger, [*waiting, *applied]))
    yield _expiring_approvals(outcome, _approvals(ledger, waiting), now)


def _event(outcome: Outcome, kind: str, title: str, parts: Iterable[object], **more: object) -> Event:
    target = outcome.target if outcome.target != "all targets" else ""
    return Event(
        kind=kind,  # type: ignore[arg-type]
        workload=outcome.workload,
        target=target,
        title=title,
        parts=parts_of(parts),
        **more,  # type: ignore[arg-type]
    )


def _what_happened(outcome: Outcome) -> Iterator[Event]:
    if outcome.state == "failed":
        yield _event(outcome, "failed", outcome.text, [(outcome.code, gist(outcome.text))], next=outcome.hint)
        return
    yield _event(outcome, "failed", "", ())
    if outcome.state == "applied":
        yield _event(outcome, "applied", outcome.text, [outcome.run_id])
    if outcome.state == "rolled back":
        yield _event(outcome, "rolled-back", outcome.text, [outcome.run_id])
    lines = tuple(str(item) for item in outcome.drift)
    title = f"{len(lines)} of our rules {'was' if len(lines) == 1 else 'were'} changed by somebody else"
    yield _event(outcome, "drift", title, lines, lines=lines)


def _plan_ready(outcome: Outcome, waiting: Sequence[Change], gaps: Sequence[str]) -> Event:
    """Digests without preconditions: whoever has read what waits need not read it again when neighbours write."""
    parts = [f"{counted(outcome.waiting, 'change', 'waits')}"] if waiting else []
    parts += [f"{counted(outcome.gaps, 'requirement')} cannot be met by a change"] if outcome.gaps else []
    return _event(
        outcome,
        "plan-ready",
        ", ".join(parts),
        [*(change.digest for change in waiting), *gaps],
        lines=outcome.lines,
        next="allowlist plan -o plan.json, then: allowlist review plan.json" if waiting else "",
    )


def _waiting_changes(plan: Plan | None, applied: Sequence[Change]) -> list[Change]:
    done = {change.id for change in applied}
    return [change for change in plan.changes if change.id not in done] if plan else []


def _gaps(plan: Plan | None, outcome: Outcome) -> list[str]:
    """A plan that only has gaps is not kept; the outcome has the first of them."""
    if plan is None:
        return [*outcome.unmet]
    return [gap_text(gap) for gap in plan.gaps]


def _applied_changes(ledger: Ledger, outcome: Outcome) -> list[Change]:
    if not outcome.run_id or outcome.state != "applied":
        return []
    run = ledger.run(outcome.run_id)
    done = {change for change, fate in run.summary.get("fates", {}).items() if fate == "done"}
    return [change for change in _plan(ledger, run.plan_id).changes if change.id in done]


def _plan(ledger: Ledger, plan_id: str) -> Plan:
    return msgspec.json.decode(ledger.plan(plan_id), type=prepared(Plan))


def _approvals(ledger: Ledger, changes: Sequence[Change]) -> list[tuple[Change, Decision]]:
    by_digest = {change.digest: change for change in changes}
    return [
        (change, item)
        for item in ledger.decisions(by_digest)
        if item.verdict == "approve"
        for change in [by_digest[item.change_digest]]
        if item.precondition == change.precondition
    ]


def _approved(outcome: Outcome, decided: Sequence[tuple[Change, Decision]]) -> Iterator[Event]:
    """Told when somebody approved, not taken back when the approved has been applied."""
    if not decided:
        return
    people = list(dict.fromkeys(item.who for _, item in decided))
    count = len({change.id for change, _ in decided})
    reasons = dict.fromkeys(f"{item.who}: {item.reason}" for _, item in decided)
    parts = [(change.digest, item.who) for change, item in decided]
    yield _event(
        outcome,
        "approved",
        f"{', '.join(people)} approved {counted(count, 'change')}",
        parts,
        lines=tuple(reasons),
    )


def _catalog_updates(project: Project) -> Event:
    workload = project.workload
    try:
        found = [item for item in find_upgrades(workload, project.library) if item.changes]
    except CatalogError:  # a pin nobody knows: the run itself has failed and says so
        found = []
    return Event(
        kind="catalog-update-available",
        workload=workload.name,
        title=f"{len(found)} pinned catalogs have a newer release that changes something here",
        lines=tuple(_upgrade_line(item) for item in found),
        next="; ".join(
            f"allowlist catalog diff {item.catalog}@{item.pinned}..{item.latest}" for item in found[:1]
        ),
        parts=parts_of(f"{item.catalog}@{item.latest}" for item in found),
    )


def _upgrade_line(upgrade: Upgrade) -> str:
    return f"{upgrade.catalog} {upgrade.pinned} → {upgrade.latest}: {counted(len(upgrade.changes), 'change')}"


def _expiring_dates(workload: Workload, today: dt.date) -> Event:
    sections = (
        ("waiver", workload.waivers),
        ("suppression", workload.suppressions),
        ("requirement", workload.requirements),
    )
    lines = [
        f"{word} {item.id} of {item.owner} {_ends(ends, today)} on {item.expires}"
        for word, items in sections
        for item in items
        for ends in [dt.date.fromisoformat(item.expires)]
        if ends - today <= WAIVER_NOTICE
    ]
    return Event(
        kind="expiring",
        workload=workload.name,
        title=f"{counted(len(lines), 'date', 'is')} close or past",
        lines=tuple(lines),
        next="renew it with a reason, or let it end",
        parts=parts_of(lines),
    )


def _expiring_approvals(
    outcome: Outcome, decided: Sequence[tuple[Change, Decision]], now: dt.datetime
) -> Event:
    lines = sorted(
        {
            f"approval by {item.who} {_ends(item.expires, now)} on {item.expires:%Y-%m-%d}"
            for _, item in decided
            if item.expires is not None and item.expires - now <= APPROVAL_NOTICE
        }
    )
    return _event(
        outcome,
        "expiring",
        f"{counted(len(lines), 'approval', 'ends')} before what they allow was applied",
        lines,
        lines=tuple(lines),
    )


def _denied_names(outcome: Outcome) -> Event:
    """Each name is told once, however often it is denied; again when it was not for as long as is remembered."""
    each = {part: item.text for item in outcome.denied for part in parts_of([item.end])}
    return replace(
        _event(
            outcome, "denied", "names were denied that were not before", (item.end for item in outcome.denied), each=each,
            next="allowlist evidence" if each else "", in_part=outcome.denied_in_part,
        ),
        target="",
    )  # fmt: skip


def _ends(moment: Any, now: Any) -> str:
    return "expired" if moment < now else "expires"
