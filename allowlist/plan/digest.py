"""Digests of plans and changes: approval is bound to meaning, not to a file or a moment.

A digest that stands in a file is a claim. It is made again from what would be written whenever a plan is loaded, and
a plan whose claims do not hold is refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from allowlist.documents import digest_of
from allowlist.documents.prepared import prepared
from allowlist.errors import PlanRefused
from allowlist.plan.model import Change, Gate, Operation, Plan, RequirementRef


def change_id(target_resource: str, operation: Operation, requirements: tuple[RequirementRef, ...]) -> str:
    """The short name of a change: the same operation for the same requirements has the same one in every plan."""
    wanted = sorted(
        f"{ref.catalog}@{ref.version}#{ref.entry} {ref.pattern} {ref.protocol}:{ref.ports}"
        for ref in requirements
    )
    return digest_of(["change/v1", target_resource.lower(), operation, wanted]).removeprefix("sha256:")[:8]


def change_digest(change: Change, plan: Plan) -> str:
    """Digest over all that is approved with ``change``: what it does and for whom, where, and under which terms.

    That is the change with its risk, cost, gates, proofs and reason; workload, cloud, tenant and target; the approval
    policy. Its own names, the base and what logs say are left out: a decision names the base beside the digest.
    """
    return _Terms(plan).digest(change)


def find_edited(plan: Plan, changes: Iterable[Change]) -> Iterator[Change]:
    """Those of ``changes`` of ``plan`` that mean something else than their digests say."""
    terms = _Terms(plan)
    return (change for change in changes if change.digest != terms.digest(change))


def with_digests(plan: Plan) -> Plan:
    """The plan with the digest of every change made from what stands there now."""
    plan = _as_read(plan)
    terms = _Terms(plan)
    changes = (msgspec.structs.replace(change, digest=terms.digest(change)) for change in plan.changes)
    return msgspec.structs.replace(plan, changes=tuple(changes))


def plan_digest(plan: Plan) -> str:
    """Digest over everything in the plan but the digest itself."""
    return digest_of(msgspec.structs.replace(plan, digest=""))


def sealed(plan: Plan) -> Plan:
    """The plan with its digest."""
    plan = _as_read(plan)
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


def completed(plan: Plan) -> Plan:
    """The plan with the digests of its changes and then its own: it is put into the values of its file once for both."""
    plan = with_digests(plan)
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


def _as_read(plan: Plan) -> Plan:
    """The plan in exactly the values it has when read back from its file: 4 and 4.0 are spelled apart."""
    return msgspec.json.decode(msgspec.json.encode(plan), type=prepared(Plan))


def is_intact(plan: Plan) -> bool:
    """Is every claim of the plan about itself true? False after any edit, sealed again or not."""
    return next(find_forgeries(plan), None) is None


def require_intact(plan: Plan, what: str, file: str = "FILE") -> Plan:
    """``plan``, if every claim it makes about itself is true. Raises PlanRefused otherwise.

    ``file`` is where it was read, as a shell takes it.
    """
    found = next(find_forgeries(plan), None)
    if found is not None:
        raise PlanRefused(
            f"{what} {found}", hint=f"make it again from its workload file: allowlist plan -o {file}"
        )
    return plan


def find_forgeries(plan: Plan) -> Iterator[str]:
    """What does not fit together in ``plan``, the most telling first."""
    if plan.approval is None:
        yield "has an older shape, which does not say under which approval policy it was made"
        return
    if plan.digest != plan_digest(plan):
        yield "was edited after it was made (its digest does not fit)"
    terms = _Terms(plan)
    yield from _misplaced(plan, terms)
    for change in plan.changes:
        yield from _forged(change, terms)


def _misplaced(plan: Plan, terms: _Terms) -> Iterator[str]:
    ids = Counter(change.id for change in plan.changes)
    for change in plan.changes:
        if change.target not in terms.targets:
            yield f"was edited: change {change.id} is for the target '{change.target}', which it does not have"
        if ids[change.id] > 1:
            yield f"was edited: {ids[change.id]} changes are called {change.id}"
    for gate in plan.gates:
        if any(item not in ids for item in gate.changes):
            yield f"was edited: gate {gate.id} stands over changes it does not have"


def _forged(change: Change, terms: _Terms) -> Iterator[str]:
    target = terms.targets.get(change.target)
    if target is None:
        return
    if change.precondition != target.fingerprint:
        yield f"was edited: change {change.id} is for another state of its target"
    if change.id != change_id(target.resource, change.operation, change.requirements):
        yield f"was edited: change {change.id} ({change.title}) does something else than when it was made"
    elif change.digest != terms.digest(change):
        yield f"was edited: change {change.id} ({change.title}) means something else than when it was made"
    if {gate.id for gate in terms.gates[change.id]} != set(change.gates):
        yield f"was edited: the gates over change {change.id} ({change.title}) do not fit together"


class _Terms:
    """Where the changes of a plan belong and what stands over them, looked up once."""

    def __init__(self, plan: Plan) -> None:
        policy = plan.approval.digest if plan.approval else ""
        self.targets = {target.name: target for target in plan.targets}
        self.gates: defaultdict[str, list[Gate]] = defaultdict(list)
        for gate in plan.gates:
            for change_id in gate.changes:
                self.gates[change_id].append(gate)
        self._scope = [plan.workload, plan.cloud, plan.tenant, policy]

    def digest(self, change: Change) -> str:
        bare = msgspec.structs.replace(change, id="", digest="", precondition="", traffic=())
        return digest_of(["change/v2", self._scope, self._place(change.target), self._over(change), bare])

    def _place(self, name: str) -> list[str]:
        target = self.targets.get(name)
        return [target.surface, target.resource.lower(), target.delete] if target else []

    def _over(self, change: Change) -> list[list[str]]:
        """The gates over a change; their texts count what else is in the plan, so they are left out."""
        gates = self.gates[change.id]
        return sorted([gate.id, str(gate.passed), gate.waived_by, str(gate.final)] for gate in gates)
