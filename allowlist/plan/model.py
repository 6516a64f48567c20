"""The plan as a document: ``allowlist/plan/v1``."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

SCHEMA: Final = "allowlist/plan/v1"

Json = dict[str, Any]


class Classification(StrEnum):
    """What a change means for what is let through."""

    NEW = "new"
    ALREADY_COVERED = "already-covered"
    WIDENS = "widens"
    NARROWS = "narrows"
    SHADOWED = "shadowed"
    REDUNDANT = "redundant"


class Risk(StrEnum):
    """Tiers for approval, the mildest first; bulk approval stays inside one tier."""

    LOW = "low"
    WILDCARD = "wildcard"
    REMOVAL = "removal"
    WIDENING = "widening"
    BILLED = "billed"
    IRREVERSIBLE = "irreversible"


class Operation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One edit of one surface, small enough to be approved on its own.

    ``resource`` is the ARM id that is written, ``path`` where inside it (collection and rule, rule name, list
    entry). ``before`` and ``after`` are that part's JSON; None means absent. ``context`` holds what the surface
    needs to place it (priorities, action) and belongs to the meaning.
    """

    action: Literal["add", "update", "remove"]
    surface: str
    resource: str
    path: tuple[str, ...]
    before: Json | None = None
    after: Json | None = None
    context: Json = {}


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of the three proofs; a failed one shows a ``witness`` (source → host protocol:port).

    ``also`` are destinations with protocol and port that open beside what is asked for, because no narrower rule of
    this kind can be written.
    """

    holds: bool
    text: str
    witness: str = ""
    also: tuple[str, ...] = ()


class Proofs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """*needed*: not already allowed · *sufficient*: allowed after the plan · *nothing_else* opens or closes."""

    needed: Proof
    sufficient: Proof
    nothing_else: Proof


class Cost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a change costs. ``monthly`` is in ``currency`` per month, None where no price is known.

    ``once`` names something several changes would bring about together, such as a firewall: its price and its
    ``once_minutes`` count once, and its gate is accepted by that name.
    """

    minutes: float = 0
    once: str = ""
    once_minutes: float = 0
    monthly: float | None = None
    currency: str = ""
    billed: str = ""
    irreversible: str = ""
    source: str = ""


class RequirementRef(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The requirement a change serves, as people need to see it. ``source_date`` is the page's own date, if any.

    ``evidence`` is the line about what the field knows; empty where only a page speaks.
    """

    catalog: str
    version: str
    entry: str
    pattern: str
    protocol: str
    ports: str
    sources: tuple[str, ...] = ()
    need: str = "required"
    scenario: str = ""
    purpose: str = ""
    breaks: str = ""
    source_url: str = ""
    source_date: str = ""
    evidence: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One approvable change. ``digest`` is over its meaning (see :mod:`allowlist.plan.digest`)."""

    id: str
    target: str
    title: str
    operation: Operation
    classification: Classification
    risk: Risk
    reason: str
    proofs: Proofs
    requirements: tuple[RequirementRef, ...] = ()
    cost: Cost = Cost()
    gates: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """Conditions, in words, under which the change does not achieve what it is for."""
    traffic: tuple[str, ...] = ()
    """What logs of traffic say about it; a witness beside the proofs, no part of what is approved."""
    digest: str
    precondition: str


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A check that stands in the way until it is accepted by its ``id`` with a reason; a ``final`` one cannot be."""

    id: str
    passed: bool
    text: str
    changes: tuple[str, ...] = ()
    waived_by: str = ""
    final: bool = False


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A requirement the plan cannot satisfy, with the cause that stands in the way."""

    target: str
    requirement: RequirementRef
    cause: str
    witness: str = ""


class Concern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What besides requirements would not be as it should be after the plan: a state, a rule of ours, what was not read.

    ``status`` is that of the finding ``allowlist check`` shows for it.
    """

    target: str
    subject: str
    status: str
    text: str
    remedy: str = ""


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something left alone on purpose; ``code`` is one of the published reason codes."""

    target: str
    subject: str
    code: str
    text: str


class TargetPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One enforcement point: what it was when the plan was made, and what the plan does to it."""

    name: str
    surface: str
    resource: str
    fingerprint: str
    delete: str
    writes: tuple[str, ...] = ()
    minutes: float = 0
    monthly: float | None = None
    currency: str = ""
    limits: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """Conditions, in words, under which a requirement that counts as covered is not."""
    sources: dict[str, str] = {}
    """Prefixes of the sources that live in Azure, by resource id, as they were when the plan was made."""


class ApprovalInForce(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The approval policy a plan was made under. ``origin`` is where it came from, ``digest`` what it says.

    ``signers`` is the digest of the file of allowed signers, empty where none is named.
    """

    origin: str
    digest: str
    approvers: tuple[str, ...] = ()
    four_eyes: bool = False
    quorum: dict[str, int] = {}
    signers: str = ""
    assumptions: str = "gate"
    valid_days: int = 14


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A complete plan; ``digest`` is over everything else and shows whether the file was edited.

    ``asked_by`` is who made it: with four eyes that person cannot approve it. ``cloud`` and ``tenant`` say where it
    holds, ``tenant`` empty for the home of whoever signs in. ``approval`` is the policy that was in force; only plans
    of an older shape, which nothing is applied from, have none. ``workload_file`` is the digest of the workload file.
    """

    schema: Literal["allowlist/plan/v1"]
    workload: str
    created: str
    tool: str
    asked_by: str = ""
    cloud: str = ""
    tenant: str = ""
    workload_file: str = ""
    approval: ApprovalInForce | None = None
    catalogs: dict[str, str]
    targets: tuple[TargetPlan, ...]
    changes: tuple[Change, ...]
    gates: tuple[Gate, ...] = ()
    gaps: tuple[Gap, ...] = ()
    concerns: tuple[Concern, ...] = ()
    skips: tuple[Skip, ...] = ()
    covered: int = 0
    minutes: float = 0
    digest: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def is_settled(self) -> bool:
        """Is everything as it should be: nothing to change, nothing lacking, nothing that only somebody else can mend?"""
        return not (self.changes or self.gaps or self.concerns)

    @property
    def monthly(self) -> float | None:
        """What all targets together add to the bill per month, None where no price is known."""
        known = [target.monthly for target in self.targets if target.monthly is not None]
        return sum(known) if known else None

    @property
    def id(self) -> str:
        """Short name of the plan, from its digest."""
        return self.digest.removeprefix("sha256:")[:12]

    def change(self, text: str) -> Change | None:
        """The change with this id or a unique prefix of it."""
        found = [change for change in self.changes if change.id == text] or [
            change for change in self.changes if change.id.startswith(text)
        ]
        return found[0] if len(found) == 1 else None
