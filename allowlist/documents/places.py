"""The user's own folders, after the XDG base directory specification on every system.

Not platformdirs: on macOS and Windows it would look for an existing ledger in another folder, and a ledger that is not
found is begun anew; without a home it takes one from the password database, where a scheduled run had better be told;
and it reads the environment of the process only, not the one that is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

_BELOW_HOME: Final = {"state": ".local/state", "config": ".config", "cache": ".cache"}


def user_folder(environ: Mapping[str, str], kind: Literal["state", "config", "cache"]) -> Path | None:
    """``$XDG_…_HOME/allowlist``, or its default below the home; None where there is neither.

    A relative path in the variable is ignored, as the specification asks for.
    """
    named = Path(environ.get(f"XDG_{kind.upper()}_HOME", ""))
    if named.is_absolute():
        return named / "allowlist"
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home) / _BELOW_HOME[kind] / "allowlist" if home else None
