"""What changes of a managed network take: minutes, money, and what cannot be undone. Data with its source. Pure.

Documentation names the firewall as billed and gives no price for it, so a price comes from the workload file or is
said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from allowlist.plan.model import Cost
from allowlist.points.managed.network import APPROVED, ManagedNetwork
from allowlist.points.point import Target
from allowlist.workload.document import Price

_ARTICLES: Final = "managed network articles of Azure AI Foundry and Azure Machine Learning, read 2026-09"
_RECORDED: Final = "exchanges recorded 2026-04-07"

PROVISIONING_MINUTES: Final = 30.0
FIREWALL_MINUTES: Final = 10.0
"""Both from the articles: provisioning takes about 30 minutes, the first FQDN rule adds about 10."""

FQDN_MINUTES: Final = 12.5
"""A live account (2026-05) took 10 to 15 minutes for each FQDN rule."""

FQDN_REMOVAL_MINUTES: Final = 13.0
TAG_MINUTES: Final = 0.5
"""Recorded: 13 min 12 s for the deletion of an FQDN rule, 31 s for a service tag rule."""

ENDPOINT_MINUTES: Final = 10.0
"""No figure is published; the live account calls it quicker than an FQDN rule, so this is the most to expect."""

SETTINGS_MINUTES: Final = 5.5
"""Recorded: 5 min 35 s for the settings of an account's network."""

QUICK_MINUTES: Final = 0.5
"""A rule of a network that is not provisioned is only noted (it stays Inactive until then)."""


def rule_cost(network: ManagedNetwork, kind: str, target: Target, *, removes: bool = False) -> Cost:
    """The cost of writing or deleting one rule of ``kind`` (FQDN, ServiceTag, PrivateEndpoint)."""
    source = f"{_RECORDED}; {_ARTICLES}"
    match kind:
        case "FQDN":
            return Cost(minutes=FQDN_REMOVAL_MINUTES if removes else _fqdn_minutes(network), source=source)
        case "PrivateEndpoint" if not removes:
            billed = "a private endpoint is billed; no price known"
            name = f"endpoints-{target.name}"
            return Cost(minutes=ENDPOINT_MINUTES, once=name, billed=billed, source=source)
        case _:
            return Cost(minutes=TAG_MINUTES if kind == "ServiceTag" else ENDPOINT_MINUTES, source=source)


def _fqdn_minutes(network: ManagedNetwork) -> float:
    return FQDN_MINUTES if network.provisioned else QUICK_MINUTES


def first_fqdn_cost(network: ManagedNetwork, target: Target, sku: str) -> Cost:
    """The first FQDN rule creates a firewall: one per hub or account, not shareable, billed while it stands."""
    fixed = "cannot be changed later" if target.surface == "account-network" else "can be changed later"
    price = find_price(target.prices, f"managed-firewall-{sku.lower()}")
    cost = Cost(
        minutes=_fqdn_minutes(network),
        once=f"firewall-{target.name}",
        once_minutes=FIREWALL_MINUTES,
        billed=f"the first FQDN rule creates an Azure Firewall of this network alone, SKU {sku}, which {fixed}; {_said(price)}",
        source=_ARTICLES,
    )
    return cost if price is None else _with_price(cost, price)


def _with_price(cost: Cost, price: Price) -> Cost:

    source = f"{cost.source}; price: {price.source}, {price.date}"
    return msgspec.structs.replace(cost, monthly=price.monthly, currency=price.currency, source=source)


def _said(price: Price | None) -> str:
    return (
        "no price known (give one under 'prices:')"
        if price is None
        else f"{price.monthly:g} {price.currency} a month"
    )


def find_price(prices: Iterable[Price], what: str) -> Price | None:
    return next((price for price in prices if price.what == what), None)


def provisioning_cost(target: Target) -> Cost:
    return Cost(
        minutes=PROVISIONING_MINUTES,
        once=f"provisioning-{target.name}",
        billed="the private endpoints of its required rules are billed from then on; no price known",
        irreversible="a provisioned network stays until the resource is deleted",
        source=_ARTICLES,
    )


def settings_cost(network: ManagedNetwork, member: str, value: str, target: Target) -> Cost:
    """The cost of one setting: isolation and kind V2 are one-way, a SKU is billed otherwise."""
    once = {"isolationMode": "isolation", "managedNetworkKind": "kind", "firewallSku": "sku"}[member]
    cost = {
        "minutes": SETTINGS_MINUTES,
        "once": f"{once}-{target.name}",
        "source": f"{_RECORDED}; {_ARTICLES}",
    }
    if member == "firewallSku":
        price = find_price(target.prices, f"managed-firewall-{value.lower()}")
        billed = (
            f"the firewall is billed as {value} from then on; {_said(price)}" if network.fqdn_rules else ""
        )
        return Cost(**cost, billed=billed)  # type: ignore[arg-type]
    if member == "isolationMode" and value == APPROVED:
        text = (
            "cannot be undone; required rules are added; everything without a rule is cut off from then on, "
            "and existing compute has to be made again"
        )
    else:
        text = "cannot be undone short of deleting the resource"
    return Cost(**cost, irreversible=text)  # type: ignore[arg-type]
