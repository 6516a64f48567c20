"""A change shows every risk it has, the worst first, and what is not proved comes before everything."""

from __future__ import annotations

import msgspec
import pytest

from allowlist.plan.gate_words import GATES, words_of
from allowlist.plan.gates import GateInput, GateSettings, Opening, find_gates
from allowlist.plan.model import Change, Classification, Cost, Gate, Proof, RequirementRef, Risk
from allowlist.plan.risks import is_proved, riskiest_first, risks_of
from tests.helpers.plans import PROVED, a_change, a_plan

FAILS = Proof(holds=False, text="no")
REF = RequirementRef(
    **dict.fromkeys(
        ("catalog", "version", "entry", "protocol", "ports", "purpose", "breaks", "source_url"), "x"
    ),
    scenario="x",
    sources=(),
    pattern="*.a.com",
)


def test_a_harmless_change_is_low_and_nothing_else() -> None:
    assert risks_of(a_change()) == (Risk.LOW,)


def test_every_risk_is_shown_the_worst_first() -> None:
    costly = a_change(
        action="remove", risk=Risk.REMOVAL, cost=Cost(irreversible="for good", billed="a firewall")
    )
    found = risks_of(msgspec.structs.replace(costly, requirements=(REF,)))
    assert found == tuple(sorted(found, key=list(Risk).index, reverse=True))
    assert set(found) == {Risk.IRREVERSIBLE, Risk.BILLED, Risk.REMOVAL, Risk.WILDCARD}


@pytest.mark.parametrize("field", ["needed", "sufficient", "nothing_else"])
def test_a_change_is_proved_only_by_all_three_proofs(field: str) -> None:
    assert is_proved(a_change())
    broken = a_change(proofs=msgspec.structs.replace(PROVED, **{field: FAILS}))
    assert not is_proved(broken)
    assert (Risk.WIDENING in risks_of(broken)) is (field == "nothing_else")


def test_what_widens_is_shown_so_whatever_its_tier() -> None:
    wide = msgspec.structs.replace(a_change(), classification=Classification.WIDENS)
    assert risks_of(wide) == (Risk.WIDENING,)


def test_what_is_not_proved_is_looked_at_first_then_by_tier_then_as_planned() -> None:
    low, other = a_change("a.com"), a_change("b.com")
    wild, unproved = (
        a_change("*.c.com", risk=Risk.WILDCARD),
        a_change("d.com", proofs=msgspec.structs.replace(PROVED, sufficient=FAILS)),
    )
    assert riskiest_first([low, other, wild, unproved]) == [unproved, wild, low, other]


def test_a_gate_is_explained_by_its_whole_name_or_its_family() -> None:
    assert words_of("removal-share") is GATES["removal-share"]
    assert words_of("billed-firewall-hub") is GATES["billed"]
    assert words_of("near-limit-rules") is GATES["near-limit"]
    assert words_of("of-somebody-else") is None


def gates_of(*changes: Change, waivers: dict[str, str] | None = None, **more: object) -> dict[str, Gate]:
    given = {
        "settings": GateSettings(),
        "owned": 100,
        "openings": {change.id: Opening() for change in changes},
    }
    found = find_gates(GateInput(changes=changes, **given | more), waivers or {})  # type: ignore[arg-type]
    return {gate.id: gate for gate in found}


def test_the_share_of_what_goes_is_braked_from_its_very_number_on() -> None:
    gone = [a_change(f"r{index}.a.com", action="remove", risk=Risk.REMOVAL) for index in range(11)]
    settings = GateSettings(removals=100, removal_share=0.1, catalog_shrink=1.0)
    assert "removal-share" not in gates_of(*gone[:10], settings=settings)
    assert "removal-share" in gates_of(*gone, settings=settings)


def test_what_nobody_can_accept_is_not_waived_either() -> None:
    from allowlist.plan.drafts import LimitFinding

    limits = [("hub", LimitFinding(code="rules", text="too many", exceeded=True))]
    found = gates_of(a_change(), limits=limits, waivers={"limit-rules": "alice"})["limit-rules"]
    assert found.final
    assert not found.waived_by
    near = [("hub", LimitFinding(code="rules", text="many", exceeded=False))]
    assert gates_of(a_change(), limits=near, waivers={"near-limit-rules": "alice"})[
        "near-limit-rules"
    ].waived_by


def test_what_changes_share_is_paid_once() -> None:
    shared = Cost(monthly=100.0, currency="EUR", once="firewall")
    found = gates_of(a_change("a.com", cost=shared), a_change("b.com", cost=shared))
    assert "costs about 100 EUR a month" in found["cost"].text
    apart = Cost(monthly=100.0, currency="EUR")
    found = gates_of(a_change("a.com", cost=apart), a_change("b.com", cost=apart))
    assert "costs about 200 EUR a month" in found["cost"].text


def test_a_catalog_entry_that_ended_lately_holds_its_removal_back() -> None:
    gone = [a_change(f"r{index}.a.com", action="remove", risk=Risk.REMOVAL) for index in range(5)]
    texts = {change.id: f"entry {number} ended" for number, change in enumerate(gone)}
    found = gates_of(*gone, quarantined=texts)["quarantine"]
    assert found.text == "entry 0 ended; entry 1 ended; entry 2 ended (and 2 more)"
    assert "quarantine" not in gates_of(*gone)


def test_what_is_known_from_the_field_alone_waits_for_somebody_who_looked() -> None:
    from allowlist.rules.requirement import FIELD_SCENARIO

    ref = msgspec.structs.replace(REF, scenario=FIELD_SCENARIO, evidence="seen twice")
    found = gates_of(msgspec.structs.replace(a_change(), requirements=(ref,)))["field-evidence"]
    assert found.text == "known from the field only: *.a.com (seen twice)"


def test_a_change_is_found_by_what_no_other_begins_with() -> None:
    plan = a_plan(a_change("a.com"), a_change("b.com"))
    one, other = plan.changes
    assert plan.change(one.id) is one
    assert plan.change("") is None
    assert plan.change("nothing") is None
    assert other.id != one.id
