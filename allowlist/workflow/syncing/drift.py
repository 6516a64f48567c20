"""Somebody changed what we own: found by comparing with what our last run left, told with a name where Azure has one.

The activity log keeps 90 days, shows events minutes late, and needs ``Microsoft.Insights/eventtypes/values/read``
(https://learn.microsoft.com/rest/api/monitor/activity-logs/list). What it does not report is "not known".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import msgspec

from allowlist.azure.facts import api_version
from allowlist.errors import TargetError
from allowlist.estate.bodies import Body, Estate, fingerprint
from allowlist.estate.parts import object_in
from allowlist.estate.resource_id import ResourceId
from allowlist.plan.model import Plan
from allowlist.points.kind import kind_of
from allowlist.points.point import ArmReader
from allowlist.store import Ledger
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.notes import Notes
from allowlist.workflow.syncing.outcome import Drift
from allowlist.workload import TargetSpec

API_VERSION = api_version("Microsoft.Insights/eventtypes")
KEPT = dt.timedelta(days=89)

_NOTE = "owned"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """The rules of ours on one target at one moment: a fingerprint for each path, and where they stand."""

    rules: Mapping[str, str]
    resource: str = ""
    at: dt.datetime

    @property
    def place(self) -> str:
        return ResourceId(self.resource).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is owned now, and how it differs from what our last run left at ``since``. ``drift`` maps paths."""

    owned: Owned
    drift: Mapping[str, Drift] = field(default_factory=dict)
    since: dt.datetime | None = None
    is_known: bool = True
    left: Mapping[str, str] = field(default_factory=dict)
    """Fingerprints of what our last run left, by path."""

    def brought_back_by(self, plan: Plan) -> frozenset[str]:
        """Ids of the changes of ``plan`` that bring a rule back to exactly what our last run left.

        One that goes on to something else carries out what the workload says now, and that is braked like any change.
        """
        return frozenset(
            item.id
            for item in plan.changes
            if _key(item.operation.path) in self.drift
            and fingerprint(item.operation.after) == self.left.get(_key(item.operation.path))
        )

    def undone_by(self, plan: Plan) -> frozenset[str]:
        """Ids of the changes of ``plan`` that would undo it."""
        return frozenset(item.id for item in plan.changes if _key(item.operation.path) in self.drift)


def find_drift(project: Project, spec: TargetSpec, owned: Owned, ledger: Ledger, notes: Notes) -> Found:
    """Compare what we own with the last state our runs left; the first look takes things as they are."""
    before = _remembered(spec, notes)
    if before is not None and before.rules == owned.rules:
        return Found(owned=owned)
    written = _written(project, spec, ledger) if notes.may_be_written(spec.name) else None
    if written is not None and (before is None or written.at > before.at):
        before = written
    if before is None or before.rules == owned.rules:
        return Found(owned=owned, is_known=not owned.rules)
    owned = replace(owned, resource=owned.resource or before.resource)
    drift = dict(_differences(before, owned))
    return Found(owned=owned, drift=drift, since=before.at, is_known=False, left=before.rules)


def remember(spec: TargetSpec, notes: Notes, found: Found) -> None:
    """From now on this is what we left."""
    if not found.is_known:
        _note(spec, notes, found.owned)


def remember_written(project: Project, spec: TargetSpec, ledger: Ledger, notes: Notes) -> None:
    """The same, after a run of ours that read back what it wrote."""
    written = _written(project, spec, ledger)
    if written is not None:
        _note(spec, notes, written)


def _note(spec: TargetSpec, notes: Notes, owned: Owned) -> None:
    notes.note(_NOTE, spec.name, "", {"rules": dict(owned.rules), "resource": owned.resource})


def _key(path: tuple[str, ...]) -> str:
    return "/".join(path)


def owned_now(project: Project, spec: TargetSpec, estate: Estate, at: dt.datetime) -> Owned:
    """A draft that wants nothing removes exactly what is ours."""
    point = kind_of(spec.surface).bind(msgspec.structs.replace(project.target(spec), delete="sync"))
    operations = [item.operation for item in point.draft(estate, (), ()).changes]
    return Owned(
        rules={_key(item.path): fingerprint(item.before) for item in operations},
        resource=operations[0].resource if operations else "",
        at=at,
    )


def _remembered(spec: TargetSpec, notes: Notes) -> Owned | None:
    note = notes.latest(_NOTE, spec.name)
    return Owned(rules=note.body["rules"], resource=note.body["resource"], at=note.at) if note else None


def _written(project: Project, spec: TargetSpec, ledger: Ledger) -> Owned | None:
    """What the last run of ours on this target read back when it was done."""
    found = ledger.last_written(project.workload.name, spec.name)
    if found is None:
        return None
    at, document = found
    bodies: list[Body] = msgspec.json.decode(document)
    return owned_now(project, spec, Estate.of(bodies), at)


def _differences(before: Owned, now: Owned) -> Iterator[tuple[str, Drift]]:
    place = now.place or before.place
    for path in sorted({*before.rules, *now.rules}):
        if path not in now.rules:
            yield path, Drift(rule=f"{place}/{path}", what="removed")
        elif path not in before.rules:
            yield path, Drift(rule=f"{place}/{path}", what="added")
        elif before.rules[path] != now.rules[path]:
            yield path, Drift(rule=f"{place}/{path}", what="changed")


def attributed(found: Found, arm: ArmReader) -> tuple[Drift, ...]:
    """The drift with who did it and when, as far as the activity log tells."""
    event = _last_event(arm, found.owned, found.since) if found.drift else None
    if event is None:
        return tuple(found.drift.values())
    who, at = str(event["caller"]), str(event.get("eventTimestamp") or "")
    return tuple(replace(item, who=who, at=at) for item in found.drift.values())


def _last_event(arm: ArmReader, owned: Owned, since: dt.datetime | None) -> Body | None:
    begin = max(since or owned.at - KEPT, owned.at - KEPT)
    clauses = (
        f"eventTimestamp ge '{begin.astimezone(dt.UTC):{_TIME}}'",
        f"eventTimestamp le '{owned.at.astimezone(dt.UTC) + dt.timedelta(seconds=1):{_TIME}}'",
        f"resourceUri eq '{owned.resource}'",
    )
    subscription = ResourceId(owned.resource).subscription
    path = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    try:
        events = [*arm.list(f"{path}?$filter={quote(' and '.join(clauses))}", API_VERSION)]
    except TargetError:
        return None
    writes = [item for item in events if _is_write(item)]
    return max(writes, key=lambda item: str(item.get("eventTimestamp") or ""), default=None)


def _is_write(event: Mapping[str, Any]) -> bool:
    operation = str(object_in(event, "operationName").get("value") or "").lower()
    failed = str(object_in(event, "status").get("value") or "").lower() == "failed"
    return bool(event.get("caller")) and operation.endswith(("/write", "/delete")) and not failed
