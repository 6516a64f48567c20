"""What a run has to tell: news per target from its outcome, news per workload from pins, dates and decisions.

An event without meaning says that a condition is over. It is never sent, but what comes back later is news again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from allowlist.errors import CatalogError
from allowlist.notify.channels import channels_of
from allowlist.notify.events import Event, gist, meaning_of
from allowlist.notify.sending import Delivery, deliver
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.outcome import Outcome
from allowlist.workflow.upgrades import Upgrade, find_upgrades
from allowlist.workload import Workload

WAIVER_NOTICE = dt.timedelta(days=14)
APPROVAL_NOTICE = dt.timedelta(days=3)

# Another run at work, or somebody's Ctrl-C, is no news; a lock that is never freed shows in the metrics.
_NO_NEWS = frozenset({6, 130})


def tell(
    projects: Sequence[Project],
    outcomes: Sequence[Outcome],
    ledger: Ledger,
    who: str,
    run: str,
    environ: Mapping[str, str],
    clock: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
) -> tuple[Delivery, ...]:
    """Send what is new to the channels the workload files name. Never raises for a channel that fails."""
    channels = channels_of([project.workload for project in projects], environ, clock, sleep)
    if not channels:
        return ()
    wanted = {name for channel in channels for name in channel.wants}
    events = [
        event
        for project in projects
        if project.workload.name in wanted
        for event in news_of(project, outcomes, ledger, clock())
    ]
    return deliver(events, channels, ledger, who, run)


def news_of(
    project: Project, outcomes: Sequence[Outcome], ledger: Ledger, now: dt.datetime
) -> Iterator[Event]:
    """All news of one workload; every kind once per subject, empty where there is none."""
    workload = project.workload
    mine = [item for item in outcomes if item.workload == workload.name]
    decisions: list[tuple[Change, Decision]] = []
    for _, group in groupby(sorted(mine, key=lambda item: item.target), key=lambda item: item.target):
        for outcome in group:
            if outcome.code in _NO_NEWS:
                continue
            yield from _what_happened(outcome)
            if outcome.state == "failed":  # nothing is known about the rest, so nothing of it is over
                continue
            waiting = _waiting_changes(ledger, outcome)
            yield _plan_ready(outcome, waiting)
            decided = _approvals(ledger, [*waiting, *_applied_changes(ledger, outcome)])
            yield from _approved(outcome, decided)
            decisions += [pair for pair in decided if pair[0] in waiting]
    if mine and all(item.code in _NO_NEWS for item in mine):
        return
    yield _catalog_updates(project)
    yield _expiring(workload, decisions, now)


def _event(outcome: Outcome, kind: str, title: str, meaning: str, **more: object) -> Event:
    target = outcome.target if outcome.target != "all targets" else ""
    return Event(
        kind=kind,  # type: ignore[arg-type]
        workload=outcome.workload,
        target=target,
        title=title,
        meaning=meaning,
        **more,  # type: ignore[arg-type]
    )


def _what_happened(outcome: Outcome) -> Iterator[Event]:
    if outcome.state == "failed":
        meaning = meaning_of([outcome.code, gist(outcome.text)])
        yield _event(outcome, "failed", outcome.text, meaning, next=outcome.hint)
        return
    yield _event(outcome, "failed", "", "")
    if outcome.state == "applied":
        yield _event(outcome, "applied", outcome.text, outcome.run_id)
    if outcome.state == "rolled back":
        yield _event(outcome, "rolled-back", outcome.text, outcome.run_id)
    lines = tuple(str(item) for item in outcome.drift)
    title = f"{len(lines)} of our rules were changed by somebody else"
    yield _event(outcome, "drift", title, meaning_of(lines), lines=lines)


def _plan_ready(outcome: Outcome, waiting: Sequence[Change]) -> Event:
    """Digests without preconditions: whoever has read what waits need not read it again when neighbours write."""
    gaps = [line for line in outcome.lines if line.startswith("gap ")]
    parts = [f"{outcome.waiting} changes wait"] if waiting else []
    parts += [f"{outcome.gaps} requirements cannot be met by a change"] if outcome.gaps else []
    return _event(
        outcome,
        "plan-ready",
        ", ".join(parts),
        meaning_of([*(change.digest for change in waiting), *gaps]),
        lines=outcome.lines,
        next="allowlist plan -o plan.json, then: allowlist review plan.json" if waiting else "",
    )


def _waiting_changes(ledger: Ledger, outcome: Outcome) -> list[Change]:
    if not outcome.plan_id:
        return []
    done = {change.id for change in _applied_changes(ledger, outcome)}
    return [change for change in _plan(ledger, outcome.plan_id).changes if change.id not in done]


def _applied_changes(ledger: Ledger, outcome: Outcome) -> list[Change]:
    if not outcome.run_id or outcome.state != "applied":
        return []
    run = ledger.run(outcome.run_id)
    done = {change for change, fate in run.summary.get("fates", {}).items() if fate == "done"}
    return [change for change in _plan(ledger, run.plan_id).changes if change.id in done]


def _plan(ledger: Ledger, plan_id: str) -> Plan:
    return msgspec.json.decode(ledger.plan(plan_id), type=Plan)


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
    meaning = meaning_of((change.digest, item.who) for change, item in decided)
    yield _event(
        outcome, "approved", f"{', '.join(people)} approved {count} changes", meaning, lines=tuple(reasons)
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
        next="allowlist catalog changes, then raise the pin" if found else "",
        meaning=meaning_of(f"{item.catalog}@{item.latest}" for item in found),
    )


def _upgrade_line(upgrade: Upgrade) -> str:
    return f"{upgrade.catalog} {upgrade.pinned} → {upgrade.latest}: {len(upgrade.changes)} changes"


def _expiring(workload: Workload, decisions: Sequence[tuple[Change, Decision]], now: dt.datetime) -> Event:
    lines = [*_expiring_dates(workload, now.date()), *_expiring_approvals(decisions, now)]
    return Event(
        kind="expiring",
        workload=workload.name,
        title=f"{len(lines)} dates are close or past",
        lines=tuple(lines),
        next="renew it with a reason, or let it end" if lines else "",
        meaning=meaning_of(lines),
    )


def _expiring_dates(workload: Workload, today: dt.date) -> Iterator[str]:
    sections = (
        ("waiver", workload.waivers),
        ("suppression", workload.suppressions),
        ("requirement", workload.requirements),
    )
    for word, items in sections:
        for item in items:
            ends = dt.date.fromisoformat(item.expires)
            if ends - today <= WAIVER_NOTICE:
                verb = "expired" if ends < today else "expires"
                yield f"{word} {item.id} of {item.owner} {verb} on {item.expires}"


def _expiring_approvals(decisions: Sequence[tuple[Change, Decision]], now: dt.datetime) -> Iterator[str]:
    soon = {
        (item.who, f"{item.expires:%Y-%m-%d}", item.expires < now)
        for _, item in decisions
        if item.expires is not None and item.expires - now <= APPROVAL_NOTICE
    }
    for who, day, is_past in sorted(soon):
        yield f"approval by {who} {'expired' if is_past else 'expires'} on {day}"
