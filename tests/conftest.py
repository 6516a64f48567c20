"""Every test has a home of its own: no ledger, cache or configuration of the person who runs it is touched."""

import gc
import itertools
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

# Compile once, not in every worker and every process a test starts, which is most of what a small test costs.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.helpers.laws import SHARE, examples  # noqa: E402

# No verdict depends on how busy the machine is, so nothing is too slow. One commit gives one verdict: the everyday run
# tries the same examples each time; others are tried where ALLOWLIST_LAWS asks for all of them or more (`make laws`).
settings.register_profile(
    "suite",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=SHARE < 1,
)
if os.environ.get("ALLOWLIST_RUN_HINTS"):
    from tests.helpers.hints import watch_processes

    watch_processes()

settings.load_profile("suite")

_OF_THE_PERSON = (
    *("ALLOWLIST_LEDGER", "ALLOWLIST_ARM_ENDPOINT", "ALLOWLIST_CA_FILE", "ALLOWLIST_DEBUG"),
    *("ALLOWLIST_CREDENTIAL", "ALLOWLIST_POLICY", "ALLOWLIST_ANCHOR"),
    # Nothing outside is asked, and reading a bundle of certificates costs more than most commands.
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *(
        name
        for each in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
        for name in (each, each.lower())
    ),
)


def _compile_statements_once() -> None:
    """Nearly every test opens a ledger of its own, and for each SQLAlchemy would compile the same statements anew, which
    was a tenth of what a run costs: engines on SQLite share what was compiled, as their dialects are all alike."""
    from sqlalchemy import Engine
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as Dialect
    from sqlalchemy.util import LRUCache

    class AllAlike(Dialect):
        supports_statement_cache = True

        def __eq__(self, other: object) -> bool:
            return type(self) is type(other)

        def __hash__(self) -> int:
            return hash(type(self))

    engines: Any = Engine
    begin: Any = engines.__init__
    shared: Any = LRUCache(500)

    def share(engine: Any, pool: Any, dialect: Any, *arguments: Any, **settings: Any) -> None:
        begin(engine, pool, dialect, *arguments, **settings)
        if type(dialect) is Dialect:
            dialect.__class__ = AllAlike
            engine._compiled_cache = shared

    engines.__init__ = share


def pytest_configure() -> None:
    """A shell that starts the suite in its background has SIGINT ignored, and processes would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _compile_statements_once()


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no collection of garbage looks through it again, and there are fewer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def compiled_catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Catalogs as the product compiles them, under the digest of their text: what one test compiled serves all."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled-catalogs"
    folder.mkdir(exist_ok=True)
    return folder


_NUMBERS = itertools.count()


def _new_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder with a number of our own: pytest looks for a free one through all folders there are, so that a suite pays by
    the square of its tests (measured: 3 ms a test after the first thousand folders, 16 ms after five)."""
    return factory.mktemp(f"{name}{next(_NUMBERS)}", numbered=False)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for one test, as pytest's own fixture gives it."""
    return _new_folder(tmp_path_factory, re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, compiled_catalogs: Path
) -> None:
    home = _new_folder(tmp_path_factory, "home")
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    (home / "cache" / "allowlist").mkdir(parents=True)
    (home / "cache" / "allowlist" / "catalogs").symlink_to(compiled_catalogs, target_is_directory=True)
    for name in _OF_THE_PERSON:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
