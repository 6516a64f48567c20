"""Catalogs from a place on the web: an index of files with sizes and digests, and a follower that trusts little.

The follower only ever adds to what is known: a catalog missing from the index stays, a file whose digest does
not fit is refused, history that differs from ours is refused, and a catalog that suddenly ends most of its
entries waits for a person.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urljoin, urlsplit

import msgspec

from allowlist.catalog.digest import release_digest
from allowlist.catalog.document import Slug
from allowlist.catalog.library import catalog_files
from allowlist.catalog.model import Catalog
from allowlist.catalog.reader import parse_catalog, read_catalog
from allowlist.documents.canonical import canonical_json
from allowlist.documents.prepared import prepared
from allowlist.documents.source import parse_yaml_source
from allowlist.errors import CatalogError, InvalidInput
from allowlist.trust import TRUST_IT, make_trust, why_untrusted

if TYPE_CHECKING:
    import httpx

INDEX_SCHEMA: Final = "allowlist/catalog-index/v1"
INDEX_FILE: Final = "index.json"
MAX_INDEX_BYTES: Final = 1024 * 1024
MAX_CATALOG_BYTES: Final = 4 * 1024 * 1024
_SECONDS: Final = 20.0
SUDDEN_SHRINK: Final = 0.5
"""A new latest version with fewer than this share of the entries of ours waits for a person."""


class IndexedCatalog(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the index: where it is, its bytes, and the releases it vouches for."""

    file: str
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_CATALOG_BYTES)]
    latest: str
    releases: dict[str, str]


