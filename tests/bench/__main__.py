"""``make bench``: prints ratios. ``--quick`` leaves the large sizes out."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator

from tests.bench import engine, process
from tests.bench.table import Row, table

OTHERS = ("tui", "keys", "fleet")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="sizes S and M only")
    for section in sections(quick=parser.parse_args().quick):
        show(section)


def sections(*, quick: bool) -> Iterator[Callable[[], Iterable[Row]]]:
    """The parts of the table, each run on its own, so that one that fails does not take the others along."""
    yield lambda: engine.run(("S", "M") if quick else ("S", "M", "L"))
    yield lambda: engine.growth(("Q1", "Q2") if quick else ("Q1", "Q2", "Q4", "L", "Q16"))
    yield process.run
    yield lambda: [process.catalogs()]
    if not quick:
        yield lambda: [engine.memory()]
    for name in OTHERS:
        if importlib.util.find_spec(f"tests.bench.{name}"):
            yield importlib.import_module(f"tests.bench.{name}").run


def show(section: Callable[[], Iterable[Row]]) -> None:
    try:
        text = table(list(section()))
    except Exception as error:
        text = f"left out: {str(error)[:200]}"
    sys.stdout.write(text + "\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
