"""Say in words what went wrong between us and the database, and what to do next. The ledger fails closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from allowlist.errors import AllowlistError

_BUSY = (
    "is busy: another process has been writing to it for too long",
    "try again; if it stays so, find that process",
)
_FULL = ("cannot be written: the disk is full", "free some space, then resume; nothing half-written is kept")
_READ_ONLY = (
    "cannot be written: it is read-only",
    "give this user the right to write to it, or name another ledger",
)
_DAMAGED = (
    "is damaged or not a ledger",
    "keep the file for inspection, restore a backup and verify the history",
)
_UNREACHABLE = ("cannot be reached", "nothing was written; check address, network and server, then try again")
_DENIED = ("refuses this user", "check user, password and rights in the database")

_SQLITE: tuple[tuple[str, tuple[str, str]], ...] = (
    ("SQLITE_BUSY", _BUSY),
    ("SQLITE_LOCKED", _BUSY),
    ("SQLITE_FULL", _FULL),
    ("SQLITE_READONLY", _READ_ONLY),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_NOTADB", _DAMAGED),
    ("SQLITE_CANTOPEN", ("cannot be opened", "check that the folder exists and this user may write to it")),
    ("SQLITE_IOERR", ("cannot be written: the disk failed or is full", "check the disk, then resume")),
)
_POSTGRESQL: tuple[tuple[str, tuple[str, str]], ...] = (
    ("53100", _FULL),
    ("25006", _READ_ONLY),
    ("55P03", _BUSY),
    ("42501", _DENIED),
    ("28", _DENIED),
    ("3D000", ("does not exist", "create the database first; the tables are made by allowlist")),
    ("XX", _DAMAGED),
)


@contextmanager
def told_in_words(place: str, secret: str = "") -> Iterator[None]:
    """Turn every database error into AllowlistError about the ledger at ``place``; never shows ``secret``."""
    try:
        yield
    except PoolTimeout:
        raise _error(place, _BUSY, "") from None
    except DBAPIError as error:
        raise _error(place, _words_for(error.orig), _first_line(error.orig, secret)) from None
    except SQLAlchemyError as error:
        raise _error(place, _UNREACHABLE, _first_line(error, secret)) from None


def _error(place: str, words: tuple[str, str], detail: str) -> AllowlistError:
    said, hint = words
    return AllowlistError(f"the ledger {place} {said}" + (f" ({detail})" if detail else ""), hint=hint)


def _words_for(cause: BaseException | None) -> tuple[str, str]:
    if isinstance(cause, sqlite3.Error):
        return _look_up(getattr(cause, "sqlite_errorname", ""), _SQLITE)
    return _look_up(getattr(cause, "sqlstate", None) or "", _POSTGRESQL)


def _look_up(code: str, table: tuple[tuple[str, tuple[str, str]], ...]) -> tuple[str, str]:
    return next((words for prefix, words in table if code.startswith(prefix)), _UNREACHABLE)


def _first_line(cause: BaseException | None, secret: str) -> str:
    line = next(iter(str(cause).strip().splitlines()), "")
    return line.replace(secret, "***") if secret else line
