"""Locks with an owner, a lease that is renewed while the work goes on, and a token that only grows.

A process that was suspended or cut off may wake up after its lease has ended and somebody else took over. It
must not write on: ``Lock.check`` renews the lease under its own token, and when it returns the whole lease
lies ahead. Call it immediately before every write.

The moments of leases are told by the database server where there is one, so that clocks that differ between
machines do no harm; with SQLite everybody reads the clock of the same machine, never before the newest row.

A holder that died on this machine loses its lock at once: its lease protects work, and there is none.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from allowlist.errors import AllowlistError, LockHeld
from allowlist.store import chain, tables
from allowlist.store.database import Database
from allowlist.store.moments import Clock, moment, stamp
from allowlist.store.processes import parse_process, this_process
from allowlist.store.records import Lease

_FREE = ""
_IN_PROCESS = " in process "
_RENEWALS_PER_LEASE = 3
_LONGEST_PAUSE = timedelta(milliseconds=500)


class Lock:
    """A lock this process holds. Safe to use from several threads."""

    def __init__(self, lease: Lease, renew: Callable[[], None]) -> None:
        self.lease = lease
        self._renew = renew

    @property
    def token(self) -> int:
        """The fencing token: larger than that of everybody who held this lock before."""
        return self.lease.token

    def check(self) -> None:
        """Return with the whole lease ahead, or raise LockHeld because somebody else took the lock."""
        self._renew()


class Locks:
    """Takes, renews and frees the locks of one ledger."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def hold(self, name: str, *, owner: str, lease: timedelta, wait: timedelta) -> Iterator[Lock]:
        """Hold ``name`` for the body; raises LockHeld when it is still taken after ``wait``."""
        if owner == _FREE:
            raise ValueError("a lock needs the name of its owner")
        taken = self._take_within(name, owner, lease, wait)
        lock = Lock(taken, lambda: self._renew(taken, lease))
        done = threading.Event()
        renewer = threading.Thread(target=_keep_renewing, args=(lock, lease, done), daemon=True)
        renewer.start()
        try:
            yield lock
        finally:
            done.set()
            renewer.join()
            with suppress(
                AllowlistError
            ):  # the work is done; a lock that cannot be freed ends with its lease
                self._free(taken)

    def held(self) -> tuple[Lease, ...]:
        """Every lock that somebody holds, expired leases included, by name."""
        query = select(tables.lock).where(tables.lock.c.owner != _FREE).order_by(tables.lock.c.name)
        with self._database.read() as connection:
            return tuple(_lease_of(row) for row in connection.execute(query))

    def break_open(self, name: str, who: str, reason: str, token: int | None = None) -> Lease:
        """Take the lock away from whoever holds it and put that on record. Returns the lease that ended.

        With ``token`` only from the holder who has it.
        """
        with self._database.write() as connection:
            found = _find(connection, name)
            if found is None or found.owner == _FREE or token not in (None, found.token):
                raise AllowlistError(
                    f"the lock '{name}' is not held by anybody", hint="there is nothing to unlock"
                )
            _change(connection, found, owner=_FREE)
            record = {"who": who, "reason": reason, "taken_from": _told(found)}
            chain.append(connection, chain.NewRow("unlock", name, record, self._clock()))
        return found

    def _take_within(self, name: str, owner: str, lease: timedelta, wait: timedelta) -> Lease:
        deadline = time.monotonic() + wait.total_seconds()
        while True:
            try:
                return self._take(name, owner, lease)
            except LockHeld:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
            time.sleep(min(left, _LONGEST_PAUSE.total_seconds()))

    def _take(self, name: str, owner: str, lease: timedelta) -> Lease:
        with self._database.write() as connection:
            now = self._now(connection)
            found = _find(connection, name)
            if found and found.owner != _FREE and found.expires > now and not _is_gone(found):
                raise _held(found)
            token = found.token + 1 if found else 1
            taken = Lease(
                name=name,
                owner=owner,
                process=str(this_process()),
                since=now,
                expires=now + lease,
                token=token,
            )
            _put(connection, taken, is_new=found is None)
            if found and found.owner != _FREE:
                record = {"owner": owner, "token": token, "expired": _told(found)}
                chain.append(connection, chain.NewRow("lock-takeover", name, record, self._clock()))
        return taken

    def _renew(self, taken: Lease, lease: timedelta) -> None:
        with self._database.write() as connection:
            if not _change(connection, taken, expires=stamp(self._now(connection) + lease)):
                raise _lost(taken, _find(connection, taken.name))

    def _free(self, taken: Lease) -> None:
        with self._database.write() as connection:
            _change(connection, taken, owner=_FREE)

    def _now(self, connection: Connection) -> datetime:
        if self._database.is_sqlite:
            last = chain.newest(connection)
            return max(self._clock(), moment(last)) if last else self._clock()
        told: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return told


def _keep_renewing(lock: Lock, lease: timedelta, done: threading.Event) -> None:
    while not done.wait(lease.total_seconds() / _RENEWALS_PER_LEASE):
        try:
            lock.check()
        except LockHeld:
            return  # the next check of the holder says so
        except AllowlistError:
            continue  # the ledger may be back before the lease ends


def _find(connection: Connection, name: str) -> Lease | None:
    row = connection.execute(select(tables.lock).where(tables.lock.c.name == name)).one_or_none()
    return _lease_of(row) if row else None


def _put(connection: Connection, lease: Lease, *, is_new: bool) -> None:
    values = {
        "owner": _holder(lease),
        "since": stamp(lease.since),
        "expires": stamp(lease.expires),
        "token": lease.token,
    }
    if is_new:
        connection.execute(insert(tables.lock).values(name=lease.name, **values))
    else:
        connection.execute(update(tables.lock).where(tables.lock.c.name == lease.name).values(**values))


def _change(connection: Connection, lease: Lease, **values: object) -> bool:
    """Change the lock if it is still in the hands of ``lease``."""
    same_hands = (tables.lock.c.name == lease.name) & (tables.lock.c.token == lease.token)
    not_freed = tables.lock.c.owner == _holder(lease)
    return (
        connection.execute(update(tables.lock).where(same_hands & not_freed).values(**values)).rowcount == 1
    )


def _lease_of(row: Row[Any]) -> Lease:
    owner, _, process = row.owner.partition(_IN_PROCESS)
    return Lease(
        name=row.name,
        owner=owner,
        process=process,
        since=moment(row.since),
        expires=moment(row.expires),
        token=row.token,
    )


def _holder(lease: Lease) -> str:
    return f"{lease.owner}{_IN_PROCESS}{lease.process}" if lease.process else lease.owner


def _is_gone(lease: Lease) -> bool:
    process = parse_process(lease.process)
    return process is not None and process.is_gone


def _told(lease: Lease) -> dict[str, str]:
    return {"owner": lease.owner, "since": stamp(lease.since), "expires": stamp(lease.expires)}


def _held(lease: Lease) -> LockHeld:
    return LockHeld(
        f"the lock '{lease.name}' is held by {lease.owner} since {_short(lease.since)}",
        hint=f"wait with --lock-timeout; if that process is gone, its lease ends at {_short(lease.expires)},"
        f" or free it now: allowlist unlock {shlex.quote(lease.name)} --reason TEXT",
    )


def _lost(mine: Lease, now: Lease | None) -> LockHeld:
    taker = f"{now.owner} took it over" if now and now.owner != _FREE else "it was unlocked by hand"
    return LockHeld(
        f"{mine.owner} no longer holds the lock '{mine.name}': {taker}",
        hint="nothing more is written by this run; look at 'allowlist history', then resume or roll back",
    )


def _short(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
