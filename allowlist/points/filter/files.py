"""The files of a filter on this machine: one with all that it names, or a whole folder."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from allowlist.errors import InvalidInput

__all__ = ["read_files"]

_MOST_FILES: Final = 2_000
_MOST_BYTES: Final = 64 * 1024 * 1024
_PATHS: Final = re.compile(r"[\w.*?/-]+")


def read_files(path: Path) -> dict[str, str]:
    """Texts by their path below the folder. Raises InvalidInput for what is not there, too much or no text."""
    if path.is_dir():
        found = _below(path)
        if not found:
            raise InvalidInput.of(
                path, "holds no file", hint="name the file or folder of the filter under 'resource:'"
            )
        return {str(file.relative_to(path)): _text(file) for file in found}
    if not path.is_file():
        raise InvalidInput.of(
            path, "is neither a file nor a folder", hint="'resource:' is a path beside the workload file"
        )
    return _with_named(path)


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    size = 0
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(folder).parts):
            continue
        found.append(file)
        size += file.stat().st_size
        if len(found) > _MOST_FILES or size > _MOST_BYTES:
            raise InvalidInput.of(
                folder,
                f"holds more than {_MOST_FILES} files or {_MOST_BYTES // 1024 // 1024} MiB; name a smaller folder",
            )
    return found


def _with_named(path: Path) -> dict[str, str]:
    """A file, and of its folder whatever it names, those name, and so on: list files and included ones."""
    texts = {path.name: _text(path)}
    new = [path.name]
    others: dict[str, Path] | None = None
    while new:
        words = {word.rpartition("/")[2] for word in _PATHS.findall(texts[new.pop()])} - {"", "*", "."}
        words = {word for word in words if "." in word or len(word) > 1}
        others = _neighbours(path) if others is None else others
        for name, file in others.items():
            if name not in texts and any(
                fnmatchcase(file.name, word) for word in words if _is_path(word, file)
            ):
                texts[name] = _text(file)
                new.append(name)
    return texts


def _neighbours(path: Path) -> dict[str, Path]:
    try:
        return {str(file.relative_to(path.parent)): file for file in _below(path.parent) if file != path}
    except InvalidInput:
        return {file.name: file for file in sorted(path.parent.iterdir()) if file.is_file() and file != path}


def _is_path(word: str, file: Path) -> bool:
    return word == file.name or "*" in word or "?" in word


def _text(file: Path) -> str:
    """UTF-8; what is none of it (comments in an old code page) becomes a replacement character, never a name."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InvalidInput.of(file, f"cannot be read: {error.strerror}") from None
    if len(raw) > _MOST_BYTES:
        raise InvalidInput.of(file, f"is larger than {_MOST_BYTES // 1024 // 1024} MiB")
    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput.of(file, "is no text")
    return raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")
