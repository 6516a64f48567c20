"""Which requests came: for counting them and for deriving the rights a client used."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """``action`` is the Azure right the request needs; operation polls and sign-in need none (empty)."""

    number: int
    at: float
    method: str
    path: str
    action: str
    subscription: str
    api_version: str
    status: int
    """0 when the connection was dropped instead of an answer."""
    agent: str = ""
    fault: str = ""
    caller: str = ""
    operation: str = ""
    """Method and type, such as ``GET Microsoft.Network/firewallPolicies``; ``GET operations`` for a poll."""
    query: str = ""
    """Query parameters other than the signature of an operation URL, which is a secret."""


@dataclass(slots=True)
class RequestLog:
    """Everything asked so far, oldest first."""

    entries: list[LoggedRequest] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Any:
        return iter(self.entries)

    def clear(self) -> None:
        self.entries.clear()

    def actions(self) -> frozenset[str]:
        """The rights that were used, such as ``Microsoft.Network/firewallPolicies/read``."""
        return frozenset(entry.action for entry in self.entries if entry.action)

    def writes(self) -> list[LoggedRequest]:
        return [
            entry
            for entry in self.entries
            if entry.method in ("PUT", "PATCH", "DELETE", "POST") and entry.action
        ]

    def count_by_subscription(self) -> Counter[str]:
        return Counter(entry.subscription for entry in self.entries if entry.subscription)

    def count_by_operation(self) -> Counter[str]:
        return Counter(entry.operation for entry in self.entries if entry.operation)

    def as_data(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries]


def action_of(method: str, namespace: str, type_path: str, verb: str = "") -> str:
    """The Azure right for one request; ``verb`` is the action of a POST."""
    if not namespace:
        return ""
    base = f"{namespace}/{type_path}"
    return f"{base}/{verb}/action" if method == "POST" else f"{base}/{_VERBS.get(method, 'write')}"
