"""Large documents (plans, snapshots), compressed and kept once under the digest of their bytes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, insert, select

from allowlist.observe.secrets import refuse_secrets
from allowlist.store import tables

_AT_ONCE = 500


def put(connection: Connection, body: bytes, what: str) -> str:
    """Keep ``body`` and return its digest. Raises AllowlistError when it contains a secret."""
    refuse_secrets(body, what)
    digest = _digest(body)
    if _packed(connection, digest) is None:
        connection.execute(insert(tables.blob).values(digest=digest, body=zlib.compress(body)))
    return digest


def get(connection: Connection, digest: str) -> bytes:
    """The bytes under ``digest``; raises LookupError when they are missing or were changed."""
    packed = _packed(connection, digest)
    body = _unpacked(packed) if packed is not None else None
    if body is None or _digest(body) != digest:
        raise LookupError(digest)
    return body


def get_many(connection: Connection, digests: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Those under ``digests`` that are there and are what was written."""
    wanted = sorted(digests)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        query = select(tables.blob).where(tables.blob.c.digest.in_(some))
        for row in connection.execute(query):
            body = _unpacked(row.body)
            if body is not None and _digest(body) == row.digest:
                yield row.digest, body


def is_intact(connection: Connection, digest: str) -> bool:
    try:
        get(connection, digest)
    except LookupError:
        return False
    return True


def _unpacked(packed: bytes) -> bytes | None:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return None


def _packed(connection: Connection, digest: str) -> bytes | None:
    return connection.scalar(select(tables.blob.c.body).where(tables.blob.c.digest == digest))


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
