"""One flow, what is known about the world, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import Action, RuleRef, Stage


class Flow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a client sends. ``application`` is http, https, mssql or empty; ``name`` is SNI and Host alike.

    Where they differ, ``sni`` and ``host`` say so; an empty ``sni`` with https means that none was sent.
    ``destination`` and ``source`` are IPv4 addresses as numbers; ``destination`` None means "not known".
    """

    source: int
    port: int = 0
    transport: str = "tcp"
    application: str = ""
    sni: str = ""
    host: str = ""
    host_port: int | None = None
    path: str | None = None
    destination: int | None = None
    explicit_proxy: bool = False
    inbound: bool = False
    established: bool = False

    @property
    def name(self) -> str:
        """The name an application rule is matched with: SNI alone for https (rule processing page), else the host."""
        return self.sni if self.application == "https" else (self.host or self.sni)

    def starting_at(self, source: int) -> Flow:
        """The same flow from another address; written out, since this is done for every flow of a log."""
        return Flow(
            source=source,
            port=self.port,
            transport=self.transport,
            application=self.application,
            sni=self.sni,
            host=self.host,
            host_port=self.host_port,
            path=self.path,
            destination=self.destination,
            explicit_proxy=self.explicit_proxy,
            inbound=self.inbound,
            established=self.established,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What ARM cannot tell. A missing key means "not known", an empty value means "known to be empty"."""

    dns: Mapping[str, AddressSet] = field(default_factory=dict)
    service_tags: Mapping[str, AddressSet] = field(default_factory=dict)
    fqdn_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    infrastructure: tuple[str, ...] = ()
    threat_names: tuple[str, ...] = ()
    threat_addresses: AddressSet = field(default_factory=AddressSet)


NOTHING_KNOWN = Facts()


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One rule that was looked at and mattered: it decided, or it might have."""

    ref: RuleRef
    stage: Stage
    action: Action
    certain: bool
    unknowns: tuple[str, ...] = ()
    assumes: str = ""
    """Of a doubt that has a likely answer: the condition, in words, under which that answer is wrong."""
    presumed: bool = False
    """That answer: does the rule match?"""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer for one flow. ``action`` None means unknown: the ``unknowns`` say what would decide it.

    ``assumptions`` are conditions, in words, under which the answer would be another one; empty where it is certain.
    """

    action: Action | None
    stage: Stage
    ref: RuleRef | None = None
    because: str = ""
    unknowns: tuple[str, ...] = ()
    alert: bool = False
    path: tuple[Step, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        return self.action.value if self.action else "unknown"
