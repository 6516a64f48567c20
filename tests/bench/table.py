"""One row of a benchmark, and how rows are printed."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """``ours`` and ``theirs`` in seconds (or any one unit); ``goal`` is the ratio aimed at."""

    what: str
    ours: float
    theirs: float
    beside: str
    goal: str = ""
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs if self.theirs else float("inf")


def median(run: Callable[[], Any], repeat: int = 3) -> float:
    """Median wall time of ``run``, with a collected heap before each."""
    times = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def table(rows: Iterable[Row]) -> str:
    """Rows as aligned text."""
    cells = [("what", "ours", "beside", "theirs", "ratio", "goal")]
    cells += [
        (
            row.what,
            _amount(row.ours, row.unit),
            row.beside,
            _amount(row.theirs, row.unit),
            f"{row.ratio:.3g}",
            row.goal,
        )
        for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _amount(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.3g} {unit}"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
