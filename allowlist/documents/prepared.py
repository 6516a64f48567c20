"""Types that may be decoded in any thread.

msgspec works out what a Struct looks like when it is first decoded, in steps in which other threads run. One that
decodes the same Struct meanwhile reads it half worked out and ends the process with a segmentation fault (msgspec
0.22 on CPython 3.11, seen in ``json_decode_struct_map_inner`` under load). So a type is prepared once, under a lock.
"""

from __future__ import annotations

import threading
from typing import TypeVar

import msgspec

T = TypeVar("T")

_LOCK = threading.Lock()
_READY: set[object] = set()


def prepared(kind: type[T]) -> type[T]:
    """``kind`` itself, safe to decode to and convert to from now on."""
    if kind not in _READY:
        with _LOCK:
            if kind not in _READY:
                msgspec.json.Decoder(kind)
                _READY.add(kind)
    return kind
