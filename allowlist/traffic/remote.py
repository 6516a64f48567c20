"""Logs in a storage account: ``abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`` or ``https://…/CONTAINER/PATH``.

Needs the extra ``blobs`` (azure-storage-blob). Blobs are listed by prefix and streamed; nothing is written there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any, Final
from urllib.parse import quote, unquote, urlsplit

from allowlist.errors import AllowlistError

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


def blobs(place: str) -> Iterator[str]:
    """The addresses of every blob under ``place``. Raises AllowlistError."""
    address, prefix = container_url(place)
    base, _, query = address.partition("?")
    try:
        for blob in _container(address).list_blobs(name_starts_with=prefix):
            if blob.size:
                yield f"{base}/{quote(blob.name)}{'?' + query if query else ''}"
    except _errors() as error:
        raise AllowlistError(f"{base}: {_first_line(error)}") from error


def open_blob(place: str) -> IO[bytes]:
    """One blob as a stream that is fetched in parts. Raises AllowlistError."""
    address, name = container_url(place)
    try:
        return io.BufferedReader(_Chunks(_container(address).download_blob(name).chunks()), _PART)
    except _errors() as error:
        raise AllowlistError(f"{address.partition('?')[0]}/{name}: {_first_line(error)}") from error


class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _container(address: str) -> Any:
    try:
        from azure.storage.blob import ContainerClient
    except ImportError:
        raise AllowlistError("reading logs from blob storage needs azure-storage-blob", hint=_HINT) from None
    return ContainerClient.from_container_url(
        address, credential=None if "sig=" in address else _credential(address)
    )


def _credential(address: str) -> Any:
    import os

    if address.startswith("http://"):
        return os.environ.get("AZURE_STORAGE_KEY")
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _errors() -> tuple[type[Exception], ...]:
    from azure.core.exceptions import AzureError

    return (AzureError,)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
