"""The formats by name: adding one is a class with ``write`` and ``read`` and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from allowlist.filters.dns import Dnsmasq, ResponsePolicyZones, UnboundLocalZones
from allowlist.filters.envoy import EnvoyForwardProxy, EnvoyServerNames
from allowlist.filters.format import Format
from allowlist.filters.haproxy import HAProxy
from allowlist.filters.kubernetes import KubernetesNetworkPolicy
from allowlist.filters.nginx import Nginx
from allowlist.filters.squid import Squid
from allowlist.filters.suricata import Suricata
from allowlist.filters.vendors import (
    AwsDomainList,
    Cilium,
    FortiGate,
    GoogleSecureWebProxy,
    PaloAlto,
    PaloAltoCategory,
)

_FORMATS: Final[tuple[Format, ...]] = (
    Squid(),
    EnvoyServerNames(),
    EnvoyForwardProxy(),
    Nginx(),
    HAProxy(),
    ResponsePolicyZones(),
    Dnsmasq(),
    UnboundLocalZones(),
    Suricata(),
    AwsDomainList(),
    Cilium(),
    KubernetesNetworkPolicy(),
    PaloAlto(),
    PaloAltoCategory(),
    FortiGate(),
    GoogleSecureWebProxy(),
)

FORMATS: Final[Mapping[str, Format]] = {item.name: item for item in _FORMATS}
