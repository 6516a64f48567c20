"""Each gate closes at its number, says it, and names the changes it holds back."""

from __future__ import annotations

import msgspec
import pytest

from allowlist.plan.drafts import LimitFinding
from allowlist.plan.gates import GateInput, GateSettings, Opening, find_gates
from allowlist.plan.model import Change, Cost, Gate, Proof, Risk
from tests.helpers.plans import PROVED, a_change


def gates_of(
    *changes: Change, owned: int = 100, settings: GateSettings | None = None, **more: object
) -> dict[str, Gate]:
    openings = {change.id: _opening(change) for change in changes}
    given = GateInput(
        changes=changes,
        settings=settings or GateSettings(),
        owned=owned,
        openings=openings,
        **more,  # type: ignore[arg-type]
    )
    return {gate.id: gate for gate in find_gates(given, {})}


def _opening(change: Change) -> Opening:
    rule = change.operation.after or {}
    return Opening(
        names=tuple(rule.get("targetFqdns", ())), from_anywhere=rule.get("sourceAddresses") == ["*"]
    )


def removals(count: int) -> list[Change]:
    return [a_change(f"r{index}.example.com", action="remove", risk=Risk.REMOVAL) for index in range(count)]


def test_an_exact_name_meets_no_gate() -> None:
    assert gates_of(a_change("api.example.com")) == {}


def test_even_one_removal_of_a_small_set_is_held_back() -> None:
    (gone,) = removals(1)
    found = gates_of(gone, owned=3)
    assert found["removals"].changes == (gone.id,)
    assert "1 rule;" in found["removals"].text
    assert "33%" in found["shrunken-catalog"].text


def test_removals_up_to_what_the_workload_lets_through_pass() -> None:
    settings = GateSettings(removals=2)
    assert "removals" not in gates_of(*removals(2), settings=settings)
    assert "removals" in gates_of(*removals(3), settings=settings)


def test_the_share_of_removals_counts_what_is_owned() -> None:
    settings = GateSettings(removals=100, catalog_shrink=0.3)
    assert "shrunken-catalog" not in gates_of(*removals(30), settings=settings, owned=100)
    assert "shrunken-catalog" in gates_of(*removals(31), settings=settings, owned=100)


@pytest.mark.parametrize(
    ("settings", "closed"),
    [
        (GateSettings(removals=19), {"removals"}),
        (GateSettings(removals=20, removal_share=0.1), {"removal-share"}),
        (GateSettings(removals=20, catalog_shrink=0.1), {"shrunken-catalog"}),
        (GateSettings(removals=20, removal_share=0.2, catalog_shrink=0.2), set()),
        (
            GateSettings(removals=0, removal_share=0.1, catalog_shrink=0.1),
            {"removals", "removal-share", "shrunken-catalog"},
        ),
    ],
)
def test_each_brake_holds_on_its_own(settings: GateSettings, closed: set[str]) -> None:
    assert set(gates_of(*removals(20), settings=settings, owned=100)) == closed


def test_an_empty_catalog_never_removes_anything_by_itself() -> None:
    assert "empty-catalog" in gates_of(*removals(1), empty_catalogs=["foundry-hub"])
    assert "empty-catalog" not in gates_of(a_change(), empty_catalogs=["foundry-hub"])


def test_growth_is_held_back_above_its_number() -> None:
    three = [a_change(f"n{index}.example.com") for index in range(3)]
    assert "growth" not in gates_of(*three, settings=GateSettings(additions=3))
    assert "growth" in gates_of(*three, settings=GateSettings(additions=2))


@pytest.mark.parametrize(
    ("pattern", "gate"),
    [
        ("*contoso.com", "look-alike"),
        ("*.com", "wide-wildcard"),
        ("*.co.uk", "wide-wildcard"),
        ("*", "wide-wildcard"),
        ("*.blob.core.windows.net", "shared-suffix"),
    ],
)
def test_a_dangerous_pattern_is_named(pattern: str, gate: str) -> None:
    change = a_change(pattern)
    assert gates_of(change)[gate].changes == (change.id,)


@pytest.mark.parametrize("pattern", ["*.contoso.com", "acct.blob.core.windows.net", "contoso.com"])
def test_a_tight_pattern_is_not(pattern: str) -> None:
    assert gates_of(a_change(pattern)) == {}


def test_removing_a_dangerous_pattern_meets_only_the_removal_gates() -> None:
    assert set(gates_of(a_change("*.com", action="remove"), owned=100)) == {"removals"}


