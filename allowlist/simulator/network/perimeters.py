"""Network security perimeters: profiles, access rules, associations, links. Written at once, no operation.

Shapes and read-only members from the published types of 2025-09-01; refusals from the documentation of limits and
rules (their codes are invented, for none is published).
"""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import NetworkKind, parent_resource, require
from allowlist.simulator.network.settings import NetworkSettings

PERIMETER = "Microsoft.Network/networkSecurityPerimeters"
PROFILE = f"{PERIMETER}/profiles"
MAX_ELEMENTS = 200
_LISTS = ("addressPrefixes", "fullyQualifiedDomainNames", "subscriptions", "emailAddresses", "phoneNumbers")
_OUT_OF_USE = ("emailAddresses", "phoneNumbers", "serviceTags")
_MODES = ("Learning", "Enforced", "Audit")


class PerimeterKind(NetworkKind):
    """Any type of a perimeter: ``read_only`` members are the service's, whatever is sent."""

    read_only: tuple[str, ...] = ("provisioningState",)

    def __init__(self, settings: NetworkSettings, type_path: str = "") -> None:
        super().__init__(settings)
        self.type_name = f"{PERIMETER}/{type_path}" if type_path else PERIMETER

    def put(self, call: Call) -> Reply:
        if len(call.address.segments) > 2:
            parent_resource(call, call.address.parent())
        found, sent = call.arm.store.find(call.address.path), call.document()
        given = {
            key: value for key, value in (sent.get("properties") or {}).items() if key not in self.read_only
        }
        self.check(call, given)
        kept = {key: found.properties[key] for key in self.read_only if found and key in found.properties}
        body: Body = {"id": found.id if found else call.address.path, "name": call.address.name}
        body |= {"type": self.type_name} | {key: sent[key] for key in ("location", "tags") if sent.get(key)}
        body["properties"] = {**self.defaults(call), **given, **kept, "provisioningState": "Succeeded"}
        resource = call.arm.store.put(body["id"], body)
        self.written(call, resource)
        return self.reply(200 if found else 201, self.shown(resource, call))

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        self.check_unused(call, found)
        self.written(call, found)
        call.arm.store.remove(found.id)
        return Reply(status=200)

    def check(self, call: Call, given: Body) -> None:
        """Refuses what the service would."""

    def check_unused(self, call: Call, found: Resource) -> None:
        """Refuses to delete what something else needs."""

    def defaults(self, call: Call) -> Body:
        return {}

    def written(self, call: Call, resource: Resource) -> None:
        """Something was written or is about to go."""


class Profiles(PerimeterKind):
    """A profile counts the changes of its rules."""

    read_only = ("provisioningState", "accessRulesVersion", "diagnosticSettingsVersion")

    def defaults(self, call: Call) -> Body:
        return {"accessRulesVersion": "0", "diagnosticSettingsVersion": "0"}

    def check_unused(self, call: Call, found: Resource) -> None:
        for item in call.arm.store.of_type(f"{PERIMETER}/resourceAssociations"):
            if str((item.properties.get("profile") or {}).get("id", "")).lower() == found.key:
                text = f"Profile {found.name} is in use by the association {item.name}."
                raise front_door(409, "NetworkSecurityPerimeterProfileInUse", text)


class AccessRules(PerimeterKind):
    read_only = ("provisioningState", "networkSecurityPerimeters")

    def defaults(self, call: Call) -> Body:
        return {key: [] for key in (*_LISTS, "networkSecurityPerimeters", "serviceTags")}

    def check(self, call: Call, given: Body) -> None:
        lists = [key for key in _LISTS if given.get(key)]
        if any(given.get(key) for key in _OUT_OF_USE):
            raise _bad("This access rule type is currently unavailable for use.")
        if len(lists) != 1:
            raise _bad("An access rule takes exactly one list of sources or destinations.")
        outbound = given.get("direction") == "Outbound"
        if outbound != (lists == ["fullyQualifiedDomainNames"]):
            raise _bad(f"{lists[0]} cannot be used in an access rule of direction {given.get('direction')}.")
        siblings = call.arm.store.children(call.address.parent().path, self.type_name)
        others = sum(_elements(item.properties) for item in siblings if item.name != call.address.name)
        if others + _elements(given) > MAX_ELEMENTS:
            raise _bad(f"A profile takes at most {MAX_ELEMENTS} rule elements.")

    def written(self, call: Call, resource: Resource) -> None:
        profile = parent_resource(call, call.address.parent())
        version = int(profile.properties.get("accessRulesVersion") or 0)
        profile.properties["accessRulesVersion"] = str(version + 1)
        call.arm.store.touch(profile)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        for key in (*_LISTS, "networkSecurityPerimeters", "serviceTags"):
            resource.properties.setdefault(key, [])

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """Somebody names one more host in an outbound rule."""
        names = resource.properties.setdefault("fullyQualifiedDomainNames", [])
        names.append(f"foreign-{arm.random.randrange(10**6)}.example.com")
        arm.store.touch(resource)


class Associations(PerimeterKind):
    """A resource behind a profile; Learning unless said otherwise."""

    read_only = ("provisioningState", "hasProvisioningIssues")

    def defaults(self, call: Call) -> Body:
        return {"accessMode": "Learning", "hasProvisioningIssues": "no"}

    def check(self, call: Call, given: Body) -> None:
        if given.get("accessMode", "Learning") not in _MODES:
            raise _bad(f"The access mode '{given['accessMode']}' is none of {', '.join(_MODES)}.")
        require(call.arm.store, str((given.get("profile") or {}).get("id") or ""), call.address.path)


class Links(PerimeterKind):
    """A link to another perimeter, approved at once where it may be."""

    read_only = ("provisioningState", "status", "localOutboundProfiles", "remoteOutboundProfiles")

    def defaults(self, call: Call) -> Body:
        return {"status": "Approved", "localOutboundProfiles": ["*"], "remoteOutboundProfiles": ["*"]}

    def check(self, call: Call, given: Body) -> None:
        require(
            call.arm.store, str(given.get("autoApprovedRemotePerimeterResourceId") or ""), call.address.path
        )


def perimeter_kinds(settings: NetworkSettings) -> list[PerimeterKind]:
    return [
        PerimeterKind(settings),
        Profiles(settings, "profiles"),
        AccessRules(settings, "profiles/accessRules"),
        Associations(settings, "resourceAssociations"),
        Links(settings, "links"),
        PerimeterKind(settings, "linkReferences"),
    ]


def _elements(properties: Body) -> int:
    return sum(len(properties.get(key) or ()) for key in _LISTS)


def _bad(message: str) -> Any:
    return front_door(400, "InvalidRequestContent", message)
