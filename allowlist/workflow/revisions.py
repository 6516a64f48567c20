"""A folder or file as it was at a revision of git: ``git:REVISION:PATH``, such as ``git:origin/main:infra``."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from allowlist.errors import AllowlistError

PREFIX: Final = "git:"
_SECONDS: Final = 120


@contextmanager
def at_revision(place: Path) -> Iterator[Path]:
    """``place`` itself, or, where it names a revision, a copy that is gone afterwards. Raises AllowlistError."""
    text = str(place)
    if not text.startswith(PREFIX):
        yield place
        return
    revision, _, path = text.removeprefix(PREFIX).partition(":")
    if not revision or revision.startswith("-") or path.startswith("-"):
        raise AllowlistError(
            f"'{text}' names no revision", hint="git:REVISION:PATH, such as git:origin/main:infra"
        )
    with tempfile.TemporaryDirectory(prefix="allowlist-") as folder:
        with tarfile.open(fileobj=io.BytesIO(_archive(revision, path or "."))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder, path)


def _archive(revision: str, path: str) -> bytes:
    command = ["git", "archive", "--format=tar", revision, "--", path]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AllowlistError(f"git cannot be asked for {revision}: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise AllowlistError(
            f"git has no {path} at {revision}: {said}", hint="fetch the revision first: git fetch origin main"
        )
    return done.stdout
