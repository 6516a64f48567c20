"""The actual state: raw ARM resources by id, exactly as Azure returned them.

Offline and online reading both end here, so they cannot disagree. Nothing is dropped: what no surface
understands stays in the body and survives a round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from allowlist.documents import digest_of
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.unread import unresolved
from allowlist.estate.unreadable import Unreadable

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Estate:
    """Resources by normalised id. ``origin`` says where they came from, for messages.

    ``derived`` remembers what was worked out from single bodies; estates made from this one share it, so what
    did not change is not worked out again. ``unreadable`` says what could not be read, and why. ``planned``: it holds what a
    plan of Terraform would make of what is there.
    """

    resources: Mapping[str, Body] = field(default_factory=dict)
    origin: str = ""
    derived: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    unreadable: tuple[Unreadable, ...] = ()
    planned: bool = False
    empty: frozenset[str] = frozenset()
    """Lists below resources that were read and held nothing, by normalised id: nothing there is an answer too."""
    whole: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What was worked out from all of this estate, which no other estate shares."""
    _by_type: dict[str, list[str]] = field(default_factory=dict, init=False, compare=False, repr=False)
    _by_place: dict[str, list[str]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, bodies: Iterable[Body], origin: str = "", unreadable: Iterable[Unreadable] = ()) -> Estate:
        found = {normal_id(body["id"]): _with_properties(body) for body in bodies}
        return cls(found, origin, unreadable=tuple(unreadable))

    def get(self, resource_id: str) -> Body | None:
        return self.resources.get(normal_id(resource_id))

    def of_type(self, resource_type: str) -> Iterator[Body]:
        """All resources of a type such as ``Microsoft.Network/ipGroups``, by id."""
        if not self._by_type:
            for key in sorted(self.resources):
                self._by_type.setdefault(ResourceId(key).type, []).append(key)
        for key in self._by_type.get(resource_type.lower(), ()):
            yield self.resources[key]

    def children(self, resource_id: str, child_type: str) -> Iterator[Body]:
        """The resources directly below ``resource_id``, for example its ``ruleCollectionGroups``."""
        if not self._by_place:
            for key in sorted(self.resources):
                self._by_place.setdefault(key.rpartition("/")[0], []).append(key)
        for key in self._by_place.get(f"{normal_id(resource_id)}/{child_type.lower()}", ()):
            yield self.resources[key]

    def with_resources(self, bodies: Iterable[Body]) -> Estate:
        """A copy in which ``bodies`` are added or replace what stood there."""
        changed = {normal_id(body["id"]): body for body in bodies}
        return Estate(
            {**self.resources, **changed}, self.origin, self.derived, self.unreadable, empty=self.empty
        )

    def without(self, resource_ids: Iterable[str]) -> Estate:
        gone = {normal_id(resource_id) for resource_id in resource_ids}
        kept = {key: body for key, body in self.resources.items() if key not in gone}
        return Estate(kept, self.origin, self.derived, self.unreadable, empty=self.empty)

    def sharing(self, other: Estate) -> Estate:
        """The same estate, in which what is as in ``other`` is the very body of there: what was worked out from it holds."""
        theirs = other.resources
        bodies = {
            key: theirs[key] if theirs.get(key) == body else body for key, body in self.resources.items()
        }
        return replace(self, resources=bodies, derived=other.derived)


def _with_properties(body: Body) -> Body:
    """``body`` with an object under ``properties``: what else stands there is an expression that was not worked out."""
    if isinstance(body.get("properties"), dict):
        return body
    found = body.get("properties", {})
    kind = ResourceId(body["id"]).type
    return {
        **body,
        "properties": unresolved(kind, f"[{found}]".replace("[[", "[").replace("]]", "]"))
        if found != {}
        else {},
    }


# Server-made parts of a body: they change without anybody changing what is configured.
_VOLATILE = {
    "etag",
    "size",
    "provisioningstate",
    "systemdata",
    "childpolicies",
    "firewalls",
    "firewallpolicies",
}
_VOLATILE |= {"rulecollectiongroups", "resourceguid", "changenumber"}


def fingerprint(body: Body | None) -> str:
    """Digest of what is configured in ``body``, without server-made parts; ``absent`` for no resource."""
    return "absent" if body is None else digest_of(_settled(body))


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: item if type(item) is str else _settled(item)
            for key, item in value.items()
            if (item or not _is_empty(item)) and _stays(key)
        }
    if isinstance(value, list):
        return value if set(map(type, value)) == {str} else [_settled(item) for item in value]
    return value


@lru_cache(maxsize=4096)
def _stays(key: str) -> bool:
    """Is what stands under ``key`` configured, and not made by the server?"""
    return key.lower() not in _VOLATILE


def meaning(body: Body | None) -> str:
    """The fingerprint without what the service may answer otherwise than it was sent: letter case, and the order of
    things that have names (rules of a collection are evaluated together). A group without collections is none."""
    if body is None:
        return "absent"
    properties = body.get("properties") or {}
    if "ruleCollections" not in properties:
        return digest_of(_plain(_settled(body)))
    return digest_of(_plain(_settled(properties))) if properties["ruleCollections"] else "absent"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        named = all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items)
        return sorted(items, key=lambda item: str(item["name"])) if named else items
    return value.lower() if isinstance(value, str) else value


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ([], {}, "")


def names_of_others(bodies: Iterable[Body], wanted: str) -> str:
    """How ``bodies`` are called, for who looked for ``wanted`` in vain: by their id where their name is that one's."""
    name = ResourceId(wanted).name.lower()
    named = ((str(body.get("name") or ""), body["id"]) for body in bodies)
    return ", ".join(sorted({key if called.lower() == name else called for called, key in named})) or "none"
