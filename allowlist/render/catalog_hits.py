"""What ``allowlist catalog find`` found, as text and as JSON, with the lines a workload file needs for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from allowlist.catalog.encode import encode_entry
from allowlist.catalog.packages import advice_text
from allowlist.catalog.search import Asked, Hit, Relation, Subject, is_by_name

SCHEMA: Final = "allowlist/catalog-find/v1"
SHOWN: Final = 12
"""Hits of one question that are shown in full; JSON holds all of them."""
PROPOSED: Final = 5
"""Catalogs of which it is shown how a workload would ask for them."""

UNWANTED: Final = (Relation.REFUSE, Relation.DEAD)
"""What is known and needs no rule: usage data, version checks, names that are retired."""

_GLYPHS = {
    Relation.ALLOWS: "✓",
    Relation.REFUSE: "✗",
    Relation.DEAD: "†",
    Relation.PORT_DIFFERS: "◐",
    Relation.WITHIN: "·",
    Relation.MENTIONS: "·",
    Relation.ENDED: "−",
}


def hit_lines(asked: Asked, hits: Sequence[Hit], *, everything: bool = False) -> Iterator[str]:
    """One question with its answers, the strongest first, and what to write to get it."""
    yield asked.text
    if not hits:
        yield f"  ✗ no catalog {'allows' if asked.host else 'mentions'} it"
        return
    shown = hits if everything else hits[:SHOWN]
    for hit in shown:
        yield f"  {_GLYPHS[hit.relation]} {_line(hit)}"
    if len(hits) > len(shown):
        yield f"  … and {len(hits) - len(shown)} more: --all"
    for line in workload_lines(hits):
        yield f"  to ask for it:  {line}"


def _line(hit: Hit) -> str:
    where = f"{hit.catalog}@{hit.version}"
    if hit.entry is None:
        return f"{hit.subject:<9}  {where}  {hit.name}: {hit.text}"
    entry, word = hit.entry, hit.relation.value
    if hit.relation in UNWANTED:
        return f"{word}  {where}#{hit.name}  {entry}: {advice_text(entry)}"
    ports = " ".join(str(port) for port in entry.ports)
    scenario = f"{entry.scenario}{' (default)' if hit.is_default else ''}"
    ended = f" until {entry.until}" if hit.relation is Relation.ENDED else ""
    value = f"{entry} {ports}".strip()
    return (
        f"{word + ended}  {where}#{hit.name}  {value}  {entry.need}, scenario {scenario}: {hit.text}".rstrip(
            ": "
        )
    )


def workload_lines(hits: Sequence[Hit]) -> list[str]:
    """What a workload file would have to say, by catalog: the line for ``catalogs`` and the values of parameters."""
    best: dict[str, Hit] = {}
    known = any(hit.relation in UNWANTED for hit in hits)
    if known and not any(hit.relation is Relation.ALLOWS and is_by_name(hit) for hit in hits):
        return []  # a rule for something wider would let through what is better refused
    for hit in hits:
        if hit.relation is Relation.ALLOWS and hit.entry:
            best.setdefault(hit.catalog, hit)
    return [_use(hit) for hit in best.values()][:PROPOSED]


def _use(hit: Hit) -> str:
    entry = hit.entry
    words = [f"name: {hit.catalog}", f"version: {hit.version}"]
    if entry and not hit.is_default:
        words.append(f"scenarios: [{entry.scenario}]")
    if entry and entry.need != "required":
        words.append(f"needs: [required, {entry.need}]")
    values = ", ".join(f"{name}: {value}" for name, value in hit.values)
    return f"- {{{', '.join(words)}}}" + (f"  with parameters: {{{values}}}" if values else "")


def hits_json(found: Sequence[tuple[Asked, Sequence[Hit]]]) -> dict[str, Any]:
    """``allowlist/catalog-find/v1``: every question in the order in which it was asked."""
    return {"schema": SCHEMA, "found": [_question(asked, hits) for asked, hits in found]}


def _question(asked: Asked, hits: Sequence[Hit]) -> dict[str, Any]:
    return {
        "asked": asked.text,
        "host": asked.host or None,
        "port": str(asked.port) if asked.port else None,
        "allowed_by": sorted({hit.catalog for hit in hits if hit.relation is Relation.ALLOWS}),
        "hits": [_hit(hit) for hit in hits],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    data: dict[str, Any] = {
        "relation": hit.relation.value,
        "subject": hit.subject.value,
        "catalog": hit.catalog,
        "version": hit.version,
        "name": hit.name,
        "text": hit.text,
    }
    if hit.subject is Subject.SCENARIO or hit.entry:
        data["default"] = hit.is_default
    if hit.entry and hit.relation in UNWANTED:
        data["advice"] = advice_text(hit.entry)
    if hit.entry:
        data |= {"entry": encode_entry(hit.entry), "parameters": dict(hit.values)}
    return data