def test_whatever_opens_more_than_was_asked_for_shows_its_witness() -> None:
    wide = Proof(holds=False, text="opens more", witness="evil.example")
    proofs = msgspec.structs.replace(PROVED, nothing_else=wide)
    found = gates_of(a_change(proofs=proofs, risk=Risk.WIDENING))
    assert "evil.example" in found["widening"].text


def test_a_change_that_misses_its_aim_is_held_back() -> None:
    proofs = msgspec.structs.replace(PROVED, sufficient=Proof(holds=False, text="a deny stands before"))
    assert "a deny stands before" in gates_of(a_change(proofs=proofs))["not-sufficient"].text


def test_a_rule_open_to_every_source_is_held_back() -> None:
    assert "open-source" in gates_of(a_change(sources=("*",)))
    assert "open-source" not in gates_of(a_change(sources=("10.0.0.0/8",)))


def test_going_before_a_rule_of_others_is_held_back() -> None:
    change = a_change()
    found = gates_of(change, overrides={change.id: ("deny-all of team web",)})
    assert "deny-all of team web" in found["foreign-overlap"].text


def test_money_and_one_way_steps_are_gates_of_their_own() -> None:
    cost = Cost(monthly=900.0, currency="USD", billed="creates a firewall", irreversible="isolation mode")
    found = gates_of(a_change(cost=cost))
    assert set(found) == {"billed", "irreversible", "cost"}
    assert "900 USD" in found["cost"].text
    assert "cost" not in gates_of(a_change(cost=cost), settings=GateSettings(monthly_cost=900))


def test_a_limit_that_is_near_can_be_accepted_and_one_that_is_exceeded_cannot() -> None:
    near = LimitFinding(code="group-size", text="95% of 2 MB", exceeded=False)
    over = LimitFinding(code="group-size", text="2.1 of 2 MB", exceeded=True)
    assert not gates_of(a_change(), limits=[("hub", near)])["near-limit-group-size"].final
    assert gates_of(a_change(), limits=[("hub", over)])["limit-group-size"].final
    assert gates_of(a_change(), limits=[("other", over)]) == {}


def test_expired_waivers_hold_everything_back() -> None:
    assert (
        "growth (bob, 2026-01-01)"
        in gates_of(a_change(), expired_waivers=["growth (bob, 2026-01-01)"])["expired-waiver"].text
    )
    assert gates_of(expired_waivers=["growth (bob, 2026-01-01)"]) == {}


def test_a_waiver_names_its_owner_and_never_lifts_a_final_gate() -> None:
    over = LimitFinding(code="group-size", text="2.1 of 2 MB", exceeded=True)
    given = GateInput(changes=removals(1), settings=GateSettings(), owned=100, limits=[("hub", over)])
    found = {gate.id: gate for gate in find_gates(given, {"removals": "bob", "limit-group-size": "bob"})}
    assert found["removals"].waived_by == "bob"
    assert found["limit-group-size"].waived_by == ""


def test_a_service_tag_of_many_tenants_is_named_with_what_is_behind_it_and_removing_it_is_not() -> None:
    change, gone = a_change(), a_change(action="remove")
    tags = {change.id: Opening(tags=("Storage", "MicrosoftContainerRegistry.FirstParty"))}
    given = GateInput(changes=(change, gone), settings=GateSettings(), owned=100, openings=tags)
    found = {gate.id: gate for gate in find_gates(given, {})}
    assert found["broad-tag"].changes == (change.id,)
    assert found["broad-tag"].text.startswith("Storage opens storage accounts of every tenant")


@pytest.mark.parametrize("tag", ["WindowsUpdate", "Office365.SharePoint.Default.Required"])
def test_how_broad_an_fqdn_tag_is_nobody_can_tell_so_somebody_accepts_it(tag: str) -> None:
    change = a_change()
    given = GateInput(
        changes=(change,), settings=GateSettings(), owned=100, openings={change.id: Opening(fqdn_tags=(tag,))}
    )
    (gate,) = find_gates(given, {})
    assert (gate.id, gate.changes) == ("broad-tag", (change.id,))
    assert "does not publish" in gate.text


def test_what_helps_only_under_assumptions_is_held_back_unless_the_policy_takes_it() -> None:
    doubtful = [
        msgspec.structs.replace(a_change(f"{letter}.example.com"), assumptions=(f"{letter} moved",))
        for letter in "abcd"
    ]
    gate = gates_of(*doubtful, a_change(), settings=GateSettings(assumptions="gate"))["assumption"]
    assert gate.changes == tuple(change.id for change in doubtful)
    assert gate.text == (
        "4 changes will have the intended effect unless a moved or b moved or c moved (and 1 more)"
    )
    assert "assumption" not in gates_of(*doubtful, settings=GateSettings(assumptions="accept"))
