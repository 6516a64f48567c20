"""What a firewall policy takes from its parents, decided once for everybody who asks.

DNS settings come from the nearest policy that has any; the tier is the policy's own (Firewall Manager, policy
overview). A chain has the policy itself first and its topmost parent last.
"""

from __future__ import annotations

from collections.abc import Sequence

from allowlist.estate.bodies import Body
from allowlist.estate.fields import object_of
from allowlist.estate.known import as_flag


def dns_holder(chain: Sequence[Body]) -> Body | None:
    """The policy whose DNS settings are in force: the nearest that has any."""
    return next((body for body in chain if _dns(body)), None)


def effective_policy(chain: Sequence[Body]) -> Body:
    """The policy itself with the DNS settings that are in force for it."""
    policy, holder = chain[0], dns_holder(chain)
    inherited = {"dnsSettings": _dns(holder)} if holder else {}
    return {**policy, "properties": {**policy["properties"], **inherited}}


def resolves_network_names(policy: Body) -> bool:
    """Names in network rules need the DNS proxy, or the deprecated switch that waives it.

    A switch that is no boolean may be on, and so may settings that are no object; that they are not known is a doubt of
    the policy.
    """
    dns = _dns(policy)
    may_be_on = as_flag(dns.get("enableProxy", False)) is not False or not isinstance(
        policy["properties"].get("dnsSettings", {}), dict
    )
    return may_be_on or as_flag(dns.get("requireProxyForNetworkRules")) is False


def _dns(policy: Body) -> Body:
    found: Body = object_of(policy["properties"].get("dnsSettings"))
    return found
