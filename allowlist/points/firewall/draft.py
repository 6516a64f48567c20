"""Which rules of ours would have to be added, changed or removed. Pure.

A rule per catalog entry, so that each can be approved on its own. Rules without our mark are foreign, also
inside our own collections, and are never touched.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from allowlist.documents import digest_of
from allowlist.documents.grouping import grouped
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import owner_of
from allowlist.estate.known import FINAL, unsettled
from allowlist.names import Pattern
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Cost, Operation, Skip
from allowlist.points.draft import Drafting
from allowlist.points.firewall.rules_json import (
    WantedRule,
    another_name,
    differences_of,
    entry_key,
    entry_key_of_mark,
    rules_for,
    same_meaning,
    says_exactly,
    title_of_rule,
    united,
)
from allowlist.points.firewall.translate import carriers_of, name_of
from allowlist.points.point import Target
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
    place = Place(surface=target.surface, resource=group_id(target), standing=_standing(estate, target))
    return draft_rules(target, ruleset, place, needed, kept, failed_state(estate, target))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where our rules stand: the resource that is written, and what stands in our collections."""

    surface: str
    resource: str
    standing: Standing


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Every rule of our collections in the shape of policies, read once however often is drafted.

    ``owned`` carry our mark, ``by_entry`` are they by what it names, ``names`` are taken, whoever took them.
    ``settled`` remembers the entries that ask for what stands there, to the letter of its meaning: whatever the delete
    policy is, there is nothing to do about them.
    """

    owned: tuple[Body, ...]
    by_entry: Mapping[EntryKey, Sequence[Body]]
    names: frozenset[tuple[str, str]]
    settled: dict[EntryKey, _Settled]

    @classmethod
    def of(cls, workload: str, rules: Iterable[Body]) -> Standing:
        rules = tuple(rules)
        owned = tuple(rule for rule in rules if owner_of(rule.get("description")) == workload)
        return cls(
            owned=owned,
            by_entry=grouped(owned, lambda rule: entry_key_of_mark(rule["description"])),
            names=frozenset(map(_name_key, rules)),
            settled={},
        )


class _Settled(msgspec.Struct, frozen=True):
    """What an entry asked for when nothing was to be done about it."""

    requirements: tuple[Requirement, ...]

    def is_asked(self, requirements: Sequence[Requirement]) -> bool:
        known = self.requirements
        return len(known) == len(requirements) and all(map(operator.is_, known, requirements))


def draft_rules(
    target: Target,
    ruleset: Ruleset,
    place: Place,
    needed: Sequence[Requirement],
    kept: Sequence[Requirement],
    failed: str,
) -> Draft:
    """The draft for any surface whose rules have the shape of policy rules and stand in named collections.

    ``failed`` says what Azure failed to put in force and a write would put in force now; empty for nothing.
    """
    why = {id(item): reason for item in (*needed, *kept) if (reason := _why_inexpressible(item, ruleset))}
    refused = [(item, why[id(item)]) for item in needed if id(item) in why]
    drafter = _Drafter(target, place.standing, {item.key for item in needed})
    entries: dict[EntryKey, list[Requirement]] = {}
    for requirement in (*needed, *kept):
        asked = entries.setdefault(entry_key(requirement), [])
        if id(requirement) not in why:
            asked.append(requirement)
    changes = [drafted for key, items in entries.items() for drafted in drafter.entry(key, items)]
    removals, skips = drafter.removals()
    changes += removals
    if failed:
        changes = _healing(changes, place.standing.owned, target, failed)
    placed = (_placed(drafted, place.surface, place.resource) for drafted in changes)
    return Draft(changes=tuple(placed), inexpressible=tuple(refused), skips=(*skips, *drafter.skips))


class _Drafter:
    """Pairs what entries ask for with the rules that carry our mark. Names are labels: a mark says whose a rule is."""

    def __init__(self, target: Target, standing: Standing, needed: Collection[str]) -> None:
        self._target = target
        self._needed = needed
        self._standing = standing
        self._paired: set[int] = set()
        self._names = set(standing.names)
        self.skips: list[Skip] = []

    def entry(self, key: EntryKey, requirements: Sequence[Requirement]) -> Sequence[Drafted]:
        """The operations for one entry. What its rules say does not depend on what stands there already."""
        mine = self._standing.by_entry.get(key, ())
        if not mine and not self._is_needed(requirements):
            return ()
        known = self._standing.settled.get(key)
        if known is not None and known.is_asked(requirements):
            self._paired.update(map(id, mine))
            return ()
        if len(mine) == len(requirements) == 1 and says_exactly(mine[0], requirements[0]):
            self._standing.settled[key] = _Settled(tuple(requirements))
            self._paired.add(id(mine[0]))
            return ()
        return self._edits(key, requirements, list(mine))

    def _edits(self, key: EntryKey, requirements: Sequence[Requirement], left: list[Body]) -> list[Drafted]:
        found: list[Drafted] = []
        as_asked = True
        for wanted in rules_for(self._target.workload, requirements):
            old = _counterpart(wanted.body, left)
            if old is not None:
                left.remove(old)
                self._paired.add(id(old))
            if old is not None and same_meaning(old, wanted.body):
                continue
            as_asked = False
            drafted = self._rule(wanted, old)
            found += [drafted] if drafted else []
        if as_asked and not left:
            self._standing.settled[key] = _Settled(tuple(requirements))
        return found

    def _rule(self, wanted: WantedRule, old: Body | None) -> Drafted | None:
        is_needed = self._is_needed(wanted.requirements)
        if old is None:
            return self._change(None, self._named(wanted.body), wanted) if is_needed else None
        new = {**wanted.body, "name": old["name"]}
        if self._target.delete != "sync":
            new = united(old, new) if is_needed else old
        return None if same_meaning(old, new) else self._change(old, new, wanted)

    def _is_needed(self, requirements: Iterable[Requirement]) -> bool:
        return bool(self._needed) and any(item.key in self._needed for item in requirements)

    def _change(self, old: Body | None, new: Body, wanted: WantedRule) -> Drafted:
        differing = differences_of(old, new) if old else ""
        return Drafted(
            operation=_operation("add" if old is None else "update", self._target, old, new),
            title=title_of_rule(new),
            names=tuple(new.get("targetFqdns") or ()),
            from_anywhere=tuple(new.get("sourceAddresses") or ()) == _ANYWHERE,
            requirements=wanted.requirements,
            cost=WRITE_COST,
            drift=f"it says something else than its entry asks for: {differing}" if differing else "",
        )

    def _named(self, rule: Body) -> Body:
        """With a name no other rule of the collection has; that somebody else took the usual one is told."""
        if _name_key(rule) in self._names:
            text = (
                f"another rule of the collection is called '{rule['name']}' already; ours gets another name"
            )
            self.skips.append(Drafting(self._target).skip(rule["name"], "name-taken", text))
            rule = {**rule, "name": another_name(rule["name"], rule["description"])}
        self._names.add(_name_key(rule))
        return rule

    def removals(self) -> tuple[list[Drafted], list[Skip]]:
        """What is left of our rules once every entry has found its own; twins go together."""
        gone: dict[str, Callable[[], Drafted]] = {}
        twins: set[str] = set()
        left = [rule for rule in self._standing.owned if id(rule) not in self._paired]
        for place, rule in enumerate(left):
            same = digest_of(rule)
            if same not in twins:
                twins.add(same)
                name = str(rule.get("name") or "")
                gone[name if name not in gone else f"{name} ({place})"] = partial(
                    _removal, self._target, rule
                )
        return Drafting(self._target).removals(gone)


def _name_key(rule: Body) -> tuple[str, str]:
    return str(rule.get("ruleType")), str(rule.get("name") or "").lower()


def _counterpart(wanted: Body, mine: Sequence[Body]) -> Body | None:
    """The rule of ours that stands for ``wanted``: of its type, by its name or else for the same protocols."""
    alike = [rule for rule in mine if rule.get("ruleType") == wanted["ruleType"] and rule.get("name")]
    by_name = [rule for rule in alike if rule.get("name") == wanted["name"]]
    if wanted["ruleType"] == "ApplicationRule":
        return next(iter(by_name or alike), None)
    protocol = wanted["ipProtocols"]
    return next(iter(by_name or [rule for rule in alike if rule.get("ipProtocols") == protocol]), None)


def _healing(changes: list[Drafted], owned: Sequence[Body], target: Target, failed: str) -> list[Drafted]:
    """Every write of the resource puts it in force whole; where nothing else is to be written, our rules as they are."""
    why = f"{failed}; writing it again is what heals it"
    if changes or not owned:
        return [replace(item, why=item.why or why, pervasive=True) for item in changes]
    rule = owned[0]
    operation = _operation("update", target, rule, rule)
    context = {**operation.context, "title": f"{title_of_rule(rule)}: write it again", "heals": failed}
    return [
        Drafted(
            operation=msgspec.structs.replace(operation, context=context),
            title=context["title"],
            cost=WRITE_COST,
            why=why,
            pervasive=True,
        )
    ]


def _placed(drafted: Drafted, surface: str, resource: str) -> Drafted:
    if drafted.operation.resource == resource and drafted.operation.surface == surface:
        return drafted
    operation = msgspec.structs.replace(drafted.operation, surface=surface, resource=resource)
    return replace(drafted, operation=operation)


def _standing(estate: Estate, target: Target) -> Standing:
    """What stands in our collections; remembered for as long as the group is the same."""
    key = ("standing", group_id(target), target.collection, target.workload)
    group = estate.get(group_id(target))
    found: tuple[Body | None, Standing] | None = estate.derived.get(key)
    if found is None or found[0] is not group:
        found = estate.derived[key] = (group, Standing.of(target.workload, _rules_in(estate, target)))
    return found[1]


def _rules_in(estate: Estate, target: Target) -> Iterator[Body]:
    """Every rule of our collections of our group, whoever wrote it."""
    group = estate.get(group_id(target))
    names = {collection_name(target, kind) for kind in ("ApplicationRule", "NetworkRule")}
    for collection in (group or {}).get("properties", {}).get("ruleCollections") or ():
        if collection.get("name") in names:
            yield from collection.get("rules") or ()


def failed_state(estate: Estate, target: Target) -> str:
    """What Azure failed to put in force of the policy and that a write of our group puts in force; empty for nothing."""
    group, policy = estate.get(group_id(target)), estate.get(target.resource)
    around = [*([policy, *carriers_of(estate, policy)] if policy else []), *([group] if group else [])]
    failed = [f"{name_of(body)} is {state}" for body in around if (state := unsettled(body)) in FINAL]
    return " and ".join(failed)


def _why_inexpressible(requirement: Requirement, ruleset: Ruleset) -> str:
    if requirement.endpoint:
        return "a firewall has no private endpoint rules: make the endpoint in the network of the workload"
    if requirement.is_by_name or not requirement.pattern:
        return ""
    if Pattern(requirement.pattern).is_wildcard:
        return f"network rules take no wildcards, and {requirement.protocol} is matched by network rules only"
    if not ruleset.settings.resolves_network_names:
        return "names in network rules need the policy's DNS proxy to be enabled"
    return ""


def _removal(target: Target, rule: Body) -> Drafted:
    operation = _operation("remove", target, rule, None)
    return Drafted(operation=operation, title=title_of_rule(rule), cost=WRITE_COST)


def _operation(action: Any, target: Target, old: Body | None, new: Body | None) -> Operation:
    kind = (new or old or {})["ruleType"]
    return Operation(
        action=action,
        surface=target.surface,
        resource=group_id(target),
        path=(collection_name(target, kind), str((new or old or {}).get("name") or "")),
        before=old,
        after=new,
        context={
            "groupPriority": target.priority,
            "collectionPriority": APPLICATION_PRIORITY if kind == "ApplicationRule" else NETWORK_PRIORITY,
            "action": "Allow",
        },
    )
