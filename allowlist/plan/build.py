"""Put the plan together: proved changes, gaps, gates, cost, minutes, digest. Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from allowlist.documents.grouping import grouped
from allowlist.plan.digest import change_id, completed
from allowlist.plan.drafts import Draft, Drafted, LimitFinding
from allowlist.plan.findings import Finding, Status, reference
from allowlist.plan.found import covered_column, telling
from allowlist.plan.gates import GateInput, GateSettings, Opening, find_gates, monthly_cost
from allowlist.plan.model import (
    SCHEMA,
    ApprovalInForce,
    Change,
    Concern,
    Gap,
    Gate,
    Operation,
    Plan,
    Skip,
    TargetPlan,
)
from allowlist.plan.proofs import Evidence, Judged, judge
from allowlist.rules.requirement import Requirement

_ORDER = {"add": 0, "update": 1, "remove": 2}


class TargetInput(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one target that the plan is made from."""

    target: TargetPlan
    draft: Draft
    evidence: Evidence
    findings: Sequence[Finding]
    owned: int
    concerns: Sequence[Finding] = ()
    """What besides requirements would not be as it should be after the plan."""
    limits: Sequence[LimitFinding] = ()
    writes: Sequence[tuple[str, Sequence[Operation]]] = ()
    """The resource of each write that is foreseen, and the operations it carries."""


