"""Where each cloud's Resource Manager and sign-in live."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from allowlist.azure.facts import clouds
from allowlist.errors import AllowlistError


class Cloud(msgspec.Struct, frozen=True):
    """``endpoint`` without a slash at the end; ``authority`` is the host azure-identity signs in at."""

    endpoint: str
    authority: str

    @property
    def scope(self) -> str:
        return f"{self.endpoint}/.default"

    @property
    def is_loopback_http(self) -> bool:
        parts = urlsplit(self.endpoint)
        return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")


CLOUDS = {name: Cloud(row.resource_manager, row.authority) for name, row in clouds().items()}
CLOUD_NAMES = tuple(CLOUDS)


def choose_cloud(name: str, endpoint: str | None, credential: str) -> Cloud:
    """The cloud by name, or another ARM at ``endpoint``; plain http only to this machine and without credential."""
    if not endpoint:
        return CLOUDS[name]
    cloud = Cloud(endpoint.rstrip("/"), CLOUDS[name].authority)
    if cloud.endpoint.startswith("https://") or (cloud.is_loopback_http and credential == "none"):
        return cloud
    if cloud.is_loopback_http:
        raise AllowlistError("a credential is never sent over plain http", hint="add --credential none")
    raise AllowlistError(f"'{endpoint}' is neither https nor http on this machine")
