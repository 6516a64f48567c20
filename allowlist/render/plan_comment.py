"""A plan for a pull request or a step summary: what opens, at which risk, and in folds the proofs and sources.

Code hosts refuse a text that is one character too long. So the riskiest comes first, what does not fit with its
evidence stands in one line, and what does not fit at all is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from allowlist.documents.words import counted
from allowlist.plan.model import Gate, Plan, Risk
from allowlist.render.markdown import COMMENT_CHARACTERS, STEP_SUMMARY_BYTES, escaped, marker_of
from allowlist.render.plan import summary_text, unsettled_lines
from allowlist.render.plan_view import MARKS, ChangeView, Source, bills, gate_state, not_undone, views

_COLOURS: Final = {
    Risk.LOW: "⚪",
    Risk.WILDCARD: "🟡",
    Risk.REMOVAL: "🟡",
    Risk.WIDENING: "🔴",
    Risk.BILLED: "🔴",
    Risk.IRREVERSIBLE: "🔴",
}
_SHOWN: Final = 20
"""Gates, gaps and flows of one change that are named; more are counted."""
_ONE_LINERS: Final = 0.25
"""The share of the room that one-line changes may take where not everything fits."""

Measure = Callable[[str], int]


def plan_comment(plan: Plan, page: str = "", printed: Callable[[str], str] = str) -> str:
    """For a pull request: its first line is a marker, by which the next run finds it and writes over it.

    ``page`` is the address at which the page of the plan can be seen, empty without one; ``printed`` makes the commands
    in a text such that they run as printed.
    """
    marker = f"{marker_of(f'plan {plan.workload}')}\n"
    return _Comment(plan, page, printed, marker, COMMENT_CHARACTERS, len).text()


def plan_summary(plan: Plan, page: str = "", printed: Callable[[str], str] = str) -> str:
    """The same for ``$GITHUB_STEP_SUMMARY`` and the like, which have more room."""
    return _Comment(plan, page, printed, "", STEP_SUMMARY_BYTES, lambda text: len(text.encode())).text()


@dataclass(frozen=True, slots=True)
class _Comment:
    plan: Plan
    page: str
    printed: Callable[[str], str]
    marker: str
    limit: int
    measure: Measure

    def text(self) -> str:
        opening = "".join(self._opening())
        found = views(self.plan)
        if not found:
            return opening
        room = self.limit - self.measure(opening) - self.measure(self._rest(found, len(found)))
        whole, lines = self._fitting(found, room)
        left = found[len(whole) + len(lines) :]
        return "".join((opening, *whole, *lines, self._rest(left, len(lines))))

    def _fitting(self, found: Sequence[ChangeView], room: int) -> tuple[list[str], list[str]]:
        """The riskiest with their evidence, and then those in one line, as many as there is room for."""
        short = [_line(view) for view in found]
        after = sum(map(self.measure, short))
        reserved = min(after, int(room * _ONE_LINERS)) if after else 0
        whole: list[str] = []
        for view, line in zip(found, short, strict=True):
            block = _block(view)
            after -= self.measure(line)
            if self.measure(block) + min(after, reserved) > room:
                break
            whole.append(block)
            room -= self.measure(block)
        lines: list[str] = []
        for line in short[len(whole) :]:
            if self.measure(line) > room:
                break
            lines.append(line)
            room -= self.measure(line)
        return whole, lines

    def _opening(self) -> Iterator[str]:
        plan = self.plan
        yield f"{self.marker}## allowlist plan: {escaped(plan.workload)}\n\n{escaped(summary_text(plan))}\n"
        if urlsplit(self.page).scheme in ("http", "https"):
            yield f"\n[The whole plan as a page]({_address(self.page)})\n"
        yield from (f"\n**Cannot be undone:** {escaped(text)}\n" for text in not_undone(plan))
        yield from (f"\n**Billed:** {escaped(text)}\n" for text in bills(plan))
        yield from _some("Gates", [_gate(gate, self.printed) for gate in plan.gates])
        yield from _some(
            "What the plan cannot mend",
            [f"🟡 {escaped(self.printed(line))}" for line in unsettled_lines(plan)],
        )
        if plan.changes:
            yield "\n### Changes, the riskiest first\n\n"

    def _rest(self, left: Sequence[ChangeView], without_evidence: int) -> str:
        told = (
            f"\n{counted(without_evidence, 'change')} above without proofs and sources.\n"
            if without_evidence
            else ""
        )
        if not left:
            return told
        command = _code(self.printed("allowlist plan --details"))
        counts = Counter(view.risks[0] for view in left)
        risks = ", ".join(f"{counts[risk]} {risk.value}" for risk in reversed(Risk) if counts[risk])
        return f"{told}\n**… and {len(left)} more, left out here** ({risks}); all of them with `{command}`.\n"


def _some(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        more = [f"… and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
        yield f"\n### {title}\n\n" + "".join(f"- {item}\n" for item in [*items[:_SHOWN], *more])


def _gate(gate: Gate, printed: Callable[[str], str]) -> str:
    done = gate.passed or bool(gate.waived_by)
    mark = "⚪" if done else "🔴"
    command = printed(f"allowlist approve PLAN --accept {gate.id} --reason TEXT")
    how = "" if done or gate.final else f" Accept it: `{_code(command)}`"
    waiting = f" ({counted(len(gate.changes), 'change')})" if gate.changes else ""
    return f"{mark} **{escaped(gate.id)}** {escaped(gate_state(gate))}{waiting}: {escaped(gate.text)}{how}"


def _risks(view: ChangeView) -> str:
    return ", ".join(f"{_COLOURS[risk]} {escaped(MARKS[risk])} {risk.value}" for risk in view.risks)


def _head(view: ChangeView) -> str:
    change = view.change
    proved = "" if view.is_proved else " · 🔴 not proved"
    flows = [*view.flows, *(f"{flow} besides" for flow in view.besides)]
    word = "closes" if change.operation.action == "remove" else "opens"
    more = f" and {len(flows) - 3} more" if len(flows) > 3 else ""
    opens = f" · {word} {', '.join(escaped(flow) for flow in flows[:3])}{more}" if flows else ""
    return (
        f"{_risks(view)}{proved} · {change.id} **{escaped(change.title)}** on {escaped(change.target)}{opens}"
    )


def _line(view: ChangeView) -> str:
    return f"- {_head(view)}\n"


def _block(view: ChangeView) -> str:
    """One change: what opens in sight, the evidence in a fold."""
    return f"- {_head(view)}\n  <details><summary>proofs and sources</summary>\n\n{''.join(_evidence(view))}\n  </details>\n"


def _evidence(view: ChangeView) -> Iterator[str]:
    flows = [*view.flows, *(f"{flow}, besides what is asked for" for flow in view.besides)]
    if len(flows) > 3:
        yield from (f"  - flow {escaped(flow)}\n" for flow in flows[:_SHOWN])
        if len(flows) > _SHOWN:
            yield f"  - … and {len(flows) - _SHOWN} more flows\n"
    for name, proof in view.proofs:
        witness = f" (witness: {escaped(proof.witness)})" if proof.witness else ""
        yield f"  - {'✓' if proof.holds else '🔴 ✗'} {name}: {escaped(proof.text)}{witness}\n"
    yield from (f"  - 🟡 unless {escaped(text)}\n" for text in view.change.assumptions)
    yield from (f"  - traffic: {escaped(line)}\n" for line in view.change.traffic[:_SHOWN])
    yield from (f"  - {_source(source)}\n" for source in view.sources[:_SHOWN])
    cost = view.change.cost
    terms = [f"cannot be undone: {cost.irreversible}"] if cost.irreversible else []
    terms += [f"billed: {cost.billed}"] if cost.billed else []
    yield from (f"  - 🔴 {escaped(text)}\n" for text in terms)
    if view.change.gates:
        yield f"  - waits for {escaped(', '.join(view.change.gates))}\n"


def _source(source: Source) -> str:
    name = escaped(source.origin)
    link = f"[{name}]({_address(source.link)})" if source.link else name
    dated = f", page of {escaped(source.date)}" if source.date else ""
    breaks = f"; without it: {escaped(source.breaks)}" if source.breaks else ""
    known = f"; evidence: {escaped(source.evidence)}" if source.evidence else ""
    return f"source {link}{dated}: {escaped(source.purpose)}{breaks}{known}"


def _address(url: str) -> str:
    """An address as the target of a link: nothing in it can end it."""
    return quote(url, safe=":/?#=&%~@,+.-_")


def _code(text: str) -> str:
    return "".join(letter for letter in text if letter not in "`\n\r")
