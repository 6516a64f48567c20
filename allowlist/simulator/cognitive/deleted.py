"""Soft delete of accounts: what is deleted stays for 48 days, to be restored or purged.

https://learn.microsoft.com/azure/ai-services/recover-purge-resources; the refusal of a name that is still taken is
``FlagMustBeSetForRestore`` there.
"""

from __future__ import annotations

from allowlist.simulator.arm.address import scope_path
from allowlist.simulator.arm.message import Reply, json_reply
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Resource

TYPE = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts"


def put_aside(call: Call, account: Resource) -> None:
    """Delete an account softly: it is gone from its place and stands among the deleted ones."""
    body = {**account.body, "id": deleted_id(account), "type": "Microsoft.CognitiveServices/deletedAccounts"}
    body["properties"] = {
        **account.properties,
        "deletionDate": "2026-01-01T00:00:00Z",
        "scheduledPurgeDate": "",
    }
    call.arm.store.remove(account.id)
    call.arm.store.put(body["id"], body)


def take_back(call: Call, location: str, *, restore: bool) -> Resource | None:
    """What a new account of a deleted one's name gets of it. Refuses a name that is still taken."""
    wanted = Resource(id=call.address.path, body={"location": location})
    found = call.arm.store.find(deleted_id(wanted))
    if found is None:
        return None
    if not restore:
        message = (
            f"An existing resource with ID '{call.address.path}' has been soft-deleted. To restore the resource, you "
            "must specify 'restore' to be 'true' in the property. If you don't want to restore existing resource, "
            "please purge it first."
        )
        raise front_door(409, "FlagMustBeSetForRestore", message)
    call.arm.store.remove(found.id)
    return found


def deleted_id(account: Resource) -> str:
    parts = account.id.split("/")
    scope = scope_path(parts[2])
    where = account.location.replace(" ", "").lower()
    return f"{scope}/providers/Microsoft.CognitiveServices/locations/{where}/resourceGroups/{parts[4]}/deletedAccounts/{account.name}"


def list_deleted(call: Call) -> Reply:
    """All of a subscription."""
    start = scope_path(call.address.subscription).lower() + "/"
    found = [each.body for each in call.arm.store.of_type(TYPE) if each.key.startswith(start)]
    return json_reply(200, {"value": found})


class DeletedAccounts(Kind):
    """One deleted account: shown, or purged for good."""

    type_name = TYPE

    def delete(self, call: Call) -> Reply:
        if call.arm.store.find(call.address.path) is None:
            return Reply(status=204)
        call.arm.store.remove(call.address.path)
        return Reply(status=200)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        del arm
        resource.body.setdefault("name", resource.name)
