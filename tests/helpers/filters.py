"""Projects that stand in a folder, with the moment of the tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from allowlist.workflow.project import Project, load_project


def project_in(folder: Path) -> Project:
    return load_project(folder / "allowlist.yaml", now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
