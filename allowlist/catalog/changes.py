"""What changed between two versions of a catalog, by meaning and not by text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

import msgspec

from allowlist.catalog.model import Catalog, Cloud, Consumer, Entry
from allowlist.catalog.reach import Relation, covers_entry, is_stronger, relation
from allowlist.catalog.versions import Bump


class ChangeKind(StrEnum):
    """``RESTATED``: the same requirement under another id, for example after a spelling was put right."""

    ADDED = "added"
    ENDED = "ended"
    WIDENED = "widened"
    NARROWED = "narrowed"
    REPLACED = "replaced"
    NEED_RAISED = "need-raised"
    NEED_LOWERED = "need-lowered"
    RESTATED = "restated"


class EntryChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change; ``before`` is None for an addition and ``after`` for an end.

    ``loses`` tells that something asked for before is asked for by no entry afterwards.
    """

    kind: ChangeKind
    before: Entry | None
    after: Entry | None
    loses: bool

    @property
    def entry(self) -> Entry:
        """The entry to name when speaking of this change: the newer one, if there is one."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def bump(self) -> Bump:
        """The version step this change asks for at least."""
        if self.loses or self.kind is ChangeKind.NEED_LOWERED:
            return Bump.MAJOR
        return Bump.PATCH if self.kind is ChangeKind.RESTATED else Bump.MINOR

    @property
    def impact(self) -> str:
        """What happens to a workload that moves across this change."""
        return _STILL_COVERED if self._is_covered_end else _IMPACT[self.kind]

    @property
    def notice(self) -> str:
        """What to do about it, and in which order."""
        return _NOTICE[ChangeKind.RESTATED if self._is_covered_end else self.kind]

    @property
    def _is_covered_end(self) -> bool:
        return self.kind is ChangeKind.ENDED and not self.loses


_STILL_COVERED = "another entry still asks for the same, so nothing is taken away"
_IMPACT = {
    ChangeKind.ADDED: "traffic the service now needs is blocked until it is let out",
    ChangeKind.ENDED: "a rule may exist that nothing needs any more",
    ChangeKind.WIDENED: "more names, ports or clouds have to be let out than before",
    ChangeKind.NARROWED: "the existing rule lets out more than is needed",
    ChangeKind.REPLACED: "something new has to be let out and something old is no longer needed",
    ChangeKind.NEED_RAISED: "what was left out by choice is needed now",
    ChangeKind.NEED_LOWERED: "what was needed may be left out now",
    ChangeKind.RESTATED: "nothing changes on the wire",
}
_NOTICE = {
    ChangeKind.ADDED: "let it out before the service starts to use it",
    ChangeKind.ENDED: "removal is proposed first, then quarantined, and carried out only afterwards",
    ChangeKind.WIDENED: "review the wider reach, then let it out",
    ChangeKind.NARROWED: "add the narrow rule first; the wide one follows the removal steps",
    ChangeKind.REPLACED: "add the new rule first; the old one follows the removal steps",
    ChangeKind.NEED_RAISED: "check that it is let out",
    ChangeKind.NEED_LOWERED: "decide whether to keep it",
    ChangeKind.RESTATED: "nothing to do",
}


def changes_between(catalog: Catalog, older: str, newer: str) -> tuple[EntryChange, ...]:
    """The changes from version ``older`` to version ``newer``, in the order of the file. Raises CatalogError."""
    return compare(catalog.entries_at(older), catalog.entries_at(newer))


def compare(before: Iterable[Entry], after: Iterable[Entry]) -> tuple[EntryChange, ...]:
    """The changes from one set of entries to another; what has the same id and meaning is no change."""
    old, new = {entry.id: entry for entry in before}, {entry.id: entry for entry in after}
    kept = {name for name in old.keys() & new.keys() if _same(old[name], new[name])}
    ended = [entry for entry in old.values() if entry.id not in kept]
    added = [entry for entry in new.values() if entry.id not in kept]
    partners = dict(_pairs(ended, added))
    taken = {partner.id for partner in partners.values()}
    live = tuple(new.values())
    return (
        *(_ended_or_changed(entry, partners.get(entry.id), live) for entry in ended),
        *(
            EntryChange(kind=ChangeKind.ADDED, before=None, after=entry, loses=False)
            for entry in added
            if entry.id not in taken
        ),
    )


def _same(one: Entry, other: Entry) -> bool:
    return (
        relation(one, other) is Relation.EQUAL
        and one.need is other.need
        and one.scenario == other.scenario
        and one.alternative == other.alternative
    )


def _pairs(ended: list[Entry], added: list[Entry]) -> Iterator[tuple[str, Entry]]:
    """Which added entry continues which ended one: the nearest relation in the same scenario."""
    free = list(added)
    for entry in ended:
        candidates = [other for other in free if other.scenario == entry.scenario]
        nearest = min(candidates, key=lambda other: _distance(entry, other), default=None)
        if nearest is not None and _distance(entry, nearest) < _APART:
            free.remove(nearest)
            yield entry.id, nearest


_ORDER = (Relation.EQUAL, Relation.WIDER, Relation.NARROWER, Relation.OVERLAPS, Relation.APART)
_APART = (_ORDER.index(Relation.APART), 0)


def _distance(one: Entry, other: Entry) -> tuple[int, int]:
    found = _ORDER.index(relation(one, other))
    return found, int(found != _APART[0] and one.value != other.value)


def _ended_or_changed(before: Entry, after: Entry | None, live: tuple[Entry, ...]) -> EntryChange:
    loses = not any(other.scenario == before.scenario and covers_entry(other, before) for other in live)
    kind = ChangeKind.ENDED if after is None else _kind_of(before, after)
    return EntryChange(kind=kind, before=before, after=after, loses=loses)


def _kind_of(before: Entry, after: Entry) -> ChangeKind:
    match relation(before, after):
        case Relation.WIDER:
            return ChangeKind.WIDENED
        case Relation.NARROWER:
            return ChangeKind.NARROWED
        case Relation.EQUAL if before.need is not after.need:
            raised = is_stronger(after.need, before.need)
            return ChangeKind.NEED_RAISED if raised else ChangeKind.NEED_LOWERED
        case Relation.EQUAL if before.scenario == after.scenario:
            return ChangeKind.RESTATED
        case _:
            return ChangeKind.REPLACED


def required_bump(changes: Iterable[EntryChange]) -> Bump:
    """The smallest version step that tells the truth about ``changes``."""
    return max((change.bump for change in changes), default=Bump.NONE)


def changes_for(
    changes: Iterable[EntryChange],
    *,
    scenarios: Collection[str] | None = None,
    cloud: Cloud | None = None,
    consumers: Collection[Consumer] | None = None,
) -> tuple[EntryChange, ...]:
    """Only what touches a workload with these scenarios, this cloud and these consumers; None means all."""

    def touches(entry: Entry | None) -> bool:
        return entry is not None and (
            (scenarios is None or entry.scenario in scenarios)
            and (cloud is None or cloud in entry.clouds)
            and (consumers is None or not set(consumers).isdisjoint(entry.consumers))
        )

    return tuple(change for change in changes if touches(change.before) or touches(change.after))
