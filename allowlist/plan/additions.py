"""The proofs of a plan that only adds certain allows: what they are read from without looking at everything again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from allowlist.plan.findings import Finding
from allowlist.plan.found import Findings
from allowlist.rules.columns.additions import Regions, added_allows, before_closing
from allowlist.rules.columns.allows import OPEN
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.index import RuleIndex
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


class Additions(msgspec.Struct, frozen=True):
    """A plan that opens and closes nothing besides what is asked for.

    ``engine`` answers about the rules after it; ``granted`` are the numbers of the requirements that were open and are
    covered after it, certainly and without an assumption.
    """

    engine: CoverageEngine
    granted: frozenset[int]


def plain_additions(
    before: CoverageEngine,
    after: Ruleset,
    requirements: Sequence[Requirement],
    along: Sequence[Requirement],
    findings: Sequence[Finding],
) -> Additions | None:
    """None where more has to be looked at: then the general comparison says what the plan does."""
    index, everything = before.index, (*requirements, *along)
    rules = added_allows(index.ruleset, after)
    if rules is None or index.cuts or any(item.addresses for item in everything):
        return None
    sources = [item.sources for item in everything] + [rule.sources.addresses for rule in rules]
    if not isinstance(findings, Findings) or not index.zones.fits(sources):
        return None
    asked = Regions.asked(everything)
    if not all(map(asked.hold_all, rules)) or len({item.key for item in requirements}) < len(requirements):
        return None
    engine = CoverageEngine(
        RuleIndex(after, index.zones, index.facts, beside=index), presumes=before.presumes
    )
    allowed = Regions.allowed(before_closing(before, after, rules))
    granted = (
        number
        for number, (item, fate) in enumerate(zip(requirements, findings.fates, strict=True))
        if fate == OPEN and allowed.hold((item.protocol, item.ports[0], item.pattern), item.sources)
    )
    return Additions(engine, frozenset(granted))
