"""Write our own files so that a crash never leaves half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from allowlist.errors import AllowlistError


def write_file(path: Path, document: Any) -> None:
    """Write ``document`` as indented JSON. Raises AllowlistError with the reason when it cannot be written."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` in one step: the old content or the new, never a part."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise AllowlistError(f"{path} cannot be written: {error.strerror}") from None