class PlanInput(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the plan is made from."""

    workload: str
    created: dt.datetime
    tool: str
    asked_by: str = ""
    cloud: str
    tenant: str = ""
    workload_file: str = ""
    approval: ApprovalInForce
    catalogs: dict[str, str]
    targets: Sequence[TargetInput]
    settings: GateSettings
    waivers: dict[str, str]
    expired_waivers: Sequence[str] = ()
    empty_catalogs: Sequence[str] = ()
    seen: Callable[[Sequence[Change]], SeenChanges] | None = None
    """What logs of traffic say about changes, where there are any."""


class SeenChanges(msgspec.Struct, frozen=True):
    """By id of a change what logs say about it, and which removals had no traffic for long enough."""

    told: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    unused: frozenset[str] = frozenset()


def build_plan(given: PlanInput) -> Plan:
    """A sealed plan; the same input gives the same changes with the same digests."""
    changes: list[Change] = []
    skips: list[Skip] = []
    gaps: list[Gap] = []
    concerns: list[Concern] = []
    overrides: dict[str, tuple[str, ...]] = {}
    openings: dict[str, Opening] = {}
    quarantined: dict[str, str] = {}
    for item in given.targets:
        judged = [judge(drafted, item.evidence) for drafted in item.draft.changes]
        made = [_change(item, one) for one in judged]
        changes += [change for change, _ in made]
        overrides |= {change.id: judged.overrides for change, judged in made}
        openings |= {change.id: _opening(judged.drafted, change) for change, judged in made}
        quarantined |= {
            change.id: judged.drafted.quarantine for change, judged in made if judged.drafted.quarantine
        }
        skips += item.draft.skips
        gaps += _gaps(item)
        concerns += map(_concern, item.concerns)
    changes.sort(key=lambda change: (_ORDER[change.operation.action], change.target, change.title))
    seen = given.seen(changes) if given.seen else SeenChanges()
    judged_by = replace(_gate_input(given, changes, overrides, openings, quarantined), unused=seen.unused)
    gates = find_gates(judged_by, given.waivers)
    changes = [
        msgspec.structs.replace(change, traffic=seen.told.get(change.id, ()))
        for change in _with_gates(changes, gates)
    ]
    by_target = grouped(changes, lambda change: change.target)
    targets = tuple(_priced(item, by_target.get(item.target.name, ())) for item in given.targets)
    return completed(
        Plan(
            schema=SCHEMA,
            workload=given.workload,
            created=given.created.isoformat(timespec="seconds"),
            tool=given.tool,
            asked_by=given.asked_by,
            cloud=given.cloud,
            tenant=given.tenant,
            workload_file=given.workload_file,
            approval=given.approval,
            catalogs=given.catalogs,
            targets=targets,
            changes=tuple(changes),
            gates=gates,
            gaps=tuple(gaps),
            concerns=tuple(concerns),
            skips=tuple(skips),
            covered=sum(sum(covered_column(item.findings)) for item in given.targets),
            minutes=sum(target.minutes for target in targets),
        )
    )


def _change(item: TargetInput, judged: Judged) -> tuple[Change, Judged]:
    drafted = judged.drafted
    refs = tuple(reference(requirement) for requirement in drafted.requirements)
    change = Change(
        id=change_id(item.target.resource, drafted.operation, refs),
        target=item.target.name,
        title=_title(drafted),
        operation=drafted.operation,
        classification=judged.classification,
        risk=judged.risk,
        reason=drafted.why or _reason(drafted.requirements, drafted.operation),
        proofs=judged.proofs,
        requirements=refs,
        cost=drafted.cost,
        overlaps=judged.overrides,
        assumptions=judged.assumptions,
        digest="",
        precondition=item.target.fingerprint,
    )
    return change, judged


def _concern(finding: Finding) -> Concern:
    return Concern(
        target=finding.target,
        subject=finding.rule or str(finding.requirement and finding.requirement.pattern),
        status=finding.status.value,
        text=finding.because,
        remedy=finding.remedy,
    )


def _title(drafted: Drafted) -> str:
    """One line that names what is changed: ``add *.vscode.dev https:443``."""
    operation = drafted.operation
    return f"{operation.action} {drafted.title or operation.context.get('title') or operation.path[-1]}"


def _opening(drafted: Drafted, change: Change) -> Opening:
    names = drafted.names or tuple(ref.pattern for ref in change.requirements)
    tags = tuple(item.service_tag for item in drafted.requirements if item.service_tag)
    fqdn_tags = tuple(item.fqdn_tag for item in drafted.requirements if item.fqdn_tag)
    return Opening(names=names, tags=tags, fqdn_tags=fqdn_tags, from_anywhere=drafted.from_anywhere)


def _reason(requirements: Sequence[Requirement], operation: Operation) -> str:
    if not requirements:
        return (
            "no catalog or requirement asks for it any more"
            if operation.action == "remove"
            else "brings the rule in line"
        )
    first = requirements[0]
    return f"{first.origin} {'requires' if first.need == 'required' else 'wants'} it: {first.purpose or first.destination}"


def _gaps(item: TargetInput) -> list[Gap]:
    """Requirements that stay unsatisfied: they cannot be said here, or something foreign stands in the way."""
    refused = [
        Gap(target=item.target.name, requirement=reference(requirement), cause=reason)
        for requirement, reason in item.draft.inexpressible
    ]
    blocked = [
        Gap(
            target=item.target.name,
            requirement=finding.requirement,
            cause=finding.because,
            witness=str(finding.witness or ""),
        )
        for finding in item.evidence.after.values()
        if finding.status is not Status.COVERED and finding.requirement
    ]
    named = {gap.requirement for gap in refused}
    return refused + [gap for gap in blocked if gap.requirement not in named]


def _gate_input(
    given: PlanInput,
    changes: Sequence[Change],
    overrides: dict[str, tuple[str, ...]],
    openings: dict[str, Opening],
    quarantined: dict[str, str],
) -> GateInput:
    return GateInput(
        changes=changes,
        settings=given.settings,
        owned=sum(item.owned for item in given.targets),
        limits=[(item.target.name, finding) for item in given.targets for finding in item.limits],
        overrides=overrides,
        openings=openings,
        quarantined=quarantined,
        empty_catalogs=given.empty_catalogs,
        expired_waivers=given.expired_waivers,
    )


def _with_gates(changes: Sequence[Change], gates: Sequence[Gate]) -> list[Change]:
    mine: dict[str, dict[str, None]] = defaultdict(dict)
    for gate in gates:
        for item in gate.changes:
            mine[item][gate.id] = None
    return [msgspec.structs.replace(change, gates=tuple(mine.get(change.id, ()))) for change in changes]


class _Carried(msgspec.Struct, frozen=True):
    """The changes of one target, and which of them each of its writes carries."""

    changes: tuple[Change, ...]
    writes: tuple[tuple[str, tuple[Change, ...]], ...]

    @classmethod
    def of(cls, item: TargetInput, mine: Sequence[Change]) -> _Carried:
        places: dict[tuple[str, tuple[str, ...]], list[Change]] = defaultdict(list)
        for change in mine:
            places[change.operation.resource, change.operation.path].append(change)
        writes = tuple(
            (
                resource,
                tuple(
                    change
                    for operation in operations
                    for change in places.get((operation.resource, operation.path), ())
                    if change.operation == operation
                ),
            )
            for resource, operations in item.writes
        )
        return cls(tuple(mine), writes)


def _assumed(item: TargetInput) -> tuple[str, ...]:
    """The assumptions under which requirements count as covered before the plan."""
    covered = (finding for finding in telling(item.findings) if finding.status is Status.COVERED)
    return tuple(dict.fromkeys(text for finding in covered for text in finding.assumptions))


def _minutes(carried: _Carried) -> float:
    """One write carries several changes, so its minutes count once; so does what happens once."""
    once: dict[str, float] = {}
    for change in carried.changes:
        once[change.cost.once] = max(once.get(change.cost.once, 0.0), change.cost.once_minutes)
    writes = [max((change.cost.minutes for change in changes), default=0.0) for _, changes in carried.writes]
    return sum(writes) + sum(once.values())


def _priced(item: TargetInput, mine: Sequence[Change]) -> TargetPlan:
    target = item.target
    carried = _Carried.of(item, mine)
    monthly, currency = monthly_cost(carried.changes)
    return msgspec.structs.replace(
        target,
        assumptions=_assumed(item),
        writes=tuple(resource for resource, changes in carried.writes if changes),
        minutes=_minutes(carried),
        monthly=monthly,
        currency=currency,
    )
