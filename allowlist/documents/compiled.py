"""Documents that were read and checked once, kept by content: reading YAML with positions costs more than a whole plan.

A copy answers for exactly the same text under the same rules; whatever cannot be read, written or decoded is as if it
were not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

import allowlist
from allowlist.documents.places import user_folder
from allowlist.documents.prepared import prepared

T = TypeVar("T")


def cache_folder(environ: Mapping[str, str], kind: str) -> Path | None:
    """``$XDG_CACHE_HOME/allowlist/KIND``, or None where there is no home either."""
    home = user_folder(environ, "cache")
    return home / kind if home else None


def compiled(folder: Path | None, key: str, kind: type[T], make: Callable[[], T]) -> T:
    """The document kept under ``key``, or what ``make`` reads (its errors are raised), which is kept then."""
    if folder is None:
        return make()
    place = folder / f"{key}.msgpack"
    try:
        return msgspec.msgpack.decode(place.read_bytes(), type=prepared(kind))
    except (OSError, msgspec.MsgspecError):
        found = make()
        keep(place, found)
        return found


def key_of(*parts: str, rules: tuple[str, ...]) -> str:
    """The digest of a text and what it is read by: the product's version and the ``rules``, modules by their files."""
    digest = _digest_of_rules(rules).copy()
    for text in parts:
        _add(digest, text)
    return digest.hexdigest()


@cache
def _digest_of_rules(rules: tuple[str, ...]) -> hashlib._Hash:
    digest = hashlib.sha256(allowlist.__version__.encode())
    for file in rules:
        _add(digest, _content_of(file))
    return digest


def _add(digest: hashlib._Hash, text: str) -> None:
    data = text.encode()
    digest.update(f"\n{len(data)}\n".encode())
    digest.update(data)


def _content_of(file: str) -> str:
    """A module's own text: a checkout changes without a new version."""
    with contextlib.suppress(OSError):
        return Path(file).read_text(encoding="utf-8")
    return file


def keep(place: Path, document: object) -> None:
    """``document`` as MessagePack, if that can be written: written beside and moved into place, so that a reader never sees half a file."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_suffix(f".{os.getpid()}")
        draft.write_bytes(msgspec.msgpack.encode(document))
        draft.replace(place)
