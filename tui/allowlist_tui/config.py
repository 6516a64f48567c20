"""The reviewer's own settings: ``review.yaml`` in ``$XDG_CONFIG_HOME/allowlist``.

::

    schema: allowlist/review-settings/v1
    theme: allowlist-light
    keys:
      approve: ctrl+y
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from allowlist.documents.places import user_folder
from allowlist.documents.reader import near_miss, read_yaml_document
from allowlist.errors import InvalidInput, Problem

SCHEMA: Final = "allowlist/review-settings/v1"
QUIT_KEY: Final = "ctrl+q"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``keys`` maps names of actions to keys, several parted by commas. ``theme`` empty means the usual one."""

    schema: Literal["allowlist/review-settings/v1"] = SCHEMA
    theme: str = ""
    keys: dict[str, str] = {}


def settings_file(environ: Mapping[str, str]) -> Path:
    """Where the settings are, whether they exist or not."""
    return (user_folder(environ, "config") or Path("/.config/allowlist")) / "review.yaml"


def load_settings(path: Path, *, themes: set[str], actions: set[str]) -> Settings:
    """The settings, or the usual ones where there is no file. Raises InvalidInput with every mistake."""
    if not (path.exists() or path.is_symlink()):
        return Settings()
    settings, _ = read_yaml_document(path, Settings, SCHEMA)
    if problems := [Problem(str(path), 0, 0, text) for text in _mistakes(settings, themes, actions)]:
        raise InvalidInput(problems, hint="the usual keys and theme are used until this is put right")
    return settings


def _mistakes(settings: Settings, themes: set[str], actions: set[str]) -> list[str]:
    found = []
    if settings.theme and settings.theme not in themes:
        found.append(f"knows no theme '{settings.theme}'{near_miss(settings.theme, themes)}")
    found += [
        f"knows no action '{name}'{near_miss(name, actions)}" for name in settings.keys if name not in actions
    ]
    keys = Counter(key.strip() for text in settings.keys.values() for key in text.split(","))
    found += [f"gives the key '{key}' to several actions" for key, count in keys.items() if count > 1]
    if QUIT_KEY in keys:
        found.append(f"gives {QUIT_KEY} away, which always quits")
    return found
