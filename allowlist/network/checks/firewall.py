"""Which firewalls carry the rules, and how they resolve names."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.network.firewalls import carriers
from allowlist.network.observation import Observation, evidence, fault, met, unknown
from allowlist.network.read import member, name_of, objects
from allowlist.network.scene import Scene
from allowlist.rules.model import Ruleset

Observations = Iterator[Observation]
_READ_IT = "read it, or give the values of its parameters: allowlist snapshot -o DIR"


def policy_carried(scene: Scene) -> Observations:
    """A policy nobody carries decides nothing."""
    code = "firewall-carries-policy"
    for target in scene.targets:
        found = carriers(scene.estate, target)
        policy = scene.estate.get(target)
        if found:
            names = ", ".join(item.name for item in found)
            shown = [evidence(item.body, "properties.firewallPolicy.id") for item in found]
            yield met(code, target, f"carried by {names}", *shown)
        elif policy is None:
            yield unknown(code, target, "it was not read", "read it: allowlist snapshot -o DIR")
        elif scene.firewalls:
            names = ", ".join(item.name for item in scene.firewalls)
            says = f"no firewall carries it; {names} carry other rules"
            remedy = f"attach {name_of(target)} to the firewall in the workload's way"
            shown = [evidence(item.body, "properties.firewallPolicy.id") for item in scene.firewalls]
            yield fault(code, target, says, remedy, *shown)
        else:
            yield _without_firewalls(code, target, scene)


def _without_firewalls(code: str, target: str, scene: Scene) -> Observation:
    policy = scene.estate.get(target) or {}
    attached = objects(member(policy, "properties"), "firewalls")
    place = evidence(policy, "properties.firewalls")
    if attached:
        return unknown(
            code, target, "its firewalls were not read", "read them: allowlist snapshot -o DIR", place
        )
    remedy = f"attach {name_of(target)} to a firewall"
    return fault(code, target, "no firewall carries it: its rules decide nothing", remedy, place)


def dns_proxy(scene: Scene) -> Observations:
    """Networks that ask the firewall get no answer while its DNS proxy is off."""
    for network in scene.networks:
        answer = scene.answering(network)
        firewall = answer.through_proxy
        if firewall is None:
            continue
        holder = str(firewall.dns.holder.get("id") or firewall.id)
        if firewall.dns.open:
            yield unknown("dns-proxy", holder, answer.says, _READ_IT, *answer.evidence)
        elif answer.broken:
            remedy = (
                "enable the DNS proxy (dnsSettings.enableProxy), or take the firewall out of the DNS servers"
            )
            yield fault("dns-proxy", holder, answer.broken, remedy, *answer.evidence)
        else:
            says = f"{network.name} asks {firewall.name}; {answer.says}"
            yield met("dns-proxy", holder, says, *answer.evidence)


def names_in_network_rules(scene: Scene, rulesets: dict[str, Ruleset]) -> Observations:
    """Network rules compare addresses: client and firewall must get theirs from the same answers."""
    code = "dns-network-rules"
    for target, ruleset in rulesets.items():
        named = [rule for rule in ruleset.network if rule.fqdns]
        if not named:
            continue
        for firewall in carriers(scene.estate, target):
            place = evidence(firewall.dns.holder or firewall.body, firewall.dns.path)
            holder = str(firewall.dns.holder.get("id") or firewall.id)
            rule = named[0].ref
            if firewall.dns.open:
                says = f"rule {rule} names hosts, and whether the DNS proxy is on is not known"
                yield unknown(code, holder, says, _READ_IT, place)
                continue
            if not ruleset.settings.resolves_network_names:
                says = f"rule {rule} names hosts, but the DNS proxy is off: it matches nothing"
                yield fault(code, holder, says, "enable the DNS proxy (dnsSettings.enableProxy)", place)
                continue
            whole = [item for item in scene.networks if item.is_whole]
            apart = [item for item in whole if scene.answering(item).through_proxy is None]
            if apart:
                names = ", ".join(item.name for item in apart)
                says = f"rule {rule} names hosts, and {names} ask another DNS server than the firewall does"
                remedy = f"make {', '.join(firewall.private_addresses)} their DNS server"
                shown = [evidence(item.body, "properties.dhcpOptions.dnsServers") for item in apart]
                yield fault(code, holder, says, remedy, place, *shown, severity="warning")
            elif whole:
                yield met(code, holder, "clients and firewall ask the same DNS server", place)
