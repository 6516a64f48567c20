"""``python -m tests.oracle [WORLDS [FIRST]]``: try many worlds, count what was compared, show every disagreement.

Where standard error is a terminal it says how far it is; Ctrl-C ends it with the counts so far.
"""

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
    tally, begun, done, interrupted = Tally(), time.monotonic(), 0, False
    with tempfile.TemporaryDirectory() as folder:
        try:
            for seed in range(first, first + worlds):
                try_seed(seed, Path(folder), tally)
                if seed % EVERY == 0:
                    try_assumptions(seed, Path(folder), tally)
                done += 1
                _show(done, worlds, tally)
        except KeyboardInterrupt:
            interrupted = True
    if sys.stderr.isatty():
        print(file=sys.stderr)
    after = f", interrupted in seed {first + done} of {worlds} worlds" if interrupted else ""
    print(f"{done} worlds from seed {first} in {time.monotonic() - begun:.0f} s{after}")
    for what, count in sorted(tally.counts.items()):
        print(f"{count:>9}  {what}")
    print(f"{len(tally.wrong):>9}  disagreements")
    for text in tally.wrong[:20]:
        print(f"  {text}")
    return 1 if tally.wrong else 130 if interrupted else 0


def _show(done: int, worlds: int, tally: Tally) -> None:
    if sys.stderr.isatty():
        text = f"{done} of {worlds} worlds, {tally.counts['verdicts']} verdicts, {len(tally.wrong)} disagreements"
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]]
    raise SystemExit(main(*(arguments + [2000, 0][len(arguments) :])))
