"""``make soak``: random working days on a stumbling Azure; prints what was tried and that nothing was broken.

A seed tells the whole day again: ``python -m tests.soak --seed 7 --days 1``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.helpers.trial import BLOWS, MOMENTS, STUMBLES, Trial
from tests.helpers.world import contoso_world
from tests.soak.small import offline, small_day


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long, in seconds")
    parser.add_argument("--days", type=int, default=0, help="this many days instead")
    parser.add_argument("--steps", type=int, default=25, help="steps per day (default 25)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first day's seed")
    parser.add_argument("--small", action="store_true", help="days in the small world only")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    until, seed = time.monotonic() + (given.seconds or given.minutes * 60), given.seed
    if lost := offline():
        sys.stdout.write(f"{lost}\n")
        return 1
    while (seed - given.seed < given.days) if given.days else (time.monotonic() < until):
        broken = small(seed, given.steps, counts) or (
            "" if given.small else one_day(seed, given.steps, counts)
        )
        if broken:
            world = " --small" if given.small else ""
            sys.stdout.write(f"{broken}\ntell it again: python -m tests.soak{world} --seed {seed} --days 1\n")
            return 1
        seed += 1
    for word in sorted(counts):
        sys.stdout.write(f"{counts[word]:8}  {word}\n")
    sys.stdout.write(f"{seed - given.seed:8}  days; lost or unapproved writes: 0\n")
    return 0


def small(seed: int, steps: int, counts: Counter[str]) -> str:
    """One day in the small world; what was broken in it, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        return small_day(seed, Path(folder), steps, counts)


def one_day(seed: int, steps: int, counts: Counter[str]) -> str:
    """One day; what was broken in it, or nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, contoso_world(Path(folder)) as world:
        trial = Trial(world)
        try:
            for _ in range(steps):
                step(trial, chance)
                trial.check()
        except AssertionError as broken:
            return str(broken)
        finally:
            counts.update(trial.counts)
    return ""


def step(trial: Trial, chance: random.Random) -> None:
    """One random step; those that move the day on are likelier."""
    faults = tuple(chance.sample(STUMBLES, chance.choice((0, 0, 1, 2))))
    if chance.random() < 0.15:
        faults += (chance.choice(BLOWS),)
    crash = chance.choice(MOMENTS) if chance.random() < 0.25 else ""
    match chance.choice("wwwwwwpaArrRRftsgc"):
        case "w":
            trial.make_plan()
            trial.approve(chance.choice((0.3, 1.0, 1.0)))
            trial.apply(faults, crash, wait=chance.random() < 0.2)
        case "p":
            trial.make_plan()
        case "a":
            trial.approve(chance.choice((0.2, 0.5, 1.0)))
        case "A":
            trial.apply(faults, crash, in_part=chance.random() < 0.7, wait=chance.random() < 0.2)
        case "r":
            trial.resume(faults)
        case "R":
            trial.roll_back()
        case "f":
            trial.another_team_edits()
        case "t":
            trial.somebody_tampers()
        case "s":
            trial.catalog_shrinks()
        case "g":
            trial.catalog_grows_back()
        case "c":
            trial.confirm()


if __name__ == "__main__":
    sys.exit(main())
