"""Every test that takes ``ledger_url`` or ``ledger`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from allowlist.store import Ledger
from tests.helpers.ledgers import HandClock, opened
from tests.helpers.postgresql import empty_database, postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Not below pytest's own folder, which every session that starts closes to the server's user."""
    with TemporaryDirectory(prefix="allowlist-") as folder, postgresql(Path(folder)) as url:
        yield url


@pytest.fixture
def postgresql_ledger_url(postgresql_url: str) -> str:
    return empty_database(postgresql_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgresql_ledger_url"))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ledger(ledger_url: str, clock: HandClock) -> Iterator[Ledger]:
    with opened(ledger_url, clock) as ledger:
        yield ledger
