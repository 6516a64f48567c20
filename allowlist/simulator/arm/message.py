"""One request and one reply, free of any web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """As it came over the wire: ``path`` and ``query`` are raw, header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = "http://127.0.0.1"

    def parameters(self) -> dict[str, str]:
        """Query parameters by lower-case name; ARM does not mind the case."""
        return {name.lower(): value for name, value in parse_qsl(self.query, keep_blank_values=True)}


@dataclass(slots=True, kw_only=True)
class Reply:
    """What goes back. ``drop`` closes the connection instead, ``delay`` (seconds) comes before it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0.0


def compact(value: Any) -> bytes:
    """JSON as the network back end writes it since 2025."""
    return msgspec.json.encode(value)


def indented(value: Any) -> bytes:
    """JSON as the nfv back end writes it: two spaces and Windows line ends."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).replace(b"\n", b"\r\n")


def json_reply(status: int, value: Any, *, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status=status, body=compact(value), headers={"content-type": JSON_TYPE, **(headers or {})})
