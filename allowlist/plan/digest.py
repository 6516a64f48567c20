"""Digests of plans and changes: approval is bound to meaning, not to a file or a moment."""

from __future__ import annotations

import msgspec

from allowlist.documents import digest_of
from allowlist.documents.prepared import prepared
from allowlist.plan.model import Operation, Plan, RequirementRef


def change_digest(
    target_resource: str, operation: Operation, requirements: tuple[RequirementRef, ...]
) -> str:
    """Digest over what a change does and for whom. Equal meaning, equal digest, in whatever plan it stands."""
    wanted = sorted(
        f"{ref.catalog}@{ref.version}#{ref.entry} {ref.pattern} {ref.protocol}:{ref.ports}"
        for ref in requirements
    )
    return digest_of(["change/v1", target_resource.lower(), operation, wanted])


def plan_digest(plan: Plan) -> str:
    """Digest over everything in the plan but the digest itself."""
    return digest_of(msgspec.structs.replace(plan, digest=""))


def sealed(plan: Plan) -> Plan:
    """The plan with its digest, in exactly the values it has when read back from its file."""
    plan = msgspec.json.decode(msgspec.json.encode(plan), type=prepared(Plan))
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


def is_intact(plan: Plan) -> bool:
    """Is the plan as it was when it was made? False after any edit."""
    return plan.digest == plan_digest(plan)
