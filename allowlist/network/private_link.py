"""What a private endpoint serves: resource types, sub-resources, private DNS zones and public names, per cloud."""

from __future__ import annotations

from dataclasses import dataclass

from allowlist.azure.facts import private_link


@dataclass(frozen=True, slots=True)
class Zone:
    """A private DNS zone and the public suffixes whose names it answers for."""

    name: str
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkedService:
    """One sub-resource of a resource type in one cloud. ``kinds`` narrows it to kinds of account, where given."""

    type: str
    group: str
    cloud: str
    zones: tuple[Zone, ...]


SERVICES: tuple[LinkedService, ...] = tuple(
    LinkedService(
        row.type, row.group, cloud, tuple(Zone(name, tuple(suffixes)) for name, suffixes in zones.items())
    )
    for row in private_link()
    for cloud, zones in row.zones.items()
)
_BY_KEY = {(row.type, row.group, row.cloud): row for row in SERVICES}
_NAMED_BY_RESOURCE = {row.type: row.named_by_resource for row in private_link()}
_ACCOUNT = "microsoft.cognitiveservices/accounts"


def service_of(resource_type: str, group: str, cloud: str) -> LinkedService | None:
    """The row for a sub-resource; ``blob_secondary`` is the same names as ``blob`` with a suffix of their own."""
    return _BY_KEY.get((resource_type.lower(), group.lower().removesuffix("_secondary"), cloud))


def zones_for(service: LinkedService, kind: str) -> tuple[Zone, ...]:
    """The zones an endpoint needs: an account of kind OpenAI has only OpenAI names, only Foundry has ``services.ai``."""
    if service.type != _ACCOUNT:
        return service.zones
    wanted = {"openai": ("openai",), "aiservices": ("cognitiveservices", "openai", "services.ai")}
    words = wanted.get(kind.lower(), ("cognitiveservices",))
    chosen = tuple(
        zone for zone in service.zones if any(f"privatelink.{word}." in zone.name for word in words)
    )
    return chosen or service.zones


def names_follow_resource(service: LinkedService) -> bool:
    """Is a host name the resource's name in front of a suffix? Workspaces and scopes have names of their own."""
    return _NAMED_BY_RESOURCE[service.type]
