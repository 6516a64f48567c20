"""The workload file as typed values: schema ``allowlist/workload/v1``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

SCHEMA: Final = "allowlist/workload/v1"

LOCAL_SURFACES: Final = frozenset({"filter"})
"""Surfaces that are not in Azure: their ``resource`` is a path, from the workload file on."""

DeletePolicy = Literal["add-only", "no-remove", "sync"]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class CatalogUse(_Section, frozen=True, kw_only=True):
    """A catalog at a pinned version; without ``scenarios`` its default ones are taken.

    ``needs`` says how much of it: what is required always, conditional and optional entries on request.
    ``exclude`` leaves out single entries by id. ``index`` takes the catalog from an index on the web instead of the
    folder of catalogs: ``https://…/index.json@sha256:…``.
    """

    name: str
    version: str
    index: str = ""
    scenarios: list[str] = []
    needs: list[Literal["required", "conditional", "optional"]] = msgspec.field(
        default_factory=lambda: ["required"]
    )
    include: list[str] = []
    exclude: list[str] = []


class OwnRequirement(_Section, frozen=True, kw_only=True):
    """Something only this workload needs; somebody answers for it, and it ends unless renewed."""

    id: Name
    ports: Annotated[list[str], Meta(min_length=1)]
    owner: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=1)]
    expires: str
    pattern: str = ""
    service_tag: str = ""
    fqdn_tag: str = ""


class SourceSet(_Section, frozen=True, kw_only=True):
    """Where traffic starts. Addresses, and resources whose prefixes are read from Azure."""

    addresses: list[str] = []
    ip_groups: list[str] = []
    subnets: list[str] = []
    virtual_networks: list[str] = []


class TargetSpec(_Section, frozen=True, kw_only=True):
    """One enforcement point. ``delete`` has no default on purpose."""

    name: Name
    surface: str
    resource: str
    delete: DeletePolicy
    sources: list[str] = []
    consumers: list[str] = []
    group: str = ""
    priority: Annotated[int, Meta(ge=100, le=65000)] = 1000
    collection: str = ""
    via: Literal["direct", "draft"] = "direct"
    options: dict[str, Any] = {}


class PathSpec(_Section, frozen=True, kw_only=True):
    """Filters that traffic passes one after the other, by the names of their targets, the nearest to clients first."""

    name: Name
    filters: Annotated[list[str], Meta(min_length=2)]


class Discovery(_Section, frozen=True, kw_only=True):
    """Targets that a scheduled run looks up: every enforcement point of one surface that fits all that is said.

    ``subscriptions`` by id, empty for all that are visible; ``resource_groups`` and ``names`` are globs; ``tags``
    must have these values. The rest is as in a target.
    """

    name: Name
    surface: str
    delete: DeletePolicy
    subscriptions: list[str] = []
    resource_groups: list[str] = []
    names: list[str] = []
    tags: dict[str, str] = {}
    sources: list[str] = []
    consumers: list[str] = []
    priority: Annotated[int, Meta(ge=100, le=65000)] = 1000
    options: dict[str, Any] = {}


class GateLimits(_Section, frozen=True, kw_only=True):
    """Where the gates stand, each on its own; the defaults are meant for small sets too.

    ``removals`` is how many rules may go, ``removal_share`` which share of the rules the workload owns, and
    ``catalog_shrink`` from which share on a catalog is suspected to have lost entries by mistake. Rules of an entry
    that a catalog ended are left alone for ``propose_days`` after that release, and for ``quarantine_days`` more they
    go only when somebody accepts the gate of that name. With ``unused_days`` a removal that logs show
    without traffic for so many days does not count for ``removals``; 0 asks for acceptance all the same.
    """

    removals: Annotated[int, Meta(ge=0)] = 0
    removal_share: Annotated[float, Meta(ge=0, le=1)] = 1.0
    additions: Annotated[int, Meta(ge=0)] = 200
    plan_age_hours: Annotated[int, Meta(ge=1)] = 72
    catalog_shrink: Annotated[float, Meta(ge=0, le=1)] = 0.3
    monthly_cost: Annotated[float, Meta(ge=0)] = 0.0
    propose_days: Annotated[int, Meta(ge=0)] = 30
    quarantine_days: Annotated[int, Meta(ge=0)] = 60
    unused_days: Annotated[int, Meta(ge=0)] = 0


class Price(_Section, frozen=True, kw_only=True):
    """What something costs a month; documentation names no price for it, so it says where the figure is from."""

    what: Literal["managed-firewall-standard", "managed-firewall-basic"]
    monthly: Annotated[float, Meta(ge=0)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    source: Annotated[str, Meta(min_length=1)]
    date: str


class Waiver(_Section, frozen=True, kw_only=True):
    """A gate or a finding somebody answers for until a date."""

    id: str
    owner: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=1)]
    expires: str


RiskTier = Literal["low", "wildcard", "removal", "widening", "billed", "irreversible"]
"""The risks of a plan's changes, as :class:`allowlist.plan.model.Risk` names them."""


