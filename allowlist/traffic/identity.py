"""The content of a file as a digest, computed once as long as the file stays as it is."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from allowlist.documents.writing import write_bytes
from allowlist.errors import AllowlistError

_FILE: Final = "digests.json"
_MANY: Final = 50_000


class Digests:
    """SHA-256 by path, size, time of change and inode; ``folder`` remembers them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._known: dict[str, str] = {}
        self._changed = False
        with suppress(OSError, msgspec.MsgspecError):
            self._known = msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])

    def of(self, path: Path) -> str:
        status = path.stat()
        key = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            self._changed = True
        return self._known[key]

    def save(self) -> None:
        """What cannot be kept is computed again next time."""
        if self._changed:
            with suppress(AllowlistError):
                latest = dict(list(self._known.items())[-_MANY:])
                write_bytes(self._file, msgspec.json.encode(latest))
