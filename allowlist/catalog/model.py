"""What a catalog says, as values: entries, the releases they belong to, and the scenarios that group them."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from allowlist.catalog.versions import Version, parse_version, resolve_version
from allowlist.rules.requirement import FIELD_SCENARIO

ANY_PORT: Final = (0, 65535)


class Protocol(StrEnum):
    """``https``, ``http`` and ``mssql`` are understood by application rules, the rest by network rules only."""

    HTTPS = "https"
    HTTP = "http"
    MSSQL = "mssql"
    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"
    ANY = "any"


class Kind(StrEnum):
    """What an entry names. ``NOTHING`` is a documented "needs no egress", which differs from "unknown"."""

    PATTERN = "pattern"
    SERVICE_TAG = "service_tag"
    FQDN_TAG = "fqdn_tag"
    PRIVATE_ENDPOINT = "private_endpoint"
    ADDRESSES = "addresses"
    PORTS_ONLY = "ports_only"
    NOTHING = "nothing"


class Need(StrEnum):
    REQUIRED = "required"
    CONDITIONAL = "conditional"
    OPTIONAL = "optional"


class Cloud(StrEnum):
    """``GERMANY`` closed in 2021; it is kept so that the history of old pages can be told."""

    PUBLIC = "public"
    USGOV = "usgov"
    CHINA = "china"
    GERMANY = "germany"


class Consumer(StrEnum):
    """Where the traffic starts, and so which kind of allow list has to carry it."""

    MANAGED_NETWORK = "managed-network"
    CUSTOMER_FIREWALL = "customer-firewall"
    ACCOUNT_LIST = "account-list"
    AGENT = "agent"
    CLIENT = "client"
    NODE = "node"
    CONTAINER_HOST = "container-host"


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class Port(msgspec.Struct, frozen=True, order=True):
    """One protocol with a range of ports; a single port has ``first == last``, all ports are 0 to 65535."""

    protocol: Protocol
    first: int
    last: int

    def __str__(self) -> str:
        if (self.first, self.last) == ANY_PORT:
            return f"{self.protocol}:*"
        return f"{self.protocol}:{self.first}" + (f"-{self.last}" if self.last != self.first else "")

    def covers(self, other: Port) -> bool:
        """Does this port let everything through that ``other`` lets through?"""
        return (
            _carries(self.protocol, other.protocol) and self.first <= other.first <= other.last <= self.last
        )


def _carries(wide: Protocol, narrow: Protocol) -> bool:
    over_tcp = (Protocol.HTTPS, Protocol.HTTP, Protocol.MSSQL)
    return wide in (narrow, Protocol.ANY) or (wide is Protocol.TCP and narrow in over_tcp)


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One page that documents an entry. ``date`` is the page's own date, or empty when it carries none."""

    repo: str
    path: str
    commit: str = ""
    date: str = ""


