"""Real commands as whole processes: CPU, wall time and peak memory of each, in paired rounds, and growth over sizes.

``python -m tests.bench.commands --against REF`` (``make bench-compare REF=…``) runs the working copy and another commit
alternately on the same estates and writes one table as Markdown and as JSON. Only ratios within one run mean anything.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench.estates import HOT, SHAPES, Place, write_estate, write_steady
from tests.bench.peers import peers

HERE = Path(__file__).parents[2]
_LAUNCHER = """
import os, signal, sys, time
begun = time.perf_counter()
process = os.fork()
if process == 0:
    silent = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(silent, number)
    os.execv(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGALRM, lambda number, frame: os.kill(process, signal.SIGKILL))
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
_, status, usage = os.wait4(process, 0)
print(usage.ru_utime + usage.ru_stime, time.perf_counter() - begun, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""
"""Starts the process that is measured: the peak of one that this bench started itself would be the bench's own memory."""
SIZES = ("Q1", "Q2", "Q4", "L")
AGAIN = ", told again"
"""Ends the name of a command that is given twice about the same: everything else is worked out anew."""


@dataclass(frozen=True)
class Cost:
    """What one process took: CPU and wall seconds, peak memory in bytes. ``ended`` is False if it was stopped."""

    cpu: float
    wall: float
    memory: int
    ended: bool = True


@dataclass(frozen=True)
class Row:
    """One command on one estate; ``other`` is the commit it is held against."""

    command: str
    estate: str
    mine: Cost
    other: Cost | None = None
    growth: float | None = None
    """CPU in that of the next smaller size."""

    @property
    def ratio(self) -> float | None:
        """CPU of the other commit in ours: above 1 is faster now."""
        return self.other.cpu / self.mine.cpu if self.other else None


@dataclass(frozen=True)
class Tree:
    """A checkout that is run with this interpreter, in a home of its own."""

    code: Path
    home: Path

    def run(self, arguments: Sequence[str], patience: float) -> Cost:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPATH": f"{self.code}{os.pathsep}{self.code / 'tui'}",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_STATE_HOME": str(self.home / "state"),
        }
        found = subprocess.run(
            [sys.executable, "-S", "-E", "-c", _LAUNCHER, str(patience), sys.executable, *arguments],
            cwd=self.home,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        cpu, wall, memory, code = map(float, found.stdout.split())
        return Cost(cpu, wall, int(memory) * (1 if sys.platform == "darwin" else 1024), code >= 0)

    def allowlist(self, *arguments: object, patience: float, again: bool = False) -> Cost:
        """A command that works its answer out anew, or ``again`` may tell what the one before found out."""
        if not again:
            shutil.rmtree(self.home / "cache" / "allowlist" / "answers", ignore_errors=True)
        return self.run(["-m", "allowlist", *map(str, arguments)], patience)


def commands(place: Place) -> Iterator[tuple[str, list[object]]]:
    """The commands of a working day, in an order in which each finds what it needs."""
    of = ["--workload", place.workload, "--snapshot", place.before]
    steady = ["--workload", place.workload, "--snapshot", place.after]
    yield "first plan", ["plan", *of, "--output", place.plan]
    yield "nothing to do", ["plan", *steady]
    yield f"nothing to do{AGAIN}", ["plan", *steady]
    yield "removals only", ["plan", "--workload", place.half, "--snapshot", place.after]
    yield "check", ["check", *of]
    yield f"check{AGAIN}", ["check", *of]
    yield "compare", ["compare", place.before, place.after, "--workload", place.workload]
    yield "simplify", ["simplify", *of]
    yield (
        "approve --all",
        ["approve", place.plan, "--all", "--reason", "bench", "--workload", place.workload],
    )
    yield "explain", ["explain", "api1.svc1.example", "--from", "10.40.0.7", *of]


START = (
    ("python -c pass", ["-c", "pass"]),
    ("--version", ["-m", "allowlist", "--version"]),
    ("--help", ["-m", "allowlist", "--help"]),
)


def measure(
    trees: Sequence[Tree], sizes: Sequence[str], rounds: int, patience: float, only: Sequence[str] = ()
) -> Iterator[Row]:
    """Every command on every estate, the trees in turn in each round; medians. ``only`` names those that are wanted
    besides the first plan, which the others start from.
    """
    for name, arguments in START:
        asked = [partial(tree.run, arguments, patience) for tree in trees]
        yield _row(name, "", _rounds(asked, rounds * 3))
    smaller: dict[str, float] = {}
    for size in sizes:
        places = [write_estate(tree.home / size, size) for tree in trees]
        asked_of = [
            [
                (name, partial(tree.allowlist, *words, patience=patience, again=name.endswith(AGAIN)))
                for name, words in commands(place)
            ]
            for tree, place in zip(trees, places, strict=True)
        ]
        for same in zip(*asked_of, strict=True):
            name = same[0][0]
            if only and name not in ("first plan", *only):
                continue
            row = _row(name, size, _rounds([run for _, run in same], rounds))
            if name == "first plan":
                if not all(place.plan.exists() for place in places):
                    yield row  # it was stopped, and the others start from it
                    break
                for place in places:
                    write_steady(place)
            known = smaller.get(name) if size in SIZES else None
            if size in SIZES:
                smaller[name] = row.mine.cpu
            yield replace(row, growth=row.mine.cpu / known if known else None)
        for name, words in peers(places[0], size):
            yield _row(name, size, _rounds([partial(trees[0].run, words, patience)], rounds))


def _rounds(runs: Sequence[Callable[[], Cost]], rounds: int) -> list[list[Cost]]:
    """All in turn, the order turned round each time; what was stopped is not tried again."""
    costs: list[list[Cost]] = [[] for _ in runs]
    for turn in range(rounds):
        for index in sorted(range(len(runs)), reverse=bool(turn % 2)):
            if not costs[index] or costs[index][-1].ended:
                costs[index].append(runs[index]())
    return costs


def _row(name: str, estate: str, costs: list[list[Cost]]) -> Row:
    medians = [_median(found) for found in costs]
    return Row(name, estate, medians[0], medians[1] if len(medians) > 1 else None)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        max(cost.memory for cost in costs),
        all(cost.ended for cost in costs),
    )


