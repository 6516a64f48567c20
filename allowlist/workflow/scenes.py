"""A workload's scene: its sources and targets put into the network of an estate."""

from __future__ import annotations

from collections.abc import Sequence

from allowlist.estate.bodies import Estate
from allowlist.network.read import prefixes, properties, texts
from allowlist.network.scene import Scene, scene_of
from allowlist.points.kind import kind_of
from allowlist.points.point import Target
from allowlist.rules.addresses import AddressSet
from allowlist.workload import TargetSpec, Workload


def workload_scene(workload: Workload, estate: Estate, specs: Sequence[TargetSpec]) -> Scene:
    """The network around the sources and firewalls of ``specs``."""
    names = sorted({name for spec in specs for name in (spec.sources or workload.sources)})
    sources = [workload.sources[name] for name in names]
    addresses = AddressSet.parse(text for source in sources for text in source.addresses)
    for group in (item for source in sources for item in source.ip_groups):
        addresses |= _members(estate, group)
    return scene_of(
        estate,
        workload.cloud,
        [
            kind_of(spec.surface).bind(Target.of(workload, spec)).decider(estate)
            for spec in specs
            if kind_of(spec.surface).on_network
        ],
        [item for source in sources for item in (*source.subnets, *source.virtual_networks)],
        addresses,
    )


def _members(estate: Estate, group: str) -> AddressSet:
    return prefixes(texts(properties(estate.get(group)), "ipAddresses"))
