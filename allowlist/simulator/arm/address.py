"""Where a request goes: resource ids as ARM reads them, without case and with a stray double slash."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

_SLASHES = re.compile(r"/{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """``segments`` is what follows the provider: types and names in turn.

    An even number of segments names a resource, an odd one a collection or an action.
    """

    subscription: str = ""
    group: str = ""
    namespace: str = ""
    segments: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    """Path segments that belong to no provider, such as ``resources`` or ``locations``."""
    scope: str = ""
    """For an extension resource (a role assignment, say) the id of the resource it extends."""

    @property
    def names_a_resource(self) -> bool:
        return bool(self.segments) and len(self.segments) % 2 == 0

    @property
    def type_path(self) -> str:
        """``firewallPolicies/ruleCollectionGroups`` as the caller spelled it."""
        return "/".join(self.segments[0::2])

    @property
    def name(self) -> str:
        return self.segments[-1]

    @property
    def key(self) -> str:
        return key_of(self.path)

    @property
    def path(self) -> str:
        scope = self.scope or scope_path(self.subscription, self.group)
        return scope + provider_path(self.namespace, self.segments)

    def parent(self) -> Address:
        """The resource one level up, or the collection of a resource's siblings for an action."""
        shorter = self.segments[:-2] if self.names_a_resource else self.segments[:-1]
        return replace(self, segments=shorter)

    def child(self, *segments: str) -> Address:
        return replace(self, segments=self.segments + segments)


def key_of(resource_id: str) -> str:
    """One key for all spellings of one id."""
    return _SLASHES.sub("/", resource_id).rstrip("/").lower()


def scope_path(subscription: str, group: str = "") -> str:
    path = f"/subscriptions/{subscription}" if subscription else ""
    return f"{path}/resourceGroups/{group}" if group else path


def provider_path(namespace: str, segments: tuple[str, ...]) -> str:
    return "/".join(("", "providers", namespace, *segments)) if namespace else ""


def parse_address(path: str) -> Address:
    """Read a request path (percent-encoded or not) or a resource id."""
    parts = [unquote(part) for part in path.split("?")[0].split("/") if part]
    subscription, parts = _take(parts, "subscriptions")
    group, parts = _take(parts, "resourcegroups") if subscription else ("", parts)
    if len(parts) >= 2 and parts[0].lower() == "providers":
        last = max(index for index, part in enumerate(parts) if part.lower() == "providers")
        scope = "/".join((scope_path(subscription, group), *parts[:last])) if last else ""
        namespace, *segments = parts[last + 1 :] or [""]
        return Address(
            subscription=subscription,
            group=group,
            namespace=namespace,
            segments=tuple(segments),
            scope=scope,
        )
    return Address(subscription=subscription, group=group, rest=tuple(parts))


def _take(parts: list[str], word: str) -> tuple[str, list[str]]:
    if len(parts) >= 2 and parts[0].lower() == word:
        return parts[1], parts[2:]
    return "", parts
