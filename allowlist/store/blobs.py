"""Large documents (plans, snapshots), compressed and kept once under the digest of their bytes."""

from __future__ import annotations

import hashlib
import zlib

from sqlalchemy import Connection, insert, select

from allowlist.observe.secrets import refuse_secrets
from allowlist.store import tables


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
    try:
        body = zlib.decompress(packed) if packed is not None else None
    except zlib.error:
        body = None
    if body is None or _digest(body) != digest:
        raise LookupError(digest)
    return body


def is_intact(connection: Connection, digest: str) -> bool:
    try:
        get(connection, digest)
    except LookupError:
        return False
    return True


def _packed(connection: Connection, digest: str) -> bytes | None:
    return connection.scalar(select(tables.blob.c.body).where(tables.blob.c.digest == digest))


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
