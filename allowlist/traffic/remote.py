"""Logs in a storage account: ``abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`` or ``https://…/CONTAINER/PATH``.

Needs the extra ``blobs`` (azure-storage-blob). Blobs are listed by prefix and streamed; nothing is written there.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO, Any, Final
from urllib.parse import quote, unquote, urlsplit

from allowlist.errors import AllowlistError
from allowlist.traffic.asking import Credentials
from allowlist.trust import is_loopback, trust_here

_HINT: Final = "install it with: pip install 'allowlist[blobs]'"
_PART: Final = 8 << 20


def container_url(place: str) -> tuple[str, str]:
    """The https address of the container, with its signature if it has one, and the prefix inside it.

    >>> container_url("abfss://logs@acct.dfs.core.windows.net/a/b")
    ('https://acct.blob.core.windows.net/logs', 'a/b')
    >>> container_url("https://acct.blob.core.windows.net/logs/a/b?sig=x")
    ('https://acct.blob.core.windows.net/logs?sig=x', 'a/b')
    """
    parts = urlsplit(place)
    if parts.scheme in ("abfss", "abfs"):
        host = (parts.hostname or "").replace(".dfs.", ".blob.")
        return f"https://{host}/{parts.username}", unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("https", "http"):
        raise AllowlistError(f"{place}: logs are read from abfss:// and https:// addresses of blob storage")
    # The emulator has the account in the path: http://127.0.0.1:10000/devstoreaccount1/CONTAINER/…
    depth = 2 if parts.scheme == "http" else 1
    pieces = parts.path.lstrip("/").split("/", depth)
    query = f"?{parts.query}" if parts.query else ""
    prefix = pieces[depth] if len(pieces) > depth else ""
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(pieces[:depth])}{query}", unquote(prefix)


def blobs(place: str, credentials: Credentials) -> Iterator[str]:
    """The addresses of every blob under ``place``. Raises AllowlistError."""
    address, prefix = container_url(place)
    base, _, query = address.partition("?")
    try:
        for blob in _container(address, credentials).list_blobs(name_starts_with=prefix):
            if blob.size:
                yield f"{base}/{quote(blob.name)}{'?' + query if query else ''}"
    except _errors() as error:
        raise _refused(base, error) from error


def open_blob(place: str, credentials: Credentials) -> IO[bytes]:
    """One blob as a stream that is fetched in parts. Raises AllowlistError."""
    address, name = container_url(place)
    shown = f"{address.partition('?')[0]}/{name}"
    try:
        # As they are stored: unpacked by azure-storage-blob, a blob marked "gzip" ends in an error at its second part.
        chunks = _container(address, credentials).download_blob(name, decompress=False).chunks()
        return io.BufferedReader(_Chunks(shown, chunks), _PART)
    except _errors() as error:
        raise _refused(shown, error) from error


class _Chunks(io.RawIOBase):
    def __init__(self, place: str, chunks: Iterator[bytes]) -> None:
        self._place, self._chunks, self._rest = place, chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            self._rest = self._rest or next(self._chunks, b"")
        except _errors() as error:
            raise _refused(self._place, error) from error
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _container(address: str, credentials: Credentials) -> Any:
    try:
        from azure.storage.blob import ContainerClient
    except ImportError:
        raise AllowlistError("reading logs from blob storage needs azure-storage-blob", hint=_HINT) from None
    from allowlist.azure.credential import keep_quiet
    from allowlist.azure.pipeline import TrustingTransport

    keep_quiet("azure", "urllib3")
    return ContainerClient.from_container_url(
        address,
        credential=None if "sig=" in address else _credential(address, credentials),
        transport=TrustingTransport(trust_here(), proxied=not is_loopback(address)),
        permit_redirects=False,
        max_single_get_size=_PART,
        max_chunk_get_size=_PART,
        initial_backoff=1,
        increment_base=2,
    )


def _credential(address: str, credentials: Credentials) -> Any:
    """The emulator takes a key over plain http; nothing else is sent there."""
    if address.startswith("http://"):
        return os.environ.get("AZURE_STORAGE_KEY")
    return credentials(urlsplit(address).netloc)


def _errors() -> tuple[type[Exception], ...]:
    """Of the client, and what it raises over an answer of another shape: an empty one, ``null``, a gateway's page."""
    from azure.core.exceptions import AzureError

    return (AzureError, ValueError, TypeError, AttributeError, LookupError)


def _refused(place: str, error: Exception) -> AllowlistError:
    from azure.core.exceptions import AzureError

    if isinstance(error, AzureError):
        return AllowlistError(f"{place}: {_first_line(error)}")
    return AllowlistError(f"{place}: what came is no answer of blob storage")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
