"""Rules to add to, change in and remove from an egress policy. Pure.

The first match decides, so our rules go to the end: they never come before a rule of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.estate.bodies import Body
from allowlist.estate.fields import MARK_PREFIX
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Cost, Skip
from allowlist.points.agent_egress.judge import PolicyJudge
from allowlist.points.agent_egress.translate import COLLECTION, MODE, EgressPolicy, EgressRule
from allowlist.points.draft import DRIFT, WEB, Drafting, at, sorted_out, tightened
from allowlist.points.managed.ownership import is_owned, rule_name
from allowlist.points.point import Target
from allowlist.rules.requirement import Requirement

COST = Cost(
    minutes=1,
    source="the PUT is answered at once (API description, 2026-05-15-preview); no figure is published",
)


class PolicyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``mode`` Enforced ends the audit. ``attached`` says whether an agent version names the policy: ARM does not."""

    mode: Literal["Enforced"] | None = None
    attached: bool | None = None


def options_of(target: Target) -> PolicyOptions:
    return msgspec.convert(target.options, prepared(PolicyOptions))


def draft(
    policy: EgressPolicy, target: Target, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> Draft:
    """One rule per host; where the policy is to be enforced from now on, rules for ``kept`` too."""
    tightens = options_of(target).mode == "Enforced" and policy.mode != "Enforced"
    intended = replace(policy, mode="Enforced", missing=False) if tightens else policy
    wanted = tightened(tightens, needed, kept)
    judge = PolicyJudge(replace(intended, attached=None), wanted)
    hosts, refused = sorted_out(judge.judge, wanted)
    why = "allowed only as long as nothing is enforced" if tightens else ""
    changes = [
        drafted for host, items in hosts.items() if (drafted := _upsert(policy, target, host, items, why))
    ]
    changes += [_mode(policy, target)] if tightens else []
    names = {_name(target, item.pattern) for item in (*needed, *kept)}
    changes += _restored(policy, target, [item for item in kept if item.pattern not in hosts])
    removals, skips = _removals(policy, target, names)
    return Draft(changes=(*changes, *removals), inexpressible=tuple(refused), skips=tuple(skips))


def _restored(policy: EgressPolicy, target: Target, kept: Sequence[Requirement]) -> list[Drafted]:
    """Rules of ours that somebody changed, as far as the delete policy lets what they open be taken back."""
    hosts: dict[str, list[Requirement]] = {}
    for item in kept:
        if policy.rule(_name(target, item.pattern)) is not None:
            hosts.setdefault(item.pattern, []).append(item)
    if target.delete != "sync":
        return []
    found = (_upsert(policy, target, host, items, "") for host, items in hosts.items())
    return [msgspec.structs.replace(item, drift=DRIFT) for item in found if item]


def _name(target: Target, host: str) -> str:
    return rule_name(target.workload, "Fqdn", host)


def _upsert(
    policy: EgressPolicy, target: Target, host: str, items: list[Requirement], why: str
) -> Drafted | None:
    name = _name(target, host)
    body: Body = {
        "name": name,
        "description": f"{MARK_PREFIX}{target.workload}:{items[0].origin}",
        "ruleType": "Fqdn",
        "match": {"host": host},
        "action": {"actionType": "Allow"},
    }
    old = policy.rule(name)
    if old is not None and old.meaning == EgressRule.of(body).meaning:
        return None
    operation = Drafting(target).operation(
        "add" if old is None else "update",
        (COLLECTION, name),
        before=old.body if old else None,
        after=body,
        title=f"host {host}",
    )
    along = tuple(at(items[0], pattern=host, **web) for web in WEB)
    return Drafted(operation=operation, requirements=tuple(items), cost=COST, why=why, along=along)


def _mode(policy: EgressPolicy, target: Target) -> Drafted:
    before = None if policy.missing else {"mode": policy.mode}
    operation = Drafting(target).operation(
        "update",
        (COLLECTION, MODE),
        before=before,
        after={"mode": "Enforced"},
        title=f"mode {'unset' if policy.missing else policy.mode} → Enforced",
    )
    return Drafted(operation=operation, cost=COST, why="the target asks for mode Enforced")


def _removals(policy: EgressPolicy, target: Target, wanted: set[str]) -> tuple[list[Drafted], list[Skip]]:
    gone = {
        rule.name: partial(_removal, target, rule)
        for rule in policy.rules
        if is_owned(target.workload, rule.name) and rule.name not in wanted
    }
    return Drafting(target).removals(gone)


def _removal(target: Target, rule: EgressRule) -> Drafted:
    operation = Drafting(target).operation(
        "remove", (COLLECTION, rule.name), before=rule.body, after=None, title=f"host {rule.host}"
    )
    return Drafted(operation=operation, cost=COST)
