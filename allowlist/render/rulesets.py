"""Comparisons and simplifications of rule sets, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from allowlist.render.comparing import ComparedLike
from allowlist.render.findings import finding_entry, subject_of
from allowlist.rules.compare import Difference, Relation
from allowlist.rules.model import ApplicationRule
from allowlist.rules.services import service_texts
from allowlist.rules.simplify import Kind, Suggestion

_WORDS = {
    Relation.SAME: "lets through exactly the same",
    Relation.WIDER: "lets more through",
    Relation.NARROWER: "lets less through",
    Relation.DIFFERENT: "lets more and less through",
    Relation.OPAQUE: "may differ in what cannot be modelled",
}


def suggestion_text(suggestion: Suggestion) -> Iterator[str]:
    rules = suggestion.rules
    match suggestion.kind:
        case Kind.DROP:
            yield f"drop {rules[0]}: other rules allow all of its flows; proved: no flow changes"
        case Kind.MERGE:
            yield f"merge {len(rules)} rules into {rules[0]}; proved: no flow changes"
            for rule in rules[1:]:
                yield f"    with {rule.rule}"
        case Kind.SPLIT:
            patterns = ", ".join(suggestion.instead.patterns if suggestion.instead else ())
            yield f"split {rules[0]} into {patterns}; proved: it stops look-alikes and nothing else"
            for witness in suggestion.closes[:3]:
                yield f"    stops {witness}"


def suggestion_json(target: str, suggestion: Suggestion) -> dict[str, Any]:
    return {
        "target": target,
        "kind": suggestion.kind.value,
        "rules": [str(rule) for rule in suggestion.rules],
        "instead": _rule_json(suggestion.instead) if suggestion.instead else None,
        "effect": "narrower" if suggestion.closes else "same",
        "closes": list(suggestion.closes),
    }


def _rule_json(rule: ApplicationRule) -> dict[str, Any]:
    return {
        "name": rule.ref.rule,
        "sourceAddresses": list(rule.sources.addresses.texts()),
        "protocols": service_texts(rule.services),
        "targetFqdns": list(rule.patterns),
    }


class Compared(ComparedLike, Protocol):
    @property
    def relation(self) -> Relation: ...


def comparison_text(item: Compared) -> Iterator[str]:
    yield f"{item.target}: the second {_WORDS[item.relation]}"
    for finding in item.broken:
        yield f"    breaks {subject_of(finding)}: {finding.because}"
    for finding in item.mended:
        yield f"    mends {subject_of(finding)}"
    for difference in item.differences:
        yield f"    {_direction(difference)} {difference.witness()}"


def comparison_json(compared: Compared) -> dict[str, Any]:
    differences = compared.differences
    return {
        "target": compared.target,
        "relation": compared.relation.value,
        "breaks": [finding_entry(item) for item in compared.broken],
        "mends": [finding_entry(item) for item in compared.mended],
        "differences": [
            {
                "pattern": item.key,
                "except": list(item.holes),
                "service": f"{item.service[0]}:{item.service[1]}",
                "opens": list(item.opened.texts()),
                "closes": list(item.closed.texts()),
                "certain": item.certain,
                "witness": item.witness(),
            }
            for item in differences
        ],
    }


def _direction(difference: Difference) -> str:
    word = "opens" if difference.opened else "closes"
    return word if difference.certain else f"perhaps {word}"
