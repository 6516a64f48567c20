"""Lists in pages: ``value`` and, while there is more, an absolute ``nextLink`` with an opaque token.

Encoded pages are kept until anything changes, so that large lists cost nothing twice.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import JSON_TYPE, Reply
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Store

T = TypeVar("T")


class Listing(Protocol):
    """What a page needs to know of the request for it."""

    @property
    def address(self) -> Address: ...

    @property
    def parameters(self) -> Mapping[str, str]: ...

    @property
    def base_url(self) -> str: ...


class Pages:
    """Cuts lists into pages of ``size`` items and remembers their bytes."""

    def __init__(self, store: Store, size: int) -> None:
        self._store = store
        self._size = size
        self._kept: dict[tuple[str, ...], bytes] = {}
        self._generation = -1

    def answer(
        self, call: Listing, items: Sequence[T], show: Callable[[T], Any], encode: Callable[[Any], bytes]
    ) -> Reply:
        key = (call.base_url, call.address.key, *(f"{k}={v}" for k, v in sorted(call.parameters.items())))
        self._forget_if_changed()
        if key not in self._kept:
            self._kept[key] = encode(self._page(call, items, show))
        return Reply(status=200, body=self._kept[key], headers={"content-type": JSON_TYPE})

    def _forget_if_changed(self) -> None:
        if self._generation != self._store.generation:
            self._kept.clear()
            self._generation = self._store.generation

    def _page(self, call: Listing, items: Sequence[T], show: Callable[[T], Any]) -> dict[str, Any]:
        start = _read_token(call.parameters.get("$skiptoken", ""))
        page: dict[str, Any] = {"value": [show(item) for item in items[start : start + self._size]]}
        if start + self._size < len(items):
            page["nextLink"] = _next_link(call, start + self._size)
        return page


def _next_link(call: Listing, start: int) -> str:
    kept = {name: value for name, value in call.parameters.items() if name != "$skiptoken"}
    token = urlsafe_b64encode(f"page:{start}".encode()).decode()
    return f"{call.base_url}{call.address.path or '/'}?{urlencode({**kept, '$skiptoken': token})}"


def _read_token(token: str) -> int:
    if not token:
        return 0
    try:
        return int(urlsafe_b64decode(token.encode()).decode().removeprefix("page:"))
    except ValueError:
        raise front_door(
            400, "InvalidSkipToken", "The skip token is not the one that was given out."
        ) from None
