"""What a change opens and what it breaks, for other tools: notices for SARIF, one comment, annotations, test views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from allowlist.documents.words import counted
from allowlist.plan.findings import Finding
from allowlist.render.findings import subject_of
from allowlist.render.notices import Notice, Rule
from allowlist.rules.compare import Difference

RULES = {
    "breaks": Rule("A required flow was let through before the change and is not after it."),
    "opens": Rule("The change lets flows through that no requirement asks for."),
    "opens-wanted": Rule("The change lets flows through that a requirement asks for."),
    "closes": Rule("The change stops flows that were let through."),
    "mends": Rule("A required flow is let through after the change and was not before it."),
}


class ComparedLike(Protocol):
    """One target of two states."""

    @property
    def target(self) -> str: ...
    @property
    def differences(self) -> list[Difference]: ...
    @property
    def unasked(self) -> tuple[Difference, ...]: ...
    @property
    def broken(self) -> tuple[Finding, ...]: ...
    @property
    def mended(self) -> tuple[Finding, ...]: ...


def of_comparison(targets: Iterable[ComparedLike]) -> Iterator[Notice]:
    """What it breaks comes first, then what it opens; what was asked for is only worth a note."""
    for item in targets:
        for finding in item.broken:
            yield Notice(
                rule="breaks",
                level="error",
                target=item.target,
                subject=subject_of(finding),
                text=finding.because,
                remedy=finding.remedy,
                fate="failed",
            )
        asked = {(one.key, one.service) for one in item.unasked}
        for difference in item.differences:
            yield from _notices(
                difference, item.target, is_unasked=(difference.key, difference.service) in asked
            )
        for finding in item.mended:
            yield Notice(
                rule="mends",
                level="note",
                target=item.target,
                subject=subject_of(finding),
                text=finding.because,
                fate="passed",
            )


def _notices(difference: Difference, target: str, *, is_unasked: bool) -> Iterator[Notice]:
    perhaps = "" if difference.certain else "perhaps "
    protocol, port = difference.service
    subject = f"{difference.key} {protocol}:{port}"
    if difference.opened:
        yield Notice(
            rule="opens" if is_unasked else "opens-wanted",
            level="warning" if is_unasked else "note",
            target=target,
            subject=subject,
            text=f"{perhaps}lets through from {difference.opened}, for example {difference.witness()}",
            fate="failed" if is_unasked else "passed",
        )
    if difference.closed:
        yield Notice(
            rule="closes",
            level="note",
            target=target,
            subject=subject,
            text=f"{perhaps}stops from {difference.closed}, for example {difference.witness()}",
        )


def comparison_summary(targets: Sequence[ComparedLike]) -> str:
    """One line: what does this change open, what does it break."""
    opened = sum(len(item.unasked) for item in targets)
    broken = sum(len(item.broken) for item in targets)
    closed = sum(bool(one.closed) for item in targets for one in item.differences)
    parts = [
        f"breaks {counted(broken, 'required flow')}" if broken else "breaks nothing that is required",
        f"opens {counted(opened, 'set')} of flows nobody asked for" if opened else "opens nothing unasked",
        f"closes {closed}" if closed else "",
    ]
    return "; ".join(filter(None, parts))
