"""State, settings and caches stand where they always stood, whatever the system."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from allowlist.documents.places import user_folder

KINDS: tuple[Literal["state", "config", "cache"], ...] = ("state", "config", "cache")


@pytest.mark.parametrize("kind", KINDS)
def test_the_variable_of_the_specification_comes_first(kind: Literal["state", "config", "cache"]) -> None:
    environ = {f"XDG_{kind.upper()}_HOME": "/elsewhere", "HOME": "/home/me"}
    assert user_folder(environ, kind) == Path("/elsewhere/allowlist")


@pytest.mark.parametrize("named", ["", "relative/folder"])
def test_a_variable_that_names_no_absolute_path_is_ignored(named: str) -> None:
    environ = {"XDG_STATE_HOME": named, "HOME": "/home/me"}
    assert user_folder(environ, "state") == Path("/home/me/.local/state/allowlist")


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_ledger_is_looked_for_in_the_same_place_on_every_system(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", system)
    assert user_folder({"HOME": "/Users/me"}, "state") == Path("/Users/me/.local/state/allowlist")
    assert user_folder({"USERPROFILE": "/Users/me"}, "cache") == Path("/Users/me/.cache/allowlist")


def test_without_a_home_no_place_is_guessed() -> None:
    assert user_folder({}, "state") is None
