"""What destinations other than plain names stand for: private endpoints, service tags, storage accounts.

Only documented equivalences are listed, so that coverage is never claimed where it is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from allowlist.azure.facts import private_link, storage_suffixes
from allowlist.names import Pattern, covers

STORAGE_SERVICES: Final = ("blob", "file", "queue", "table", "dfs", "web")

MICROSOFT_STORAGE: Final = frozenset({"vscode.blob.core.windows.net"})
"""Blob hosts of Microsoft that the managed network pages list as FQDN rules, although they forbid such rules."""

_STORAGE_SUFFIXES: Final = tuple(
    f".{service}.{suffix}" for suffix in storage_suffixes() for service in STORAGE_SERVICES
)


@lru_cache(maxsize=1)
def _endpoint_suffixes() -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """By resource type, sub-resource and cloud: the suffixes below which a resource has its own name."""
    return {
        (row.type, row.group, cloud): tuple(suffix for suffixes in zones.values() for suffix in suffixes)
        for row in private_link()
        if row.named_by_resource
        for cloud, zones in row.zones.items()
    }


def endpoint_hosts(resource: str, sub_resource: str, cloud: str) -> tuple[str, ...]:
    """The public names that a private endpoint takes the place of; none where they hold parts we cannot know."""
    _, _, tail = resource.lower().rpartition("/providers/")
    parts = tail.split("/")
    if len(parts) < 3:
        return ()
    suffixes = _endpoint_suffixes().get((f"{parts[0]}/{parts[1]}", sub_resource.lower(), cloud), ())
    return tuple(f"{parts[2]}.{suffix}" for suffix in suffixes)


def is_storage(pattern: str) -> bool:
    """Does the pattern name storage accounts? These are reached by private endpoint in approved-only mode."""
    found = Pattern(pattern)
    return any(found.suffix.endswith(suffix) for suffix in _STORAGE_SUFFIXES) or (
        found.is_wildcard and any(covers(found, Pattern(f"*{suffix}")) for suffix in _STORAGE_SUFFIXES)
    )


def is_microsoft_storage(pattern: str) -> bool:
    return pattern in MICROSOFT_STORAGE
