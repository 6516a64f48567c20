"""The elements of one JSON document, a list or ``{"records": […]}``, without holding a large one in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Final

import msgspec

_WHOLE: Final = 32 << 20
_CHUNK: Final = 1 << 20


def elements_of(open_it: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """Each element as one line. Raises ValueError for what is no such document, at the element where it ends."""
    with open_it() as stream:
        text = stream.read(_WHOLE + 1)
    if len(text) <= _WHOLE:
        yield from _decoded(text)
    else:
        with open_it() as stream:
            yield from scanned(iter(lambda: stream.read(_CHUNK), b""))


def _decoded(text: bytes) -> Iterator[bytes]:
    """A broken document is read as far as it goes; its last element then is what is broken."""
    try:
        found = msgspec.json.decode(
            text.lstrip(b"\xef\xbb\xbf"), type=list[msgspec.Raw] | dict[str, msgspec.Raw]
        )
        items = found if isinstance(found, list) else _list_in(found)
        yield from (_one_line(bytes(item)) for item in items)
    except msgspec.MsgspecError:
        yield from scanned(iter([text]))


def _list_in(members: dict[str, msgspec.Raw]) -> list[msgspec.Raw]:
    for name in ("records", "value"):
        if name in members:
            return msgspec.json.decode(members[name], type=list[msgspec.Raw])
    return [msgspec.Raw(msgspec.json.encode(members))]


def _one_line(element: bytes) -> bytes:
    """Line ends stand only between tokens: inside a text JSON escapes them."""
    return element.replace(b"\r", b" ").replace(b"\n", b" ")


_MARK: Final = re.compile(rb'["{}\\]')


def scanned(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The objects that stand in the outermost list, found by their braces; what is cut off at the end comes last."""
    depth, inside, escaped, base = 0, False, -1, None
    buffer, at, position = bytearray(), 0, 0
    for chunk in chunks:
        buffer += chunk
        for mark in _MARK.finditer(buffer, at):
            place, sign = mark.start(), mark[0]
            if place == escaped:
                continue
            if sign == b"\\":
                escaped = place + 1
            elif sign == b'"':
                inside = not inside
            elif not inside and sign == b"{":
                base = depth + 1 if base is None and _opens_list(buffer[position:place]) else base
                position = place if base is not None and depth + 1 == base else position
                depth += 1
            elif not inside:
                if base is not None and depth == base:
                    yield _one_line(bytes(buffer[position : place + 1]))
                    position = place + 1
                depth -= 1
        if base is not None:
            del buffer[:position]
            escaped -= position
            at, position = len(buffer), 0
        else:
            at = len(buffer)
    rest = bytes(buffer[position:]).strip(b" \r\n\t,]}")
    if rest.startswith(b"{"):
        yield _one_line(rest)


def _opens_list(before: bytes | bytearray) -> bool:
    """Is the next brace the first element of a list?"""
    return before.rstrip().endswith(b"[")
