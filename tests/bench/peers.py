"""What others do with as much: decode the same bytes, read the same YAML, plan as many records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bench.estates import Place
from tests.bench.workload import SIZES

ORJSON = "import sys, orjson; orjson.loads(open(sys.argv[1], 'rb').read())"
YAML = "import gc, sys, yaml; gc.disable(); yaml.load(open(sys.argv[1], 'rb'), Loader=yaml.CSafeLoader)"
TWICE = "import sys; from pathlib import Path; from allowlist.workflow.workloads import read_workload; read_workload(Path(sys.argv[1]))"
INSTEAD = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
CATALOGS = "from allowlist.catalog import load_library; load_library()"
SHIPPED = (
    "import gc, yaml; from allowlist.catalog import shipped_catalogs; gc.disable(); "
    "[yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in shipped_catalogs().glob('*.yaml')]"
)


def peers(place: Place, size: str) -> Iterator[tuple[str, list[str]]]:
    """Each peer as the words after ``python``; octoDNS only where it is installed (``octodns-sync`` on the path)."""
    yield "(orjson decodes the policy)", ["-c", ORJSON, str(place.before / "estate.json")]
    yield "(CSafeLoader reads the workload file)", ["-c", YAML, str(place.workload)]
    yield "workload file, read again", ["-c", TWICE, str(place.workload)]
    yield "(CSafeLoader reads all catalogs)", ["-c", SHIPPED]
    yield "all catalogs, read again", ["-c", CATALOGS]
    script = shutil.which("octodns-sync")
    if script and size in SIZES:
        yield (
            "(octoDNS plans as many records)",
            ["-c", INSTEAD, script, f"--config-file={_zone(place.folder / 'dns', SIZES[size][0])}"],
        )


def _zone(folder: Path, records: int) -> Path:
    """A zone of so many records and an empty one to compare it with."""
    for name in ("from", "to"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = [
        f"host{number}: {{type: A, value: 10.0.{number // 250 % 250}.{number % 250}}}"
        for number in range(records)
    ]
    (folder / "from" / "contoso.example.yaml").write_text("---\n" + "\n".join(sorted(lines)) + "\n")
    config = folder / "config.yaml"
    config.write_text(
        "providers:\n"
        f"  from: {{class: octodns.provider.yaml.YamlProvider, directory: {folder / 'from'}, enforce_order: false}}\n"
        f"  to: {{class: octodns.provider.yaml.YamlProvider, directory: {folder / 'to'}}}\n"
        "zones:\n  contoso.example.: {sources: [from], targets: [to]}\n"
    )
    return config
