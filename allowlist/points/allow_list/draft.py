"""Entries to add to and remove from an account's list, and the switch that makes it count. Pure.

An entry has no room for a mark. So only entries that the ledger remembers as ours are ever removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Cost, Skip
from allowlist.points.allow_list.judge import ListJudge
from allowlist.points.allow_list.translate import (
    COLLECTION,
    SETTINGS,
    SWITCH,
    AllowList,
    normal_entry,
)
from allowlist.points.draft import WEB, Drafting, at, sorted_out, tightened
from allowlist.points.point import Target
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
    wanted = tightened(tightens, needed, kept)
    judge = ListJudge(intended, wanted, wildcards=options.unverified_wildcards)
    entries, refused = sorted_out(judge.judge, wanted)
    why = "allowed only as long as the switch is off" if tightens else ""
    changes = [_addition(target, entry, items, why) for entry, items in entries.items()]
    changes += [_switch(target)] if tightens and judge.refused is None else []
    removals, skips = _removals(allowed, target, {item.pattern for item in (*needed, *kept)})
    return Draft(changes=(*changes, *removals), inexpressible=tuple(refused), skips=tuple(skips))


def _addition(target: Target, entry: str, items: list[Requirement], why: str) -> Drafted:
    operation = Drafting(target).operation(
        "add", (COLLECTION, entry), before=None, after={"entry": entry}, title=f"entry {entry}"
    )
    along: tuple[Any, ...] = tuple(at(items[0], pattern=entry, **web) for web in WEB)
    return Drafted(operation=operation, requirements=tuple(items), cost=COST, why=why, along=along)


def _switch(target: Target) -> Drafted:
    operation = Drafting(target).operation(
        "update", (SETTINGS, SWITCH), before={SWITCH: False}, after={SWITCH: True}, title=f"{SWITCH} → true"
    )
    return Drafted(operation=operation, cost=COST, why="the target asks for the list to be enforced")


def _removals(allowed: AllowList, target: Target, wanted: set[str]) -> tuple[list[Drafted], list[Skip]]:
    gone = {
        entry: partial(_removal, target, entry)
        for entry in allowed.entries
        if normal_entry(entry) in target.remembered and normal_entry(entry) not in wanted
    }
    return Drafting(target).removals(gone)


def _removal(target: Target, entry: str) -> Drafted:
    path = (COLLECTION, normal_entry(entry))
    operation = Drafting(target).operation(
        "remove", path, before={"entry": entry}, after=None, title=f"entry {entry}"
    )
    return Drafted(operation=operation, cost=COST)
