"""Is every answer the same as another commit's? Random estates with every construct, and the estates of the bench.

``python -m tests.bench.answers --against REF`` asks both commits about the same folders (:mod:`tests.bench.saying`) and
shows where they say something else. Speed that changed an answer is none.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.commands import HERE, checkout
from tests.bench.estates import SHAPES, write_estate, write_steady
from tests.bench.saying import OWN_CATALOGS
from tests.oracle import assuming
from tests.oracle.worlds import world

Json = dict[str, Any]


def write_world(folder: Path, seed: int) -> Path:
    """The random estate of ``seed`` as a folder: every third with doubts and assumptions, the others of every kind."""
    dice = random.Random(seed)
    catalog = ""
    if seed % 3:
        given = world(seed)
        bodies, workload, catalog = given.bodies, given.workload(), given.catalog()
    else:
        bodies = assuming._estate(dice)
        mode = dice.choice(("gate", "accept", "refuse"))
        workload = assuming._workload(mode, dice.sample(assuming.PATTERNS, dice.randint(1, 2)))
    place = folder / f"world-{seed}"
    for name, state in (("before", bodies), ("after", _edited(bodies, dice))):
        (place / name).mkdir(parents=True)
        (place / name / "state.json").write_text(json.dumps(state))
    (place / "allowlist.yaml").write_text(workload)
    if catalog:
        (place / OWN_CATALOGS).mkdir()
        (place / OWN_CATALOGS / "linked.yaml").write_text(catalog)
    return place


def _edited(bodies: list[Json], dice: random.Random) -> list[Json]:
    """The same with some rules gone, in another order, or for the other action."""

    def edit(value: Any) -> Any:
        if isinstance(value, dict):
            found = {key: edit(item) for key, item in value.items()}
            if "action" in found and isinstance(found["action"], dict) and dice.random() < 0.2:
                found["action"] = {"type": "Deny" if found["action"].get("type") == "Allow" else "Allow"}
            return found
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            kept = [edit(item) for item in value if dice.random() > 0.2] or [edit(value[0])]
            return kept[::-1] if dice.random() < 0.3 else kept
        return value

    return [
        {**body, "properties": edit(body["properties"])} if "properties" in body else body for body in bodies
    ]


def said(code: Path, places: Sequence[Path]) -> Iterator[Json]:
    """What the tree at ``code`` answers about each place."""
    seed = str(sum(map(ord, str(code))) % 100)  # a hash seed of its own: no answer may hang on it
    path = f"{code}{os.pathsep}{code / 'tui'}"
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("saying.py"))],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for place in places:
            process.stdin.write(f"{place}\n")
            process.stdin.flush()
            yield json.loads(process.stdout.readline())
        process.stdin.close()


def differing(mine: Json, other: Json) -> Iterator[tuple[str, str]]:
    """The questions that are answered otherwise, with the first place where they part."""
    for question, answer in mine.items():
        if answer != other[question]:
            texts = [
                json.dumps(item, indent=1, sort_keys=True).splitlines() for item in (other[question], answer)
            ]
            lines = next(
                (pair for pair in zip(*texts, strict=False) if pair[0] != pair[1]), ("", "it is longer")
            )
            yield question, f"{lines[0].strip()} → {lines[1].strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.answers", description=__doc__)
    parser.add_argument(
        "--against", metavar="REF", required=True, help="a commit, or the folder of a checkout"
    )
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--sizes", nargs="*", default=["S", "M"], help=f"sizes of the bench, and {', '.join(SHAPES)}"
    )
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="allowlist-answers-") as name, ExitStack() as stack:
        folder = Path(name)
        other = Path(given.against)
        if not other.is_dir():
            other = stack.enter_context(checkout(given.against, folder))
        places = [write_world(folder, seed) for seed in range(given.first, given.first + given.worlds)]
        for size in given.sizes:
            estate = write_estate(folder / size, size)
            sys.stdout.write(f"{size}: planning the state after it\n")
            (plan,) = [item["plan"] for item in said(HERE, [estate.folder])]
            estate.plan.write_text(json.dumps(plan))
            write_steady(estate)
            places.append(estate.folder)
        for place, mine, then in zip(places, said(HERE, places), said(other, places), strict=True):
            counts.update(list(mine))
            counts["refused"] += sum(isinstance(item, str) for item in mine.values())
            for question, text in differing(mine, then):
                counts["differ"] += 1
                sys.stdout.write(f"{place.name} {question}: {text}\n")
    sys.stdout.write(f"{len(places)} places: {dict(counts)}\n")
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
