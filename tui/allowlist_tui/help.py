"""What the keys do, gathered from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import App

from allowlist_tui.look import RISKS, STATES, Line


def help_lines(app: App[None]) -> Iterator[Line]:
    """The keys that do something where the focus is, then what the signs mean."""
    moves: list[str] = []
    for active in app.screen.active_bindings.values():
        binding = active.binding
        if binding.tooltip:
            key = app.get_key_display(binding)
            yield (
                (f"{key:>8}  ", "accent"),
                (f"{binding.description:<12} ", "title"),
                (binding.tooltip, "plain"),
            )
        elif binding.id:
            moves.append(f"{app.get_key_display(binding)} {binding.description}")
    yield (("  ctrl+p  ", "accent"), ("palette      ", "title"), ("find any of this by name", "plain"))
    yield (
        ("  ctrl+q  ", "accent"),
        ("quit         ", "title"),
        ("always; what was decided is kept", "plain"),
    )
    if moves:
        yield ((", ".join(dict.fromkeys(moves)), "muted"),)
    yield (("", "plain"),)
    yield from _legend("states", STATES)
    yield from _legend("risks", RISKS)


def _key(key: str, word: str, meaning: str) -> Line:
    return ((f"{key:>7}  ", "accent"), (f"{word:<12} ", "title"), (meaning, "plain"))


def _legend(title: str, signs: object) -> Iterator[Line]:
    rows = list(signs.values())  # type: ignore[attr-defined]
    pieces = [(f"{title:>8}  ", "muted")]
    for glyph, word, tone in rows:
        pieces.append((f"{glyph} {word}  ", tone))
    yield tuple(pieces)
