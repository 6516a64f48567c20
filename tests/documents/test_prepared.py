"""A type is prepared once, under the lock, before anything is decoded to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest

from allowlist.documents import prepared as module
from allowlist.documents.prepared import prepared

LOOKED_AT: list[bool] = []


def number() -> type[int]:
    """What msgspec calls when it works out a struct below: remembers whether the lock was held then."""
    LOOKED_AT.append(module._LOCK.locked())
    return int


@pytest.fixture(autouse=True)
def _nothing_looked_at_yet() -> None:
    LOOKED_AT.clear()


def struct() -> type[msgspec.Struct]:
    return msgspec.defstruct("Record", [("count", "number()")], module=__name__)


def test_a_type_is_prepared_under_the_lock_and_before_the_first_decode() -> None:
    kind = prepared(struct())
    assert LOOKED_AT == [True]

    assert msgspec.json.decode(b'{"count": 3}', type=kind) == kind(count=3)
    assert LOOKED_AT == [True]


def test_a_type_is_prepared_once_however_many_threads_ask_for_it() -> None:
    kind, start = struct(), Barrier(6)

    def ask(_: int) -> type[msgspec.Struct]:
        start.wait()
        return prepared(kind)

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(ask, range(6))) == [kind] * 6
    assert LOOKED_AT == [True]
