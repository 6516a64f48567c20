"""All checks over one scene, each thing said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allowlist.network.checks import accounts, bastion, egress, firewall, gateways, links
from allowlist.network.observation import Observation
from allowlist.network.scene import Scene
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


def observe(
    scene: Scene, requirements: Sequence[Requirement], rulesets: dict[str, Ruleset]
) -> list[Observation]:
    """Everything there is to say about a workload's network; ``rulesets`` by target resource id."""
    return _distinct(_all(scene, requirements, rulesets))


def _all(
    scene: Scene, requirements: Sequence[Requirement], rulesets: dict[str, Ruleset]
) -> Iterator[Observation]:
    if scene.targets:
        yield from _way_out(scene, requirements)
    yield from egress.public_addresses(scene)
    yield from firewall.policy_carried(scene)
    yield from firewall.dns_proxy(scene)
    yield from firewall.names_in_network_rules(scene, rulesets)
    yield from links.connections(scene)
    yield from links.resolution(scene)
    yield from accounts.accounts(scene)
    yield from accounts.supporting(scene)
    yield from bastion.bastion(scene)
    yield from gateways.api_management(scene)
    yield from gateways.application_gateways(scene)
    yield from gateways.front_doors(scene)


def _way_out(scene: Scene, requirements: Sequence[Requirement]) -> Iterator[Observation]:
    """Only where a firewall is meant to be on the way: managed networks have no routes of ours."""
    yield from egress.source_known(scene)
    yield from egress.route_to_firewall(scene)
    yield from egress.around_the_firewall(scene)
    yield from egress.learned_routes(scene)
    yield from egress.service_endpoints(scene)
    yield from egress.peerings(scene)
    yield from egress.security_groups(scene, requirements)


def _distinct(observations: Iterable[Observation]) -> list[Observation]:
    """A route table on five subnets is one finding."""
    found: dict[tuple[str, str, str], Observation] = {}
    for item in observations:
        found.setdefault((item.code, item.resource.lower(), item.says), item)
    return list(found.values())
