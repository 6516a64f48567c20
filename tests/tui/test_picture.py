"""The picture in README is the screen, drawn by a command, and asks no other host for anything."""

from __future__ import annotations

import asyncio
import re

import pytest

from allowlist_tui.picture import draw
from tests.helpers.shared import REPOSITORY

PICTURE = REPOSITORY / "tui" / "review.svg"
_REFERENCE = re.compile(r"""(?:href|src)\s*=\s*["'](?!#)|url\(["']?(?!#)|@import|<!--""")


def test_the_picture_of_readme_points_nowhere_and_is_small() -> None:
    text = PICTURE.read_text("utf-8")
    assert "(tui/review.svg)" in (REPOSITORY / "README.md").read_text("utf-8")
    assert not _REFERENCE.search(text)
    assert len(text.encode()) < 300_000


def test_the_command_draws_the_screen_of_the_example_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    text = asyncio.run(draw()).replace("&#160;", " ")
    for words in ("research-agents", "11 approved", "1 rejected", "1 deferred", "Proofs", "nothing else"):
        assert words in text
    assert not _REFERENCE.search(text)
