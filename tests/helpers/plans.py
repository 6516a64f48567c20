"""Small plans put together by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from allowlist.plan.digest import change_id, sealed, with_digests
from allowlist.plan.drafts import NO_COST
from allowlist.plan.model import (
    SCHEMA,
    ApprovalInForce,
    Change,
    Classification,
    Cost,
    Gate,
    Operation,
    Plan,
    Proof,
    Proofs,
    Risk,
    TargetPlan,
)

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/ours"
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
_HOLDS = Proof(holds=True, text="shown")
PROVED = Proofs(needed=_HOLDS, sufficient=_HOLDS, nothing_else=_HOLDS)


def rule(*names: str, sources: tuple[str, ...] = ("10.0.0.0/24",)) -> dict[str, Any]:
    return {
        "name": names[0].strip("*."),
        "targetFqdns": list(names),
        "sourceAddresses": list(sources),
        "protocols": [{"protocolType": "Https", "port": 443}],
    }


def a_change(
    *names: str,
    action: str = "add",
    risk: Risk = Risk.LOW,
    proofs: Proofs = PROVED,
    cost: Cost = NO_COST,
    gates: tuple[str, ...] = (),
    sources: tuple[str, ...] = ("10.0.0.0/24",),
    base: str = "base",
) -> Change:
    body = rule(*(names or ("a.example.com",)), sources=sources)
    operation = Operation(
        action=action,  # type: ignore[arg-type]
        surface="firewall_policy",
        resource=GROUP,
        path=("allow", body["name"]),
        before=body if action == "remove" else None,
        after=None if action == "remove" else body,
    )
    return Change(
        id=change_id(GROUP, operation, ()),
        target="hub",
        title=f"{action} {body['name']}",
        operation=operation,
        classification=Classification.NEW,
        risk=risk,
        reason="wanted",
        proofs=proofs,
        cost=cost,
        gates=gates,
        digest="",
        precondition=base,
    )


def a_plan(*changes: Change, gates: tuple[Gate, ...] = (), asked_by: str = "") -> Plan:
    """A plan that is what it claims to be: its changes get their digests here."""
    target = TargetPlan(
        name="hub", surface="firewall_policy", resource=GROUP, fingerprint="base", delete="sync"
    )
    return resealed(
        Plan(
            schema=SCHEMA,
            workload="w",
            created=NOW.isoformat(),
            tool="t",
            asked_by=asked_by,
            approval=ApprovalInForce(origin="the workload file", digest="sha256:policy"),
            catalogs={},
            targets=(target,),
            changes=changes,
            gates=gates,
        )
    )


def resealed(plan: Plan) -> Plan:
    """What an editor who knows the product can do: every digest is made again."""
    named = [
        msgspec.structs.replace(
            change, id=change_id(_resource_of(plan, change), change.operation, change.requirements)
        )
        for change in plan.changes
    ]
    names = {old.id: new.id for old, new in zip(plan.changes, named, strict=True)}
    gates = tuple(
        msgspec.structs.replace(gate, changes=tuple(names.get(item, item) for item in gate.changes))
        for gate in plan.gates
    )
    return sealed(with_digests(msgspec.structs.replace(plan, changes=tuple(named), gates=gates)))


def _resource_of(plan: Plan, change: Change) -> str:
    return next((target.resource for target in plan.targets if target.name == change.target), "")
