"""The exact partition of a requirement: which of its flows are allowed, denied, missing or unknown.

By union over all rules in evaluation order, never pairwise: a requirement that only three rules together
cover is covered, and a rule hidden behind the union of earlier ones decides nothing.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import msgspec

from allowlist.names import witness_outside
from allowlist.rules.addresses import AddressSet, Interval
from allowlist.rules.columns.allows import CertainAllows
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.index import (
    ANY_KEY,
    Around,
    Entry,
    RuleIndex,
    Service,
    Table,
    Zones,
    destination_cuts,
    endpoint_key,
    source_sets,
)
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


class Outcome(msgspec.Struct):
    """What happens at one destination key to a set of sources; the four masks are disjoint.

    ``denied`` was denied by a rule, ``missing`` by the default or a deny-all that closes the rules, ``unknown``
    depends on what is not known. ``assuming`` are doubts that were settled by their likely answer and would
    change the outcome if that is wrong.
    """

    allowed: int = 0
    denied: int = 0
    missing: int = 0
    unknown: int = 0
    allowing: tuple[Entry, ...] = ()
    denying: tuple[Entry, ...] = ()
    doubts: tuple[Entry, ...] = ()
    assuming: tuple[Entry, ...] = ()


def decide(table: Table, numbers: list[int], sources: int, *, presumes: bool = False) -> Outcome:
    """Let the entries consume ``sources`` in order; what is left meets the default deny.

    With ``presumes`` a doubt that has a likely answer is taken so, and named where another answer would matter.
    """
    guessed: list[tuple[Entry, int]] = []
    outcome = _decide(table, numbers, sources, guessed if presumes else None)
    if guessed:
        outcome.assuming = tuple(entry for entry, hit in guessed if hit & _at_stake(entry, outcome))
    return outcome


def _at_stake(entry: Entry, outcome: Outcome) -> int:
    """The sources whose fate another answer to the doubt about ``entry`` might change."""
    if entry.allows == entry.presumed:
        return outcome.allowed
    return outcome.denied | outcome.missing


def _decide(
    table: Table, numbers: list[int], sources: int, guessed: list[tuple[Entry, int]] | None
) -> Outcome:
    outcome = Outcome()
    entries = table.entries
    left = sources
    perhaps_allowed = perhaps_denied = 0
    for number in numbers:
        entry = entries[number]
        hit = left & entry.mask
        if not hit:
            continue
        certain = entry.certain
        if not certain and entry.assumes and guessed is not None:
            guessed.append((entry, hit))
            if not entry.presumed:
                continue
            certain = True
        if not certain:
            outcome.doubts += (entry,)
            if entry.allows:
                perhaps_allowed |= hit
            else:
                perhaps_denied |= hit
        elif entry.allows:
            outcome.allowing += (entry,)
            outcome.allowed |= hit & ~perhaps_denied
            outcome.unknown |= hit & perhaps_denied
            left &= ~hit
        elif number in table.closing:
            break
        else:
            outcome.denying += (entry,)
            outcome.denied |= hit & ~perhaps_allowed
            outcome.unknown |= hit & perhaps_allowed
            left &= ~hit
        if not left:
            return outcome
    outcome.missing = left & ~perhaps_allowed
    outcome.unknown |= left & perhaps_allowed
    return outcome


@dataclass(frozen=True, slots=True)
class Dependence:
    """A fate that depends on ``doubts``: the first that holds decides (allow or deny), else ``allows`` does."""

    doubts: tuple[tuple[object, bool], ...]
    allows: bool


MAX_DOUBTS = 8
"""More doubts than these are not tried out one by one; then only equal fates are known to be alike."""


def is_within(one: Dependence, other: Dependence) -> bool:
    """Does ``other`` surely let through whatever ``one`` does, however the doubts turn out?"""
    doubts = {about for about, _ in (*one.doubts, *other.doubts)}
    if one == other or len(doubts) > MAX_DOUBTS:
        return one == other
    worlds = itertools.chain.from_iterable(
        itertools.combinations(doubts, size) for size in range(len(doubts) + 1)
    )
    return all(_lets_through(other, world) or not _lets_through(one, world) for world in worlds)


def _lets_through(dependence: Dependence, world: Collection[object]) -> bool:
    """The fate in a world where exactly the doubts in ``world`` hold."""
    found = (allows for about, allows in dependence.doubts if about in world)
    return next(found, dependence.allows)


def dependences(table: Table, numbers: list[int], sources: int) -> dict[Dependence, int]:
    """How the fate of ``sources`` depends on what is not known: the doubts in order, then what follows, by sources."""
    found: dict[Dependence, int] = defaultdict(int)
    left: dict[tuple[tuple[object, bool], ...], int] = {(): sources}
    for number in numbers:
        entry = table.entries[number]
        for doubts, mask in list(left.items()):
            hit = mask & entry.mask
            if not hit:
                continue
            left[doubts] = mask & ~hit
            if entry.certain:
                found[_settled(doubts, entry.allows)] |= hit
            else:
                doubt = (entry.about, entry.allows)
                more = doubts if doubt in doubts else (*doubts, doubt)
                left[more] = left.get(more, 0) | hit
    for doubts, mask in left.items():
        found[_settled(doubts, False)] |= mask
    return found


def _settled(doubts: tuple[tuple[object, bool], ...], allows: bool) -> Dependence:
    """A doubt about a rule that would do what happens anyway does not matter."""
    kept = list(doubts)
    while kept and kept[-1][1] is allows:
        kept.pop()
    return Dependence(tuple(kept), allows)


class Piece(msgspec.Struct, frozen=True):
    """A part of a requirement that shares one fate: the names of ``key`` outside ``holes``, at ``ports``."""

    key: str
    holes: tuple[str, ...]
    ports: Interval
    outcome: Outcome
    named: str | None = None
    """Some name of it, where one is known already."""

    def name(self) -> str | None:
        """Some name (or tag) of the piece; None if other pieces take all of its names."""
        if self.named or self.key[:1] != "*":
            return self.named or self.key
        return witness_outside(self.key, set(self.holes))


class Coverage(msgspec.Struct, frozen=True):
    """The partition of one requirement; masks are over the zones of the index it was made with."""

    requirement: Requirement
    pieces: tuple[Piece, ...]
    sources: int

    @property
    def is_covered(self) -> bool:
        return all(piece.outcome.allowed == self.sources for piece in self.pieces)

    def rules(self, kind: str) -> tuple[Entry, ...]:
        """The distinct entries that were ``allowing``, ``denying``, in ``doubts`` or ``assuming``, in order."""
        if not any(getattr(piece.outcome, kind) for piece in self.pieces):
            return ()
        found = {
            f"{entry.rule.ref} {entry.assumes}": entry
            for piece in self.pieces
            for entry in getattr(piece.outcome, kind)
        }
        return tuple(found.values())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Under which conditions the answer is another one, in words; empty where it is certain."""
        found = self.rules("assuming")
        if not found:
            return ()
        name = self.requirement.destination
        return tuple(dict.fromkeys(entry.assumes.replace("{name}", name) for entry in found))

    def mask(self, kind: str) -> int:
        """Union over the pieces of ``allowed``, ``denied``, ``missing`` or ``unknown``."""
        if len(self.pieces) == 1:
            found: int = getattr(self.pieces[0].outcome, kind)
            return found
        return reduce(lambda mask, piece: mask | getattr(piece.outcome, kind), self.pieces, 0)

    def witness(self, *kinds: str) -> tuple[str, int, int] | None:
        """(name, port, source mask) of some flow whose fate is one of ``kinds``."""
        for piece in self.pieces:
            mask = reduce(lambda mask, kind: mask | getattr(piece.outcome, kind), kinds, 0)
            name = piece.name() if mask else None
            if name:
                return name, piece.ports[0], mask
        return None


