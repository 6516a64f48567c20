"""What a workload most likely needs, from what was just read: catalogs with scenarios, and values of parameters.

Each proposal carries the resources that speak for it, so that a person can say no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from allowlist.catalog import Entry, Library
from allowlist.documents.words import counted
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import is_unread as is_expression
from allowlist.estate.parts import object_in, objects_in
from allowlist.estate.resource_id import ResourceId
from allowlist.estate.unread import is_unread
from allowlist.names import Pattern, covers
from allowlist.rules.model import Action, Ruleset

_WORKSPACES: Final = "Microsoft.MachineLearningServices/workspaces"
_ACCOUNTS: Final = "Microsoft.CognitiveServices/accounts"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A catalog to ask for, with the scenarios besides its default ones, and why."""

    catalog: str
    why: str
    scenarios: tuple[str, ...] = ()
    likely: bool = True
    """Is it taken unless somebody says no? Otherwise it is only offered."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a parameter most likely is, and why; ``others`` are what else it could be."""

    value: str
    why: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sign:
    """Resources of ``arm_type`` that fit speak for a catalog."""

    arm_type: str
    catalog: str
    what: str
    fits: Callable[[Body], bool] = field(default=lambda body: True)
    scenarios: tuple[str, ...] = ()
    likely: bool = True


def _kind(*kinds: str) -> Callable[[Body], bool]:
    wanted = {kind.lower() for kind in kinds}
    return lambda body: str(body.get("kind") or "").lower() in wanted


def _has_agents(body: Body) -> bool:
    """Agents that run in a subnet of the customer: their egress is that network's."""
    return any(item.get("subnetArmId") for item in objects_in(body["properties"], "networkInjections"))


def _has_managed_network(body: Body) -> bool:
    injections = objects_in(body["properties"], "networkInjections")
    return any(item.get("useMicrosoftManagedNetwork") for item in injections)


_SIGNS: Final = (
    _Sign(_WORKSPACES, "foundry-hub", "AI Foundry hub", _kind("hub")),
    _Sign(_WORKSPACES, "azure-machine-learning", "Machine Learning workspace", _kind("", "default")),
    _Sign(_ACCOUNTS, "foundry-account", "Foundry account with a managed network", _has_managed_network),
    _Sign(f"{_ACCOUNTS}/managedNetworks", "foundry-account", "managed network of a Foundry account"),
    _Sign(_ACCOUNTS, "foundry-agents", "Foundry account whose agents run in your network", _has_agents),
    _Sign(_ACCOUNTS, "azure-ai-services", "AI services account", _kind("OpenAI", "CognitiveServices")),
    _Sign(_ACCOUNTS, "azure-ai-services", "Foundry account", _kind("AIServices"), likely=False),
    _Sign(_ACCOUNTS, "azure-speech", "Speech account", _kind("SpeechServices")),
    _Sign(_ACCOUNTS, "azure-translator", "Translator account", _kind("TextTranslation")),
    _Sign("Microsoft.ContainerRegistry/registries", "azure-container-registry", "container registry"),
    _Sign("Microsoft.Search/searchServices", "azure-ai-search", "search service", likely=False),
    _Sign("Microsoft.KeyVault/vaults", "azure-key-vault", "key vault", likely=False),
    _Sign("Microsoft.Storage/storageAccounts", "azure-storage", "storage account", likely=False),
    _Sign("Microsoft.ContainerService/managedClusters", "aks", "AKS cluster"),
    _Sign("Microsoft.Kubernetes/connectedClusters", "arc-kubernetes", "Arc-enabled cluster"),
    _Sign("Microsoft.App/managedEnvironments", "azure-container-apps", "Container Apps environment"),
    _Sign("Microsoft.ApiManagement/service", "api-management", "API Management instance"),
    _Sign("Microsoft.Network/applicationGateways", "application-gateway", "application gateway"),
    _Sign("Microsoft.Insights/components", "azure-monitor", "Application Insights resource", likely=False),
    _Sign("Microsoft.Network/dnsResolvers", "dns-private-resolver", "DNS private resolver", likely=False),
    _Sign(
        "Microsoft.Network/bastionHosts", "developer-jumpbox", "Bastion host", scenarios=("bastion",), likely=False
    ),
)  # fmt: skip

