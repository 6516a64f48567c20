"""Entries to add to and remove from an account's list, and the switch that makes it count. Pure.

An entry has no room for a mark. So only entries that the ledger remembers as ours are ever removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.estate.bodies import Body
from allowlist.plan.model import Cost, Operation, Skip
from allowlist.points.allow_list.judge import ListJudge
from allowlist.points.allow_list.translate import (
    COLLECTION,
    SETTINGS,
    SWITCH,
    AllowList,
    normal_entry,
)
from allowlist.points.managed.draft import WEB, at
from allowlist.points.point import Draft, Drafted, Target
from allowlist.points.verdict import Word
from allowlist.rules.requirement import Requirement

COST = Cost(
    minutes=15,
    source="data loss prevention article of Azure AI services: up to 15 minutes to take effect, read 2026-09",
)


class ListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``restrict`` turns the switch on. ``unverified_wildcards`` writes wildcards, which no document promises to work."""

    restrict: Literal[True] | None = None
    unverified_wildcards: bool = False


def options_of(target: Target) -> ListOptions:
    return msgspec.convert(target.options, prepared(ListOptions))


def draft(
    allowed: AllowList, target: Target, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> Draft:
    """One operation per entry; where the list is to count from now on, entries for ``kept`` too."""
    options = options_of(target)
    tightens = bool(options.restrict) and not allowed.restricted
    intended = replace(allowed, restricted=allowed.restricted or tightens)
    wanted = (*needed, *kept) if tightens else tuple(needed)
    judge = ListJudge(intended, wanted, wildcards=options.unverified_wildcards)
    entries: dict[str, list[Requirement]] = {}
    refused: list[tuple[Requirement, str]] = []
    for item in wanted:
        found = judge.judge(item)
        if found.word is Word.MISSING:
            entries.setdefault(item.pattern, []).append(item)
        elif found.word is Word.BLOCKED:
            refused.append((item, found.text))
    why = "allowed only as long as the switch is off" if tightens else ""
    changes = [_addition(target, entry, items, why) for entry, items in entries.items()]
    changes += [_switch(target)] if tightens and judge.refused is None else []
    removals, skips = _removals(allowed, target, {item.pattern for item in (*needed, *kept)})
    return Draft(changes=(*changes, *removals), inexpressible=tuple(refused), skips=tuple(skips))


def _operation(
    target: Target,
    action: Literal["add", "update", "remove"],
    path: tuple[str, str],
    before: Body | None,
    after: Body | None,
    title: str,
) -> Operation:
    return Operation(
        action=action,
        surface=target.surface,
        resource=target.resource,
        path=path,
        before=before,
        after=after,
        context={"title": title},
    )


def _addition(target: Target, entry: str, items: list[Requirement], why: str) -> Drafted:
    operation = _operation(target, "add", (COLLECTION, entry), None, {"entry": entry}, f"entry {entry}")
    along: tuple[Any, ...] = tuple(at(items[0], pattern=entry, **web) for web in WEB)
    return Drafted(operation=operation, requirements=tuple(items), cost=COST, why=why, along=along)


def _switch(target: Target) -> Drafted:
    before, after = {SWITCH: False}, {SWITCH: True}
    operation = _operation(target, "update", (SETTINGS, SWITCH), before, after, f"{SWITCH} → true")
    return Drafted(operation=operation, cost=COST, why="the target asks for the list to be enforced")


def _removals(allowed: AllowList, target: Target, wanted: set[str]) -> tuple[list[Drafted], list[Skip]]:
    gone = [
        entry
        for entry in allowed.entries
        if normal_entry(entry) in target.remembered and normal_entry(entry) not in wanted
    ]
    if target.delete == "sync":
        return [_removal(target, entry) for entry in gone], []
    text = f"the delete policy of this target is '{target.delete}'"
    return [], list(_skips(target, gone, text))


def _removal(target: Target, entry: str) -> Drafted:
    operation = _operation(
        target, "remove", (COLLECTION, normal_entry(entry)), {"entry": entry}, None, f"entry {entry}"
    )
    return Drafted(operation=operation, cost=COST)


def _skips(target: Target, entries: Sequence[str], text: str) -> Iterator[Skip]:
    for entry in entries:
        yield Skip(target=target.name, subject=entry, code="kept-by-delete-policy", text=text)
