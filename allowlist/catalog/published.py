"""Where an index of catalogs stands: an https address, or a folder that was carried in. It is read, and never believed.

What makes bytes count is decided elsewhere, by a digest or a signature; here is only how little is read of whom.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from allowlist.errors import CatalogError
from allowlist.trust import NAME_IT, TRUST_IT, trust_here, web_client, why_untrusted

if TYPE_CHECKING:
    import httpx

INDEX_FILE: Final = "index.json"
_SECONDS: Final = 20.0
_SCHEMES: Final = ("http", "https")


def is_address(place: str) -> bool:
    """Is it an address on the web, as opposed to a path?"""
    return urlsplit(place).scheme.lower() in _SCHEMES and "://" in place


def index_at(place: str) -> str:
    """The index at an address or path: of a folder the ``index.json`` in it."""
    return place if is_address(place) or not Path(place).is_dir() else str(Path(place) / INDEX_FILE)


def beside(index: str, file: str) -> str:
    """Where ``file`` of the index stands. Raises CatalogError for one that leaves the folder of an index on a disk."""
    if is_address(index):
        return urljoin(index, file)
    if Path(file).name != file or file in ("", ".", ".."):
        raise CatalogError(f"{index} names the file '{file}', which is not beside it")
    return str(Path(index).with_name(file))


def check_address(url: str) -> None:
    """Raises CatalogError for an address that anybody on the way could answer for."""
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise CatalogError(f"{url} is not an https address", hint="catalogs are fetched over https only")


def open_client() -> httpx.Client:
    """A client that trusts the certificates that everything else here trusts."""
    return web_client(trust_here(), timeout=_SECONDS)


def fetch(place: str, limit: int) -> bytes:
    """What is at ``place``, at most ``limit`` bytes. Raises CatalogError."""
    if not is_address(place):
        return read_file(place, limit)
    check_address(place)
    with open_client() as client:
        return get(client, place, limit)


def get(client: httpx.Client, place: str, limit: int) -> bytes:
    """What is at ``place``, by a client that is open already. Raises CatalogError."""
    if not is_address(place):
        return read_file(place, limit)
    check_address(place)
    return request(client, place, limit, {})[1]


def read_file(path: str, limit: int) -> bytes:
    """The whole of a regular file of at most ``limit`` bytes. Raises CatalogError."""
    place = Path(path)
    if not place.is_file():
        raise CatalogError(
            f"there is no file {path}", hint="name an https address, or a folder with an index.json"
        )
    try:
        with place.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise CatalogError(f"{path} is larger than the {limit} bytes it may have")
    return content


def request(client: httpx.Client, url: str, limit: int, headers: dict[str, str]) -> tuple[int, bytes, str]:
    """Status, content and entity tag; never reads more than ``limit`` bytes. Raises CatalogError."""
    import httpx

    content = bytearray()
    try:
        with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.status_code != 200 and not (headers and response.status_code == 304):
                raise CatalogError(
                    f"{url} answered {response.status_code}", hint="check the address of the index"
                )
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > limit:
                    raise CatalogError(f"{url} is larger than the {limit} bytes it may have")
            return response.status_code, bytes(content), response.headers.get("ETag", "")
    except httpx.HTTPError as error:
        if why := why_untrusted(error, url):
            raise CatalogError(f"{url}: its certificate{why}", hint=f"{TRUST_IT} {NAME_IT}") from None
        raise CatalogError(f"{url} cannot be fetched: {error}") from error


Signed = Callable[[bytes, str], None]
"""Raises when the text is no signature of the bytes by somebody who is trusted."""
