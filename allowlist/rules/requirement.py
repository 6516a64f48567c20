"""What a workload must reach: a source set, names (or a service tag), a protocol and ports."""

from __future__ import annotations

from typing import Final

import msgspec

from allowlist.rules.addresses import NOWHERE, AddressSet, Interval

FIELD_SCENARIO: Final = "field"
"""The scenario of what no page says and the field found out: taken on request only, and never unattended."""


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who wants it: a catalog entry at a version, or the workload itself (then ``catalog`` is ``own``)."""

    catalog: str
    version: str
    entry: str
    scenario: str = ""

    def __str__(self) -> str:
        return f"{self.catalog}@{self.version}#{self.entry}"


class Requirement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that must be reachable: exactly one of ``pattern``, ``service_tag``, ``fqdn_tag``, ``addresses`` and
    ``endpoint`` (a resource's id and its sub-resource, to be reached by private endpoint) is set.

    ``protocol`` is https, http or mssql (matched by name) or tcp, udp or icmp (matched by address).
    """

    origin: Origin
    sources: AddressSet
    protocol: str
    ports: Interval
    pattern: str = ""
    service_tag: str = ""
    fqdn_tag: str = ""
    addresses: AddressSet = NOWHERE
    endpoint: tuple[str, str] | None = None
    need: str = "required"
    purpose: str = ""
    breaks: str = ""
    source_url: str = ""
    source_date: str = ""
    evidence: str = ""
    """How it is known, where more than a page says so: one line, with the confidence computed on the day of the plan."""
    key: str = ""
    """Names the requirement in plans and reports."""

    def __post_init__(self) -> None:
        low, high = self.ports
        ports = low if low == high else f"{low}-{high}"
        msgspec.structs.force_setattr(
            self, "key", f"{self.origin} {self.destination} {self.protocol}:{ports}"
        )

    @property
    def destination(self) -> str:
        named = self.pattern or self.service_tag or self.fqdn_tag
        if named or self.endpoint is None:
            return named or str(self.addresses)
        return "/".join(self.endpoint)

    @property
    def is_by_name(self) -> bool:
        """Is it matched by application rules (Host or SNI), not by address?"""
        return self.protocol in ("http", "https", "mssql")
