"""What ``/`` understands: words that must all hold, each about anything or about one field, each reversible.

``pypi`` · ``!pypi`` · ``risk:wildcard`` · ``!state:approved`` · ``catalog:foundry-hub`` · ``target:hub`` ·
``name:openai`` · ``scenario:agents`` · ``action:remove`` · ``evidence:denied``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from allowlist.plan.model import Change

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


class ChangeIndex:
    """Lower-case texts of many changes, made once per field on first use, so that a filter is one pass."""

    def __init__(self, changes: Sequence[Change], states: Callable[[], Mapping[str, str]]) -> None:
        """``states`` gives the states by change id, pending ones left out; it is asked anew for every filter."""
        self._changes = changes
        self._states = states

    @cached_property
    def _anywhere(self) -> list[str]:
        return [
            " ".join((_name(item), _catalog(item), item.risk, item.target)).lower() for item in self._changes
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
    def _target(self) -> list[str]:
        return [item.target.lower() for item in self._changes]

    def warm(self) -> None:
        """Make the texts now; call it from a worker."""
        _ = (self._anywhere, self._name)

    def select(self, terms: Sequence[Term], among: Sequence[int]) -> Sequence[int]:
        """The indexes of ``among`` for which every term holds, in the same order."""
        for term in terms:
            texts, text = self._texts(term), term.text
            if term.inverse:
                among = [index for index in among if text not in texts[index]]
            else:
                among = [index for index in among if text in texts[index]]
        return among

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
                return [item.risk.value for item in self._changes]
            case "action":
                return [item.operation.action for item in self._changes]
            case "state":
                states = self._states()
                return [states.get(item.id, "pending") for item in self._changes]
            case _:
                return self._anywhere


def _name(change: Change) -> str:
    return " ".join((change.title, *(ref.pattern for ref in change.requirements)))


def _catalog(change: Change) -> str:
    return " ".join(f"{ref.catalog}@{ref.version}#{ref.entry}" for ref in change.requirements)
