"""Which firewalls really carry a policy, where they stand, and how they resolve names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.inheritance import dns_holder
from allowlist.estate.known import as_flag
from allowlist.estate.parts import is_unread
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.unread import is_unread as is_unread_resource
from allowlist.network.read import member, objects, properties, reference, texts, under

FIREWALL_TYPE = "Microsoft.Network/azureFirewalls"
POLICY_TYPE = "Microsoft.Network/firewallPolicies"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """``servers`` empty means Azure DNS as seen from the firewall's own network. ``path`` is where it stands.

    ``open``: whether the proxy is on is not known.
    """

    proxy: bool
    servers: tuple[str, ...]
    holder: Body
    path: str
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """One firewall. ``network`` is the virtual network it stands in, ``hub`` the virtual hub; one of them is empty."""

    id: str
    name: str
    private_addresses: tuple[str, ...]
    network: str
    hub: str
    policy: str
    dns: DnsSettings
    body: Body


def firewalls_of(estate: Estate) -> list[Firewall]:
    """All firewalls of the estate."""
    return [_firewall(estate, body) for body in estate.of_type(FIREWALL_TYPE)]


def carriers(estate: Estate, target_id: str) -> list[Firewall]:
    """The firewalls that evaluate the rules of a policy (or of one of its children), or the classic firewall itself."""
    wanted = normal_id(target_id)
    if ResourceId(wanted).type == FIREWALL_TYPE.lower():
        return [item for item in firewalls_of(estate) if item.id == wanted]
    return [item for item in firewalls_of(estate) if wanted in set(_ancestry(estate, item.policy))]


def _ancestry(estate: Estate, policy: str) -> Iterator[str]:
    """A policy and its parents; a child's firewall evaluates all of them (Firewall Manager, policy overview)."""
    seen: set[str] = set()
    while policy and policy not in seen:
        seen.add(policy)
        yield policy
        policy = reference(properties(estate.get(policy)), "basePolicy")


def _firewall(estate: Estate, body: Body) -> Firewall:
    inner = properties(body)
    configurations = [properties(item) for item in objects(inner, "ipConfigurations")]
    subnet = next((found for item in configurations if (found := reference(item, "subnet"))), "")
    addresses = [str(item["privateIPAddress"]) for item in configurations if item.get("privateIPAddress")]
    hub_address = member(inner, "hubIPAddresses").get("privateIPAddress")
    policy = reference(inner, "firewallPolicy")
    return Firewall(
        id=normal_id(body["id"]),
        name=str(body.get("name") or ResourceId(body["id"]).name),
        private_addresses=(*addresses, *([str(hub_address)] if hub_address else [])),
        network=under(subnet, "virtualNetworks"),
        hub=reference(inner, "virtualHub"),
        policy=policy,
        dns=_dns_of_policy(estate, policy) if policy else _dns_of_firewall(body),
        body=body,
    )


def _dns_of_policy(estate: Estate, policy: str) -> DnsSettings:
    """The child's settings where it has any, else its parent's."""
    read = [estate.get(item) for item in _ancestry(estate, policy)]
    chain = [body for body in read if body is not None]
    holder = dns_holder(chain) or (chain[0] if chain else {})
    found = member(properties(holder), "dnsSettings")
    return DnsSettings(
        proxy=bool(as_flag(found.get("enableProxy"))),
        servers=tuple(texts(found, "servers")),
        holder=holder,
        path="properties.dnsSettings",
        open=_is_open(read, found),
    )


def _is_open(chain: Sequence[Body | None], found: Body) -> bool:
    """Is a policy, its settings or the switch in them an expression, or not read? ``found`` are those in force."""
    for body in chain:
        settings = properties(body).get("dnsSettings")
        if body is None or is_unread(settings):
            return True
        if settings:
            break
    return is_unread(as_flag(found.get("enableProxy")))


def _dns_of_firewall(body: Body) -> DnsSettings:
    """Classic firewalls keep the settings as texts in ``additionalProperties`` (recorded traffic)."""
    extra = {
        key.lower(): str(value) for key, value in member(properties(body), "additionalProperties").items()
    }
    servers, switch = extra.get("network.dns.servers", ""), extra.get("network.dns.enableproxy", "")
    return DnsSettings(
        proxy=switch.lower() == "true",
        servers=tuple(item.strip() for item in servers.split(",") if item.strip()),
        holder=body,
        path="properties.additionalProperties",
        open=is_unread_resource(body) or is_unread(switch),
    )
