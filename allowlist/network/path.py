"""The path of a flow, stage by stage: security group → route → DNS → firewall → service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from allowlist.network.nsg import OUTBOUND, SOMEWHERE, End, Question, decide
from allowlist.network.observation import Evidence, evidence
from allowlist.network.read import name_of, prefixes
from allowlist.network.routes import Hop, Leg
from allowlist.network.scene import Scene
from allowlist.network.serving import Served, Serving
from allowlist.network.topology import Subnet
from allowlist.rules.addresses import AddressSet


class Stage(StrEnum):
    SECURITY_GROUP = "network-security-group"
    ROUTE = "route"
    DNS = "dns"
    FIREWALL = "firewall"
    SERVICE = "service"


class Disposition(StrEnum):
    """``around`` means that the flow gets out without passing the firewall; ``aside`` that it never comes there.

    ``partly`` is for many flows at once, of which some pass.
    """

    PASSES = "passes"
    PARTLY = "partly"
    BLOCKED = "blocked"
    AROUND = "around"
    ASIDE = "aside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage of a path, with the place in the estate that decides it."""

    stage: Stage
    disposition: Disposition
    name: str
    says: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A flow as the network sees it; ``destination`` is an address where it is known."""

    subnet: Subnet
    address: str
    fqdn: str
    protocol: str
    port: int
    destination: str = ""


def source_subnet(scene: Scene, address: int) -> Subnet | None:
    """The subnet an address lies in: a source subnet first; None where none or several others hold it."""
    found = [subnet for subnet in scene.sources if address in subnet.addresses]
    found = found or scene.topology.at(address)
    return found[0] if len(found) == 1 else None


def subnet_spaces(scene: Scene) -> Iterator[AddressSet]:
    """The spaces of all subnets that :func:`source_subnet` tells apart."""
    yield from (subnet.addresses for subnet in scene.sources)
    yield from (subnet.addresses for subnet in scene.topology.subnets())


def path_of(scene: Scene, trip: Trip, firewall: Step) -> list[Step]:
    """All five stages; ``firewall`` says what the rules decide, should the flow come there."""
    network = scene.topology.network(trip.subnet.network)
    served = Served(scene).serving_from(trip.fqdn, network) if network and trip.fqdn else None
    private = served if served is not None and served.private else None
    route = _private_route(private) if private else _route(scene, trip)
    on_the_way = [
        _security_group(scene, trip, private),
        route,
        _dns(scene, trip, served),
        _at_firewall(firewall, route),
    ]
    return [*on_the_way, _service(trip, private, on_the_way)]


def _security_group(scene: Scene, trip: Trip, private: Serving | None) -> Step:
    subnet = trip.subnet
    place = evidence(subnet.holder, f"{subnet.path}properties.networkSecurityGroup.id")
    if not subnet.security_group:
        says = f"{subnet.name} has no security group"
        return _step(Stage.SECURITY_GROUP, Disposition.PASSES, "none", says, place)
    name = name_of(subnet.security_group)
    group = scene.estate.get(subnet.security_group)
    if group is None:
        return _step(Stage.SECURITY_GROUP, Disposition.UNKNOWN, name, f"{name} was not read", place)
    network = scene.topology.network(subnet.network)
    question = Question(
        direction=OUTBOUND,
        source=End(addresses=prefixes([trip.address])),
        destination=_destination(trip, private),
        protocol=trip.protocol,
        port=trip.port,
        local=network.space if network else subnet.addresses,
    )
    found = decide(group, question)
    if found.allows is None:
        rules = ", ".join(item.rule for item in found.doubts)
        says = f"depends on rule {rules}, whose tags or groups the ARM API does not resolve"
        return _step(Stage.SECURITY_GROUP, Disposition.UNKNOWN, name, says, *found.evidence)
    word = "allows" if found.allows else "denies"
    disposition = Disposition.PASSES if found.allows else Disposition.BLOCKED
    return _step(Stage.SECURITY_GROUP, disposition, name, f"rule {found.rule} {word} it", *found.evidence)


def _destination(trip: Trip, private: Serving | None) -> End:
    texts = private.endpoint.addresses if private else (trip.destination,) if trip.destination else ()
    addresses = prefixes(texts)
    if addresses:
        return End(addresses=addresses)
    return End(tag="VirtualNetwork") if private else SOMEWHERE


def _private_route(private: Serving) -> Step:
    """A private endpoint is a /32 of the network itself, more specific than any default route."""
    says = f"the address of {private.endpoint.name} is routed inside the network, not to the firewall"
    shown = evidence(private.endpoint.body, "properties.subnet.id")
    return _step(Stage.ROUTE, Disposition.PASSES, "private endpoint", says, shown)


def _route(scene: Scene, trip: Trip) -> Step:
    way = scene.ways_out.get(trip.subnet.id)
    if way is None:
        says = f"{trip.subnet.name} is no source of this workload"
        return _step(Stage.ROUTE, Disposition.UNKNOWN, trip.subnet.name, says)
    if way.unknown:
        return _step(Stage.ROUTE, Disposition.UNKNOWN, name_of(trip.subnet.route_table), way.unknown)
    address = prefixes([trip.destination]) if trip.destination else None
    leg = way.leg_to(address.intervals[0][0]) if address else way.main
    name = name_of(trip.subnet.route_table) or "no route table"
    if leg.hop is Hop.FIREWALL and leg.firewall is not None:
        says = f"route {leg.route} leads to {leg.firewall.name}"
        return _step(Stage.ROUTE, Disposition.PASSES, name, says, *leg.evidence)
    return _step(Stage.ROUTE, _disposition(trip.subnet, leg), name, _led(leg), *leg.evidence)


def _disposition(subnet: Subnet, leg: Leg) -> Disposition:
    if leg.hop is Hop.DROPPED:
        return Disposition.BLOCKED
    if leg.hop is Hop.DIRECT and subnet.default_outbound is False and not subnet.nat_gateway:
        return Disposition.BLOCKED
    return Disposition.UNKNOWN if leg.hop is Hop.GATEWAY else Disposition.AROUND


def _led(leg: Leg) -> str:
    if leg.hop is Hop.DIRECT:
        return "no route leads to the firewall"
    return f"route {leg.route} leads to {leg.next_hop or leg.hop}, not to the firewall"


def _dns(scene: Scene, trip: Trip, served: Serving | None) -> Step:
    network = scene.topology.network(trip.subnet.network)
    if network is None or not trip.fqdn:
        return _step(Stage.DNS, Disposition.ASIDE, "none", "no name is asked for")
    answer = scene.answering(network)
    name = name_of(answer.network) or "DNS"
    if answer.broken:
        return _step(Stage.DNS, Disposition.BLOCKED, name, answer.broken, *answer.evidence)
    if served is None:
        says = f"resolves to its public address; asked: {answer.says}"
        return _step(Stage.DNS, Disposition.PASSES, name, says, *answer.evidence)
    if served.private:
        return _step(Stage.DNS, Disposition.PASSES, name, served.because, *answer.evidence)
    if served.private is None:
        return _step(Stage.DNS, Disposition.UNKNOWN, name, served.because, *answer.evidence)
    says = f"{served.because}: it resolves to the public address although {served.endpoint.name} serves it"
    return _step(Stage.DNS, Disposition.PASSES, name, says, *answer.evidence)


def _at_firewall(firewall: Step, route: Step) -> Step:
    """What the rules say counts only where the route leads there."""
    if route.disposition is Disposition.PASSES and route.name != "private endpoint":
        return firewall
    says = (
        "not on the way"
        if route.disposition is not Disposition.UNKNOWN
        else f"if it comes there: {firewall.says}"
    )
    disposition = Disposition.ASIDE if route.disposition is not Disposition.UNKNOWN else firewall.disposition
    return Step(
        stage=Stage.FIREWALL,
        disposition=disposition,
        name=firewall.name,
        says=says,
        evidence=firewall.evidence,
    )


def _service(trip: Trip, private: Serving | None, before: Sequence[Step]) -> Step:
    """Reached only if nothing before holds the flow back."""
    dispositions = {step.disposition for step in before}
    disposition = next((item for item in _HOLDING if item in dispositions), Disposition.PASSES)
    name = private.endpoint.target_name if private else trip.fqdn or trip.destination
    if disposition is Disposition.BLOCKED:
        return _step(Stage.SERVICE, Disposition.ASIDE, name, "not reached")
    if private is None:
        return _step(Stage.SERVICE, disposition, name, "public endpoint")
    endpoint = private.endpoint
    says = f"{endpoint.target_name} ({endpoint.group}) through {endpoint.name}, which is approved"
    return _step(Stage.SERVICE, disposition, name, says, endpoint.evidence)


_HOLDING = (Disposition.BLOCKED, Disposition.UNKNOWN, Disposition.PARTLY, Disposition.AROUND)


def _step(stage: Stage, disposition: Disposition, name: str, says: str, *shown: Evidence) -> Step:
    return Step(stage=stage, disposition=disposition, name=name, says=says, evidence=shown)