class CatalogIndex(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    catalogs: dict[Slug, IndexedCatalog]


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What following the index did. ``refused`` and ``held`` map a catalog to the reason."""

    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    held: dict[str, str] = {}
    digest: str = ""
    """SHA-256 of the index in hex; a workload pins it."""


def write_index(folder: Path, into: Path) -> CatalogIndex:
    """Copy the catalogs of ``folder`` into ``into`` beside an index of them, ready to be published.

    Raises InvalidInput for a catalog that cannot be read and CatalogError for one with unreleased changes.
    """
    indexed: dict[str, IndexedCatalog] = {}
    into.mkdir(parents=True, exist_ok=True)
    for path in catalog_files(folder):
        catalog, content = read_catalog(path), path.read_bytes()
        indexed[catalog.name] = _indexed(catalog, path.name, content)
        _write(into / path.name, content)
    index = CatalogIndex(schema=INDEX_SCHEMA, catalogs=indexed)
    _write(into / INDEX_FILE, msgspec.json.format(canonical_json(index), indent=2) + b"\n")
    return index


def _indexed(catalog: Catalog, file: str, content: bytes) -> IndexedCatalog:
    if catalog.has_unreleased_changes:
        raise CatalogError(
            f"catalog {catalog.name} has changes that are not released",
            hint=f"run 'allowlist catalog release {catalog.name}' first",
        )
    return IndexedCatalog(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        latest=catalog.latest,
        releases={release.version: release.digest for release in catalog.releases},
    )


def follow_index(url: str, folder: Path, *, client: httpx.Client, accept_shrink: bool = False) -> Followed:
    """Bring ``folder`` up to date with the index at ``url``.

    Raises CatalogError when the index itself cannot be fetched or read; trouble with one catalog is reported
    and leaves the local copy as it is.
    """
    check_address(url)
    content = _fetch_index(url, folder, client)
    index = parse_index(content, url)
    followed = _Follower(url, folder, client, accept_shrink).follow(index)
    return msgspec.structs.replace(followed, digest=hashlib.sha256(content).hexdigest())


class _Follower:
    def __init__(self, url: str, folder: Path, client: httpx.Client, accept_shrink: bool) -> None:
        self._url = url
        self._folder = folder
        self._client = client
        self._accept_shrink = accept_shrink

    def follow(self, index: CatalogIndex) -> Followed:
        updated, unchanged = [], []
        refused: dict[str, str] = {}
        held: dict[str, str] = {}
        for name, indexed in sorted(index.catalogs.items()):
            if _sha256_of(self._folder / f"{name}.yaml") == indexed.sha256:
                unchanged.append(name)
                continue
            try:
                reason = self._take(name, indexed)
            except (CatalogError, InvalidInput) as error:
                refused[name] = str(error)
                continue
            if reason:
                held[name] = reason
            else:
                updated.append(name)
        local = {path.stem for path in self._folder.glob("*.yaml")}
        return Followed(
            updated=tuple(updated),
            unchanged=tuple(unchanged),
            kept=tuple(sorted(local - index.catalogs.keys())),
            refused=refused,
            held=held,
        )

    def _take(self, name: str, indexed: IndexedCatalog) -> str:
        """Fetch, check and store one catalog; the answer is the reason it is held back, or nothing."""
        address = urljoin(self._url, indexed.file)
        check_address(address)
        content = _get(self._client, address, limit=min(indexed.size, MAX_CATALOG_BYTES))
        if hashlib.sha256(content).hexdigest() != indexed.sha256:
            raise CatalogError(f"{address} is not the file the index vouches for")
        catalog = parse_indexed(content, address, name, indexed)
        ours = self._folder / f"{name}.yaml"
        if ours.is_file():
            mine = read_catalog(ours)
            _check_history(mine, catalog)
            if not self._accept_shrink and _shrinks(mine, catalog):
                return (
                    f"{catalog.latest} drops most entries of {mine.latest}; check it, then accept it by hand"
                )
        _write(ours, content)
        return ""


def check_address(url: str) -> None:
    """Raises CatalogError for an address that anybody on the way could answer for."""
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise CatalogError(f"{url} is not an https address", hint="catalogs are fetched over https only")


def _fetch_index(url: str, folder: Path, client: httpx.Client) -> bytes:
    """The index, from the cache when the server says it is unchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    cached, tag = folder / ".index.json", folder / ".index.etag"
    known = tag.read_text("utf-8") if tag.is_file() and cached.is_file() else ""
    wanted, _, etag = known.partition("\n")
    headers = {"If-None-Match": etag} if wanted == url and etag else {}
    status, content, new_tag = _request(client, url, MAX_INDEX_BYTES, headers)
    if status == 304:
        return cached.read_bytes()
    _write(cached, content)
    _write(tag, f"{url}\n{new_tag}".encode())
    return content


def open_client() -> httpx.Client:
    """A client that trusts the certificates that everything else here trusts."""
    import httpx

    return httpx.Client(
        verify=make_trust(os.environ.get("ALLOWLIST_CA_FILE"), os.environ).context, timeout=_SECONDS
    )


def fetch(url: str, limit: int) -> bytes:
    """What is at ``url``, at most ``limit`` bytes. Raises CatalogError."""
    check_address(url)
    with open_client() as client:
        return _get(client, url, limit=limit)


def _get(client: httpx.Client, url: str, *, limit: int) -> bytes:
    return _request(client, url, limit, {})[1]


def _request(client: httpx.Client, url: str, limit: int, headers: dict[str, str]) -> tuple[int, bytes, str]:
    """Status, content and entity tag; never reads more than ``limit`` bytes. Raises CatalogError."""
    import httpx

    content = bytearray()
    try:
        with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.status_code not in (200, 304):
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
            raise CatalogError(
                f"{url}: its certificate{why}", hint=f"{TRUST_IT} with REQUESTS_CA_BUNDLE"
            ) from None
        raise CatalogError(f"{url} cannot be fetched: {error}") from error


def parse_index(content: bytes, url: str) -> CatalogIndex:
    """Raises CatalogError for what is no index."""
    try:
        index = msgspec.json.decode(content, type=prepared(CatalogIndex))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(f"{url} is no catalog index: {error}") from error
    if index.schema != INDEX_SCHEMA:
        raise CatalogError(f"{url} says schema '{index.schema}', expected '{INDEX_SCHEMA}'")
    return index


def parse_indexed(content: bytes, address: str, name: str, indexed: IndexedCatalog) -> Catalog:
    """The catalog in ``content``, with the releases the index vouches for. Raises CatalogError and InvalidInput."""
    catalog = _parse(content, address, name)
    _check_digests(catalog, indexed)
    return catalog


def _parse(content: bytes, address: str, name: str) -> Catalog:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{address} is not UTF-8 text") from error
    return parse_catalog(parse_yaml_source(text, address), name=name)


def _check_digests(catalog: Catalog, indexed: IndexedCatalog) -> None:
    for release in catalog.releases:
        if (
            not release_digest(catalog, release.version)
            == release.digest
            == indexed.releases.get(release.version)
        ):
            raise CatalogError(f"release {release.version} of {catalog.name} is not what its digest says")


def _check_history(mine: Catalog, theirs: Catalog) -> None:
    digests = {release.version: release.digest for release in theirs.releases}
    for release in mine.releases:
        if digests.get(release.version) != release.digest:
            raise CatalogError(
                f"{theirs.name} rewrites or drops release {release.version}, which we already have"
            )


def _shrinks(mine: Catalog, theirs: Catalog) -> bool:
    before, after = len(mine.entries_at("latest")), len(theirs.entries_at("latest"))
    return after < before * SUDDEN_SHRINK


def _sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)
