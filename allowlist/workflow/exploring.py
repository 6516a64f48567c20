"""What can be looked at without a plan: the rules in effect, findings, names, what became of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.plan.model import Change, Plan
from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement
from allowlist.store import Ledger, Run
from allowlist.workflow.checking import check_targets
from allowlist.workflow.explaining import Explanation, FlowLine, explain_flow, line_of_address
from allowlist.workflow.lives import changes_of_run, plan_of_run
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRules:
    """The rules of one target in the order Azure asks them."""

    target: str
    ruleset: Ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStory:
    """A run with the changes it set out to make, and what became of each: done, not done, unknown."""

    run: Run
    changes: tuple[Change, ...]
    fates: dict[str, str]


def rules_in_effect(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> tuple[TargetRules, ...]:
    """Every target's rules as they are evaluated."""
    return tuple(TargetRules(target=spec.name, ruleset=project.point(spec).ruleset(estate)) for spec in specs)


def find_all(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> tuple[Finding, ...]:
    """The findings of all targets."""
    return tuple(finding for check in check_targets(project, estate, specs) for finding in check.findings)


def explain_question(
    question: str, project: Project, estate: Estate, specs: Sequence[TargetSpec]
) -> tuple[Explanation, ...]:
    """Answer ``NAME|URL [from ADDRESS] [port N] [protocol P]`` for every target; a URL says port and protocol itself.

    Without an address the flow starts where somebody wants the name, else where the target has its sources.
    Raises AllowlistError when the question makes no sense.
    """
    asked = _parsed(question)
    answers = []
    for spec in specs:
        requirements = project.requirements(spec, estate).wanted
        line = msgspec.structs.replace(asked, source=asked.source or _usual_source(requirements, asked.fqdn))
        ruleset = project.point(spec).ruleset(estate)
        answers.append(explain_flow(line, ruleset, requirements, project.facts, spec.name))
    return tuple(answers)


def story_of(ledger: Ledger, run: Run) -> RunStory:
    """What a run was about, from the ledger alone."""
    plan: Plan = plan_of_run(ledger, run)
    fates = {str(key): str(value) for key, value in (run.summary.get("fates") or {}).items()}
    return RunStory(run=run, changes=tuple(changes_of_run(ledger, run, plan)), fates=fates)


_HINT = "write NAME or URL [from ADDRESS] [port N] [protocol https]"


def _parsed(question: str) -> FlowLine:
    words = question.split()
    if not words:
        raise AllowlistError("there is no name to explain", hint=_HINT)
    options = dict(zip(words[1::2], words[2::2], strict=False))
    if set(options) - {"from", "port", "protocol"} or len(words) % 2 == 0:
        raise AllowlistError(f"'{question}' is no question", hint=_HINT)
    port = options.get("port", "0")
    if not port.isascii() or not port.isdigit() or ("port" in options and int(port) == 0):
        raise AllowlistError(f"'{port}' is no port", hint=_HINT)
    return line_of_address(
        words[0],
        source=options.get("from", ""),
        port=int(port) or None,
        protocol=options.get("protocol", ""),
        destination="",
    )


def _usual_source(requirements: Sequence[Requirement], name: str) -> str:
    wanting = [item for item in requirements if item.destination == name] or list(requirements)
    addresses = next((item.sources for item in wanting), AddressSet.parse(["10.0.0.4"]))
    return addresses.witness() or "10.0.0.4"
