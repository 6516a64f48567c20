"""Every test has a home of its own: no ledger, cache or configuration of the person who runs it is touched."""

import os
import sys
from pathlib import Path

# Compile once, not in every worker and every process a test starts, which is most of what a small test costs.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.helpers.laws import examples  # noqa: E402

settings.register_profile("suite", deadline=None, max_examples=examples(100))
settings.load_profile("suite")


@pytest.fixture(scope="session")
def compiled_catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Catalogs as the product compiles them, under the digest of their text: what one test compiled serves all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled-catalogs"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, compiled_catalogs: Path
) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    (home / "cache" / "allowlist").mkdir(parents=True)
    (home / "cache" / "allowlist" / "catalogs").symlink_to(compiled_catalogs, target_is_directory=True)
    for name in (
        "ALLOWLIST_LEDGER",
        "ALLOWLIST_ARM_ENDPOINT",
        "ALLOWLIST_CA_FILE",
        "ALLOWLIST_DEBUG",
        "ALLOWLIST_CREDENTIAL",
        "ALLOWLIST_POLICY",
        "ALLOWLIST_ANCHOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
