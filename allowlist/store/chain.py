"""The chain: rows are only added, and each carries the digest of the one before it.

The chain shows tampering, it cannot prevent it: someone who rewrites the whole database can rewrite the
digests as well. A :class:`Head` kept elsewhere (a ticket, a log, Git) closes that gap; give it to
:func:`find_tampering` as ``anchor``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from allowlist.documents import canonical_json, digest_of
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError
from allowlist.observe.secrets import refuse_secrets
from allowlist.store import blobs, tables
from allowlist.store.migrations import GENESIS
from allowlist.store.moments import moment, stamp
from allowlist.store.records import Entry, Head, Tampering

_ROWS_AT_ONCE = 500


def head_of(connection: Connection) -> Head:
    """The last row."""
    row = connection.execute(select(tables.head)).one()
    return Head(seq=row.seq, digest=row.digest)


def keep_others_out(connection: Connection) -> None:
    """Make every other writer wait until this transaction ends (SQLite has seen to it already)."""
    connection.execute(select(tables.head.c.seq).with_for_update())


class NewRow(msgspec.Struct, frozen=True):
    """A row to be added. ``body`` is plain data or a Struct; ``at`` is the moment of writing."""

    kind: str
    subject: str
    body: Any
    at: datetime
    state: str = ""


def append(connection: Connection, *rows: NewRow) -> None:
    """Add ``rows`` in their order, one by one: the database itself takes a row only where the ledger ends."""
    last, latest = head_of(connection), newest(connection)
    for row in rows:
        encoded = _encoded(row.body, f"the {row.kind} of {row.subject}")
        refuse_secrets(encoded, f"the {row.kind} of {row.subject}")
        latest = max(stamp(row.at), latest)
        values: dict[str, Any] = {
            "seq": last.seq + 1,
            "kind": row.kind,
            "subject": row.subject,
            "state": row.state,
            "at": latest,
            "body": encoded.decode(),
            "previous": last.digest,
        }
        last = Head(seq=last.seq + 1, digest=digest_of(values))
        connection.execute(insert(tables.event), {**values, "digest": last.digest})
        connection.execute(update(tables.head), {"seq": last.seq, "digest": last.digest})


def newest(connection: Connection) -> str:
    """When the last row was written, by its own word: rows are in the order of time, whatever clocks say."""
    query = select(tables.event.c.at).order_by(tables.event.c.seq.desc()).limit(1)
    return str(connection.scalar(query) or "")


def _encoded(body: Any, what: str) -> bytes:
    try:
        return canonical_json(body)
    except UnicodeEncodeError:
        raise AllowlistError(f"{what} contains bytes that are not text", hint="write it in UTF-8") from None


def entry_of(row: Row[Any]) -> Entry:
    return Entry(
        seq=row.seq,
        kind=row.kind,
        subject=row.subject,
        state=row.state,
        at=moment(row.at),
        body=msgspec.json.decode(row.body),
        digest=row.digest,
    )


def find_tampering(connection: Connection, anchor: Head | None = None) -> Iterator[Tampering]:
    """Every row that is not what was written, first row first, each told once."""
    told = 0
    for found in _doubts(connection, anchor):
        if found.seq != told:
            yield found
        told = found.seq


def _doubts(connection: Connection, anchor: Head | None) -> Iterator[Tampering]:
    last = Head(seq=0, digest=GENESIS)
    for row in _all_rows(connection):
        yield from _check_place(row, last)
        yield from _check_content(connection, row)
        if anchor and row.seq == anchor.seq and row.digest != anchor.digest:
            yield Tampering(seq=row.seq, because="its digest is not the one that was kept outside the ledger")
        last = Head(seq=row.seq, digest=row.digest)
    yield from _check_end(connection, last, anchor)


def _all_rows(connection: Connection) -> Iterator[Row[Any]]:
    query = select(tables.event).order_by(tables.event.c.seq)
    yield from connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})


def _check_place(row: Row[Any], last: Head) -> Iterator[Tampering]:
    if row.seq != last.seq + 1:
        gap = row.seq - last.seq - 1
        yield Tampering(seq=last.seq + 1, because=f"{counted(gap, 'row', 'is')} missing here")
    elif row.previous != last.digest and is_intact(row):
        yield Tampering(
            seq=max(last.seq, 1), because="hash chain broken: the next row refers to another digest"
        )


def _check_content(connection: Connection, row: Row[Any]) -> Iterator[Tampering]:
    if not is_intact(row):
        yield Tampering(seq=row.seq, because="its content does not match its digest")
        return
    digest = msgspec.json.decode(row.body).get("blob")
    if digest and not blobs.is_intact(connection, digest):
        yield Tampering(seq=row.seq, because="the document it refers to is missing or was changed")


def _check_end(connection: Connection, last: Head, anchor: Head | None) -> Iterator[Tampering]:
    expected = head_of(connection)
    if expected.seq > last.seq:
        yield Tampering(seq=last.seq + 1, because=f"the ledger should end with row {expected.seq}")
    elif expected != last:
        yield Tampering(seq=last.seq, because="it is not the row the ledger ended with")
    if anchor and anchor.seq > last.seq:
        yield Tampering(
            seq=last.seq + 1, because=f"row {anchor.seq} was known outside the ledger and is gone"
        )


def is_intact(row: Row[Any]) -> bool:
    """Does the digest of a row fit what stands in it?"""
    values = row._asdict()
    kept = values.pop("digest")
    return digest_of(values) == str(kept)
