"""Which rules of ours would have to be added, changed or removed. Pure.

A rule per catalog entry, so that each can be approved on its own. Rules without our mark are foreign, also
inside our own collections, and are never touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import owner_of
from allowlist.names import Pattern
from allowlist.plan.model import Cost, Operation, Skip
from allowlist.points.draft import Drafting
from allowlist.points.firewall.rules_json import (
    entry_key,
    entry_key_of_mark,
    rules_for,
    same_meaning,
    title_of_rule,
    united,
)
from allowlist.points.point import Draft, Drafted, Target
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

APPLICATION_PRIORITY = 2000
NETWORK_PRIORITY = 1000

WRITE_COST = Cost(
    minutes=4, source="firewall known issues: a rule update takes 3 to 5 minutes with a firewall attached"
)

EntryKey = tuple[str, str]
_ANYWHERE = tuple(EVERYWHERE.texts())


def group_id(target: Target) -> str:
    return f"{target.resource}/ruleCollectionGroups/{group_name(target)}"


def group_name(target: Target) -> str:
    return target.group or f"allowlist-{target.workload}"


def collection_name(target: Target, kind: str) -> str:
    """Our collection for ``ApplicationRule`` or ``NetworkRule``."""
    stem = target.collection or f"allowlist-{target.workload}"
    return f"{stem}-{'names' if kind == 'ApplicationRule' else 'addresses'}"


def draft(
    estate: Estate,
    target: Target,
    ruleset: Ruleset,
    needed: Sequence[Requirement],
    kept: Sequence[Requirement],
) -> Draft:
    """Operations for ``needed``; entries of ``kept`` hold their rules; owned rules nobody wants are excess."""
    owned = {rule["name"]: rule for rule in owned_rules(estate, target)}
    return draft_rules(
        target, ruleset, owned, needed, kept, surface=target.surface, resource=group_id(target)
    )


def draft_rules(
    target: Target,
    ruleset: Ruleset,
    owned: dict[str, Body],
    needed: Sequence[Requirement],
    kept: Sequence[Requirement],
    *,
    surface: str,
    resource: str,
) -> Draft:
    """The draft for any surface whose rules have the shape of policy rules and stand in named collections."""
    expressible, refused = _split(needed, ruleset)
    wanted: dict[EntryKey, list[Requirement]] = defaultdict(list)
    for requirement in (*needed, *kept):
        wanted[entry_key(requirement)].append(requirement)
    changes = list(_additions(target, owned, wanted, expressible))
    removals, skips = _removals(target, owned, wanted)
    placed = (_placed(drafted, surface, resource) for drafted in (*changes, *removals))
    return Draft(changes=tuple(placed), inexpressible=tuple(refused), skips=tuple(skips))


def _placed(drafted: Drafted, surface: str, resource: str) -> Drafted:
    operation = msgspec.structs.replace(drafted.operation, surface=surface, resource=resource)
    return replace(drafted, operation=operation)


def owned_rules(estate: Estate, target: Target) -> Iterator[Body]:
    """The rules that carry the mark of this workload, in our collections of our group."""
    group = estate.get(group_id(target))
    names = {collection_name(target, kind) for kind in ("ApplicationRule", "NetworkRule")}
    for collection in (group or {}).get("properties", {}).get("ruleCollections") or ():
        if collection.get("name") in names:
            for rule in collection.get("rules") or ():
                if owner_of(rule.get("description")) == target.workload:
                    yield rule


def _split(
    needed: Sequence[Requirement], ruleset: Ruleset
) -> tuple[list[Requirement], list[tuple[Requirement, str]]]:
    expressible: list[Requirement] = []
    refused: list[tuple[Requirement, str]] = []
    for requirement in needed:
        reason = _why_inexpressible(requirement, ruleset)
        if reason:
            refused.append((requirement, reason))
        else:
            expressible.append(requirement)
    return expressible, refused


def _why_inexpressible(requirement: Requirement, ruleset: Ruleset) -> str:
    if requirement.is_by_name or not requirement.pattern:
        return ""
    if Pattern(requirement.pattern).is_wildcard:
        return f"network rules take no wildcards, and {requirement.protocol} is matched by network rules only"
    if not ruleset.settings.resolves_network_names:
        return "names in network rules need the policy's DNS proxy to be enabled"
    return ""


def _additions(
    target: Target,
    owned: dict[str, Body],
    wanted: dict[EntryKey, list[Requirement]],
    expressible: list[Requirement],
) -> Iterator[Drafted]:
    entries: dict[EntryKey, list[Requirement]] = defaultdict(list)
    for requirement in expressible:
        entries[entry_key(requirement)].append(requirement)
    if target.delete == "sync":
        entries |= {
            key: items for key, items in wanted.items() if key not in entries and _is_owned(key, owned)
        }
    for key, requirements in entries.items():
        everything = wanted[key] if _is_owned(key, owned) else requirements
        for rule in rules_for(target.workload, _same_sources(everything)):
            drafted = _drafted(target, owned.get(rule["name"]), rule, tuple(requirements))
            if drafted:
                yield drafted


def _is_owned(key: EntryKey, owned: dict[str, Body]) -> bool:
    return any(entry_key_of_mark(rule["description"]) == key for rule in owned.values())


def _same_sources(requirements: list[Requirement]) -> list[Requirement]:
    return [item for item in requirements if item.sources == requirements[0].sources]


def _drafted(
    target: Target, old: Body | None, new: Body, requirements: tuple[Requirement, ...]
) -> Drafted | None:
    if old is not None and target.delete != "sync":
        new = united(old, new)
    if old is not None and same_meaning(old, new):
        return None
    return Drafted(
        operation=_operation("add" if old is None else "update", target, old, new),
        title=title_of_rule(new),
        names=tuple(new.get("targetFqdns") or ()),
        from_anywhere=tuple(new.get("sourceAddresses") or ()) == _ANYWHERE,
        requirements=requirements,
        cost=WRITE_COST,
    )


def _removals(
    target: Target, owned: dict[str, Body], wanted: dict[EntryKey, list[Requirement]]
) -> tuple[list[Drafted], list[Skip]]:
    gone = {
        name: partial(_removal, target, rule)
        for name, rule in owned.items()
        if entry_key_of_mark(rule["description"]) not in wanted
    }
    return Drafting(target).removals(gone)


def _removal(target: Target, rule: Body) -> Drafted:
    operation = _operation("remove", target, rule, None)
    return Drafted(operation=operation, title=title_of_rule(rule), cost=WRITE_COST)


def _operation(action: Any, target: Target, old: Body | None, new: Body | None) -> Operation:
    kind = (new or old or {})["ruleType"]
    return Operation(
        action=action,
        surface=target.surface,
        resource=group_id(target),
        path=(collection_name(target, kind), (new or old or {})["name"]),
        before=old,
        after=new,
        context={
            "groupPriority": target.priority,
            "collectionPriority": APPLICATION_PRIORITY if kind == "ApplicationRule" else NETWORK_PRIORITY,
            "action": "Allow",
        },
    )
