"""Bringing a folder of catalogs up to date with a published index, by a follower that trusts little.

It only ever adds to what is known: a catalog missing from the index stays, a file whose digest does not fit is refused,
history that differs from ours is refused, an index older than the one seen last is refused, and a catalog that suddenly
ends most of its entries waits for a person.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from allowlist.catalog.feed import FEED_SCHEMA, FeedItem
from allowlist.catalog.index import (
    MAX_CATALOG_BYTES,
    MAX_INDEX_BYTES,
    CatalogIndex,
    IndexedCatalog,
    day_of,
    parse_index,
    parse_indexed,
    write_beside,
)
from allowlist.catalog.model import Catalog
from allowlist.catalog.published import Signed, beside, check_address, get, index_at, is_address, request
from allowlist.catalog.reader import read_catalog
from allowlist.documents.prepared import prepared
from allowlist.errors import CatalogError, InvalidInput

if TYPE_CHECKING:
    import httpx

SIGNATURE_SUFFIX: Final = ".sig"
MAX_SIGNATURE_BYTES: Final = 64 * 1024
SUDDEN_SHRINK: Final = 0.5
"""A new latest version with fewer than this share of the entries of ours waits for a person."""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What following the index did. ``refused`` and ``held`` map a catalog to the reason."""

    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    held: dict[str, str] = {}
    version: str = ""
    digest: str = ""
    """SHA-256 of the index in hex; a workload pins it."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """The file of changes beside an index."""

    schema: str
    changes: tuple[FeedItem, ...]


def follow_index(
    place: str,
    folder: Path,
    *,
    client: httpx.Client,
    accept_shrink: bool = False,
    signed: Signed | None = None,
) -> Followed:
    """Bring ``folder`` up to date with the index at ``place``: an https address, a file, or the folder it is in.

    Raises CatalogError when the index itself cannot be fetched, read or is older than the one seen last, and what
    ``signed`` raises when its signature does not hold; trouble with one catalog is reported and leaves the local
    copy as it is.
    """
    place = index_at(place)
    kept = _Kept(folder)
    content, tag = kept.fetch(place, client)
    index = _believed(content, place, client, signed)
    kept.refuse_older(index, place)
    followed = _Follower(place, folder, client, accept_shrink).follow(index)
    kept.keep(content, place, tag)
    return msgspec.structs.replace(
        followed, version=index.version, digest=hashlib.sha256(content).hexdigest()
    )


def changes_at(
    place: str, since: str, *, client: httpx.Client, signed: Signed | None = None
) -> tuple[str, tuple[FeedItem, ...]]:
    """The version of the index at ``place`` and what changed since ``since``, a version of it or a day.

    A version that another release of the same day followed has the whole day told again: twice beats never.
    Raises CatalogError.
    """
    place = index_at(place)
    content = get(client, place, MAX_INDEX_BYTES)
    index = _believed(content, place, client, signed)
    if index.changes is None:
        raise CatalogError(
            f"{place} was published without its changes",
            hint="write it anew with 'allowlist catalog index -o FOLDER'",
        )
    address = beside(place, index.changes.file)
    found = get(client, address, index.changes.size)
    if hashlib.sha256(found).hexdigest() != index.changes.sha256:
        raise CatalogError(f"{address} is not the file the index vouches for")
    try:
        changes = msgspec.json.decode(found, type=prepared(Changes))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(f"{address} is no file of changes: {error}") from error
    if changes.schema != FEED_SCHEMA:
        raise CatalogError(f"{address} says schema '{changes.schema}', expected '{FEED_SCHEMA}'")
    return index.version, tuple(item for item in changes.changes if _is_news(item.date, since, index.version))


def _is_news(day: str, since: str, version: str) -> bool:
    if "-" in since:
        return day >= since
    known = day_of(since)
    return day > known or (day == known and version > since)


def _believed(content: bytes, place: str, client: httpx.Client, signed: Signed | None) -> CatalogIndex:
    if signed:
        address = place + SIGNATURE_SUFFIX
        try:
            signature = get(client, address, MAX_SIGNATURE_BYTES).decode("ascii", "replace")
        except CatalogError as error:
            raise CatalogError(
                f"{place} has no signature that can be read: {error}",
                hint="publish it with a signature (--sign KEY of allowlist catalog index), or do not ask for one",
            ) from error
        signed(content, signature)
    return parse_index(content, place)


class _Kept:
    """The index that was followed last, beside the catalogs it brought."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._index, self._tag = folder / ".index.json", folder / ".index.etag"

    def fetch(self, place: str, client: httpx.Client) -> tuple[bytes, str]:
        """The index and its entity tag; the one that is kept when the server says it is unchanged."""
        if not is_address(place):
            return get(client, place, MAX_INDEX_BYTES), ""
        check_address(place)
        known = self._tag.read_text("utf-8") if self._tag.is_file() and self._index.is_file() else ""
        wanted, _, etag = known.partition("\n")
        headers = {"If-None-Match": etag} if wanted == place and etag else {}
        status, content, tag = request(client, place, MAX_INDEX_BYTES, headers)
        return (self._index.read_bytes(), etag) if status == 304 else (content, tag)

    def refuse_older(self, index: CatalogIndex, place: str) -> None:
        """Raises CatalogError for an index from before the one seen last: a mirror behind, or somebody's replay."""
        if not self._index.is_file():
            return
        try:
            seen = parse_index(self._index.read_bytes(), str(self._index))
        except CatalogError:
            return
        # A catalog that is published no longer may take the newest day with it.
        if index.version < seen.version and index.catalogs.keys() >= seen.catalogs.keys():
            raise CatalogError(
                f"{place} is version {index.version or 'unknown'}, older than {seen.version}, which was followed before",
                hint="the mirror is behind, or an old index is being replayed; follow into an empty folder to take it all the same",
            )

    def keep(self, content: bytes, place: str, tag: str) -> None:
        write_beside(self._index, content)
        write_beside(self._tag, f"{place}\n{tag}".encode())


class _Follower:
    def __init__(self, place: str, folder: Path, client: httpx.Client, accept_shrink: bool) -> None:
        self._place = place
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
        address = beside(self._place, indexed.file)
        content = get(self._client, address, min(indexed.size, MAX_CATALOG_BYTES))
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
        write_beside(ours, content)
        return ""


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
