"""Microsoft.Authorization: what the caller may do at a scope, and role assignments as they were seeded."""

from __future__ import annotations

from allowlist.simulator.arm.address import Address, key_of
from allowlist.simulator.arm.message import Reply, compact, json_reply
from allowlist.simulator.arm.provider import Call, Provider
from allowlist.simulator.arm.store import Resource
from allowlist.simulator.neighbours import PlainKind

_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


class MicrosoftAuthorization(Provider):
    """``permissions`` says everything but what is denied; other types plainly."""

    namespace = "Microsoft.Authorization"

    def __init__(self) -> None:
        super().__init__({}, fallback=PlainKind(self.namespace))

    def special(self, call: Call) -> Reply | None:
        if call.method != "GET" or len(call.address.segments) != 1:
            return None
        kind = call.address.segments[0].lower()
        if kind == "permissions":
            return json_reply(200, {"value": [self._permission(call)]})
        if kind == "roleassignments":
            return call.arm.pages.answer(call, _assignments(call), lambda each: each.body, compact)
        return None

    def _permission(self, call: Call) -> dict[str, list[str]]:
        scope = scope_of(call.address)
        denied = [each.action for each in call.arm.denied if each.is_at(scope)]
        return {"actions": ["*"], "notActions": denied, "dataActions": [], "notDataActions": []}


def scope_of(address: Address) -> str:
    """The scope an extension resource is asked for at."""
    return address.scope or address.path.split("/providers/")[0] or "/"


def _assignments(call: Call) -> list[Resource]:
    """Those at the scope and above it, which count there too, and those below it."""
    here = key_of(scope_of(call.address))
    return [each for each in call.arm.store.of_type(_ASSIGNMENTS) if _concerns(_scope(each), here)]


def _scope(assignment: Resource) -> str:
    return key_of(
        str(assignment.properties.get("scope") or assignment.id.split("/providers/Microsoft.Auth")[0])
    )


def _concerns(scope: str, here: str) -> bool:
    return here == scope or here.startswith(scope + "/") or scope.startswith(here + "/")
