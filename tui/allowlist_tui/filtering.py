"""What ``/`` understands: words that must all hold, each about anything or about one field, each reversible.

``pypi`` · ``!pypi`` · ``risk:wildcard`` · ``!state:approved`` · ``catalog:foundry-hub`` · ``target:hub`` ·
``name:openai`` · ``scenario:agents`` · ``action:remove`` · ``evidence:denied``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from allowlist.plan.model import Change
from allowlist.plan.risks import risks_of
from allowlist_tui.look import RISKS
from allowlist_tui.text import safe

FIELDS = ("name", "catalog", "scenario", "risk", "state", "target", "action", "evidence")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter; ``field`` is empty for "anywhere"."""

    field: str
    text: str
    inverse: bool


def parse_filter(query: str) -> tuple[Term, ...]:
    """The terms of a query. A word before ``:`` that is no field is part of the text."""
    return tuple(term for word in query.lower().split() if (term := _term(word)).text)


def _term(word: str) -> Term:
    inverse = word.startswith("!")
    body = word[1:] if inverse else word
    field, colon, rest = body.partition(":")
    known = bool(colon) and field in FIELDS
    return Term(field if known else "", rest if known else body, inverse)


def rows_with(query: str, texts: Sequence[str]) -> list[int]:
    """The rows of any list whose lower-case text has every word of the query, and none that stands behind ``!``."""
    words = query.lower().split()
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = [word[1:] for word in words if word.startswith("!") and len(word) > 1]
    return [
        row
        for row, text in enumerate(texts)
        if all(word in text for word in wanted) and not any(word in text for word in unwanted)
    ]


@dataclass(frozen=True, slots=True)
class Widths:
    """How many cells the texts of changes take: each name, and the widest of everything else."""

    names: Sequence[int]
    risk: int
    target: int
    wanted: int
    marks: int = 1


def risk_words(change: Change) -> str:
    """All risks of a change with mark and word, as they stand in the table."""
    return "  ".join(f"{RISKS[risk][0]} {risk.value}" for risk in risks_of(change))


def wanted_by(change: Change) -> str:
    """Who asked for a change first, and how many besides."""
    if not change.requirements:
        return "nobody any more"
    first = change.requirements[0]
    more = f" +{len(change.requirements) - 1}" if len(change.requirements) > 1 else ""
    return f"{first.catalog}@{first.version}{more}"


class ChangeIndex:
    """Lower-case texts of many changes, made once per field on first use, so that a filter is one pass."""

    def __init__(self, changes: Sequence[Change], states: Callable[[], Mapping[str, str]]) -> None:
        """``states`` gives the states by change id, pending ones left out; it is asked anew for every filter."""
        self._changes = changes
        self._states = states
        self._grouped: tuple[Mapping[str, str] | None, Mapping[str, Set[int]]] = (None, {})

    @cached_property
    def _anywhere(self) -> list[str]:
        return [
            " ".join((_name(item), _catalog(item), *risks_of(item), item.target)).lower()
            for item in self._changes
        ]

    @cached_property
    def _name(self) -> list[str]:
        return [_name(item).lower() for item in self._changes]

    @cached_property
    def _catalog(self) -> list[str]:
        return [_catalog(item).lower() for item in self._changes]

    @cached_property
    def _scenario(self) -> list[str]:
        return [" ".join(ref.scenario for ref in item.requirements).lower() for item in self._changes]

    @cached_property
    def _evidence(self) -> list[str]:
        """What only a page says has no line of its own: it is found as ``documented``."""
        return [
            " ".join(ref.evidence or "documented" for ref in item.requirements).lower()
            for item in self._changes
        ]

    @cached_property
    def _risk(self) -> list[str]:
        """Every risk: a billed wildcard is found as either."""
        return [" ".join(risks_of(item)) for item in self._changes]

    @cached_property
    def _action(self) -> list[str]:
        return [item.operation.action for item in self._changes]

    @cached_property
    def _target(self) -> list[str]:
        return [item.target.lower() for item in self._changes]

    def warm(self) -> None:
        """Make the texts now; call it from a worker."""
        _ = (self._anywhere, self._name, self._place, self.widths)

    @cached_property
    def widths(self) -> Widths:
        """For the layout of the table."""
        changes = self._changes
        return Widths(
            names=[
                len(safe(item.title)) - len(item.operation.action) - 1
                if item.title.startswith(f"{item.operation.action} ")
                else len(safe(item.title))
                for item in changes
            ],
            risk=max((len(risk_words(item)) for item in changes), default=0),
            target=max((len(safe(name)) for name in {item.target for item in changes}), default=0),
            wanted=max((len(safe(text)) for text in {wanted_by(item) for item in changes}), default=0),
            marks=max((len(risks_of(item)) for item in changes), default=1),
        )

    def select(self, terms: Sequence[Term], among: Sequence[int]) -> Sequence[int]:
        """The indexes of ``among`` for which every term holds, in the same order."""
        for term in terms:
            if term.field == "state":
                among = self._in_state(term, among)
                continue
            texts, text = self._texts(term), term.text
            if term.inverse:
                among = [index for index in among if text not in texts[index]]
            else:
                among = [index for index in among if text in texts[index]]
        return among

    def _in_state(self, term: Term, among: Sequence[int]) -> Sequence[int]:
        """Most changes are pending, so only those are looked at about which something was decided."""
        groups = self._places_by_state()
        if (term.text in "pending") != term.inverse:
            left_out = _joined(groups, lambda state: (term.text in state) == term.inverse)
            return [place for place in among if place not in left_out] if left_out else among
        kept = _joined(groups, lambda state: (term.text in state) != term.inverse)
        return [place for place in among if place in kept] if kept else ()

    def _places_by_state(self) -> Mapping[str, Set[int]]:
        """Where changes stand about which something was said; made anew when the states are other ones."""
        states = self._states()
        if states is not self._grouped[0]:
            places = self._place
            found: dict[str, set[int]] = {}
            for key, state in states.items():
                if key in places:
                    found.setdefault(state, set()).add(places[key])
            self._grouped = (states, found)
        return self._grouped[1]

    @cached_property
    def _place(self) -> dict[str, int]:
        return {item.id: place for place, item in enumerate(self._changes)}

    def _texts(self, term: Term) -> Sequence[str]:
        match term.field:
            case "name":
                return self._name
            case "catalog":
                return self._catalog
            case "scenario":
                return self._scenario
            case "evidence":
                return self._evidence
            case "target":
                return self._target
            case "risk":
                return self._risk
            case "action":
                return self._action
            case _:
                return self._anywhere


def _joined(groups: Mapping[str, Set[int]], holds: Callable[[str], bool]) -> Set[int]:
    """The places of all states for which it holds; one of them alone is not copied."""
    found = [places for state, places in groups.items() if holds(state)]
    return found[0] if len(found) == 1 else set().union(*found)


def _name(change: Change) -> str:
    return " ".join((change.title, *(ref.pattern for ref in change.requirements)))


def _catalog(change: Change) -> str:
    return " ".join(f"{ref.catalog}@{ref.version}#{ref.entry}" for ref in change.requirements)
