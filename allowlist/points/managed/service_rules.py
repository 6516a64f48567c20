"""Outbound rules that the service makes itself in a network that approves each destination, known by its mode.

Templates and many exports do not list them; a live listing does, and is then what counts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from allowlist.points.managed.network import APPROVED, ManagedNetwork, OutboundRule, Platform

_TAGS: Final[dict[Platform, tuple[tuple[str, str, str], ...]]] = {
    "account": (
        ("AzureActiveDirectory", "TCP", "80, 443"),
        ("AzureMachineLearning", "TCP", "80, 443"),
    ),
    "hub": (
        ("AzureActiveDirectory", "TCP", "80, 443"),
        ("AzureResourceManager", "TCP", "443"),
        ("AzureMachineLearning", "TCP", "443"),
        ("AzureMachineLearning", "UDP", "5831"),
        ("AzureMonitor", "TCP", "443"),
        ("BatchNodeManagement", "TCP", "443"),
        ("MicrosoftContainerRegistry", "TCP", "443"),
        ("AzureFrontDoor.FirstParty", "*", "*"),
        ("VirtualNetwork", "*", "*"),
    ),
}
"""Tag, protocol and ports by platform (managed network articles of Azure Machine Learning and of Foundry accounts)."""


def service_rules(network: ManagedNetwork) -> tuple[OutboundRule, ...]:
    """The rules of the service, where none was listed by it: a listing read from Azure holds all of them."""
    if network.isolation != APPROVED or any(rule.is_required or rule.has_status for rule in network.rules):
        return ()
    return tuple(_made(network))


def _made(network: ManagedNetwork) -> Iterator[OutboundRule]:
    for tag, protocol, ports in _TAGS[network.platform]:
        suffix = "" if protocol == "*" else f"_{protocol}"
        yield OutboundRule(
            name=f"__SYS_ST_{tag}{suffix}",
            kind="ServiceTag",
            destination={"serviceTag": tag, "protocol": protocol, "portRanges": ports, "action": "Allow"},
            category="Required",
        )
    for resource, sub_resource in network.own_resources:
        yield OutboundRule(
            name=f"__SYS_PE_{resource.rpartition('/')[2]}_{sub_resource}",
            kind="PrivateEndpoint",
            destination={
                "serviceResourceId": resource,
                "subresourceTarget": sub_resource,
                "sparkEnabled": True,
            },
            category="Required",
        )
