"""``make bench``: prints ratios. ``--quick`` leaves the large sizes out."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys

from tests.bench import engine, process
from tests.bench.table import Row, table

OTHERS = ("tui", "fleet")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="sizes S and M only")
    quick = parser.parse_args().quick
    rows: list[Row] = list(engine.run(("S", "M") if quick else ("S", "M", "L")))
    rows += engine.growth(("Q1", "Q2") if quick else ("Q1", "Q2", "Q4", "L", "Q16"))
    rows += process.run()
    rows.append(process.catalogs())
    if not quick:
        rows.append(engine.memory())
    for name in OTHERS:
        if importlib.util.find_spec(f"tests.bench.{name}"):
            rows += importlib.import_module(f"tests.bench.{name}").run()
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
