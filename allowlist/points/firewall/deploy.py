"""Draft rebase: write through a draft of the policy without losing what others did meanwhile.

Deploying replaces the whole live policy with its draft; live edits made after the draft was cloned are lost
without a word, there is one draft per policy, and over REST it has to be built whole (documentation of draft and
deploy, 2025-05). So base, live and draft are compared first, and a difference stops the write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allowlist.errors import TargetConflict, TargetError, TargetNotFound
from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.points.firewall.readback import same_configuration
from allowlist.points.point import ArmReader, ArmWriter

# What a policy has and its draft has not (swagger, FirewallPolicyDraftProperties).
_NOT_DRAFTED = {
    "sku",
    "transportSecurity",
    "childPolicies",
    "ruleCollectionGroups",
    "firewalls",
    "provisioningState",
    "size",
}
_PRECONDITION_FAILED = 412

Parts = Mapping[str, Body]


def write_through_draft(arm: ArmWriter, group: str, body: Body, api_version: str) -> None:
    """Put ``body`` of ``group`` in force by deploying a draft of its policy.

    Raises TargetConflict, naming the rules, when somebody has a draft of their own, or changed the live policy
    while the draft was built: deploying would have taken that back.
    """
    policy = group[: normal_id(group).index("/rulecollectiongroups/")]
    base = read_live(arm, policy, api_version)
    intended = {**base, normal_id(group): body}
    _refuse_foreign_draft(read_draft(arm, policy, base, api_version), base, intended)
    try:
        _build(arm, intended, api_version)
        _refuse_lost_edits(base, read_live(arm, policy, api_version))
    except TargetError:
        _discard(arm, intended, api_version)
        raise
    arm.post(f"{policy}/deploy", {}, api_version)


def read_live(arm: ArmReader, policy: str, api_version: str) -> dict[str, Body]:
    """The policy and its groups by normalised id, the policy first."""
    bodies = [arm.get(policy, api_version), *arm.list(f"{policy}/ruleCollectionGroups", api_version)]
    return {normal_id(body["id"]): _drafted(body) for body in bodies}


def read_draft(arm: ArmReader, policy: str, parts: Parts, api_version: str) -> dict[str, Body]:
    """What stands in the draft of each of ``parts``; empty where the policy has none."""
    found: dict[str, Body] = {}
    for part in parts:
        try:
            found[part] = _drafted(arm.get(draft_of(part), api_version))
        except TargetNotFound:
            if part == normal_id(policy):
                return {}
    return found


def draft_of(part: str) -> str:
    """The id of the draft of a policy or of one of its groups."""
    is_group = "/rulecollectiongroups/" in part
    return f"{part}/{'ruleCollectionGroupDrafts' if is_group else 'firewallPolicyDrafts'}/default"


def lost_rules(before: Body | None, after: Body | None) -> list[str]:
    """What a write of ``before`` over ``after`` takes back: rules and collections, in words."""
    old, new = _rules(before), _rules(after)
    named = [f"{name} (added)" for name in new if name not in old]
    named += [f"{name} (removed)" for name in old if name not in new]
    named += [f"{name} (changed)" for name in new if name in old and old[name] != new[name]]
    return named or ["its settings"]


def _drafted(body: Body) -> Body:
    kept = {name: value for name, value in body["properties"].items() if name not in _NOT_DRAFTED}
    return {"properties": kept}


def _refuse_foreign_draft(draft: Parts, base: Parts, intended: Parts) -> None:
    """A draft that only repeats what is live, or what is about to be written, is nobody's work."""
    for part, body in draft.items():
        if not (same_configuration(base[part], body) or same_configuration(intended[part], body)):
            raise _conflict(
                f"there is a draft of the policy that changes {ResourceId(part).name}: "
                f"{', '.join(lost_rules(base[part], body)[:5])}",
                "deploy or discard that draft first; a policy has only one",
            )


def _refuse_lost_edits(base: Parts, live: Parts) -> None:
    lost = [
        f"{ResourceId(part).name}: {', '.join(lost_rules(base.get(part), live.get(part))[:5])}"
        for part in dict.fromkeys([*base, *live])
        if not _same(base.get(part), live.get(part))
    ]
    if lost:
        raise _conflict(
            f"the policy was edited while its draft was built; deploying would have taken back {'; '.join(lost)}",
            "make a new plan",
        )


def _same(one: Body | None, other: Body | None) -> bool:
    return one is other or (one is not None and other is not None and same_configuration(one, other))


def _build(arm: ArmWriter, intended: Parts, api_version: str) -> None:
    for part, body in intended.items():
        arm.put(draft_of(part), body, api_version)


def _discard(arm: ArmWriter, intended: Parts, api_version: str) -> None:
    for part in reversed(list(intended)):
        arm.delete(draft_of(part), api_version)


def _rules(body: Body | None) -> dict[str, object]:
    return dict(_named_rules(body)) if body else {}


def _named_rules(body: Body) -> Iterator[tuple[str, object]]:
    for collection in body["properties"].get("ruleCollections") or ():
        for rule in collection.get("rules") or ():
            yield f"{collection.get('name')}/{rule.get('name')}", rule


def _conflict(text: str, hint: str) -> TargetConflict:
    return TargetConflict(text, hint=hint, status=_PRECONDITION_FAILED)