class EvidenceClass(StrEnum):
    """How somebody knows, the strongest first."""

    DOCUMENTED = "documented"
    MAINTAINER_SAID = "maintainer-said"
    VALIDATED_ALONE = "validated-alone"
    VALIDATED_TOGETHER = "validated-together"
    OBSERVED = "observed"
    DENIED_IN_LOG = "denied-in-log"
    ENDPOINT_IN_SOURCE = "endpoint-in-source"
    RULE_IN_TEMPLATE = "rule-in-template"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report from the field: a repository with a commit or a number, never a person.

    ``works_without`` turns it around: somebody had the name closed and everything worked. ``date`` is a day, a month
    or a year, empty where it could not be established; ``version`` is that of the program, ``region`` Azure's name.
    """

    kind: EvidenceClass = msgspec.field(name="class")
    repo: str = ""
    where: str = ""
    commit: str = ""
    date: str = ""
    region: str = ""
    version: str = ""
    works_without: bool = False


class Moment(StrEnum):
    """When a program asks for a name."""

    INSTALL = "install"
    IMPORT = "import"
    START = "start"
    FIRST_CALL = "first-call"
    BACKGROUND = "background"
    EXIT = "exit"


class Client(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program that asks for the name.

    ``package`` is the name in its registry, ``npm:`` before those of npm; ``versions`` the one it was seen in, or a
    range (``>=0.31``) where the name moved. ``denied`` says what happened when the name was closed, ``switch`` what
    ends the asking.
    """

    package: str
    versions: str = ""
    operation: str = ""
    moment: Moment
    denied: str = ""
    switch: str = ""
    moved: str = ""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A use of the service. A workload gets a ``default`` scenario without asking for it."""

    title: str
    default: bool = False


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One published version; ``digest`` is the SHA-256 of its canonical requirements."""

    version: str
    date: str
    note: str = ""
    digest: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One documented requirement.

    ``value`` is the pattern, tag, zone, resource or joined addresses, empty for ports without a destination
    and for a documented "needs nothing". An entry nobody's egress list carries (inbound, or nothing needed)
    has no consumers. ``refuse`` names what is asked for and better refused (telemetry, version checks), with what is
    lost then; ``dead_since`` a name that is retired and stays as a tombstone. Neither has consumers: no list carries it.
    """

    id: str
    since: str
    until: str = ""
    kind: Kind
    value: str = ""
    sub_resource: str = ""
    ports: tuple[Port, ...] = ()
    need: Need
    condition: str = ""
    clouds: tuple[Cloud, ...]
    scenario: str
    consumers: tuple[Consumer, ...] = ()
    direction: Direction = Direction.OUTBOUND
    alternative: str = ""
    written: str = ""
    purpose: str = ""
    breaks: str = ""
    risk: str = ""
    contradiction: str = ""
    note: str = ""
    refuse: str = ""
    owner: str = ""
    dead_since: str = ""
    sources: tuple[Source, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    asked_by: tuple[Client, ...] = ()

    @property
    def pattern(self) -> str | None:
        return self.value if self.kind is Kind.PATTERN else None

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(self.value.split(", ")) if self.kind is Kind.ADDRESSES else ()

    @property
    def is_egress(self) -> bool:
        """Does somebody have to let this out?"""
        wanted = not (self.refuse or self.dead_since)
        return wanted and self.kind is not Kind.NOTHING and self.direction is Direction.OUTBOUND

    @property
    def is_from_field(self) -> bool:
        return self.scenario == FIELD_SCENARIO

    @property
    def is_private_zone(self) -> bool:
        """A private DNS zone, as opposed to a resource that gets a private endpoint."""
        return self.kind is Kind.PRIVATE_ENDPOINT and "privatelink." in self.value

    def in_version(self, version: Version) -> bool:
        started = parse_version(self.since) <= version
        return started and (not self.until or version < parse_version(self.until))

    def __str__(self) -> str:
        return self.value or {Kind.PORTS_ONLY: "any destination", Kind.NOTHING: "nothing"}.get(self.kind, "")


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """One service with all its versions. ``placeholders`` maps each allowed name to what stands for it."""

    name: str
    title: str
    description: str
    scenarios: dict[str, Scenario]
    placeholders: dict[str, str]
    releases: tuple[Release, ...]
    entries: tuple[Entry, ...]

    @property
    def latest(self) -> str:
        """The newest released version. Raises CatalogError if nothing is released yet."""
        return self.resolve("latest")

    def resolve(self, text: str) -> str:
        """``latest``, ``next``, ``1``, ``1.2`` or ``1.2.3`` as an exact version. Raises CatalogError."""
        return resolve_version(self.name, text, tuple(release.version for release in self.releases))

    def release(self, text: str) -> Release:
        """The release that ``text`` resolves to. Raises CatalogError."""
        version = self.resolve(text)
        found = next((release for release in self.releases if release.version == version), None)
        return found or Release(version=version, date="", note="not released yet")

    def entries_at(self, version: str) -> tuple[Entry, ...]:
        """The entries of one version, in the order of the file. Raises CatalogError."""
        wanted = parse_version(self.resolve(version))
        return tuple(entry for entry in self.entries if entry.in_version(wanted))

    @property
    def default_scenarios(self) -> tuple[str, ...]:
        return tuple(name for name, scenario in self.scenarios.items() if scenario.default)

    @property
    def has_unreleased_changes(self) -> bool:
        return any("next" in (entry.since, entry.until) for entry in self.entries)


@lru_cache(maxsize=4096)
def parse_port(text: str) -> Port:
    """``https:443``, ``tcp:8704-8710``, ``udp:*`` or ``icmp``. Raises ValueError with the reason."""
    name, _, numbers = text.partition(":")
    if name not in list(Protocol):
        raise ValueError(f"'{text}' starts with no known protocol ({', '.join(Protocol)})")
    if numbers in ("", "*"):
        if numbers == "" and name != Protocol.ICMP:
            raise ValueError(f"'{text}' lacks a port; write '{name}:443', '{name}:8704-8710' or '{name}:*'")
        return Port(Protocol(name), *ANY_PORT)
    first, _, last = numbers.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise ValueError(f"'{text}' has no port number after the colon")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= ANY_PORT[1]:
        raise ValueError(f"'{text}' is outside 1 to 65535, or its range runs backwards")
    return Port(Protocol(name), low, high)
