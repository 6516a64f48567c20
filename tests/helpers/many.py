"""Plans of any size, for measuring and for scrolling."""

from __future__ import annotations

import datetime as dt

from allowlist.plan.model import (
    SCHEMA,
    ApprovalInForce,
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
from tests.helpers.plans import resealed

_POLICIES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies"
_PROVED = Proofs(
    needed=Proof(holds=True, text="no rule matches; the default is deny"),
    sufficient=Proof(holds=True, text="every flow of the requirement is allowed afterwards"),
    nothing_else=Proof(holds=True, text="no other flow is opened or closed"),
)


def many_changes(count: int, created: dt.datetime = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)) -> Plan:
    """``count`` changes over 20 targets and 200 scenarios, in three risk tiers."""
    targets = tuple(
        TargetPlan(
            name=f"firewall-{number:02}",
            surface="firewall-policy",
            resource=f"{_POLICIES}/p{number:02}",
            fingerprint="sha256:base",
            delete="sync",
            minutes=4,
        )
        for number in range(20)
    )
    return resealed(
        Plan(
            schema=SCHEMA,
            workload="fleet",
            created=created.isoformat(),
            tool="allowlist",
            approval=ApprovalInForce(origin="the workload file", digest="sha256:policy"),
            catalogs={"foundry-hub": "1.4.0"},
            targets=targets,
            changes=tuple(_change(number) for number in range(count)),
            minutes=80,
        )
    )


def _change(number: int) -> Change:
    name = f"svc{number % 977}.tenant{number}.example.net"
    rule = {"name": f"allow-{number}", "targetFqdns": [name], "sourceAddresses": ["10.20.0.0/16"]}
    return Change(
        id=f"c{number:06}",
        target=f"firewall-{number % 20:02}",
        title=f"add {name} https:443",
        operation=Operation(
            action="add",
            surface="firewall-policy",
            resource=f"{_POLICIES}/p{number % 20:02}/ruleCollectionGroups/ours",
            path=("names", f"allow-{number}"),
            after=rule,
        ),
        classification=Classification.NEW,
        risk=list(Risk)[number % 3],
        reason=f"{name} is wanted",
        proofs=_PROVED,
        requirements=(
            RequirementRef(
                catalog="foundry-hub",
                version="1.4.0",
                entry=f"svc-{number}",
                pattern=name,
                protocol="https",
                ports="443",
                sources=("10.20.0.0/16",),
                scenario=f"scenario {number % 200}",
            ),
        ),
        digest=f"sha256:{number:064x}",
        precondition="sha256:base",
    )
