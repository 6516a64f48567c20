"""One connection pool, two engines, and two kinds of transactions: reading and writing.

A write transaction is alone in the whole ledger: SQLite takes its write lock at the start, PostgreSQL locks
the head row. It is on disk when it ends: SQLite runs with synchronous=FULL, and PostgreSQL is not allowed to
answer before its log is flushed.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from allowlist.errors import AllowlistError
from allowlist.store import chain, migrations
from allowlist.store.faults import told_in_words
from allowlist.store.location import prepare_file
from allowlist.store.moments import Clock

BUSY_TIMEOUT = timedelta(seconds=10)
_WRITING = "allowlist_writing"
_POSTGRESQL_DEFAULTS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    "application_name": "allowlist",
    "prepare_threshold": None,
}
"""No statement is prepared on the server: behind a pooler that hands out connections by transaction (PgBouncer, as Azure Database
for PostgreSQL brings it) the next one runs on another server connection, which does not know it."""


class Database:
    """The ledger's database, its schema up to date. Raises AllowlistError, and only that, when it cannot serve."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = _parse(url)
        self.place = (
            self._url.database or "" if self.is_sqlite else self._url.render_as_string(hide_password=True)
        )
        self._engine = self._make_engine()
        self._turn = threading.RLock()
        """Threads of one process queue here: SQLite lets those who wait try again and again, and some never get a turn."""
        self._update_schema(clock)

    @property
    def is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view."""
        with self._faults(), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing, alone in the ledger, durable on return."""
        with self._alone() as connection:
            chain.keep_others_out(connection)
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with (
            self._turn,
            self._faults(),
            self._engine.connect().execution_options(**{_WRITING: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        with told_in_words(self.place, str(self._url.password or "")):
            yield

    def _update_schema(self, clock: Clock) -> None:
        try:
            with self.read() as connection:
                current = migrations.is_current(connection, self.place)
            if not current:
                with self._alone() as connection:
                    migrations.migrate(connection, clock(), self.place)
        except BaseException:
            self.close()
            raise

    def _make_engine(self) -> Engine:
        if self.is_sqlite:
            return _sqlite_engine(self._url)
        return _postgresql_engine(self._url)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _unknown_url() from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise _unknown_url()
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise AllowlistError(
            "a ledger cannot live in memory", hint="name a file: sqlite:///path/to/ledger.db"
        )
    return parsed


def _unknown_url() -> AllowlistError:
    return AllowlistError(
        "the ledger's URL is not understood",
        hint="write sqlite:///path/to/ledger.db or postgresql://user@host/database",
    )


def _sqlite_engine(url: URL) -> Engine:
    if not (url.database or "").startswith("file:"):
        prepare_file(Path(url.database or ""))
    patience = {} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT.total_seconds()}
    engine = create_engine(url, max_overflow=-1, connect_args=patience)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = (
        None  # transactions are begun by us, so that writers queue instead of failing late
    )
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "fullfsync=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Switch to WAL. SQLite does not wait for other processes that open a new file at the same time, so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT.total_seconds()
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _postgresql_engine(url: URL) -> Engine:
    arguments = {name: value for name, value in _POSTGRESQL_DEFAULTS.items() if name not in url.query}
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            max_overflow=-1,
            pool_pre_ping=True,
            connect_args=arguments,
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise AllowlistError(
            "a ledger in PostgreSQL needs the driver psycopg",
            hint="install allowlist with its extra 'postgresql'",
        ) from None
    event.listen(engine, "begin", _begin_postgresql)
    return engine


_MILLISECONDS = int(BUSY_TIMEOUT.total_seconds() * 1000)
_SETTINGS = f"""
SELECT set_config('lock_timeout', '{_MILLISECONDS}', true),
       set_config('idle_in_transaction_session_timeout', '{3 * _MILLISECONDS}', true),
       set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)
"""


def _begin_postgresql(connection: Connection) -> None:
    """For this transaction alone: a session may be shared with others, and be another one the next time."""
    connection.exec_driver_sql(_SETTINGS).close()
