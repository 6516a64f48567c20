"""``make mutants``: breaks the product in a copy, one promise at a time, and shows the test that notices, and the day of the
soak that does."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.shared import REPOSITORY
from tests.promises import MUTANTS, Mutant

_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises", description=__doc__)
    parser.add_argument("only", nargs="*", help="mutants whose name holds one of these words (default: all)")
    parser.add_argument(
        "--where", choices=("both", "suite", "soak"), default="both", help="who has to notice (default: both)"
    )
    given = parser.parse_args()
    only = given.only
    chosen = [item for item in MUTANTS if not only or any(word in item.name for word in only)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(REPOSITORY, copy, ignore=_LEFT_OUT, symlinks=True)
        for mutant in chosen:
            with _in_place(copy, mutant):
                for place, look in _LOOKS.items():
                    if given.where in ("both", place):
                        killer = look(copy, mutant)
                        survivors += not killer
                        word = "dies" if killer else "SURVIVES"
                        sys.stdout.write(f"{word:9} {mutant.name}, {place}: {killer or 'nothing noticed'}\n")
                        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} mutants, {survivors} survive\n")
    return 1 if survivors else 0


@contextmanager
def _in_place(copy: Path, mutant: Mutant) -> Iterator[None]:
    file = copy / mutant.file
    original = file.read_text("utf-8")
    file.write_text(original.replace(mutant.old, mutant.new, 1), "utf-8")
    try:
        yield
    finally:
        file.write_text(original, "utf-8")


def _ran(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tui'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=copy, env=environ, capture_output=True, text=True, check=False, timeout=900
    )


def _in_soak(copy: Path, mutant: Mutant) -> str:
    """What the first days of the soak say with the mutant in place, empty if they notice nothing."""
    del mutant
    answer = _ran(copy, "tests.soak", "--small", "--seed", "1", "--days", str(DAYS))
    if answer.returncode == 0:
        return ""
    return next((line for line in answer.stdout.splitlines() if "broken" in line), answer.stderr[-200:])


def _in_suite(copy: Path, mutant: Mutant) -> str:
    """The test that fails with the mutant in place, empty if none does."""
    answer = _ran(copy, "pytest", "-x", "-q", "-p", "no:cacheprovider", mutant.test)
    failed = [line for line in answer.stdout.splitlines() if line.startswith("FAILED ")]
    if answer.returncode not in (0, 1):
        raise SystemExit(
            f"the test of a mutant could not run:\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}"
        )
    return failed[0].removeprefix("FAILED ").partition(" - ")[0] if failed else ""


DAYS = 6
_LOOKS: dict[str, Callable[[Path, Mutant], str]] = {"suite": _in_suite, "soak": _in_soak}


if __name__ == "__main__":
    sys.exit(main())
