"""What every form of a plan shows of a change: its flows, its risks by mark and word, its sources with their links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import quote, urlsplit

from allowlist.plan.model import Change, Gate, Plan, Proof, RequirementRef, Risk
from allowlist.plan.risks import is_proved, riskiest_first, risks_of

MARKS: Final[Mapping[Risk, str]] = {
    Risk.LOW: "·",
    Risk.WILDCARD: "*",
    Risk.REMOVAL: "−",
    Risk.WIDENING: "△",
    Risk.BILLED: "$",
    Risk.IRREVERSIBLE: "!",
}
"""One mark a tier, the same on screens, pages and in comments; the word always stands beside it."""

SIGNS: Final = {"add": "+", "update": "~", "remove": "−"}


@dataclass(frozen=True)
class ChangeView:
    """One change as people see it. ``anchor`` is the stable id by which a page can be entered."""

    change: Change

    @property
    def anchor(self) -> str:
        return f"change-{self.change.id}"

    @cached_property
    def risks(self) -> tuple[Risk, ...]:
        return risks_of(self.change)

    @property
    def sign(self) -> str:
        return SIGNS[self.change.operation.action]

    @property
    def is_proved(self) -> bool:
        return is_proved(self.change)

    @property
    def proofs(self) -> tuple[tuple[str, Proof], ...]:
        found = self.change.proofs
        return (
            ("needed", found.needed),
            ("sufficient", found.sufficient),
            ("nothing else", found.nothing_else),
        )

    @cached_property
    def flows(self) -> tuple[str, ...]:
        """Every flow that is asked for, source → name protocol:port."""
        return tuple(dict.fromkeys(map(_flow, self.change.requirements)))

    @cached_property
    def besides(self) -> tuple[str, ...]:
        """What opens besides, such as port 80 beside 443."""
        proof = self.change.proofs.nothing_else
        failed = () if proof.holds or not proof.witness else (proof.witness,)
        return (*proof.also, *failed)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        return tuple(dict.fromkeys(map(Source.of, self.change.requirements)))

    @property
    def words(self) -> str:
        """Everything a search looks at."""
        names = (
            word
            for ref in self.change.requirements
            for word in (ref.pattern, ref.catalog, ref.entry, ref.scenario)
        )
        parts = (
            self.change.id,
            self.change.title,
            self.change.target,
            self.change.reason,
            *names,
            *self.besides,
        )
        return " ".join(dict.fromkeys(parts)).lower()


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks for it, why, and the page that says so. ``link`` leads to the words on the page, empty without one."""

    origin: str
    purpose: str
    breaks: str
    evidence: str
    link: str
    date: str

    @classmethod
    def of(cls, ref: RequirementRef) -> Source:
        return cls(
            origin=f"{ref.catalog}@{ref.version}#{ref.entry}",
            purpose=ref.purpose,
            breaks=ref.breaks,
            evidence=ref.evidence,
            link=documented_line(ref),
            date=ref.source_date,
        )


def documented_line(ref: RequirementRef) -> str:
    """The page as the line of ``ref`` stands in it: as plain text, scrolled to the name. Empty for what is no link."""
    if urlsplit(ref.source_url).scheme != "https":
        return ""
    name = ref.pattern.lstrip("*").lstrip(".")
    is_blob = "/blob/" in ref.source_url and urlsplit(ref.source_url).hostname == "github.com"
    return f"{ref.source_url}{'?plain=1' if is_blob else ''}#:~:text={quote(name, safe='')}"


def _flow(ref: RequirementRef) -> str:
    return f"{', '.join(ref.sources) or '*'} → {ref.pattern} {ref.protocol}:{ref.ports}"


def views(plan: Plan) -> list[ChangeView]:
    """The changes of ``plan``, the riskiest first."""
    return [ChangeView(change) for change in riskiest_first(plan.changes)]


def gate_anchor(gate_id: str) -> str:
    return f"gate-{gate_id}"


def gate_state(gate: Gate) -> str:
    """``passed``, ``waived by X``, ``cannot be accepted`` or ``closed``."""
    if gate.passed:
        return "passed"
    if gate.waived_by:
        return f"waived by {gate.waived_by}"
    return "cannot be accepted" if gate.final else "closed"


def not_undone(plan: Plan) -> list[str]:
    """What of the plan cannot be taken back, each once."""
    return list(
        dict.fromkeys(change.cost.irreversible for change in plan.changes if change.cost.irreversible)
    )


def bills(plan: Plan) -> list[str]:
    """What of the plan costs money from then on, each once."""
    return list(dict.fromkeys(change.cost.billed for change in plan.changes if change.cost.billed))


def price(plan: Plan) -> str:
    """Per month, by currency; empty where nothing is billed, and said where no price is known."""
    known: dict[str, float] = {}
    for target in plan.targets:
        if target.monthly is not None:
            known[target.currency] = known.get(target.currency, 0) + target.monthly
    told = ", ".join(f"{amount:,.0f} {currency}" for currency, amount in known.items() if amount)
    if told:
        return f"{told} a month"
    return "no price known" if bills(plan) else ""


def counted_risks(plan: Plan) -> Iterator[tuple[Risk, int]]:
    """How many changes have each risk, the worst first; a change counts for every risk it has."""
    found = [risk for change in plan.changes for risk in risks_of(change)]
    for risk in reversed(Risk):
        if risk in found:
            yield risk, found.count(risk)
