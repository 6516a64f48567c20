"""Removals of what a catalog ended: first only told, then behind a gate of their own, then like any other removal.

Which removals wait is found by drafting again with the ended entry kept: whatever is not removed then goes because
of that entry. So no kind of enforcement point has to say which of its rules a catalog entry brought about.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from allowlist.catalog.removal import Removal, RemovalStage
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Skip
from allowlist.rules.requirement import Requirement
from allowlist.workflow.judging import Judgement

Place = tuple[str, ...]


def held_back(
    judgement: Judgement, draft: Draft, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> Draft:
    """``draft`` without the removals that are only proposed yet; those in quarantine say so."""
    if not _removals(draft):
        return draft
    waiting = _waiting(judgement, draft, needed, kept)
    changes = [_marked(item, waiting.get(_place(item))) for item in draft.changes]
    told = [
        Skip(target=judgement.spec.name, subject=place[-1], code="removal-proposed", text=str(removal))
        for place, removal in waiting.items()
        if removal.stage is RemovalStage.PROPOSE
    ]
    return replace(draft, changes=tuple(item for item in changes if item), skips=(*draft.skips, *told))


def _waiting(
    judgement: Judgement, draft: Draft, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> dict[Place, Removal]:
    """By place the entry that a removal waits for; of several the one that waits longest."""
    found: dict[Place, Removal] = {}
    ended = judgement.project.ended(judgement.spec, judgement.estate)
    everything = [*kept, *(one for _, requirements in ended for one in requirements)]
    if len(everything) == len(kept):
        return found
    if not _removals(draft) - _removals(judgement.point.draft(judgement.estate, needed, everything)):
        return found  # one draft answers for all of them, which is what most plans need
    for removal, requirements in ended:
        again = judgement.point.draft(judgement.estate, needed, [*kept, *requirements])
        for place in _removals(draft) - _removals(again):
            found[place] = max(found.get(place, removal), removal, key=lambda item: item.ended)
    return found


def _removals(draft: Draft) -> set[Place]:
    return {_place(item) for item in draft.changes if item.operation.action == "remove"}


def _place(item: Drafted) -> Place:
    return (item.operation.action, item.operation.resource, *item.operation.path)


def _marked(item: Drafted, removal: Removal | None) -> Drafted | None:
    if removal is None:
        return item
    return (
        None
        if removal.stage is RemovalStage.PROPOSE
        else msgspec.structs.replace(item, quarantine=str(removal))
    )
