"""What a package asks for when it runs: what is needed, what may be refused, and how it is silenced."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from allowlist.catalog.encode import encode_entry
from allowlist.catalog.model import Kind
from allowlist.catalog.packages import PackageAnswer, PackageQuery, advice_text
from allowlist.documents.reader import near_miss

SCHEMA: Final = "allowlist/catalog-packages/v1"


def package_lines(
    query: PackageQuery, answers: Sequence[PackageAnswer], known: Collection[str]
) -> Iterator[str]:
    """One package: a line for each name, then the line a workload needs for it."""
    yield f"{query.name}{f'=={query.version}' if query.version else ''}"
    if not answers:
        yield f"  ? nobody has run it for these catalogs{near_miss(query.name, known)}; this says nothing about what it asks for"
        return
    for answer in answers:
        yield f"  {_line(answer)}"
    needed = [answer for answer in answers if answer.entry.is_egress]
    for use in dict.fromkeys(_use(answer) for answer in needed):
        yield f"  to ask for it:  {use}"


def _line(answer: PackageAnswer) -> str:
    entry, client = answer.entry, answer.client
    where = f"{answer.catalog}@{answer.version}#{entry.id}"
    seen = f"seen in {client.versions}" if client.versions else "version not known"
    doubt = ", another version than yours" if answer.fits is False else ""
    if entry.kind is Kind.NOTHING:
        return f"✓ asks for no name ({seen}{doubt}; {client.operation or entry.note})"
    ports = " ".join(str(port) for port in entry.ports)
    if entry.refuse or entry.dead_since:
        switch = f"; set {client.switch}" if client.switch else "; no switch is known"
        lost = f"; refused: {client.denied}" if client.denied else ""
        return f"✗ refuse  {entry} {ports}  {entry.purpose} at {client.moment}{lost}{switch}  ({seen}{doubt}, {where})"
    need = f"{entry.need}{f' ({entry.condition})' if entry.condition else ''}"
    denied = client.denied.removeprefix("refused: ")
    extra = "".join(
        f"; {text}"
        for text in (denied and f"refused: {denied}", client.switch, client.moved, entry.note)
        if text
    )
    return f"● {need}  {entry} {ports}  at {client.moment}{extra}  ({seen}{doubt}, {where})"


def _use(answer: PackageAnswer) -> str:
    needs = sorted({"required", str(answer.entry.need)}, reverse=True)
    return (
        f"- {{name: {answer.catalog}, version: {answer.version}, scenarios: [{answer.entry.scenario}],"
        f" needs: [{', '.join(needs)}]}}"
    )


def packages_json(found: Sequence[tuple[PackageQuery, Sequence[PackageAnswer]]]) -> dict[str, Any]:
    """``allowlist/catalog-packages/v1``: every package in the order in which it was asked for."""
    return {
        "schema": SCHEMA,
        "packages": [
            {
                "package": query.name,
                "version": query.version or None,
                "known": bool(answers),
                "names": [_answer(answer) for answer in answers],
            }
            for query, answers in found
        ],
    }


def _answer(answer: PackageAnswer) -> dict[str, Any]:
    entry, client = answer.entry, answer.client
    return {
        "catalog": answer.catalog,
        "catalog_version": answer.version,
        "entry": entry.id,
        "name": entry.value or None,
        "ports": [str(port) for port in entry.ports],
        "advice": "refuse" if entry.refuse or entry.dead_since else str(entry.need),
        "lost": entry.refuse or None,
        "moment": client.moment.value,
        "operation": client.operation,
        "when_refused": client.denied or None,
        "switch": client.switch or None,
        "seen_in": client.versions or None,
        "fits_version": answer.fits,
        "text": advice_text(entry) if entry.refuse or entry.dead_since else entry.purpose,
        "definition": encode_entry(entry),
    }
