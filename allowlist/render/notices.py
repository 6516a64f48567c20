"""What findings, plans and scheduled runs have in common for other tools: a list of notices, each with a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from allowlist.plan.findings import Finding, Status
from allowlist.plan.model import Plan
from allowlist.render.findings import subject_of
from allowlist.render.sync import OutcomeLike

Level = Literal["error", "warning", "note"]
Fate = Literal["passed", "failed", "waits", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to know. ``rule`` is a finding's status, a gate's id or a target's state; ``fate`` is for test views.

    ``file``, ``line`` and ``column`` say where it stands, if not at its target in the file of the report; ``places``
    name what shows it in Azure; ``suppressed`` says who answers for it. ``identity`` stays the same from run to run,
    so that a code host can tell old from new.
    """

    rule: str
    level: Level
    target: str
    subject: str
    text: str
    remedy: str = ""
    fate: Fate = ""
    file: str = ""
    line: int = 0
    column: int = 0
    places: tuple[str, ...] = ()
    suppressed: str = ""

    @property
    def identity(self) -> str:
        found = f"{self.rule} {self.target} {self.subject}"
        return f"{found} {self.text}" if self.file or self.places else found

    @property
    def sentence(self) -> str:
        found = (
            f"{self.subject} on {self.target}: {self.text}" if self.target else f"{self.subject}: {self.text}"
        )
        return f"{found} ({self.remedy})" if self.remedy else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Notices with what they belong to: ``file`` is the workload file, ``lines`` maps target names to lines in it.

    ``name`` tells one report from another in the same place, ``summary`` is one line for people.
    """

    title: str
    name: str
    summary: str
    file: str
    notices: tuple[Notice, ...]
    lines: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """What the rules of these notices stand for, where they are not among :data:`RULES`."""

    def rule(self, name: str) -> Rule:
        return self.rules.get(name) or Rule(RULES.get(name, RULES["gate"]))

    def place_of(self, notice: Notice) -> tuple[str, int, int]:
        """(file, line, column) of a notice; 0 where only the file is known."""
        if notice.file:
            return notice.file, notice.line, notice.column
        return self.file, self.lines.get(notice.target, 0), 0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule stands for in one sentence, the page that says so, and how bad it is as a rule."""

    text: str
    page: str = ""
    level: str = ""


RULES: Final[Mapping[str, str]] = {
    "missing": "No rule lets a required flow through.",
    "blocked": "A deny that is evaluated first stops a required flow.",
    "partial": "Only a part of a required flow is let through.",
    "excess": "A rule of ours lets through what nothing asks for.",
    "redundant": "A rule lets through what another one lets through already.",
    "widens": "A rule lets through more than it seems to say.",
    "invalid": "A requirement or rule cannot mean what it says.",
    "unknown": "The ARM API does not expose enough to decide.",
    "covered": "A required flow is let through.",
    "change": "A change is planned and waits for its approval.",
    "gap": "No change can let a required flow through.",
    "gate": "A check stands in the way until somebody accepts it by its id, with a reason.",
    "pending": "Something of this target waits for people.",
    "applied": "Changes were applied and verified.",
    "rolled back": "Changes were undone and verified.",
    "failed": "The target could not be taken care of.",
    "in sync": "Everything that is required is let through.",
}
"""What each rule stands for, in one sentence; gates have their own ids and share one."""

_LEVELS: Final[Mapping[str, Level]] = {"error": "error", "warning": "warning", "info": "note"}
_STATES: Final[Mapping[str, tuple[Level, Fate]]] = {
    "failed": ("error", "failed"),
    "rolled back": ("warning", "failed"),
    "pending": ("warning", "waits"),
    "applied": ("note", "passed"),
    "in sync": ("note", "passed"),
}


def of_findings(findings: Iterable[Finding]) -> Iterator[Notice]:
    """One notice per finding; a requirement is a test case of its own, and what is not covered fails it."""
    for finding in findings:
        yield Notice(
            rule=finding.status.value,
            level=_LEVELS[finding.severity],
            target=finding.target,
            subject=subject_of(finding),
            text=finding.because + (f"; witness: {finding.witness}" if finding.witness else ""),
            remedy=finding.remedy,
            fate=_fate_of(finding),
        )


def _fate_of(finding: Finding) -> Fate:
    if finding.requirement is None:
        return ""
    return "passed" if finding.status is Status.COVERED else "failed"


def of_plan(plan: Plan) -> Iterator[Notice]:
    """Changes that wait, gaps, what else is not as it should be, and gates; a waived gate passes."""
    for change in plan.changes:
        yield Notice(
            rule="change",
            level="note",
            target=change.target,
            subject=f"{change.id} {change.title}",
            text=f"{change.reason} ({change.classification.value}, risk {change.risk.value})",
            fate="waits",
        )
    for gap in plan.gaps:
        ref = gap.requirement
        yield Notice(
            rule="gap",
            level="error" if ref.need == "required" else "warning",
            target=gap.target,
            subject=f"{ref.pattern} {ref.protocol}:{ref.ports}",
            text=gap.cause + (f"; witness: {gap.witness}" if gap.witness else ""),
            fate="failed",
        )
    for concern in plan.concerns:
        yield Notice(
            rule=concern.status,
            level="warning",
            target=concern.target,
            subject=concern.subject,
            text=concern.text,
            remedy=concern.remedy,
            fate="failed",
        )
    targets = {change.id: change.target for change in plan.changes}
    for gate in plan.gates:
        names = dict.fromkeys(targets[item] for item in gate.changes if item in targets)
        done = gate.passed or bool(gate.waived_by)
        yield Notice(
            rule=gate.id,
            level="note" if done else "error",
            target=", ".join(names),
            subject=f"gate {gate.id}",
            text=f"waived by {gate.waived_by}: {gate.text}" if gate.waived_by else gate.text,
            remedy=""
            if done or gate.final
            else f"accept it with: allowlist approve PLAN --accept {gate.id} --reason TEXT",
            fate="passed" if done else "failed",
        )


def of_outcomes(outcomes: Iterable[OutcomeLike]) -> Iterator[Notice]:
    """One notice per target of a scheduled run."""
    for outcome in outcomes:
        level, fate = _STATES[outcome.state]
        yield Notice(
            rule=outcome.state,
            level=level,
            target=outcome.target,
            subject=outcome.workload,
            text="; ".join([outcome.text, *outcome.lines]) if outcome.state != "in sync" else outcome.text,
            remedy=outcome.hint,
            fate=fate,
        )
