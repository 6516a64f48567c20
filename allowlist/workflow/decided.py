"""Who decided about which name, when and why, and what became of it: decisions with their changes and runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.errors import AllowlistError
from allowlist.names import Pattern, normalise
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger
from allowlist.store.records import Run

SCHEMA: Final = "allowlist/history/v1"

_RUNS_LOOKED_AT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which decisions are wanted: what is empty does not matter. ``name`` is a host, a pattern, or part of a title."""

    name: str = ""
    who: str = ""
    run: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did with the change: the last word of its journal, empty where it never came to it."""

    run: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision. ``change`` is None where it is about a plan as a whole, or the plan is no longer kept."""

    decision: Decision
    workload: str
    change: Change | None
    outcomes: tuple[Outcome, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names, or tags, that the change is about."""
        wanted = (ref.pattern for ref in self.change.requirements) if self.change else ()
        return tuple(dict.fromkeys(wanted))


def decided(ledger: Ledger, asked: Asked, limit: int) -> list[Decided]:
    """The decisions that fit, latest first. Raises AllowlistError for a run that the ledger does not know."""
    kept = _Kept(ledger)
    of_run = kept.digests(ledger.run(asked.run).plan_id) if asked.run else None
    found: list[Decided] = []
    for decision in reversed(ledger.decisions_made()):
        if not _fits(decision, asked, of_run):
            continue
        item = kept.decided(decision)
        if not asked.name or _is_about(item, asked.name):
            found.append(item)
        if len(found) == limit:
            break
    return found


def _fits(decision: Decision, asked: Asked, of_run: frozenset[str] | None) -> bool:
    return (
        asked.who.lower() in decision.who.lower()
        and (asked.since is None or decision.at >= asked.since)
        and (asked.until is None or decision.at < asked.until)
        and (of_run is None or decision.change_digest in of_run)
    )


def _is_about(item: Decided, name: str) -> bool:
    """Does the change let the host through, name something below the pattern, or hold the text in its title?"""
    text = name.strip().lower()
    title = item.change.title.lower() if item.change else ""
    return text in title or any(_touches(pattern, text) for pattern in item.names)


def _touches(pattern: str, text: str) -> bool:
    try:
        one, other = Pattern(normalise(pattern)), Pattern(normalise(text))
    except UnicodeError:
        return False
    return one.matches(other.suffix) or other.matches(one.suffix)


class _Kept:
    """Plans of the ledger, each read once, and the runs that carried out their changes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._plans: dict[str, Plan | None] = {}
        self._by_digest: dict[str, list[tuple[Run, Change]]] | None = None

    def plan(self, plan_id: str) -> Plan | None:
        if plan_id not in self._plans:
            self._plans[plan_id] = self._read(plan_id)
        return self._plans[plan_id]

    def _read(self, plan_id: str) -> Plan | None:
        """None for plans that were made before today's shape, or by hand."""
        try:
            return msgspec.json.decode(self._ledger.plan(plan_id), type=prepared(Plan))
        except (AllowlistError, msgspec.MsgspecError):
            return None

    def digests(self, plan_id: str) -> frozenset[str]:
        plan = self.plan(plan_id)
        return frozenset((plan.digest, *(change.digest for change in plan.changes))) if plan else frozenset()

    def decided(self, decision: Decision) -> Decided:
        plan = self.plan(decision.plan_id)
        change = _change_of(plan, decision.change_digest)
        return Decided(
            decision=decision,
            workload=plan.workload if plan else "",
            change=change,
            outcomes=tuple(self._outcomes(decision)),
        )

    def _outcomes(self, decision: Decision) -> Iterator[Outcome]:
        if self._by_digest is None:
            self._by_digest = self._runs_by_digest()
        for run, change in self._by_digest.get(decision.change_digest, ()):
            states = [step.state for step in run.standing if change.id in step.change_ids]
            if states:
                yield Outcome(run.run_id, states[-1])

    def _runs_by_digest(self) -> dict[str, list[tuple[Run, Change]]]:
        found: dict[str, list[tuple[Run, Change]]] = {}
        for run in reversed(self._ledger.runs(_RUNS_LOOKED_AT)):
            plan = self.plan(run.plan_id)
            for change in plan.changes if plan else ():
                found.setdefault(change.digest, []).append((run, change))
        return found


def _change_of(plan: Plan | None, digest: str) -> Change | None:
    return next((change for change in plan.changes if change.digest == digest), None) if plan else None


def decided_json(items: Iterable[Decided]) -> dict[str, Any]:
    """``allowlist/history/v1``."""
    return {"schema": SCHEMA, "decisions": [_item_json(item) for item in items]}


def _item_json(item: Decided) -> dict[str, Any]:
    decision, change = item.decision, item.change
    data: dict[str, Any] = {
        "at": decision.at,
        "verdict": decision.verdict,
        "who": decision.who,
        "identity": decision.identity,
        "reason": decision.reason,
        "workload": item.workload,
        "plan": decision.plan_id,
        "change": change.id if change else None,
        "target": change.target if change else None,
        "title": change.title if change else None,
        "risk": change.risk.value if change else None,
        "names": list(item.names),
        "runs": [{"run": outcome.run, "state": outcome.state} for outcome in item.outcomes],
    }
    extra = {"gate": decision.gate, "expires": decision.expires, "until": decision.until}
    return data | {key: value for key, value in extra.items() if value is not None}


def decided_lines(items: Sequence[Decided]) -> Iterator[str]:
    """Two lines per decision: when, what, about which change; then who, why, and what became of it."""
    for item in items:
        decision = item.decision
        yield f"{decision.at:%Y-%m-%d %H:%M}  {_verdict(decision)}  {_subject(item)}"
        said = f": {decision.reason}" if decision.reason else ""
        yield f"    {decision.who} ({decision.identity}){said}"
        for outcome in item.outcomes:
            yield f"    {outcome.state} in run {outcome.run}"


def _verdict(decision: Decision) -> str:
    return f"accept gate {decision.gate}" if decision.gate else decision.verdict


def _subject(item: Decided) -> str:
    change = item.change
    if change is None:
        return f"plan {item.decision.plan_id.removeprefix('sha256:')[:12]}"
    names = [name for name in item.names if name not in change.title]
    more = f" ({', '.join(names)})" if names else ""
    return f"{change.id} {change.title}{more} [{change.target}], risk {change.risk}"
