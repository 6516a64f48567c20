"""``python -m tests.oracle [WORLDS [FIRST]]``: try many worlds, count what was compared, show every disagreement."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.oracle.assuming import try_assumptions
from tests.oracle.trial import Tally, try_seed

EVERY = 4
"""One estate in so many is also tried in every world that its assumptions leave open: that takes a second."""


def main(worlds: int, first: int) -> int:
    tally, begun = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + worlds):
            try_seed(seed, Path(folder), tally)
            if seed % EVERY == 0:
                try_assumptions(seed, Path(folder), tally)
    print(f"{worlds} worlds from seed {first} in {time.monotonic() - begun:.0f} s")
    for what, count in sorted(tally.counts.items()):
        print(f"{count:>9}  {what}")
    print(f"{len(tally.wrong):>9}  disagreements")
    for text in tally.wrong[:20]:
        print(f"  {text}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]]
    raise SystemExit(main(*(arguments + [2000, 0][len(arguments) :])))