def head(about: dict[str, str]) -> str:
    """What stands above the rows: the machine, the date, the columns."""
    where = f"{about['date']}, {about['machine']}, Python {about['python']}"
    lines = [
        f"{where}; {about['rounds']} paired rounds, medians. Against {about['against']}.",
        "",
        "| command | estate | CPU s | wall s | peak MB | CPU per doubling | CPU s then | peak MB then | then : now |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    other = row.other
    then = (
        ("", "", "") if other is None else (_seconds(other), f"{other.memory / 1e6:.0f}", f"{row.ratio:.2f}")
    )
    growth = f"{row.growth:.2f}" if row.growth else ""
    cells = (row.command, row.estate, _seconds(row.mine), f"{row.mine.wall:.2f}", f"{row.mine.memory / 1e6:.0f}", growth, *then)  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _seconds(cost: Cost) -> str:
    return f"{'' if cost.ended else '> '}{cost.cpu:.2f}"


@contextlib.contextmanager
def checkout(ref: str, folder: Path) -> Iterator[Path]:
    """Another commit of this repository, for as long as it is needed."""
    code = folder / "other"
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(code), ref], cwd=HERE, check=True)
    try:
        yield code
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(code)], cwd=HERE, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.commands", description=__doc__)
    parser.add_argument("--against", metavar="REF", help="another commit, run in turn with the working copy")
    parser.add_argument("--sizes", nargs="+", default=SIZES, choices=[*SIZES, "S", "M", "Q16", *HOT, *SHAPES])
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="COMMAND", help="only these, as the table calls them"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds before a command is stopped")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    given = parser.parse_args()
    about = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "rounds": str(given.rounds),
        "against": given.against or "nothing",
    }
    with tempfile.TemporaryDirectory(prefix="allowlist-bench-") as name, contextlib.ExitStack() as stack:
        codes = [HERE]
        if given.against:
            codes.append(stack.enter_context(checkout(given.against, Path(name))))
        trees = [Tree(code, _made(Path(name) / f"home-{number}")) for number, code in enumerate(codes)]
        sys.stdout.write(head(about) + "\n")
        rows: list[Row] = []
        for row in measure(trees, given.sizes, given.rounds, given.patience, given.only):
            rows.append(row)
            sys.stdout.write(_line(row) + "\n")
            sys.stdout.flush()
    if given.json:
        given.json.write_text(json.dumps({"about": about, "rows": [asdict(row) for row in rows]}, indent=2))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
