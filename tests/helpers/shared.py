"""Where the conformance data stands: ``$ALLOWLIST_SHARED``, by default beside the repository."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ALLOWLIST_SHARED", REPOSITORY.parent / "shared"))

OWN = REPOSITORY / "tests" / "golden"

# What tests of each folder hold the product to, for those who do not have it and read why a test was skipped.
_HOLDS = {
    "golden": "golden cases of firewalls, managed networks and documentation pages (a few stand in tests/golden)",
    "recordings": "bodies that Azure really sent",
    "cases": "small inputs the product was wrong on",
    "swagger": "Azure's published API descriptions",
    "arm-examples": "Azure's published examples of requests and answers",
    "docs-snapshots": "documentation pages as they were published",
    "engines": "what real engines let through",
    "catalog": "facts about hosts, gathered independently of the catalogs",
}

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def lacking(path: Path) -> str:
    """Why a test of what stands at ``path``, below the shared folder, is skipped, and what then goes untested."""
    below = path.relative_to(SHARED).parts if path.is_relative_to(SHARED) else ("",)
    holds = _HOLDS.get(below[0], "conformance data")
    return f"no {path}, so the product is not held to {holds}; CONTRIBUTING.md, Conformance data, says what to do"


def load_golden(name: str) -> dict[str, Any]:
    """The golden file ``name``, or an empty mapping where it is absent (its tests are then skipped)."""
    return _loaded(SHARED / "golden" / name)


def _loaded(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) if path.is_file() else {}


def own_cases(name: str, section: str) -> list[Any]:
    """One parameter per case of a golden file of this repository, which is never absent."""
    return [pytest.param(case, id=case["id"]) for case in _loaded(OWN / name)[section]]


def absent(path: Path) -> Any:
    """The one parameter of a test whose cases are absent."""
    return pytest.param(None, marks=pytest.mark.skip(reason=lacking(path)), id="absent")


def cases_of(name: str, section: str) -> list[Any]:
    """One parameter per case; a single skipped one, with the reason, where the file is absent."""
    cases = load_golden(name).get(section, [])
    if not cases:
        return [absent(SHARED / "golden" / name)]
    return [pytest.param(case, id=case["id"]) for case in cases]


def files_of(folder: str, pattern: str = "*.json") -> list[Any]:
    """One parameter per file below ``folder``; a single skipped one where it is absent."""
    files = sorted((SHARED / folder).rglob(pattern))
    if not files:
        return [absent(SHARED / folder)]
    return [pytest.param(file, id=str(file.relative_to(SHARED / folder))) for file in files]


def lines_of(name: str) -> list[Any]:
    """One parameter per line of a file of JSON lines; a single skipped one where it is absent."""
    path = SHARED / name
    if not path.is_file():
        return [absent(path)]
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [pytest.param(case, id=case["id"]) for case in cases]
