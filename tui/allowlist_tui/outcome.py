"""How a run ended, in words that the screen and the page share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from allowlist.apply.result import RunResult
from allowlist.render.plan import afterwards_lines, afterwards_text
from allowlist_tui.look import Line, Piece
from allowlist_tui.text import safe

_SHOWN = 8
"""Lines about what a run left open; the rest is for ``allowlist check``."""


def result_lines(
    result: RunResult, as_printed: Callable[[str], str], undo: str = "r rolls it back"
) -> list[Line]:
    """How it ended, and what can be done about what it left; ``undo`` says how it is taken back."""
    where = f"run {result.run_id}: {result.summary()}"
    if result.is_settled or (result.is_complete and result.afterwards is None):
        told = "a fresh plan is empty: converged" if result.is_settled else "verified"
        return [
            (("✓ applied and verified", "good"), (f"  {where}", "plain")),
            ((f"{told}; {undo}", "muted"),),
        ]
    if result.converged and result.afterwards is not None:
        return [
            (("◆ applied and verified, not all is well", "warn"), (f"  {where}", "plain")),
            ((f"{afterwards_text(result.afterwards)}; {undo}", "muted"),),
            *(((safe(line), "plain"),) for line in islice(afterwards_lines(result.afterwards), _SHOWN)),
        ]
    if result.is_complete:
        return [
            (("◆ not converged", "warn"), (f"  {where}", "plain")),
            (("everything was written, but a fresh plan is not empty; make a new plan", "muted"),),
        ]
    word: Piece = ("◆ stopped", "warn") if result.interrupted else ("✗ not complete", "bad")
    return [
        (word, (f"  {where}", "plain")),
        ((safe(result.error), "plain"),),
        ((safe(as_printed(go_on(result))), "muted"),),
    ]


def go_on(result: RunResult) -> str:
    """How a run that is not complete is finished."""
    return f"go on with: allowlist apply --resume {result.run_id}"
