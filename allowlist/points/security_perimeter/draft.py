"""Access rules to add to, change in and remove from a profile, and associations to be enforced. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.estate.bodies import Body
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Cost, Skip
from allowlist.points.draft import DRIFT, WEB, Drafting, at, sorted_out, tightened
from allowlist.points.managed.ownership import is_owned, rule_name
from allowlist.points.point import Target
from allowlist.points.security_perimeter.place import perimeter_of
from allowlist.points.security_perimeter.translate import (
    ASSOCIATIONS,
    COLLECTION,
    ENFORCED,
    NAMES,
    AccessProfile,
    Association,
    PerimeterJudge,
    hosts_of,
)
from allowlist.rules.requirement import Requirement

COST = Cost(
    minutes=1, source="access rules are written at once (API description 2024-10-01); no figure is published"
)


class PerimeterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``access_mode`` Enforced ends Learning for every associated resource. ``unverified_wildcards`` writes
    wildcards, which no document promises to work."""

    access_mode: Literal["Enforced"] | None = None
    unverified_wildcards: bool = False


def options_of(target: Target) -> PerimeterOptions:
    return msgspec.convert(target.options, prepared(PerimeterOptions))


def draft(
    profile: AccessProfile, target: Target, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> Draft:
    """One rule per host; where the profile is to be enforced from now on, rules for ``kept`` too."""
    options = options_of(target)
    logging = [item for item in profile.associations if item.mode != ENFORCED]
    tightens = bool(options.access_mode and logging)
    intended = replace(profile, mode=ENFORCED) if tightens else profile
    wanted = tightened(tightens and profile.mode != ENFORCED, needed, kept)
    judge = PerimeterJudge(intended, wanted, wildcards=options.unverified_wildcards)
    hosts, refused = sorted_out(judge.judge, wanted)
    why = "allowed only as long as nothing is enforced" if profile.mode != ENFORCED else ""
    changes = [
        drafted for host, items in hosts.items() if (drafted := _upsert(profile, target, host, items, why))
    ]
    changes += _restored(profile, target, [item for item in kept if item.pattern not in hosts])
    changes += [_enforcement(target, item) for item in logging if tightens]
    names = {_name(target, item.pattern) for item in (*needed, *kept)}
    removals, skips = _removals(profile, target, names)
    return Draft(changes=(*changes, *removals), inexpressible=tuple(refused), skips=tuple(skips))


def _restored(profile: AccessProfile, target: Target, kept: Sequence[Requirement]) -> list[Drafted]:
    """Rules of ours that somebody changed, as far as the delete policy lets what they open be taken back."""
    hosts: dict[str, list[Requirement]] = {}
    for item in kept:
        if _name(target, item.pattern) in profile.rules:
            hosts.setdefault(item.pattern, []).append(item)
    if target.delete != "sync":
        return []
    found = (_upsert(profile, target, host, items, "") for host, items in hosts.items())
    return [msgspec.structs.replace(item, drift=DRIFT) for item in found if item]


def _name(target: Target, host: str) -> str:
    return rule_name(target.workload, "Fqdn", host)


def _upsert(
    profile: AccessProfile, target: Target, host: str, items: list[Requirement], why: str
) -> Drafted | None:
    name = _name(target, host)
    body: Body = {"direction": "Outbound", "fullyQualifiedDomainNames": [host]}
    old = profile.rules.get(name)
    failed = old is not None and str(old.get("provisioningState")).lower() == "failed"
    if old is not None and _same(old, body) and not failed:
        return None
    operation = Drafting(target).operation(
        "add" if old is None else "update",
        (COLLECTION, name),
        before=plain_rule(old) if old is not None else None,
        after=body,
        title=f"host {host}",
        resource=f"{target.resource}/{COLLECTION}/{name}",
    )
    along = tuple(at(items[0], pattern=host, **web) for web in WEB)
    return Drafted(operation=operation, requirements=tuple(items), cost=COST, why=why, along=along)


def _same(old: Mapping[str, Any], body: Body) -> bool:
    """Does the rule there let through what ``body`` would? A member more may let through more."""
    plain = plain_rule(old)
    direction = str(plain.pop("direction", "")).lower()
    return direction == "outbound" and hosts_of(plain) == hosts_of(body) and plain.keys() == {NAMES}


def plain_rule(rule: Mapping[str, Any]) -> Body:
    """A rule as it is written, without what the service adds."""
    return {key: value for key, value in rule.items() if value and key != "provisioningState"}


def _enforcement(target: Target, item: Association) -> Drafted:
    operation = Drafting(target).operation(
        "update",
        (ASSOCIATIONS, item.name),
        before={"accessMode": item.mode},
        after={"accessMode": ENFORCED},
        title=f"access mode of {item.name} {item.mode} → {ENFORCED}",
        resource=f"{perimeter_of(target.resource)}/{ASSOCIATIONS}/{item.name}",
    )
    return Drafted(operation=operation, cost=COST, why="the target asks for access mode Enforced")


def _removals(profile: AccessProfile, target: Target, wanted: set[str]) -> tuple[list[Drafted], list[Skip]]:
    gone = {
        name: partial(_removal, target, name, rule)
        for name, rule in profile.outbound.items()
        if is_owned(target.workload, name) and name not in wanted
    }
    return Drafting(target).removals(gone)


def _removal(target: Target, name: str, rule: Mapping[str, Any]) -> Drafted:
    body = plain_rule(rule)
    operation = Drafting(target).operation(
        "remove",
        (COLLECTION, name),
        before=body,
        after=None,
        title=f"host {', '.join(hosts_of(body))}",
        resource=f"{target.resource}/{COLLECTION}/{name}",
    )
    return Drafted(operation=operation, cost=COST)
