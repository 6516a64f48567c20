"""How a firewall is run: whether its logs are kept, how many ports it has to translate with, and in how many zones it stands.

Without logs nobody can tell what was denied or is used by nobody; without ports allowed flows fail all the same. Peers
check them (MCSB LT-4, the Azure Firewall checklist, APRL, checkov 219); pages of learn.microsoft.com, read 2026-06.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from allowlist.documents.words import counted
from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import normal_id
from allowlist.network.firewalls import Firewall, carriers
from allowlist.network.observation import Evidence, Observation, evidence, fault, met, note, unknown
from allowlist.network.read import member, objects, properties, reference
from allowlist.network.scene import Scene
from allowlist.rules.model import Action, ApplicationRule, Ruleset
from allowlist.rules.requirement import Requirement

Observations = Iterator[Observation]

DIAGNOSTICS: Final = "Microsoft.Insights/diagnosticSettings"
_BELOW: Final = "/providers/microsoft.insights/diagnosticsettings/"
_KEPT_AT: Final = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
_LOGS: Final = {
    "application rules": ("azfwapplicationrule", "azurefirewallapplicationrule"),
    "network rules": ("azfwnetworkrule", "azurefirewallnetworkrule"),
}
"""Categories of a firewall's log, structured and legacy ("Azure Firewall monitoring data reference")."""

SNAT_PORTS: Final = 2496
"""Ports for each public address and instance, of which there are two at least ("Scale SNAT ports with Azure NAT Gateway")."""

_INSTANCES: Final = 2


def operation(
    scene: Scene, requirements: Sequence[Requirement], rulesets: Mapping[str, Ruleset]
) -> Observations:
    """Of every firewall that carries a target, and of the rules it carries."""
    settings = _settings(scene)
    for firewall in scene.carriers:
        yield _logs(scene, firewall, settings.get(firewall.id, []))
        yield from _ports(scene, firewall)
        yield _zones(firewall)
        yield from _classic(firewall)
    for target, ruleset in rulesets.items():
        if carriers(scene.estate, target):
            yield from _plain_http(target, ruleset, requirements)


def _settings(scene: Scene) -> dict[str, list[Body]]:
    """Diagnostic settings by the resource that they are about, whose id begins theirs."""
    found: dict[str, list[Body]] = {}
    for body in scene.estate.of_type(DIAGNOSTICS):
        found.setdefault(normal_id(str(body["id"])).rpartition(_BELOW)[0], []).append(body)
    return found


def _logs(scene: Scene, firewall: Firewall, settings: Sequence[Body]) -> Observation:
    code, name = "firewall-logs", firewall.name
    kept = [item for item in settings if any(properties(item).get(place) for place in _KEPT_AT)]
    logged = {name for item in kept for name in _categories(item)}
    lacking = [words for words, names in _LOGS.items() if not logged & {"alllogs", *names}]
    shown = [evidence(item, "properties.logs") for item in kept or settings] or [evidence(firewall.body)]
    remedy = f"add a diagnostic setting to {name}: AZFWApplicationRule, AZFWNetworkRule and AZFWDnsQuery to a workspace"
    if not lacking:
        return met(code, firewall.id, f"{name} keeps its logs of application and network rules", *shown)
    if settings or f"{normal_id(firewall.id)}{_BELOW.rstrip('/')}" in scene.estate.empty:
        return fault(
            code,
            firewall.id,
            f"{name} keeps no log of {' and '.join(lacking)}"
            + ("" if settings else ": it has no diagnostic setting"),
            remedy,
            *shown,
            severity="warning",
        )
    why = scene.unread(DIAGNOSTICS) or "no diagnostic setting of it was read"
    says = f"whether {name} keeps its logs is not known: {why}; without them nothing tells what was denied"
    return unknown(code, firewall.id, says, f"read it (allowlist snapshot -o DIR), or {remedy}", *shown)


