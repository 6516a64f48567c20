"""Whole processes: start-up, help, and an offline plan, beside an empty Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row, median

CONTOSO = Path(__file__).parents[2] / "allowlist" / "simulator" / "estates" / "contoso"


def run() -> Iterator[Row]:
    nothing = median(lambda: _run([sys.executable, "-c", "pass"]), 9)
    offline = ["--workload", str(CONTOSO / "allowlist.yaml"), "--snapshot", str(CONTOSO)]
    for what, arguments, goal in (
        ("--version", ["--version"], "<= 2.5"),
        ("--help", ["--help"], "<= 4"),
        ("offline plan of the example company", ["plan", *offline], "<= 6"),
    ):
        ours = median(lambda arguments=arguments: _run([sys.executable, "-m", "allowlist", *arguments]), 7)  # type: ignore[misc]
        yield Row(what, ours, nothing, "python -c pass", goal)
        if shutil.which("az") and what.startswith("offline"):
            yield Row(what, ours, median(lambda: _run(["az", "version"]), 3), "az version", "<= 0.4 (0.3)")


def catalogs() -> Row:
    """Second read of all catalogs, compiled by content, beside reading their YAML."""
    import yaml

    from allowlist.catalog import load_library, shipped_catalogs

    load_library()
    texts = [path.read_bytes() for path in shipped_catalogs().glob("*.yaml")]
    theirs = median(lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts])
    return Row("second read of all catalogs", median(load_library, 7), theirs, "CSafeLoader", "<= 0.01")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
