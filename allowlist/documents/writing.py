"""Write our own files so that a crash or a full disk never leaves half of one."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from allowlist.errors import AllowlistError


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to where ``path`` leads: links are followed, pipes and devices are written into.

    A regular file is replaced in one step: the old content or the new, never a part. Raises AllowlistError with the
    reason when it cannot be written.
    """
    try:
        place = Path(os.path.realpath(path))
        if is_special(place):
            with place.open("wb", buffering=0) as stream:
                _write_all(stream.fileno(), data)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            _replace(place, data)
    except OSError as error:
        raise AllowlistError(f"{path} cannot be written: {error.strerror}") from None


def is_special(path: Path) -> bool:
    """Is something there that renaming onto it would destroy: a pipe, a device, a socket?"""
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = path.stat().st_mode
        return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
    return False


def _replace(place: Path, data: bytes) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _mode(place))
            os.fsync(file.fileno())
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise


def _mode(place: Path) -> int:
    """The rights of what is replaced, or those a new file gets from the shell."""
    with suppress(OSError):
        return stat.S_IMODE(place.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
