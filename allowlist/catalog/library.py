"""All catalogs of a folder. YAML is read once per content; afterwards a compiled copy answers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

import allowlist
from allowlist.catalog import model, reader
from allowlist.catalog.model import Catalog
from allowlist.catalog.reader import parse_catalog
from allowlist.documents import digest_of
from allowlist.documents.compiled import cache_folder, compiled, key_of
from allowlist.documents.reader import near_miss
from allowlist.documents.source import parse_source, read_text
from allowlist.errors import CatalogError, InvalidInput, Problem

_RULES = (model.__file__, reader.__file__)
_SHIPPED: dict[str, Catalog] = {}
"""What this process has read of the shipped catalogs, under the digest of their text: many runs of one process share it."""


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """Catalogs by name."""

    folder: str
    catalogs: Mapping[str, Catalog]

    def get(self, name: str) -> Catalog:
        """The catalog ``name``. Raises CatalogError with what was probably meant."""
        found = self.catalogs.get(name)
        if found is None:
            raise CatalogError(
                f"there is no catalog '{name}' in {self.folder}{near_miss(name, self.catalogs)}",
                hint="'allowlist catalog list' shows them all",
            )
        return found

    def with_catalogs(self, others: Mapping[str, Catalog]) -> Library:
        """This library, with ``others`` in the place of catalogs of the same names."""
        return msgspec.structs.replace(self, catalogs={**self.catalogs, **others})

    def content(self) -> list[tuple[str, str]]:
        """Every name with a digest of what the catalog says: two libraries with the same content answer the same."""
        if isinstance(self.catalogs, Shelf):
            return self.catalogs.digests()
        return [(name, digest_of(catalog)) for name, catalog in sorted(self.catalogs.items())]

    def __iter__(self) -> Iterator[Catalog]:
        return iter(self.catalogs.values())

    def __len__(self) -> int:
        return len(self.catalogs)


class Shelf(Mapping[str, Catalog]):
    """The shipped catalogs, whose texts are known to be right: each is made a catalog when somebody asks for it."""

    def __init__(self, files: Sequence[Path], cache: Path | None) -> None:
        self._cache = cache
        self._texts = {path.stem: (path, *_shipped(path)) for path in files}

    def digests(self) -> list[tuple[str, str]]:
        return [(name, key) for name, (_, _, key) in sorted(self._texts.items())]

    def __getitem__(self, name: str) -> Catalog:
        path, text, key = self._texts[name]
        if key not in _SHIPPED:
            _SHIPPED[key] = _read(path, text, key, self._cache)
        return _SHIPPED[key]

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def shipped_catalogs() -> Path:
    """The folder that came with the product: inside the wheel, or beside the sources of an editable install."""
    package = Path(allowlist.__file__).parent
    packaged = package / "_catalogs"
    return packaged if packaged.is_dir() else package.parent / "catalogs"


def load_library(folder: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Library:
    """Every ``*.yaml`` in ``folder``, or the shipped ones.

    Raises CatalogError for a folder without catalogs and InvalidInput with the mistakes of all files, of those that
    were shipped when one is asked for.
    ``environ`` says where the compiled copies live; a cache that cannot be read or written is left alone.
    """
    cache = cache_folder(os.environ if environ is None else environ, "catalogs")
    if folder is None:
        folder = shipped_catalogs()
        return Library(folder=str(folder), catalogs=Shelf(catalog_files(folder), cache))
    catalogs: dict[str, Catalog] = {}
    problems: list[Problem] = []
    for path in catalog_files(folder):
        try:
            catalogs[path.stem] = _read(path, *_keyed(path), cache)
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(problems, hint="'allowlist catalog lint' explains each of them")
    return Library(folder=str(folder), catalogs=catalogs)


def catalog_files(folder: Path) -> list[Path]:
    """The catalog files of ``folder`` in order. Raises CatalogError if there are none."""
    found = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not found:
        raise CatalogError(f"{folder} holds no catalogs", hint="give a folder with catalog files (*.yaml)")
    return found


def _shipped(path: Path) -> tuple[str, str]:
    """As :func:`_keyed`; read again only where the file is another than it was."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return _keyed_at(path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _keyed(path)


@lru_cache(maxsize=256)
def _keyed_at(path: Path, *state: int) -> tuple[str, str]:
    del state
    return _keyed(path)


def _keyed(path: Path) -> tuple[str, str]:
    """The text of a file and the key under which its catalog is kept."""
    text = read_text(path)
    return text, key_of(path.stem, text, rules=_RULES)


def _read(path: Path, text: str, key: str, cache: Path | None) -> Catalog:
    return compiled(cache, key, Catalog, lambda: parse_catalog(parse_source(text, str(path)), name=path.stem))