_NAMED: Final = {
    "registry": "Microsoft.ContainerRegistry/registries",
    "storage": "Microsoft.Storage/storageAccounts",
    "vault": "Microsoft.KeyVault/vaults",
    "search": "Microsoft.Search/searchServices",
    "apim": "Microsoft.ApiManagement/service",
    "account": _ACCOUNTS,
}
"""Parameters that are the name of a resource, with its type."""

_IDS: Final = {
    "registryId": "Microsoft.ContainerRegistry/registries",
    "storageId": "Microsoft.Storage/storageAccounts",
    "vaultId": "Microsoft.KeyVault/vaults",
    "searchId": "Microsoft.Search/searchServices",
    "cosmosId": "Microsoft.DocumentDB/databaseAccounts",
    "accountId": _ACCOUNTS,
    "hubId": _WORKSPACES,
    "workspaceResourceId": _WORKSPACES,
}
"""Parameters that are the id of a resource, with its type."""

_OF_WORKSPACE: Final = {
    "registryId": "containerRegistry",
    "storageId": "storageAccount",
    "vaultId": "keyVault",
}
"""What a workspace says of the resources it comes with."""

LEAST_SHARE: Final = 0.5
LEAST_NAMES: Final = 3
"""From how much of a catalog on rules speak for it: half of its names, and no fewer than three."""


def propose_catalogs(estate: Estate, library: Library, rulesets: Sequence[Ruleset] = ()) -> list[Proposal]:
    """Catalogs that the resources of ``estate`` speak for, the likely ones first; then those that rules speak for."""
    found: dict[str, Proposal] = {}
    for sign in _SIGNS:
        fitting = [body for body in estate.of_type(sign.arm_type) if not is_unread(body) and sign.fits(body)]
        if fitting and sign.catalog in library.catalogs:
            known = found.get(sign.catalog)
            if known is None or (sign.likely and not known.likely):
                found[sign.catalog] = _proposal(sign, fitting)
    found |= {item.catalog: item for item in _by_rules(library, rulesets) if item.catalog not in found}
    return sorted(found.values(), key=lambda item: not item.likely)


def _proposal(sign: _Sign, bodies: Sequence[Body]) -> Proposal:
    names = ", ".join(_name(body) for body in bodies[:3])
    more = f" and {len(bodies) - 3} more" if len(bodies) > 3 else ""
    return Proposal(sign.catalog, f"{sign.what} {names}{more}", sign.scenarios, sign.likely)


def _name(body: Body) -> str:
    found = ResourceId(str(body["id"]))
    return (
        found.parent.name if found.type.endswith("/managednetworks") else str(body.get("name") or found.name)
    )


def _by_rules(library: Library, rulesets: Sequence[Ruleset]) -> Iterator[Proposal]:
    """Catalogs of which existing rules let a good part through already: somebody needed it."""
    allowed = {
        text
        for ruleset in rulesets
        for rule in ruleset.application
        if rule.action is Action.ALLOW
        for text in rule.patterns
        if text != "*"
    }
    patterns = [Pattern(text) for text in sorted(allowed)]
    for catalog in library if patterns else ():
        wanted = _plain_names(catalog.entries_at(catalog.latest if catalog.releases else "next"))
        held = [name for name in wanted if any(covers(one, name) for one in patterns)]
        if len(held) >= LEAST_NAMES and len(held) >= LEAST_SHARE * len(wanted):
            text = f"rules let through {len(held)} of its {counted(len(wanted), 'name')} already"
            yield Proposal(catalog.name, text, likely=False)


