"""What an export opens beyond what is wanted needs an approval like any widening: it is a plan of its own.

Such a plan is reviewed, approved, rejected and signed like every other. It writes nothing to Azure: its one target is
the format, which no workload has, so ``apply`` refuses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from pathlib import Path

import allowlist
from allowlist.documents import digest_of
from allowlist.documents.words import counted
from allowlist.errors import BlockedByGate, NotApproved
from allowlist.filters.export import Export, Widening
from allowlist.filters.format import Format
from allowlist.plan.approval import ApprovalStatus
from allowlist.plan.digest import change_id, completed
from allowlist.plan.findings import reference
from allowlist.plan.model import (
    SCHEMA,
    Change,
    Classification,
    Operation,
    Plan,
    Proof,
    Proofs,
    RequirementRef,
    Risk,
    TargetPlan,
)
from allowlist.store import Ledger
from allowlist.workflow.applying import refuse_edited_ledger
from allowlist.workflow.approval_policy import PolicyInForce, refuse_other_policy
from allowlist.workflow.deciding import import_decisions, standings_in
from allowlist.workflow.exporting import Wanted

__all__ = ["require_approved", "widening_plan"]

_SURFACE = "export"


def widening_plan(
    found: Export, engine: Format, wanted: Wanted, policy: PolicyInForce, asked_by: str, at: dt.datetime
) -> Plan:
    """One change for every entry that is written wider than wanted; the same export gives the same changes."""
    resource = f"{_SURFACE}/{engine.name}"
    target = TargetPlan(
        name=resource,
        surface=_SURFACE,
        resource=resource,
        fingerprint=digest_of(["export/v1", engine.name]),
        delete="add-only",
    )
    made = Plan(
        schema=SCHEMA,
        workload=wanted.workload,
        created=at.isoformat(timespec="seconds"),
        tool=f"allowlist {allowlist.__version__}",
        asked_by=asked_by,
        cloud=wanted.cloud,
        approval=policy.told,
        catalogs={},
        targets=(target,),
        changes=tuple(_change(item, engine, target, wanted) for item in found.widenings),
    )
    return completed(made)


def _change(item: Widening, engine: Format, target: TargetPlan, wanted: Wanted) -> Change:
    operation = Operation(
        action="add",
        surface=_SURFACE,
        resource=target.resource,
        path=(item.service, item.written),
        after={"wanted": item.wanted, "written": item.written},
    )
    refs = _references(item, wanted)
    return Change(
        id=change_id(target.resource, operation, refs),
        target=target.name,
        title=f"write {item.wanted} {item.service} as {item.written}",
        operation=operation,
        classification=Classification.WIDENS,
        risk=Risk.WIDENING,
        reason=f"{engine.title} has no narrower form for {item.wanted}",
        proofs=Proofs(
            needed=Proof(holds=True, text=f"{item.wanted} is wanted"),
            sufficient=Proof(holds=True, text=f"{item.written} lets it through"),
            nothing_else=Proof(
                holds=False,
                text="opens names that nobody asked for",
                witness=f"any source → {item.witness} {item.service}",
                also=(f"{item.witness} {item.service}",),
            ),
        ),
        requirements=refs,
        digest="",
        precondition=target.fingerprint,
    )


def _references(item: Widening, wanted: Wanted) -> tuple[RequirementRef, ...]:
    return tuple(
        reference(requirement)
        for requirement in wanted.requirements
        if requirement.pattern and str(requirement.origin) in item.origins
    )


def require_approved(
    ledger: Ledger,
    plan: Plan,
    changes: Collection[Change],
    policy: PolicyInForce,
    at: dt.datetime,
    *,
    files: Sequence[Path] = (),
    made_here: bool,
    hint: str,
) -> list[ApprovalStatus]:
    """Where each of ``changes`` stands, all of them approved; ``files`` hold decisions made elsewhere.

    Raises NotApproved, or BlockedByGate for a gate that nobody accepted, with ``hint`` for what puts it on record.
    """
    refuse_edited_ledger(ledger)
    refuse_other_policy(ledger, plan.workload, policy)
    import_decisions(ledger, plan, files, policy.signers, at)
    ids = {change.id for change in changes}
    standings = standings_in(ledger, plan, policy.policy, at, made_here=made_here)
    mine = [item for item in standings if item.change.id in ids]
    waiting = [item for item in mine if not item.is_approved]
    if waiting:
        first = waiting[0]
        kind = BlockedByGate if first.state == "gated" else NotApproved
        raise kind(
            f"{len(waiting)} of {counted(len(mine), 'change')} that need an approval lack it: "
            f"{first.change.title}: {first.text}",
            hint=f"nothing was written; {hint}",
        )
    return mine
