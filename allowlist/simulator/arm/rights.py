"""Rights that are taken away: everything is allowed but what is denied here."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from allowlist.errors import InvalidInput
from allowlist.simulator.arm.address import key_of
from allowlist.simulator.arm.caller import Caller
from allowlist.simulator.arm.refusals import GATEWAY, Refusal, front_door

_FORM = "ACTION or ACTION@SCOPE, for example Microsoft.Network/firewallPolicies/write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """``action`` may hold ``*``; ``scope`` is an id that the request must lie at or below, empty for everywhere."""

    action: str
    scope: str = ""

    def covers(self, action: str, scope: str) -> bool:
        return fnmatchcase(action.lower(), self.action.lower()) and self.is_at(scope)

    def is_at(self, scope: str) -> bool:
        here, mine = key_of(scope), key_of(self.scope)
        return not mine or here == mine or here.startswith(mine + "/")

    def __str__(self) -> str:
        return f"{self.action}@{self.scope}" if self.scope else self.action


def parse_denied(text: str) -> Denied:
    """Read ``ACTION`` or ``ACTION@SCOPE``. Raises InvalidInput with the form."""
    action, _, scope = text.strip().partition("@")
    if "/" not in action and action != "*":
        raise InvalidInput.of(f"--deny '{text}'", f"has the form {_FORM}")
    if scope and not scope.startswith("/"):
        raise InvalidInput.of(f"--deny '{text}'", "names a scope that is no id: it must start with '/'")
    return Denied(action=action, scope=scope)


def forbidden(caller: Caller, action: str, scope: str) -> Refusal:
    """403 in ARM's words: who lacks which action on what."""
    message = (
        f"The client '{caller.name}' with object id '{caller.object_id}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials."
    )
    return front_door(403, "AuthorizationFailed", message, headers=GATEWAY)
