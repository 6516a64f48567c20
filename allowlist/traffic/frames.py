"""Is a file of Zstandard whole? Readers take the end of a file for the end of what was packed, and say nothing.

Source: Zstandard compression format (RFC 8878), frames and block headers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final

_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_HEADER: Final = 18
_ONE_BYTE_REPEATED: Final = 1


def is_cut_off(path: Path) -> bool:
    """Does the last frame of ``path`` lack its end? Looks at headers of blocks only."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while file.tell() < size:
            if not _passes_frame(file, size):
                return True
    return False


def _passes_frame(file: IO[bytes], size: int) -> bool:
    """Stands behind the frame that begins here; False where the file ends before it does."""
    import zstandard

    start, head = file.tell(), file.read(_HEADER)
    if len(head) >= 8 and int.from_bytes(head[:4], "little") in _SKIPPABLE:
        return _stands_at(file, start + 8 + int.from_bytes(head[4:8], "little"), size)
    try:
        place = start + zstandard.frame_header_size(head)
        checked = 4 if zstandard.get_frame_parameters(head).has_checksum else 0
    except zstandard.ZstdError:
        return False
    while True:
        file.seek(place)
        block = int.from_bytes(file.read(3), "little")
        if place + 3 > size:
            return False
        length = 1 if block >> 1 & 3 == _ONE_BYTE_REPEATED else block >> 3
        place += 3 + length
        if block & 1:
            return _stands_at(file, place + checked, size)


def _stands_at(file: IO[bytes], place: int, size: int) -> bool:
    file.seek(place)
    return place <= size
