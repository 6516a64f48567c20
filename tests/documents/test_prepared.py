"""Types are decoded in many threads at once without ending the process, also the very first time."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers.shared import REPOSITORY

RACE = """
import sys, threading, msgspec
from allowlist.documents.prepared import prepared
sys.setswitchinterval(1e-6)
for number in range(150):
    inner = msgspec.defstruct(f"Inner{number}", [(f"field_{n}", int | None, None) for n in range(40)])
    outer = msgspec.defstruct(f"Outer{number}", [("items", list[inner])] + [(f"f{n}", str, "") for n in range(40)])
    start, seen = threading.Barrier(6), []
    def decode():
        start.wait()
        seen.append(msgspec.json.decode(b'{"items": [{"field_3": 7}], "f9": "x"}', type=prepared(outer)).items[0].field_3)
    threads = [threading.Thread(target=decode) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert seen == [7] * 6, seen
"""


def test_a_type_may_be_met_first_by_several_threads_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RACE], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
