"""Which private endpoint serves a host name, and whether the name resolves to it from every source network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allowlist.network.endpoints import Endpoint, ServedName
from allowlist.network.private_dns import Resolution, resolve
from allowlist.network.scene import Scene
from allowlist.network.topology import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A name and its endpoint. ``private`` is True, False (it still resolves publicly), or None (unknown)."""

    name: str
    endpoint: Endpoint
    private: bool | None
    because: str


class Served:
    """Answers for many names about one scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._by_name: dict[str, list[tuple[Endpoint, ServedName]]] = {}
        for endpoint in scene.near_endpoints:
            for served in endpoint.names if endpoint.is_approved else ():
                self._by_name.setdefault(served.name, []).append((endpoint, served))

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def serving(self, name: str) -> Serving | None:
        """The approved endpoint behind an exact host name; None if there is none, or ``name`` is a wildcard."""
        found = [_serving(self._scene, self._scene.networks, *item) for item in self._by_name.get(name, ())]
        return max(found, key=lambda item: _RANK[item.private], default=None)

    def names(self) -> Iterable[str]:
        return self._by_name

    def serving_from(self, name: str, network: Network) -> Serving | None:
        """The same, asked from one network."""
        found = [_serving(self._scene, (network,), *item) for item in self._by_name.get(name, ())]
        return max(found, key=lambda item: _RANK[item.private], default=None)


_RANK = {True: 2, None: 1, False: 0}


def _serving(scene: Scene, networks: Iterable[Network], endpoint: Endpoint, served: ServedName) -> Serving:
    answers = [resolution_from(scene, network, endpoint, served) for network in networks]
    worst = min(answers, key=lambda item: _RANK[item.private])
    return Serving(name=served.name, endpoint=endpoint, private=worst.private, because=worst.because)


def resolution_from(scene: Scene, network: Network, endpoint: Endpoint, served: ServedName) -> Resolution:
    """How a name resolves for clients in ``network``."""
    answer = scene.answering(network)
    if answer.broken:
        return Resolution(private=False, code="dns-proxy", because=answer.broken, evidence=answer.evidence)
    if not answer.network:
        return Resolution(private=None, code="dns-link", because=answer.says, evidence=answer.evidence)
    found = resolve(scene.zones, served.zone, served.record, answer.network, endpoint.addresses)
    unread = scene.unread("Microsoft.Network/privateDnsZones")
    if unread and found.private is False:
        return Resolution(private=None, code=found.code, because=unread, evidence=answer.evidence)
    if answer.unreadable and found.private is not False:
        return Resolution(
            private=None, code=found.code or "dns-link", because=answer.unreadable, evidence=answer.evidence
        )
    if answer.unreadable and found.code == "dns-link":
        return Resolution(private=None, code="dns-link", because=answer.unreadable, evidence=answer.evidence)
    return found
