"""Small plans put together by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allowlist.plan.digest import change_digest, sealed
from allowlist.plan.drafts import NO_COST
from allowlist.plan.model import (
    SCHEMA,
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
    digest = change_digest(GROUP, operation, ())
    return Change(
        id=digest.removeprefix("sha256:")[:8],
        target="hub",
        title=f"{action} {body['name']}",
        operation=operation,
        classification=Classification.NEW,
        risk=risk,
        reason="wanted",
        proofs=proofs,
        cost=cost,
        gates=gates,
        digest=digest,
        precondition=base,
    )


def a_plan(*changes: Change, gates: tuple[Gate, ...] = (), asked_by: str = "") -> Plan:
    target = TargetPlan(
        name="hub", surface="firewall_policy", resource=GROUP, fingerprint="base", delete="sync"
    )
    return sealed(
        Plan(
            schema=SCHEMA,
            workload="w",
            created=NOW.isoformat(),
            tool="t",
            asked_by=asked_by,
            catalogs={},
            targets=(target,),
            changes=changes,
            gates=gates,
        )
    )
