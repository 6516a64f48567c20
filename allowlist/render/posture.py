"""A posture report as text, Markdown and JSON, and as notices for other tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from allowlist.documents.words import counted
from allowlist.network.observation import Evidence, State
from allowlist.network.path import Disposition, Step
from allowlist.network.posture import SCHEMA, Finding, Posture, Row
from allowlist.render.escape import markdown
from allowlist.render.findings import finding_entry, finding_line
from allowlist.render.notices import Level, Notice, Report, Rule, of_findings

STATE_WORDS = {
    State.MET: "met",
    State.NOT_MET: "not met",
    State.NOTE: "note",
    State.UNKNOWN: "unknown",
    None: "not in use",
}
STATE_GLYPHS = {State.MET: "✓", State.NOT_MET: "✗", State.NOTE: "·", State.UNKNOWN: "?", None: "–"}
DISPOSITION_GLYPHS = {
    Disposition.PASSES: "✓",
    Disposition.PARTLY: "◐",
    Disposition.BLOCKED: "✗",
    Disposition.AROUND: "⤳",
    Disposition.ASIDE: "–",
    Disposition.UNKNOWN: "?",
}


def counted_state(number: int, state: State) -> str:
    """``1 note``, ``3 notes``, ``2 not met``: the one state that is said with a noun agrees with its number."""
    word = STATE_WORDS[state]
    return counted(number, word) if state is State.NOTE else f"{number:,} {word}"


def summary_line(posture: Posture) -> str:
    """``7 met, 2 not met, 1 note, 1 unknown, 1 suppressed``."""
    counts = [counted_state(number, state) for state in State if (number := posture.count(state))]
    counts += [f"{len(posture.suppressed)} suppressed"] if posture.suppressed else []
    told = ", ".join(counts) or "nothing was looked at"
    return f"{told}; requirements and our rules: {_unsettled(posture)}" if posture.unsettled else told


def _unsettled(posture: Posture) -> str:
    counts = Counter(item.status.value for item in posture.unsettled)
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def posture_text(posture: Posture, styled: Any, *, everything: bool = False) -> Iterator[str]:
    """Rows, then findings under each row, then the paths; what is met only on request."""
    for row in posture.rows:
        yield f"{styled(STATE_WORDS[row.state])}  {row.service}"
        if row.need is not None:
            yield f"    needs outbound: {row.need.says}"
        for finding in row.findings:
            yield from _finding_text(finding, styled, everything=everything)
    for path in posture.paths:
        yield f"path of {path.subnet} ({path.addresses})"
        for step in path.steps:
            worst = posture.worst_at(step)
            yield f"    {stage_glyph(step, worst)} {step.stage}: {step.name}: {step.says}{_but(worst)}"
    for item in posture.expired:
        yield f"suppression {item.id} of {item.owner} expired on {item.expires}: it hides nothing any more"
    for item in posture.unused:
        yield f"suppression {item.id} of {item.owner} hides nothing: remove it"
    for text in posture.unreadable:
        yield f"not readable: {text}"
    for found in posture.unsettled:
        yield finding_line(found)


def _finding_text(finding: Finding, styled: Any, *, everything: bool) -> Iterator[str]:
    item = finding.observation
    if item.state is State.MET and not everything:
        return
    if item.state is State.NOTE and not everything:
        yield f"    · {item.says}"
        return
    yield f"    {styled(STATE_WORDS[item.state])} {finding.recommendation.text}  [{finding.id}]"
    yield f"        actual: {item.says}"
    for place in item.evidence:
        yield f"        evidence: {place.resource} {place.path} = {shown(place)}"
    if item.remedy and item.state is not State.MET:
        yield f"        next: {item.remedy}"
    if finding.suppressed_by is not None:
        held = finding.suppressed_by
        yield f"        suppressed by {held.owner} until {held.expires}: {held.reason}"


def is_worse(worst: Finding, step: Step) -> bool:
    """Does a finding say something graver about a stage than what becomes of the flow there?"""
    if worst.observation.state is State.NOT_MET:
        return step.disposition in (Disposition.PASSES, Disposition.PARTLY, Disposition.UNKNOWN)
    return step.disposition is Disposition.PASSES


def stage_glyph(step: Step, worst: Finding | None) -> str:
    """No stage looks better than the worst that was found about it."""
    if worst is None or not is_worse(worst, step):
        return DISPOSITION_GLYPHS[step.disposition]
    return STATE_GLYPHS[worst.observation.state]


def _but(worst: Finding | None) -> str:
    return f"; {STATE_WORDS[worst.observation.state]}: {worst.id}" if worst else ""


def shown(place: Evidence) -> str:
    """The value as JSON writes it, short."""
    import json

    text = json.dumps(place.value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "…"


def posture_json(posture: Posture) -> dict[str, Any]:
    """``allowlist/posture/v1``."""
    return {
        "schema": SCHEMA,
        "workload": posture.workload,
        "cloud": posture.cloud,
        "origin": posture.origin,
        "created": posture.created.isoformat(timespec="seconds"),
        "summary": {state.value: posture.count(state) for state in State}
        | {"suppressed": len(posture.suppressed)},
        "services": [_row_json(row) for row in posture.rows],
        "findings": [
            finding_json(item)
            for item in posture.findings
            if item.observation.state in (State.NOT_MET, State.UNKNOWN)
        ],
        "notes": [finding_json(item) for item in posture.findings if item.observation.state is State.NOTE],
        "met": [finding_json(item) for item in posture.findings if item.observation.state is State.MET],
        "paths": [
            {
                "subnet": path.resource,
                "addresses": path.addresses,
                "steps": [
                    {
                        **step_json(step),
                        "worst_finding": worst.id if (worst := posture.worst_at(step)) else None,
                    }
                    for step in path.steps
                ],
            }
            for path in posture.paths
        ],
        "expired_suppressions": [
            {"id": item.id, "owner": item.owner, "expires": item.expires.isoformat()}
            for item in posture.expired
        ],
        "unused_suppressions": [{"id": item.id, "owner": item.owner} for item in posture.unused],
        "unreadable": list(posture.unreadable),
        "unsettled": [finding_entry(item) for item in posture.unsettled],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "service": row.service.value,
        "state": row.state.value if row.state else "not-in-use",
        "needs_outbound": {"says": row.need.says, "source": row.need.source} if row.need else None,
        "findings": [
            item.id for item in row.findings if item.observation.state in (State.NOT_MET, State.UNKNOWN)
        ],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    item, recommendation, held = finding.observation, finding.recommendation, finding.suppressed_by
    return {
        "id": finding.id,
        "code": item.code,
        "service": recommendation.service.value,
        "state": item.state.value,
        "severity": item.severity,
        "resource": item.resource or None,
        "recommended": recommendation.text,
        "source": recommendation.source,
        "because": item.says,
        "evidence": [evidence_json(place) for place in item.evidence],
        "remedy": item.remedy,
        "suppressed_by": {
            "owner": held.owner,
            "reason": held.reason,
            "expires": held.expires.isoformat(),
        }
        if held
        else None,
    }


def evidence_json(place: Evidence) -> dict[str, Any]:
    return {"resource": place.resource, "path": place.path, "value": place.value}


def step_json(step: Step) -> dict[str, Any]:
    return {
        "stage": step.stage.value,
        "state": step.disposition.value,
        "name": step.name,
        "because": step.says,
        "evidence": [evidence_json(place) for place in step.evidence],
    }


def posture_markdown(posture: Posture) -> Iterator[str]:
    """One page for a ticket or a wiki: a table of rows, then what is not met with evidence and next step."""
    yield f"# Network posture of {markdown(posture.workload)}"
    yield ""
    yield f"{summary_line(posture)} · {markdown(posture.origin)} · {posture.created:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield "| Service | State | Needs outbound | Findings |"
    yield "|---|---|---|---|"
    for row in posture.rows:
        needs = markdown(row.need.says) if row.need else ""
        ids = ", ".join(markdown(item.id) for item in row.findings if item.is_pending)
        yield f"| {row.service} | {STATE_GLYPHS[row.state]} {STATE_WORDS[row.state]} | {needs} | {ids} |"
    for finding in posture.findings:
        if finding.observation.state in (State.NOT_MET, State.UNKNOWN):
            yield from _finding_markdown(finding)
    for path in posture.paths:
        yield ""
        steps = " → ".join(
            f"{stage_glyph(step, worst)} {step.stage} ({markdown(step.says + _but(worst))})"
            for step, worst in ((step, posture.worst_at(step)) for step in path.steps)
        )
        yield f"Path of **{markdown(path.subnet)}** ({path.addresses}): {steps}"
    for item in posture.expired:
        yield ""
        yield f"Suppression {markdown(item.id)} of {markdown(item.owner)} expired on {item.expires}."
    for text in posture.unreadable:
        yield ""
        yield f"Not readable: {markdown(text)}"
    for found in posture.unsettled:
        yield ""
        yield f"- {markdown(finding_line(found))}"


def _finding_markdown(finding: Finding) -> Iterator[str]:
    item = finding.observation
    yield ""
    yield f"## {STATE_GLYPHS[item.state]} {finding.recommendation.text}"
    yield ""
    yield f"{markdown(finding.id)} · {item.severity} · [why]({finding.recommendation.source})"
    yield ""
    yield f"- Actual: {markdown(item.says)}"
    for place in item.evidence:
        yield f"- Evidence: {markdown(place.resource)} {markdown(place.path)} = {markdown(shown(place))}"
    yield f"- Next: {markdown(item.remedy)}"
    if finding.suppressed_by is not None:
        held = finding.suppressed_by
        yield f"- Suppressed by {markdown(held.owner)} until {held.expires}: {markdown(held.reason)}"


_LEVELS: Final[Mapping[str, Level]] = {"error": "error", "warning": "warning", "info": "note"}


def posture_report(posture: Posture, file: str) -> Report:
    """What is not met or unknown as notices, for other tools; what somebody answers for is marked."""
    told = [item for item in posture.findings if item.observation.state in (State.NOT_MET, State.UNKNOWN)]
    return Report(
        title=f"allowlist posture: {posture.workload}",
        name=f"posture {posture.workload}",
        summary=summary_line(posture),
        file=file,
        notices=(*map(_notice, told), *of_findings(posture.unsettled)),
        rules={
            item.observation.code: Rule(item.recommendation.text, item.recommendation.source) for item in told
        },
    )


def _notice(finding: Finding) -> Notice:
    item, held = finding.observation, finding.suppressed_by
    return Notice(
        rule=item.code,
        level=_LEVELS[item.severity],
        target="",
        subject=finding.id,
        text=item.says,
        remedy=f"next: {item.remedy}" if item.remedy else "",
        fate="waits" if held else "failed",
        places=tuple(f"{place.resource}{place.path[1:]}" for place in item.evidence),
        suppressed=f"{held.owner} until {held.expires}: {held.reason}" if held else "",
    )
