"""Evidence beside documentation: how sure an entry is follows from who says so, how, and when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.catalog.evidence import PACE, Confidence, confidence, evidence_line, independent_groups
from allowlist.catalog.model import Cloud, Entry, Evidence, EvidenceClass, Kind, Need, Source
from tests.helpers.laws import examples

TODAY = date(2026, 11, 28)
ORDER = [Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW]


def an_entry(*evidence: Evidence, sources: tuple[Source, ...] = ()) -> Entry:
    return Entry(
        id="a",
        since="1.0.0",
        kind=Kind.PATTERN,
        value="a.contoso.com",
        need=Need.CONDITIONAL,
        clouds=(Cloud.PUBLIC,),
        scenario="field",
        evidence=evidence,
        sources=sources,
    )


def report(
    kind: EvidenceClass, day: str = "2026-11-01", repo: str = "contoso/one", *, without: bool = False
) -> Evidence:
    return Evidence(kind=kind, repo=repo, where="issue 1", date=day, works_without=without)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EvidenceClass.DOCUMENTED, Confidence.HIGH),
        (EvidenceClass.MAINTAINER_SAID, Confidence.HIGH),
        (EvidenceClass.VALIDATED_ALONE, Confidence.HIGH),
        (EvidenceClass.VALIDATED_TOGETHER, Confidence.MEDIUM),
        (EvidenceClass.OBSERVED, Confidence.MEDIUM),
        (EvidenceClass.DENIED_IN_LOG, Confidence.MEDIUM),
        (EvidenceClass.ENDPOINT_IN_SOURCE, Confidence.LOW),
        (EvidenceClass.RULE_IN_TEMPLATE, Confidence.LOW),
    ],
)
def test_one_fresh_report_counts_by_its_class(kind: EvidenceClass, expected: Confidence) -> None:
    assert confidence(an_entry(report(kind)), TODAY) is expected


@pytest.mark.parametrize("kind", list(EvidenceClass))
def test_a_report_loses_a_level_when_its_class_has_aged(kind: EvidenceClass) -> None:
    fresh = confidence(an_entry(report(kind, TODAY.isoformat())), TODAY)
    later = TODAY + timedelta(days=PACE[kind] + 1)

    aged = confidence(an_entry(report(kind, TODAY.isoformat())), later)

    assert ORDER.index(aged) == min(ORDER.index(fresh) + 1, 2)


def test_a_hit_in_ones_own_log_makes_an_old_report_fresh_again() -> None:
    entry = an_entry(report(EvidenceClass.VALIDATED_ALONE, "2022-01-01"))

    assert confidence(entry, TODAY) is Confidence.LOW
    assert confidence(entry, TODAY, allowed=TODAY) is Confidence.HIGH
    assert "seen in your log 2026-11-28" in evidence_line(entry, TODAY, allowed=TODAY)


def test_three_owners_count_for_one_level_more_and_one_owner_is_one_voice() -> None:
    kind = EvidenceClass.RULE_IN_TEMPLATE
    same = [report(kind, repo=f"contoso/{name}") for name in "abc"]
    others = [report(kind, repo=f"{name}/a") for name in "abc"]

    assert independent_groups(same) == 1
    assert confidence(an_entry(*same), TODAY) is Confidence.LOW
    assert confidence(an_entry(*others), TODAY) is Confidence.MEDIUM


def test_a_report_that_it_works_without_makes_the_entry_contested_until_something_newer_refutes_it() -> None:
    denied = report(EvidenceClass.DENIED_IN_LOG, "2026-01-01")
    without = report(EvidenceClass.DENIED_IN_LOG, "2026-06-01", "fabrikam/one", without=True)
    newer = report(EvidenceClass.VALIDATED_ALONE, "2026-09-01", "tailspin/one")

    assert confidence(an_entry(denied, without), TODAY) is Confidence.CONTESTED
    assert confidence(an_entry(denied, without, newer), TODAY) is Confidence.HIGH
    assert "works without: 1 report" in evidence_line(an_entry(denied, without), TODAY)


def test_an_undated_report_counts_less_than_a_fresh_one() -> None:
    assert confidence(an_entry(report(EvidenceClass.DENIED_IN_LOG, "")), TODAY) is Confidence.LOW


def test_pages_count_as_documentation() -> None:
    page = Source(repo="o/r", path="p.md", commit="a", date="2026-08-01")

    assert evidence_line(an_entry(sources=(page,)), TODAY) == ("high: documented; 1 owner; newest 2026-08-01")


DAYS = st.dates(date(2020, 1, 1), TODAY).map(date.isoformat)
REPORTS = st.builds(
    report, st.sampled_from(EvidenceClass), DAYS, st.sampled_from(["a/1", "a/2", "b/1", "c/1"])
)


@settings(max_examples=examples(60))
@given(st.lists(REPORTS, max_size=5), REPORTS)
def test_one_more_report_never_makes_an_entry_less_sure(known: list[Evidence], more: Evidence) -> None:
    before = confidence(an_entry(*known), TODAY)
    after = confidence(an_entry(*known, more), TODAY)

    assert ORDER.index(after) <= ORDER.index(before)


@settings(max_examples=examples(60))
@given(st.lists(REPORTS, min_size=1, max_size=5), st.integers(0, 4000))
def test_time_alone_never_makes_an_entry_more_sure(known: list[Evidence], days: int) -> None:
    entry = an_entry(*known)

    before, after = confidence(entry, TODAY), confidence(entry, TODAY + timedelta(days=days))

    assert ORDER.index(after) >= ORDER.index(before)
