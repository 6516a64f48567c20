"""Runs the tests that drive commands, folder by folder, with every command they print (``make hints``).

A test that cannot print a command of the product is left out: it has nothing to follow. What one folder showed stays
in ``.make/hints``, so an interrupted run goes on where it stopped, as long as nothing was changed meanwhile.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.helpers import hints
from tests.helpers.shared import REPOSITORY

KEPT = REPOSITORY / ".make" / "hints"


def parts() -> dict[str, list[str]]:
    """The files of tests that drive commands, by folder."""
    found: dict[str, list[str]] = {}
    for file in sorted(REPOSITORY.glob("tests/**/test_*.py")):
        if _drives(file):
            found.setdefault(file.parent.name, []).append(str(file.relative_to(REPOSITORY)))
    return found


def _drives(file: Path) -> bool:
    """Whether it runs command lines, here or in a process, itself or through what it imports of the tests."""
    ahead, looked_at = [file], set[Path]()
    while ahead:
        named = _imported(each := ahead.pop())
        if not named.isdisjoint(_DRIVERS):
            return True
        looked_at.add(each)
        ours = {
            REPOSITORY.joinpath(*name.split(".")).with_suffix(".py") for name in named if name[:6] == "tests."
        }
        ahead += [one for one in ours - looked_at if one.is_file()]
    return False


_DRIVERS = {"subprocess", "tests.helpers.cli", "tests.helpers.hints"}


@cache
def _imported(file: Path) -> set[str]:
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            named |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return named


def run(part: str, files: list[str], workers: str) -> int:
    """Run one part and leave its record; what ran to its end on this very tree is not run again."""
    record, ended, tree = KEPT / f"{part}.jsonl", KEPT / f"{part}.ended", _tree()
    if ended.is_file() and ended.read_text("utf-8").startswith(f"{tree} "):
        return int(ended.read_text("utf-8").split()[1])
    record.unlink(missing_ok=True)
    record.touch()
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        workers,
        "--dist",
        "worksteal",
        "-p",
        "no:cacheprovider",
    ]
    code = subprocess.call(
        [*command, *files], cwd=REPOSITORY, env=os.environ | {"ALLOWLIST_RUN_HINTS": str(record)}
    )
    print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    ended.write_text(f"{tree} {code}\n", "utf-8")
    return code


def _tree() -> str:
    """The commit, where nothing was changed since; what was changed is never the same."""
    asked = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return told if told and not told.endswith("-dirty") else f"changed-{time.time_ns()}"


def main(arguments: list[str]) -> int:
    """Run the parts and tell every hint that did not run, and every part whose tests did not pass."""
    parser = argparse.ArgumentParser(prog="hints")
    parser.add_argument("--workers", default="2")
    parser.add_argument("parts", nargs="*", metavar="FOLDER")
    given = parser.parse_args(arguments)
    every = parts()
    if unknown := set(given.parts) - set(every):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    KEPT.mkdir(parents=True, exist_ok=True)
    chosen = given.parts or list(every)
    # Of 5: none of its tests was chosen, as where all of them need something that is not here.
    failed = [part for part in chosen if run(part, every[part], given.workers) not in (0, 5)]
    records = [KEPT / f"{part}.jsonl" for part in chosen]
    told = [line for record in records for line in hints.failures(record)]
    print("\n".join(told) or "every command that was printed ran where it was printed")
    print(", ".join(f"{number} ended with {code}" for code, number in hints.counts(*records).items()))
    if failed:
        print(f"tests that did not pass: {', '.join(failed)}")
    return int(bool(told or failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
