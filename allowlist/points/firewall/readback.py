"""Is what Azure shows what was written? Pure."""

from __future__ import annotations

from typing import Any

from allowlist.estate.bodies import Body


def same_configuration(expected: Body, actual: Body) -> bool:
    """Equal after taking out what the service adds: defaulted arrays, sizes, letter case of its enums."""
    return bool(_plain(expected["properties"]) == _plain(actual["properties"]))


_ADDED_BY_SERVICE = {"provisioningState", "size", "ipv6Rule"}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(item)
            for key, item in value.items()
            if key not in _ADDED_BY_SERVICE and item not in (None, [], {}, "", False)
        }
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.lower() if isinstance(value, str) else value
