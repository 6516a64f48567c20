"""``make mutants``: breaks the product in a copy, one promise at a time, and shows the test that notices."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.shared import REPOSITORY
from tests.promises import MUTANTS, Mutant

_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises", description=__doc__)
    parser.add_argument("only", nargs="*", help="mutants whose name holds one of these words (default: all)")
    only = parser.parse_args().only
    chosen = [item for item in MUTANTS if not only or any(word in item.name for word in only)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(REPOSITORY, copy, ignore=_LEFT_OUT, symlinks=True)
        for mutant in chosen:
            killer = _killer(copy, mutant)
            survivors += not killer
            sys.stdout.write(f"{'dies' if killer else 'SURVIVES':9} {mutant.name}: {killer or mutant.test}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} mutants, {survivors} survive\n")
    return 1 if survivors else 0


def _killer(copy: Path, mutant: Mutant) -> str:
    """The test that fails with the mutant in place, empty if none does."""
    file = copy / mutant.file
    original = file.read_text("utf-8")
    file.write_text(original.replace(mutant.old, mutant.new, 1), "utf-8")
    try:
        return _first_failure(copy, mutant.test)
    finally:
        file.write_text(original, "utf-8")


def _first_failure(copy: Path, test: str) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test]
    environ = {
        **os.environ,
        "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tui'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    answer = subprocess.run(
        command, cwd=copy, env=environ, capture_output=True, text=True, check=False, timeout=900
    )
    failed = [line for line in answer.stdout.splitlines() if line.startswith("FAILED ")]
    if answer.returncode not in (0, 1):
        raise SystemExit(
            f"the test of a mutant could not run:\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}"
        )
    return failed[0].removeprefix("FAILED ").partition(" - ")[0] if failed else ""


if __name__ == "__main__":
    sys.exit(main())
