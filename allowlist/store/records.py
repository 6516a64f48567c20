"""What the ledger remembers, as plain immutable values. Every moment carries its time zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

Verdict = Literal["approve", "reject", "defer", "comment", "accept-gate"]
IdentityKind = Literal["verified", "unverified", "signed"]
RunKind = Literal["apply", "rollback"]
RunState = Literal[
    "running",
    "succeeded",
    "failed",
    "partial",
    "interrupted",
    "rolled-back",
    "rollback-failed",
    "provisional",
    "confirmed",
    "superseded",
    "resumed",
    "closed",
]
StepState = Literal["intended", "sent", "landed", "verified", "failed", "unknown", "reverted"]
Moment = Literal["before", "after"]

FINAL_STATES: frozenset[RunState] = frozenset(
    {"succeeded", "failed", "rolled-back", "confirmed", "superseded", "resumed", "closed"}
)
"""A run in one of these needs nobody any more; docs/life-of-a-run.md draws how it gets there."""

POLICY_PREFIX: Final = "policy:"
"""What a scheduled run let go without a person stands under this and the workload's name; no person is called so."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One person's or workload's word on one change, bound to what the change means.

    ``precondition`` is the fingerprint of the target the change was judged against. ``until`` belongs to
    ``defer``, ``gate`` to ``accept-gate``, ``signature`` (armoured SSH) to the identity ``signed``. ``asked_by`` is
    who asked for the plan that was decided on, ``planned`` when it was made. ``change`` is the id of the change,
    which is the same under other gates and terms; older rows do not say it.
    """

    change_digest: str
    precondition: str
    verdict: Verdict
    who: str
    identity: IdentityKind
    reason: str
    at: datetime
    plan_id: str
    expires: datetime | None = None
    until: datetime | None = None
    gate: str | None = None
    signature: str | None = None
    asked_by: str = ""
    planned: datetime | None = None
    change: str = ""

    def __post_init__(self) -> None:
        _require_zones(self.at, self.expires, self.until, self.planned)
        _require_pair(self.verdict == "defer", self.until, "a deferral names the moment it ends in 'until'")
        _require_pair(self.verdict == "accept-gate", self.gate, "the acceptance of a gate names it in 'gate'")
        _require_pair(self.identity == "signed", self.signature, "a signed decision carries its 'signature'")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One journal line of a run: what is meant to happen, happens or happened to ``target``.

    ``index`` names the step within its run; a step has one line for every state it went through.
    """

    index: int
    change_ids: tuple[str, ...]
    target: str
    action: str
    state: StepState
    at: datetime
    detail: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_zones(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One apply or rollback. ``steps`` is the whole journal in the order it was written."""

    run_id: str
    plan_id: str
    who: str
    kind: RunKind
    begun: datetime
    resumes: str | None = None
    cloud: str = ""
    tenant: str = ""
    """Where it wrote; runs of older versions name neither, an empty tenant beside a cloud is the home tenant."""
    process: str = ""
    """Who carried it out, as :class:`~allowlist.store.processes.Process` is written; empty in old ledgers."""
    state: RunState = "running"
    finished: datetime | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def standing(self) -> tuple[Step, ...]:
        """Where every step stands: its last journal line, in the order of the steps."""
        last = {step.index: step for step in self.steps}
        return tuple(last[index] for index in sorted(last))

    @property
    def last_word(self) -> datetime:
        """When it was last heard of."""
        return max([self.begun, *(step.at for step in self.steps)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A stored plan without its document."""

    plan_id: str
    workload: str
    created: datetime
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds a lock, in which process. ``token`` grows with every change of hands and never shrinks."""

    name: str
    owner: str
    process: str = ""
    since: datetime
    expires: datetime
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the ledger as history shows it; ``digest`` chains it to the row before."""

    seq: int
    kind: str
    subject: str
    state: str
    at: datetime
    body: dict[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """Something worked out, and the digest of all it was worked out from."""

    inputs: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last row of the ledger. Kept outside, it proves later that no history was rewritten."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """A row that is not what was written; ``seq`` counts from 1, 0 means the ledger as a whole."""

    seq: int
    because: str


def _require_zones(*moments: datetime | None) -> None:
    if any(moment is not None and moment.tzinfo is None for moment in moments):
        raise ValueError("a moment in the ledger needs its time zone")


def _require_pair(needed: bool, value: object | None, rule: str) -> None:
    if needed != (value is not None):
        raise ValueError(rule)
