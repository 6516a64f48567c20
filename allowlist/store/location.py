"""Where the ledger lives: a file in the XDG state folder, or a PostgreSQL database named by its URL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from allowlist.documents.places import user_folder
from allowlist.errors import AllowlistError

FILE_NAME = "ledger.db"
_ROOM_BYTES = 16 << 20
"""States before and after of a large estate and every line of its journal, with SQLite's own journal beside them."""


def default_url(environ: Mapping[str, str]) -> str:
    """``sqlite:///…/allowlist/ledger.db`` below $XDG_STATE_HOME, or below ~/.local/state."""
    return f"sqlite:///{_state_folder(environ) / FILE_NAME}"


def prepare_file(path: Path) -> None:
    """Create the ledger's folder and file so that only its owner can read them; leave what exists alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise AllowlistError(
            f"the ledger {path} cannot be opened: {error.strerror}",
            hint="make the folder writable, or name another place for the ledger",
        ) from None


def require_room(path: Path) -> None:
    """Raises AllowlistError where the disk of the ledger has no room left for the records of a run.

    Said before anything is sent: a journal that cannot be written would leave a change in Azure that nobody knows of.
    """
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return  # not every file system tells; writing to a full one is an error of its own
    if free < _ROOM_BYTES:
        raise AllowlistError(
            f"the disk of the ledger {path} is nearly full: {free >> 20} MiB are free, a run needs {_ROOM_BYTES >> 20}",
            hint="free some space, then try again; nothing was sent to Azure",
        )


def _state_folder(environ: Mapping[str, str]) -> Path:
    found = user_folder(environ, "state")
    if found is None:
        raise AllowlistError(
            "there is no place for the ledger: neither XDG_STATE_HOME nor HOME is set",
            hint="set XDG_STATE_HOME to a folder, or name the ledger by its URL",
        )
    return found
