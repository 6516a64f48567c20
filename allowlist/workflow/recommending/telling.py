"""A recommendation as text and as JSON: proposals by confidence, each with the lines that ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from allowlist.catalog.packages import advice_text
from allowlist.documents.words import counted
from allowlist.workflow.recommending.recommend import Own, Recommendation, Use
from allowlist.workflow.recommending.signs import Sign, Unplaced

SCHEMA: Final = "allowlist/recommend/v1"
SHOWN: Final = 3
_WORDS: Final = {
    "declared": "Declared: files that are built or deployed ask for it",
    "used": "Used: code or a run asks for it",
    "mentioned": "Mentioned: tests, docs and examples name it; look before you take it",
}


def recommend_lines(made: Recommendation) -> Iterator[str]:
    """Proposals, parameters, names to refuse, and what was seen and not placed."""
    for confidence, uses in groupby(made.uses, key=lambda use: use.confidence):
        yield _WORDS[confidence.value]
        for use in uses:
            yield f"  + {_use(use)}"
            yield from (f"      {line}" for line in _places(use.because))
    if made.own:
        yield "In no catalog: requirements of your own, which somebody has to answer for"
        for own in made.own:
            yield f"  + {own.name} {own.port}  ({own.confidence})"
            yield from (f"      {line}" for line in _places(own.because))
    if made.parameters or made.missing:
        yield "Parameters"
        yield from (f"  {name}: {value}" for name, value in sorted(made.parameters.items()))
        yield from (f"  {name}: ?  {meaning}" for name, meaning in sorted(made.missing.items()))
    if made.refuse:
        yield "Asked for, and better refused"
        for refusal in made.refuse:
            yield f"  ✗ {refusal.answer.entry}  {advice_text(refusal.answer.entry)}"
            yield from (f"      {line}" for line in _places(refusal.because))
    if made.unplaced:
        yield "Seen, and not placed: nothing is said about these"
        yield from (f"  ? {line}" for line in _unplaced(made.unplaced))
    yield f"read {counted(made.files, 'file')}: {counted(len(made.uses), 'proposal')}, {len(made.own)} of your own, {len(made.refuse)} to refuse, {len(made.unplaced)} not placed"


def _unplaced(items: Sequence[Unplaced]) -> Iterator[str]:
    """One line each; many of which the same is said stand in one, and --json has them all."""
    by_reason: dict[str, list[Unplaced]] = {}
    for item in items:
        by_reason.setdefault(item.because, []).append(item)
    for because, same in by_reason.items():
        if len(same) <= SHOWN:
            yield from (f"{item.text}  {item.place}: {because}" for item in same)
        else:
            yield f"{len(same)} × {because}: {', '.join(item.text for item in same)}"


def _use(use: Use) -> str:
    scenario = f" scenario {use.scenario}" if use.scenario else ""
    need = f" ({use.need})" if use.need != "required" else ""
    names = (
        f": {', '.join(use.names[:4])}{f' and {len(use.names) - 4} more' if len(use.names) > 4 else ''}"
        if use.names
        else ""
    )
    return f"{use.catalog}@{use.version}{scenario}{need}{names}"


def _places(signs: Sequence[Sign]) -> Iterator[str]:
    for sign in signs[:SHOWN]:
        version = f" {sign.version}" if sign.version else ""
        yield f"{sign.place}: {sign.what} {sign.value}{version}"
    if len(signs) > SHOWN:
        yield f"… and {len(signs) - SHOWN} more places"


def recommend_json(made: Recommendation) -> dict[str, Any]:
    """``allowlist/recommend/v1``."""
    return {
        "schema": SCHEMA,
        "files": made.files,
        "catalogs": [
            {
                "catalog": use.catalog,
                "version": use.version,
                "scenario": use.scenario or None,
                "need": use.need,
                "confidence": use.confidence.value,
                "names": list(use.names),
                "because": [_sign(sign) for sign in use.because],
            }
            for use in made.uses
        ],
        "requirements": [_own(own) for own in made.own],
        "parameters": dict(sorted(made.parameters.items())),
        "missing_parameters": dict(sorted(made.missing.items())),
        "refuse": [
            {
                "package": refusal.package,
                "name": refusal.answer.entry.value,
                "catalog": refusal.answer.catalog,
                "switch": refusal.answer.client.switch or None,
                "text": advice_text(refusal.answer.entry),
                "because": [_sign(sign) for sign in refusal.because],
            }
            for refusal in made.refuse
        ],
        "not_placed": [
            {"text": item.text, "place": item.place, "because": item.because} for item in made.unplaced
        ],
    }


def _own(own: Own) -> dict[str, Any]:
    return {
        "name": own.name,
        "port": own.port,
        "confidence": own.confidence.value,
        "because": [_sign(sign) for sign in own.because],
    }


def _sign(sign: Sign) -> dict[str, Any]:
    return {
        "file": sign.file,
        "line": sign.line,
        "what": sign.what.value,
        "value": sign.value,
        "version": sign.version or None,
        "confidence": sign.confidence.value,
    }