class _Deviations(NamedTuple):
    """What the keys inside a wildcard, by their numbers, meet besides the rules of the whole."""

    by_mask: dict[int, set[int]]
    """By the sources of a rule the keys that it bears on."""
    rules: dict[int, tuple[list[int], list[int]]]
    """By key its further rules: those around its parent domain, one list for all keys in that, and its own. No row for a
    name that has a table of its own."""


class CoverageEngine:
    """Answers coverage questions about one ruleset for many requirements.

    ``presumes``: may a requirement be called covered, or missing, under an assumption that is told? What is compared
    is always compared without.
    """

    def __init__(self, index: RuleIndex, *, presumes: bool = False) -> None:
        self.index = index
        self.presumes = presumes
        self.allows = CertainAllows(index)
        self._memo: dict[tuple[str, Service, int, bool], Outcome] = {}
        self._keys_below: dict[tuple[Service, str], tuple[str, ...]] = {}
        self._names: dict[tuple[Service, str], str | None] = {}
        self._deviations: dict[tuple[Service, str], _Deviations] = {}
        self._sources: dict[int, str] = {}

    @classmethod
    def of(
        cls,
        ruleset: Ruleset,
        requirements: Iterable[Requirement],
        facts: Facts = NOTHING_KNOWN,
        *,
        presumes: bool = False,
    ) -> CoverageEngine:
        requirements = tuple(requirements)
        zones = Zones([*source_sets(ruleset, facts), *(requirement.sources for requirement in requirements)])
        cuts = cuts_for(requirements, ruleset)
        return cls(RuleIndex(ruleset, zones, facts, cuts), presumes=presumes)

    def outcome(self, key: str, service: Service, sources: int, *, presumes: bool = False) -> Outcome:
        memo_key = (key, service, sources, presumes)
        found = self._memo.get(memo_key)
        if found is None:
            table = self.index.table_at(service, key)
            found = self._memo[memo_key] = decide(table, table.numbers_at(key), sources, presumes=presumes)
        return found

    def dependences(self, key: str, service: Service, sources: int) -> dict[Dependence, int]:
        """What the fate of ``sources`` at destination ``key`` depends on."""
        table = self.index.table_at(service, key)
        return dependences(table, table.numbers_at(key), sources)

    def cover(self, requirement: Requirement) -> Coverage:
        """The exact partition of ``requirement``."""
        sources = self.index.zones.mask(requirement.sources)
        pieces: list[Piece] = []
        keys = self.index.keys_within(requirement.addresses) or [key_of(requirement)]
        for ports in self.index.atomic_ports(requirement.protocol, requirement.ports):
            for key in keys:
                pieces += self._pieces(key, (requirement.protocol, ports[0]), ports, sources)
        return Coverage(requirement, tuple(pieces), sources)

    def surely_allowed_by(self, requirement: Requirement) -> tuple[Entry, ...] | None:
        """The rules that let all of a requirement by name through; None where more has to be looked at for an answer.

        **Certain allows.** Where no rule takes a destination apart for these sources, rules consume them in order.
        If until nothing is left each rule that meets some is a certain allow, no rule of another kind decides about
        any flow: all is allowed, by these rules, and no assumption was made. That is what most requirements of a
        steady estate meet, and it needs no partition. ``cover`` says the same
        (``tests/property/test_certain_allows.py``).
        """
        key, (low, high) = requirement.pattern, requirement.ports
        if not key or low != high:
            return None
        service = (requirement.protocol, low)
        table = self.index.table_at(service, key)
        left, allowing = self.index.zones.mask(requirement.sources), []
        if key[0] == "*" and self._below(service, key) and self._apart(service, key, left):
            return None
        for number in table.numbers_at(key):
            entry = table.entries[number]
            if not left & entry.mask:
                continue
            if not (entry.allows and entry.certain):
                return None
            allowing.append(entry)
            left &= ~entry.mask
            if not left:
                return tuple(allowing)
        return None

    def _pieces(self, key: str, service: Service, ports: Interval, sources: int) -> Iterable[Piece]:
        if key[:1] != "*":
            return (Piece(key, (), ports, self.outcome(key, service, sources, presumes=self.presumes)),)

        def piece(part: str, holes: tuple[str, ...], outcome: Outcome) -> Piece:
            named = self._name(service, part) if holes else None
            return Piece(part, holes, ports, outcome, named)

        def pieces(apart: Iterable[int]) -> list[Piece]:
            parts = [(number, self._below(service, below[number])) for number in apart]
            return [
                piece(below[number], holes, inside(number))
                for number, holes in parts
                if not holes or self._name(service, below[number])
            ]

        below = self._below(service, key)
        whole = self.outcome(key, service, sources, presumes=self.presumes)
        if not below:
            return (piece(key, (), whole),)
        inside = self._outcomes_within(service, key, sources)
        if not self._name(service, key):
            return pieces(range(len(below)))
        met = self._apart(service, key, sources)
        holes = tuple(below[number] for number in met)
        found = [Piece(key, holes, ports, whole, self._name(service, key)), *pieces(met)]
        # Of several doubts about one rule the last one met is told, so then every key is gone through.
        in_doubt = any(item.outcome.doubts or item.outcome.assuming for item in found)
        if not in_doubt:
            return found
        return [Piece(key, below, ports, whole, self._name(service, key)), *pieces(range(len(below)))]

    def _outcomes_within(self, service: Service, key: str, sources: int) -> Callable[[int], Outcome]:
        """What happens to ``sources`` at each key inside ``key``, by its number.

        The rules there are those at ``key`` and the deviations. Whatever meets none of ``sources`` decides nothing, so
        of the first only those that meet some are taken to each key, be they ever so many.
        """
        table, below = self.index.table_at(service, key), self._below(service, key)
        entries, rows = table.entries, self._deviations_at(service, key).rules
        around: dict[int, list[int]] = {}

        def meeting(numbers: Iterable[int]) -> list[int]:
            return [number for number in numbers if entries[number].mask & sources]

        def outcome(number: int) -> Outcome:
            if number not in rows:
                return self.outcome(below[number], service, sources, presumes=self.presumes)
            shared, own = rows[number]
            known = around.get(id(shared))
            if known is None:
                known = around[id(shared)] = sorted([*common, *meeting(shared)])
            numbers = sorted([*known, *meeting(own)]) if own else known
            return decide(table, numbers, sources, presumes=self.presumes)

        common = meeting(table.numbers_at(key))
        return outcome

    def _below(self, service: Service, key: str) -> tuple[str, ...]:
        """The keys inside ``key`` that some rule to ``service`` names."""
        if key[:1] != "*":
            return ()
        found = self._keys_below.get((service, key))
        if found is None:
            found = self._keys_below[service, key] = tuple(self.index.table(service).keys_below(key))
        return found

    def _name(self, service: Service, key: str) -> str | None:
        """Some name of ``key`` that is of no key inside it."""
        if (service, key) not in self._names:
            self._names[service, key] = Piece(key, self._below(service, key), (0, 0), Outcome()).name()
        return self._names[service, key]

    def _apart(self, service: Service, key: str, sources: int) -> list[int]:
        """The numbers of the keys inside ``key`` whose fate may be another one for some of ``sources``.

        The rules at a key are those at any wildcard around it and perhaps more. Where none of those that are more meets
        any of ``sources``, the same rules decide in the same order: it shares the fate of the whole. A key inside one
        that does not is met by the same rules, so it does not either.
        """
        found = self._deviations_at(service, key).by_mask
        return sorted({part for mask, parts in found.items() if mask & sources for part in parts})

    def _deviations_at(self, service: Service, key: str) -> _Deviations:
        found = self._deviations.get((service, key))
        if found is None:
            found = self._deviations[service, key] = self._find_deviations(service, key)
        return found

    def _find_deviations(self, service: Service, key: str) -> _Deviations:
        table = self.index.table_at(service, key)
        whole = set(table.numbers_at(key))
        found = _Deviations({}, {})
        shared: dict[Around, list[int]] = {}
        for number, part in enumerate(self._below(service, key)):
            if self.index.table_at(service, part) is not table:
                found.by_mask.setdefault(self.index.zones.everything, set()).add(number)
                continue
            around, more = table.numbers_around(part)
            if around not in shared:
                shared[around] = [entry for entry in around.numbers if entry not in whole]
            found.rules[number] = shared[around], [entry for entry in more if entry not in whole]
            for entry in itertools.chain(*found.rules[number]):
                found.by_mask.setdefault(table.entries[entry].mask, set()).add(number)
        return found

    def addresses(self, mask: int) -> AddressSet:
        return self.index.zones.addresses(mask)

    def some_source(self, mask: int) -> str:
        """A plain address of the sources ``mask``, worked out once for each; empty where there is none."""
        found = self._sources.get(mask)
        if found is None:
            found = self._sources[mask] = self.addresses(mask).witness() or ""
        return found


def cuts_for(requirements: Iterable[Requirement], *rulesets: Ruleset) -> tuple[Interval, ...]:
    """The cuts of destination addresses that questions about ``requirements`` need: none, if none asks for addresses."""
    asked = [item.addresses for item in requirements if item.addresses]
    return destination_cuts(*rulesets, asked=asked) if asked else ()


def key_of(requirement: Requirement) -> str:
    """The destination of ``requirement`` as the index knows it."""
    if requirement.fqdn_tag:
        return f"%{requirement.fqdn_tag.lower()}"
    if requirement.endpoint:
        return endpoint_key(requirement.endpoint)
    if requirement.addresses:
        return ANY_KEY
    return requirement.pattern or f"#{requirement.service_tag.lower()}"
