"""Where the ledger lives: a file in the XDG state folder, or a PostgreSQL database named by its URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from allowlist.errors import AllowlistError

FILE_NAME = "ledger.db"


def default_url(environ: Mapping[str, str]) -> str:
    """``sqlite:///…/allowlist/ledger.db`` below $XDG_STATE_HOME, or below ~/.local/state."""
    return f"sqlite:///{_state_folder(environ) / 'allowlist' / FILE_NAME}"


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


def _state_folder(environ: Mapping[str, str]) -> Path:
    given = Path(environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():  # the XDG specification: a relative path is to be ignored
        return given
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if not home:
        raise AllowlistError(
            "there is no place for the ledger: neither XDG_STATE_HOME nor HOME is set",
            hint="set XDG_STATE_HOME to a folder, or name the ledger by its URL",
        )
    return Path(home) / ".local" / "state"