def _categories(setting: Body) -> Iterator[str]:
    for item in objects(properties(setting), "logs"):
        if item.get("enabled") is not False:
            yield str(item.get("category") or item.get("categoryGroup") or "").lower()


def _ports(scene: Scene, firewall: Firewall) -> Observations:
    """Source ports run out before bandwidth does where many agents call few hosts."""
    inner = properties(firewall.body)
    place, count = "properties.ipConfigurations", _public_addresses(inner)
    if firewall.hub:
        place, count = "properties.hubIPAddresses.publicIPs.count", _hub_addresses(inner)
    if count != 1 or _behind_gateway(scene, inner):
        return
    yield note(
        "snat-ports",
        firewall.id,
        f"{firewall.name} has one public address: {SNAT_PORTS * _INSTANCES} source ports for each destination at its smallest",
        "add public addresses, or a NAT gateway to AzureFirewallSubnet, before many agents call the same hosts",
        evidence(firewall.body, place),
    )


def _public_addresses(inner: Body) -> int:
    found = [reference(properties(item), "publicIPAddress") for item in objects(inner, "ipConfigurations")]
    return len({item for item in found if item})


def _hub_addresses(inner: Body) -> int:
    count = member(member(inner, "hubIPAddresses"), "publicIPs").get("count")
    return count if isinstance(count, int) else 0


def _behind_gateway(scene: Scene, inner: Body) -> bool:
    subnets = (reference(properties(item), "subnet") for item in objects(inner, "ipConfigurations"))
    found = [scene.topology.subnet(item) for item in subnets if item]
    return any(item is not None and item.nat_gateway for item in found)


def _zones(firewall: Firewall) -> Observation:
    code, zones = "firewall-zones", firewall.body.get("zones")
    count = len(zones) if isinstance(zones, list) else 0
    place = evidence(firewall.body, "zones")
    if count > 1:
        return met(code, firewall.id, f"{firewall.name} stands in {count} zones", place)
    says = f"{firewall.name} stands in {counted(count, 'zone') if count else 'no zone that is named'}: all egress ends with it"
    return note(code, firewall.id, says, "deploy it across zones where the region has them", place)


def _classic(firewall: Firewall) -> Observations:
    if not firewall.policy and not firewall.hub:
        says = f"{firewall.name} carries classic rules, which no policy inherits and no other firewall shares"
        yield note(
            "classic-rules",
            firewall.id,
            says,
            "migrate them to a firewall policy",
            evidence(firewall.body, "properties.firewallPolicy"),
        )


def _plain_http(target: str, ruleset: Ruleset, requirements: Iterable[Requirement]) -> Observations:
    """A rule that lets plain http through to names which are asked for by https alone."""
    wanted = _by_http(requirements)
    open_to = [
        (rule, [name for name in rule.patterns if wanted.get(name.lower()) is False])
        for rule in ruleset.application
        if rule.action is Action.ALLOW and _lets_http(rule)
    ]
    found = [(rule, names) for rule, names in open_to if names]
    if not found:
        return
    rule, names = found[0]
    more = f", and {counted(len(found) - 1, 'rule')} more" if len(found) > 1 else ""
    says = (
        f"rule {rule.ref} lets plain http through to {', '.join(names[:3])}, for which https suffices{more}"
    )
    place = Evidence(resource=target, path=f"rule {rule.ref}", value="http")
    yield note(
        "plain-http",
        target,
        says,
        "take http out of the rule: what is not encrypted can be read and changed",
        place,
    )


def _by_http(requirements: Iterable[Requirement]) -> dict[str, bool]:
    """By name: does anything ask for it over plain http?"""
    found: dict[str, bool] = {}
    for item in requirements:
        if item.is_by_name:
            name = item.pattern.lower()
            found[name] = found.get(name, False) or item.protocol == "http"
    return found


def _lets_http(rule: ApplicationRule) -> bool:
    return any(protocol == "http" for protocol, _ in rule.services)
