"""The evidence tab: what traffic says, first of all how much of it was understood."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.documents.words import counted, lasting
from allowlist.render.evidence import account_text
from allowlist.traffic.findings import Denied, Evidence, Excess, Redundant, Tally, Unused
from allowlist_tui.explore import Row
from allowlist_tui.look import WHOLE, Line, Piece
from allowlist_tui.text import safe

EVIDENCE_COLUMNS = (("traffic", 15), ("what", WHOLE), ("times", 9), ("by", 0))
_MANY = 2000

Told = Evidence | Denied | Excess | Unused | Redundant


def evidence_rows(found: Evidence) -> list[tuple[Row, Told]]:
    """Denied and wanted first; of each kind at most two thousand lines, with the number of all in the first line."""
    rows: list[tuple[Row, Told]] = [(_first(found), found)]
    rows += [(_denied(item), item) for item in sorted(found.denied, key=lambda item: not item.wanted_by)[:_MANY]]  # fmt: skip
    rows += [(_excess(item), item) for item in found.excess[:_MANY]]
    rows += [(_unused(item), item) for item in found.unused[:_MANY]]
    rows += [(_redundant(item), item) for item in found.redundant[:_MANY]]
    return rows


def _first(found: Evidence) -> Row:
    counts = f"{len(found.denied)} denied · {len(found.excess)} not required · "
    rest = "unused not said" if found.refused else f"{len(found.unused)} unused · {len(found.redundant)} redundant{_only(found)}"  # fmt: skip
    whole = found.account.is_whole
    return (
        ("✓ all read" if whole else "△ in part", "good" if whole else "warn"),
        (counts + rest, "title"),
        (f"{found.account.understood:,}", "muted"),
        (_window(found), "muted"),
    )


def _only(found: Evidence) -> str:
    """Whoever reads no further has to see that a window is short."""
    return f" in {lasting(found.account.span)} only" if found.account.is_short else ""


def _window(found: Evidence) -> str:
    first, last = found.account.first, found.account.last
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC" if first and last else ""


def _denied(item: Denied) -> Row:
    word: Piece = ("✗ required", "bad") if item.wanted_by else ("✗ denied", "warn")
    return word, (safe(item.end), "title"), _times(item.tally), (safe(item.by), "muted")


def _excess(item: Excess) -> Row:
    return ("△ not required", "warn"), (safe(item.end), "title"), _times(item.tally), (safe(item.by), "muted")


def _unused(item: Unused) -> Row:
    return ("· unused", "muted"), (safe(f"{item.kind} {item.subject}"), "title"), ("0", "muted"), (safe(item.text), "muted")  # fmt: skip


def _redundant(item: Redundant) -> Row:
    return ("· redundant", "muted"), (safe(item.rule), "title"), _times(item.tally), (safe(", ".join(item.instead)), "muted")  # fmt: skip


def _times(tally: Tally) -> Piece:
    return f"{tally.count:,}", "plain"


def evidence_lines(item: Told) -> Iterator[Line]:
    """One line of the tab told in full."""
    match item:
        case Evidence():
            yield from ((((safe(line), "plain"),)) for line in account_text(item.account))
            for doubt in item.refused:
                yield (("unused is not said: ", "warn"), (safe(doubt), "plain"))
        case Denied():
            yield ((safe(item.end), "title"),)
            yield from _tally(item.tally)
            yield _field("by", item.by)
            if item.now:
                yield _field("now", f"{item.now} ({item.now_by})")
            yield from (_field("wanted by", text) for text in item.wanted_by)
            yield _field("known", str(item.known))
            if not item.ours:
                yield (("asked for from outside the sources of this workload", "muted"),)
        case Excess():
            yield ((safe(item.end), "title"),)
            yield from _tally(item.tally)
            yield _field("let through", item.by)
            yield _field("known", str(item.known))
            if item.tighten:
                yield _field("tighter", item.tighten)
        case Redundant():
            yield ((safe(item.rule), "title"),)
            yield from _tally(item.tally)
            yield (("without it every flow that was seen is decided the same, by", "muted"),)
            yield from (_field("", text) for text in item.instead)
        case Unused():
            yield ((safe(f"{item.kind} {item.subject}"), "title"),)
            yield ((safe(item.text), "plain"),)


def _tally(tally: Tally) -> Iterator[Line]:
    yield _field("times", f"{tally.count:,}")
    if tally.first and tally.last:
        yield _field("seen", f"{tally.first:%Y-%m-%d %H:%M:%S} to {tally.last:%Y-%m-%d %H:%M:%S} UTC")
    for source in tally.shown_sources:
        if source:
            yield _field("from", f"{source}  {tally.sources[source]:,}")
    more = len(tally.sources) - len(tally.shown_sources)
    if more > 0:
        yield (("", "plain"), (f"             and {counted(more, 'more source')}", "muted"))


def _field(name: str, text: str) -> Line:
    return ((f"  {name:<12}", "muted"), (safe(text), "plain"))
