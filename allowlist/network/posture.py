"""A posture report as values: rows by service, findings with evidence, suppressions, and the paths of the diagram."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allowlist.network.observation import Observation, Service, State
from allowlist.network.path import Step
from allowlist.network.read import name_of
from allowlist.network.recommendations import RECOMMENDATIONS, Recommendation
from allowlist.plan.findings import Finding as RuleFinding

SCHEMA = "allowlist/posture/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """``id`` is a finding's id (``code:name``) or a code alone; somebody answers for it until a date."""

    id: str
    owner: str
    reason: str
    expires: dt.date

    def is_current(self, today: dt.date) -> bool:
        return self.expires >= today

    def hides(self, finding_id: str, code: str) -> bool:
        return self.id.lower() in (finding_id.lower(), code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation with its recommendation and, where somebody answers for it, the suppression."""

    observation: Observation
    suppressed_by: Suppression | None = None

    @property
    def id(self) -> str:
        """``route-bypass:rt-agents``: what a suppression names."""
        name = name_of(self.observation.resource)
        return f"{self.observation.code}:{name}" if name else self.observation.code

    @property
    def recommendation(self) -> Recommendation:
        return RECOMMENDATIONS[self.observation.code]

    @property
    def is_pending(self) -> bool:
        """Is there something to do or to find out, that nobody has answered for?"""
        open_states = (State.NOT_MET, State.UNKNOWN)
        return self.observation.state in open_states and self.suppressed_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a service itself needs outbound, in words, with the page that says so."""

    says: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service. ``state`` None means that none was read; then nothing is claimed about it."""

    service: Service
    state: State | None
    need: Need | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetPath:
    """The way of a source subnet's traffic, for the diagram."""

    subnet: str
    addresses: str
    resource: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """One page about a workload."""

    workload: str
    cloud: str
    origin: str
    created: dt.datetime
    rows: tuple[Row, ...]
    paths: tuple[SubnetPath, ...]
    expired: tuple[Suppression, ...] = ()
    unused: tuple[Suppression, ...] = ()
    unreadable: tuple[str, ...] = ()
    unsettled: tuple[RuleFinding, ...] = ()
    """Requirements that are not covered and rules of ours that are not as they should be, as ``check`` judges them."""

    @property
    def is_pending(self) -> bool:
        return bool(self.pending or self.unsettled or self.unreadable)

    @property
    def findings(self) -> Iterator[Finding]:
        for row in self.rows:
            yield from row.findings

    @property
    def pending(self) -> list[Finding]:
        return [item for item in self.findings if item.is_pending]

    def count(self, state: State) -> int:
        return sum(item.observation.state is state and item.suppressed_by is None for item in self.findings)

    def worst_at(self, step: Step) -> Finding | None:
        """The gravest open finding about what decides a stage of a path: the stage is no better than that."""
        decides = {place.resource.lower() for place in step.evidence}
        found = [item for item in self.pending if decides & _about(item.observation)]
        return min(found, key=lambda item: item.observation.state is not State.NOT_MET, default=None)

    @property
    def suppressed(self) -> list[Finding]:
        return [item for item in self.findings if item.suppressed_by is not None]


def _about(observation: Observation) -> set[str]:
    return {observation.resource.lower(), *(place.resource.lower() for place in observation.evidence)}


def finding_of(observation: Observation, suppressions: Sequence[Suppression], today: dt.date) -> Finding:
    """The observation as a finding; only what is not met or unknown can be suppressed, and only until the date."""
    finding = Finding(observation=observation)
    if observation.state in (State.MET,):
        return finding
    hiding = (
        item for item in suppressions if item.is_current(today) and item.hides(finding.id, observation.code)
    )
    return Finding(observation=observation, suppressed_by=next(hiding, None))