def _plain_names(entries: Sequence[Entry]) -> list[Pattern]:
    texts = {
        entry.pattern for entry in entries if entry.pattern and entry.is_egress and "{" not in entry.pattern
    }
    return [Pattern(text) for text in sorted(texts)]


def propose_values(estate: Estate, wanted: Sequence[str]) -> dict[str, Value]:
    """Values of the parameters ``wanted``, as far as the estate speaks for one."""
    found = {name: _value(estate, name) for name in wanted}
    return {name: value for name, value in found.items() if value}


def _value(estate: Estate, name: str) -> Value | None:
    if name == "region":
        return _region(estate)
    if name == "workspaceId":
        return _best(_workspace_ids(estate))
    if name in _IDS:
        return _best(_ids(estate, name))
    if name in _NAMED:
        return _best(_names(estate, name))
    return None


def _region(estate: Estate) -> Value | None:
    """Where most of what was read is; ``global`` is no region."""
    places = Counter(_location(body) for body in estate.resources.values())
    del places[""]
    if not places:
        return None
    ((first, count), *others) = places.most_common()
    return Value(first, f"{counted(count, 'resource')} there", tuple(place for place, _ in others))


def _location(body: Body) -> str:
    place = body.get("location")
    if not isinstance(place, str) or is_expression(place):
        return ""
    place = place.replace(" ", "").lower()
    return "" if place == "global" else place


def _workspace_ids(estate: Estate) -> Iterator[tuple[str, str]]:
    for body in estate.of_type(_WORKSPACES):
        yield str(body["properties"].get("workspaceId") or ""), f"workspaceId of {_name(body)}"


def _ids(estate: Estate, name: str) -> Iterator[tuple[str, str]]:
    """What a workspace names first, then every resource of the type."""
    for body in estate.of_type(_WORKSPACES) if name in _OF_WORKSPACE else ():
        yield (
            str(body["properties"].get(_OF_WORKSPACE[name]) or ""),
            f"{_OF_WORKSPACE[name]} of {_name(body)}",
        )
    hubs = [body for body in estate.of_type(_IDS[name]) if name != "hubId" or _kind("hub")(body)]
    yield from ((str(body["id"]), f"the resource {_name(body)}") for body in hubs)


def _names(estate: Estate, name: str) -> Iterator[tuple[str, str]]:
    for body in estate.of_type(_NAMED[name]):
        own = object_in(body, "properties").get("customSubDomainName") if name == "account" else None
        yield str(own or body.get("name") or ""), f"the resource {_name(body)}"
    for key in ("registry", "storage", "vault"):
        if name == key:
            yield from ((ResourceId(found).name, why) for found, why in _ids(estate, f"{name}Id") if found)


def _best(found: Iterator[tuple[str, str]]) -> Value | None:
    """The first value; one that is an expression of a template, or empty, is none."""
    values = {value: why for value, why in reversed(list(found)) if value and not is_expression(value)}
    if not values:
        return None
    ((first, why), *others) = reversed(values.items())
    return Value(first, why, tuple(value for value, _ in others))


_NOT_WORKLOADS: Final = ("AzureFirewallSubnet", "AzureFirewallManagementSubnet", "GatewaySubnet",
                         "AzureBastionSubnet", "RouteServerSubnet")  # fmt: skip


def propose_sources(estate: Estate) -> list[tuple[str, str]]:
    """Prefixes of subnets that workloads may run in, each with the name of its subnet."""
    found: list[tuple[str, str]] = []
    for network in estate.of_type("Microsoft.Network/virtualNetworks"):
        for subnet in objects_in(network["properties"], "subnets"):
            name = str(subnet.get("name") or "")
            properties = object_in(subnet, "properties")
            prefixes = [properties.get("addressPrefix"), *(properties.get("addressPrefixes") or ())]
            if name not in _NOT_WORKLOADS:
                texts = (text for text in prefixes if isinstance(text, str) and not is_expression(text))
                found += [
                    (text, f"{_name(network)}/{name}") for text in dict.fromkeys(texts) if ":" not in text
                ]
    return found
