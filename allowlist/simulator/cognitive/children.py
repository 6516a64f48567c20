"""Other children of an account: read and written plainly."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.cognitive.accounts import account_of
from allowlist.simulator.neighbours import PlainKind


class AccountChildren(PlainKind):
    """Deployments, projects, connections, private endpoint connections …"""

    def __init__(self) -> None:
        super().__init__("Microsoft.CognitiveServices")

    def put(self, call: Call) -> Reply:
        account_of(call)
        return super().put(call)
