"""Catalogs of an index on the web that a workload pins by digest, with a copy that answers without the network.

The digest of the index vouches for the index, and the index for each of its files, so it does not matter where the
bytes come from: a copy that still has its digest is as good as the address, and one that lost it is fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from allowlist.catalog.index import MAX_INDEX_BYTES, CatalogIndex, IndexedCatalog, parse_index, parse_indexed
from allowlist.catalog.model import Catalog
from allowlist.catalog.published import INDEX_FILE, beside, check_address, fetch, index_at
from allowlist.documents.compiled import cache_folder
from allowlist.documents.reader import near_miss
from allowlist.errors import CatalogError

_PIN: Final = re.compile(r"(?P<place>[^@\n]+)@sha256:(?P<digest>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class PinnedIndex:
    """An index at ``url``, an https address or a path, whose bytes have the SHA-256 ``digest``, in hex."""

    url: str
    digest: str

    @classmethod
    def parse(cls, text: str, beside_file: Path = Path()) -> PinnedIndex:
        """From ``https://…/index.json@sha256:…``, or a path that starts at the folder of ``beside_file``.

        Raises CatalogError.
        """
        found = _PIN.fullmatch(text)
        if found is None:
            raise CatalogError(
                f"'{text}' is no pinned index",
                hint="write URL@sha256:DIGEST; 'allowlist catalog follow URL -o DIR' prints it",
            )
        place = found["place"]
        if "://" in place:
            check_address(place)
            return cls(place, found["digest"])
        return cls(index_at(str(beside_file.parent / place)), found["digest"])


def pinned_catalog(pin: PinnedIndex, name: str, environ: Mapping[str, str]) -> Catalog:
    """The catalog ``name`` of the index. Raises CatalogError where neither the copy nor the address has it."""
    copies = cache_folder(environ, "indexes")
    folder = copies / pin.digest if copies else None
    index = _index(pin, folder)
    indexed = index.catalogs.get(name)
    if indexed is None:
        raise CatalogError(f"{pin.url} has no catalog '{name}'{near_miss(name, index.catalogs)}")
    address = beside(pin.url, indexed.file)
    content = _vouched(
        folder / f"{name}.yaml" if folder else None, address, indexed.sha256, _fetcher(address, indexed)
    )
    return parse_indexed(content, address, name, indexed)


def _index(pin: PinnedIndex, folder: Path | None) -> CatalogIndex:
    def fetched() -> bytes:
        return fetch(pin.url, MAX_INDEX_BYTES)

    content = _vouched(folder / INDEX_FILE if folder else None, pin.url, pin.digest, fetched)
    return parse_index(content, pin.url)


def _fetcher(address: str, indexed: IndexedCatalog) -> Callable[[], bytes]:
    return lambda: fetch(address, indexed.size)


def _vouched(copy: Path | None, address: str, digest: str, fetched: Callable[[], bytes]) -> bytes:
    """The bytes with that digest: from the copy, or from the address, and then kept as the copy."""
    known = _copied(copy)
    if known is not None and hashlib.sha256(known).hexdigest() == digest:
        return known
    content = fetched()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise CatalogError(
            f"{address} is not what was pinned: its digest is sha256:{found}",
            hint="look at what changed ('allowlist catalog follow URL -o DIR'), then pin the new digest",
        )
    if copy:
        _keep(copy, content)
    return content


def _copied(copy: Path | None) -> bytes | None:
    try:
        return copy.read_bytes() if copy else None
    except OSError:
        return None


def _keep(copy: Path, content: bytes) -> None:
    """A copy that cannot be written is done without: the address is asked again."""
    with contextlib.suppress(OSError):
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_suffix(f".{os.getpid()}")
        draft.write_bytes(content)
        draft.replace(copy)
