"""A small project for the watch to look at."""

from pathlib import Path

import pytest

from tests.helpers.upstream import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(root=tmp_path)
    made.pages.mkdir()
    return made
