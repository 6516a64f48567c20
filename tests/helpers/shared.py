"""Where the conformance data stands: ``$ALLOWLIST_SHARED``, by default beside the repository."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ALLOWLIST_SHARED", REPOSITORY.parent / "shared"))

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_golden(name: str) -> dict[str, Any]:
    """The golden file ``name``, or an empty mapping where it is absent (its tests are then skipped)."""
    path = SHARED / "golden" / name
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) if path.is_file() else {}


def cases_of(name: str, section: str) -> list[Any]:
    """One parameter per case; a single skipped one, with the reason, where the file is absent."""
    cases = load_golden(name).get(section, [])
    if not cases:
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason=f"no {section} in {SHARED}/golden/{name}"), id="absent"
            )
        ]
    return [pytest.param(case, id=case["id"]) for case in cases]


def files_of(folder: str, pattern: str = "*.json") -> list[Any]:
    """One parameter per file below ``folder``; a single skipped one where it is absent."""
    files = sorted((SHARED / folder).rglob(pattern))
    if not files:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {SHARED}/{folder}"), id="absent")]
    return [pytest.param(file, id=str(file.relative_to(SHARED / folder))) for file in files]


def lines_of(name: str) -> list[Any]:
    """One parameter per line of a file of JSON lines; a single skipped one where it is absent."""
    path = SHARED / name
    if not path.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {path}"), id="absent")]
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [pytest.param(case, id=case["id"]) for case in cases]