class ApprovalRule(_Section, frozen=True, kw_only=True):
    """Who may approve, and how many it takes per risk tier. An empty ``approvers`` list means anybody signed in.

    ``valid_days`` is how long an approval counts at most, whatever end it names itself.
    ``assumptions``: what holds only under a likely assumption (a name does not resolve into somebody's list of three
    addresses) is told. ``refuse`` calls it unknown, ``gate`` lets it count and somebody accept each change that rests
    on one, ``accept`` asks nobody.
    """

    approvers: list[str] = []
    four_eyes: bool = False
    quorum: dict[RiskTier, Annotated[int, Meta(ge=1)]] = {}
    valid_days: Annotated[int, Meta(ge=1)] = 14
    allowed_signers: str = ""
    assumptions: Literal["refuse", "gate", "accept"] = "gate"


class Window(_Section, frozen=True, kw_only=True):
    """A maintenance window: ``days`` such as mon, tue; ``from``/``to`` as HH:MM in UTC."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    start: Annotated[str, Meta(pattern=r"^\d\d:\d\d$")] = msgspec.field(name="from")
    end: Annotated[str, Meta(pattern=r"^\d\d:\d\d$")] = msgspec.field(name="to")


class Freeze(_Section, frozen=True, kw_only=True):
    """No automatic change from one date to another, both inclusive."""

    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")
    reason: str = ""


class Unattended(_Section, frozen=True, kw_only=True):
    """What counts as safe. Always on top: a plain addition, all three proofs hold, no gate is closed.

    ``risks`` are the tiers let through, ``needs`` those of the entries asked for; ``catalogs`` empty means every
    catalog the workload pins. The workload's own requirements count only where ``catalogs`` names ``own``.
    """

    needs: list[Literal["required", "conditional", "optional"]] = msgspec.field(
        default_factory=lambda: ["required"]
    )
    risks: list[Literal["low", "wildcard"]] = msgspec.field(default_factory=lambda: ["low"])
    catalogs: list[str] = []


class Automation(_Section, frozen=True, kw_only=True):
    """What a scheduled run may apply. Nothing, unless written here.

    ``approved`` carries out what people approved, ``safe`` also what ``unattended`` lets through without them.
    ``drift``: what becomes of rules of ours that somebody changed. ``approvals`` are signed approval files beside
    the workload file, by glob. Windows and freezes hold for everything a run changes.
    """

    apply: Literal["nothing", "approved", "safe"] = "nothing"
    unattended: Unattended = Unattended()
    drift: Literal["report", "plan", "revert"] = "report"
    windows: list[Window] = []
    freezes: list[Freeze] = []
    approvals: list[str] = []


EventKind = Literal[
    "plan-ready",
    "approved",
    "applied",
    "rolled-back",
    "drift",
    "failed",
    "catalog-update-available",
    "expiring",
    "denied",
]

ENVIRONMENT: Final = "env:"


class Notification(_Section, frozen=True, kw_only=True):
    """Where to send news, all of it or only some ``events``.

    An address is a secret as a rule, so it is written as ``env:NAME`` and read from that environment variable; only a
    ``webhook`` may name its https address openly. A webhook is signed with the ``secret`` (``env:NAME``).
    """

    channel: Literal["webhook", "slack", "teams", "email", "apprise"]
    url: str
    events: list[EventKind] = []
    secret: str = ""


MIN_DAYS: Final = 14
"""In which what happens once a week happens twice."""


class TrafficLogs(_Section, frozen=True, kw_only=True):
    """Where traffic of this workload is logged, as ``allowlist evidence`` takes it; paths count from the workload file on.

    A scheduled run reads it and keeps counts of the last ``days`` days in the ledger. ``zone`` is what times without a
    zone are in (UTC or an offset), ``quiet_hours`` from how many hours without a line on something is missing. Where
    logs tell of fewer than ``min_days`` days, whatever is called unused is marked: a weekly job may need it.
    """

    logs: list[str] = []
    days: Annotated[int, Meta(ge=1, le=366)] = 30
    zone: Annotated[str, Meta(pattern=r"^(UTC|[+-]\d\d:?\d\d)?$")] = ""
    quiet_hours: Annotated[int, Meta(ge=1)] = 1
    min_days: Annotated[int, Meta(ge=0, le=366)] = MIN_DAYS


class Workload(_Section, frozen=True, kw_only=True):
    """One workload: what it needs, where it runs, and what may be done about it.

    ``sources`` are needed by targets whose rules name them; a managed network or an account list has none.
    ``tenant`` is the Entra tenant of its subscriptions, by id or domain, where that is not the home of whoever
    signs in.
    """

    schema: Literal["allowlist/workload/v1"]
    name: Name
    catalogs: list[CatalogUse] = []
    sources: dict[str, SourceSet] = {}
    targets: list[TargetSpec] = []
    paths: list[PathSpec] = []
    discover: list[Discovery] = []
    cloud: Literal["public", "usgov", "china"] = "public"
    tenant: str = ""
    parameters: dict[str, str] = {}
    """Values of placeholders; several beside each other with commas, such as every region of a Cosmos DB account."""
    requirements: list[OwnRequirement] = []
    prices: list[Price] = []
    gates: GateLimits = GateLimits()
    waivers: list[Waiver] = []
    approval: ApprovalRule = ApprovalRule()
    automation: Automation = Automation()
    notifications: list[Notification] = []
    evidence: TrafficLogs = TrafficLogs()
    suppressions: list[Waiver] = []
