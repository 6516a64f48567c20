"""Answers about single names, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from allowlist.names import Pattern
from allowlist.plan.model import Plan, RequirementRef
from allowlist.workflow.explaining import Explanation
from allowlist_tui.look import Line
from allowlist_tui.text import safe

_WORDS = {"allow": ("✓ allow", "good"), "deny": ("✗ deny", "bad")}


def explanation_lines(found: Iterable[Explanation], plan: Plan | None) -> Iterator[Line]:
    """What each target does with the name, who wants it, and what the open plan changes about it."""
    for item in found:
        yield from _target(item)
        if plan is not None:
            yield from _plan(item, plan)
        yield (("", "plain"),)


def _target(item: Explanation) -> Iterator[Line]:
    line, verdict = item.line, item.verdict
    flow = f"{line.source} → {line.fqdn} {line.protocol}:{line.port}"
    yield (
        _WORDS.get(verdict.word, ("? unknown", "warn")),
        (f"  {safe(flow)}", "title"),
        (f"  {safe(item.target)}", "muted"),
    )
    yield ((f"  {safe(verdict.because)}", "plain"),)
    for step in item.hidden:
        yield (("  hides ", "muted"), (safe(str(step.ref)), "plain"))
    for near in item.near:
        yield (("  near miss ", "muted"), (safe(str(near)), "warn"))
    for unknown in verdict.unknowns:
        yield (("  not known ", "muted"), (safe(unknown), "warn"))
    for wish in item.wanted_by:
        yield (
            ("  wanted by ", "muted"),
            (safe(str(wish.origin)), "plain"),
            (f"  {safe(wish.purpose)}", "muted"),
        )
    if not item.wanted_by:
        yield (("  no catalog of this workload wants it from there", "muted"),)


def _plan(item: Explanation, plan: Plan) -> Iterator[Line]:
    for change in plan.changes:
        if change.target == item.target and _serves(change.requirements, item.line.fqdn):
            yield (("  this plan ", "muted"), (safe(change.title), "accent"), (f"  {change.id}", "muted"))


def _serves(requirements: Iterable[RequirementRef], name: str) -> bool:
    return any(Pattern(ref.pattern).matches(name) for ref in requirements)
