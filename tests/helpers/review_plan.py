"""A small plan with one change of every risk tier, a failed proof, open and passed gates: for pictures."""

from __future__ import annotations

import msgspec

from allowlist.plan.model import Change, Cost, Gate, Plan, Proof, RequirementRef, Risk
from tests.helpers.plans import PROVED, a_change, a_plan, resealed

_WIDER = msgspec.structs.replace(
    PROVED,
    nothing_else=Proof(
        holds=False,
        text="other storage accounts open as well",
        witness="10.0.0.4 → other.blob.core.windows.net https:443",
    ),
)


def review_plan() -> Plan:
    changes = (
        _wanted(a_change("update.code.visualstudio.com"), "vscode", "editor"),
        _wanted(a_change("*.vsassets.io", risk=Risk.WILDCARD), "vscode", "editor"),
        _wanted(a_change("huggingface.co"), "hugging-face", "core"),
        a_change("legacy.contoso.com", action="remove", risk=Risk.REMOVAL, gates=("removals",)),
        _wanted(
            a_change("*.blob.core.windows.net", risk=Risk.WIDENING, proofs=_WIDER, gates=("widening",)),
            "foundry-hub",
            "storage",
        ),
        a_change(
            "packages.contoso.com",
            risk=Risk.BILLED,
            cost=Cost(
                minutes=10,
                monthly=912.5,
                currency="EUR",
                billed="the first FQDN rule creates an Azure Firewall",
            ),
        ),
        a_change(
            "ml.azure.com",
            risk=Risk.IRREVERSIBLE,
            cost=Cost(minutes=8, irreversible="isolation cannot be switched off again"),
        ),
    )
    gates = (
        Gate(id="removals", passed=False, text="1 rule is removed; the limit is 0", changes=(changes[3].id,)),
        Gate(
            id="widening",
            passed=False,
            text="1 change opens more than is asked for",
            changes=(changes[4].id,),
        ),
        Gate(id="plan-age", passed=True, text="the plan is new"),
    )
    plan = a_plan(*changes, gates=gates, asked_by="carol@contoso.example")
    target = msgspec.structs.replace(plan.targets[0], minutes=4)
    return resealed(msgspec.structs.replace(plan, workload="chat-prod", minutes=4, targets=(target,)))


def _wanted(change: Change, catalog: str, scenario: str) -> Change:
    name = change.operation.after["targetFqdns"][0] if change.operation.after else ""
    wish = RequirementRef(
        catalog=catalog,
        version="2.0.0",
        entry=name.strip("*.").replace(".", "-"),
        pattern=name,
        protocol="https",
        ports="443",
        sources=("10.0.0.0/24",),
        scenario=scenario,
        purpose="downloads",
        breaks="nothing starts",
        source_url=f"https://docs.example/{catalog}/network",
    )
    return msgspec.structs.replace(change, requirements=(wish,))
