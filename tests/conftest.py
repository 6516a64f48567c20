"""Every test has a home of its own: no ledger, cache or configuration of the person who runs it is touched."""

import os
import sys
from pathlib import Path

# Compile once, not in every worker and every process a test starts, which is most of what a small test costs.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in (
        "ALLOWLIST_LEDGER",
        "ALLOWLIST_ARM_ENDPOINT",
        "ALLOWLIST_CA_FILE",
        "ALLOWLIST_DEBUG",
        "ALLOWLIST_CREDENTIAL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
