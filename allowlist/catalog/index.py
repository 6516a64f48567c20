"""The index of published catalogs: files with sizes and digests, a version that only rises, and what changed since.

The version is of the form YYYYMMDDNN that administrators know from Microsoft 365's endpoint service: the day of the
newest release, and how many releases before it bear the same day. It follows from the catalogs alone, so that the same
catalogs always make the same index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec

from allowlist.catalog.digest import release_digest
from allowlist.catalog.document import Slug
from allowlist.catalog.feed import FEED_SCHEMA, feed_since
from allowlist.catalog.library import catalog_files
from allowlist.catalog.model import Catalog
from allowlist.catalog.published import INDEX_FILE
from allowlist.catalog.reader import parse_catalog, read_catalog
from allowlist.documents.canonical import canonical_json
from allowlist.documents.prepared import prepared
from allowlist.documents.source import parse_yaml_source
from allowlist.documents.writing import write_bytes
from allowlist.errors import CatalogError

INDEX_SCHEMA: Final = "allowlist/catalog-index/v1"
CHANGES_FILE: Final = "changes.json"
MAX_INDEX_BYTES: Final = 1024 * 1024
MAX_CATALOG_BYTES: Final = 4 * 1024 * 1024
MAX_CHANGES_BYTES: Final = 64 * 1024 * 1024
_VERSION: Final = re.compile(r"[0-9]{8}[0-9]{2}")
_MOST_A_DAY: Final = 99

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class IndexedCatalog(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the index: where it is, its bytes, and the releases it vouches for."""

    file: str
    sha256: Digest
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_CATALOG_BYTES)]
    latest: str
    releases: dict[str, str]


class IndexedChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The file that holds every change of every release."""

    file: str
    sha256: Digest
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHANGES_BYTES)]


class CatalogIndex(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``version`` and ``changes`` are absent from an index that an older release of this tool wrote."""

    schema: str
    catalogs: dict[Slug, IndexedCatalog]
    version: str = ""
    changes: IndexedChanges | None = None


def write_index(folder: Path, into: Path) -> CatalogIndex:
    """Copy the catalogs of ``folder`` into ``into`` beside an index of them, ready to be published.

    Raises InvalidInput for a catalog that cannot be read and CatalogError for one with unreleased changes.
    """
    indexed: dict[str, IndexedCatalog] = {}
    catalogs: list[Catalog] = []
    into.mkdir(parents=True, exist_ok=True)
    for path in catalog_files(folder):
        catalog, content = read_catalog(path), path.read_bytes()
        catalogs.append(catalog)
        indexed[catalog.name] = _indexed(catalog, path.name, content)
        write_beside(into / path.name, content)
    index = CatalogIndex(
        schema=INDEX_SCHEMA,
        version=version_of(catalogs),
        catalogs=indexed,
        changes=_write_changes(into, catalogs),
    )
    write_beside(into / INDEX_FILE, msgspec.json.format(canonical_json(index), indent=2) + b"\n")
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


def _write_changes(into: Path, catalogs: Iterable[Catalog]) -> IndexedChanges:
    content = msgspec.json.encode({"schema": FEED_SCHEMA, "changes": feed_since(catalogs, "")}) + b"\n"
    write_beside(into / CHANGES_FILE, content)
    return IndexedChanges(file=CHANGES_FILE, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def version_of(catalogs: Iterable[Catalog]) -> str:
    """``2026112501``: the day of the newest release and the number of others of that day; empty without releases."""
    days = [release.date.replace("-", "") for catalog in catalogs for release in catalog.releases]
    newest = max(days, default="")
    return f"{newest}{min(days.count(newest) - 1, _MOST_A_DAY):02d}" if newest else ""


def day_of(version: str) -> str:
    """``2026-11-25`` of ``2026112501``. Raises CatalogError for what is no version of an index."""
    if not _VERSION.fullmatch(version):
        raise CatalogError(
            f"'{version}' is no version of an index", hint="it looks like 2026112500: YYYYMMDDNN"
        )
    return f"{version[:4]}-{version[4:6]}-{version[6:8]}"


def parse_index(content: bytes, url: str) -> CatalogIndex:
    """Raises CatalogError for what is no index."""
    try:
        index = msgspec.json.decode(content, type=prepared(CatalogIndex))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise CatalogError(f"{url} is no catalog index: {error}") from error
    if index.schema != INDEX_SCHEMA:
        raise CatalogError(f"{url} says schema '{index.schema}', expected '{INDEX_SCHEMA}'")
    if index.version:
        day_of(index.version)
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


def write_beside(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of a file at once. Raises AllowlistError where it cannot be written."""
    write_bytes(path, content)
