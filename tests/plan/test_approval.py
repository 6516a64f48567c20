"""Who may open what: approvals are bound to meaning, people and time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from allowlist.plan.approval import ApprovalPolicy, Standing, standings
from allowlist.plan.model import Change, Gate, Risk
from allowlist.store import Decision
from tests.helpers.plans import NOW, a_change, a_plan

CHANGE = a_change()
LISTED = ApprovalPolicy(approvers=("alice@contoso.example", "bob@contoso.example", "os:carol@desk"))


def said(who: str, verdict: str = "approve", change: Change = CHANGE, **more: Any) -> Decision:
    given: dict[str, Any] = {
        "change_digest": change.digest,
        "precondition": change.precondition,
        "verdict": verdict,
        "who": who,
        "identity": "verified",
        "reason": "because",
        "at": NOW,
        "plan_id": "p",
    }
    return Decision(**{**given, **more})


def standing_of(
    *decisions: Decision, policy: ApprovalPolicy = LISTED, change: Change = CHANGE, **plan: Any
) -> Standing:
    (found,) = standings(a_plan(change, **plan), decisions, policy, NOW)
    return found


def test_nothing_is_approved_unless_somebody_said_so() -> None:
    assert standing_of().state == "pending"


def test_a_listed_person_approves() -> None:
    found = standing_of(said("alice@contoso.example"))
    assert found.is_approved
    assert found.approvers == ("alice@contoso.example",)


def test_a_person_nobody_listed_approves_nothing() -> None:
    assert standing_of(said("mallory@contoso.example")).state == "pending"


def test_an_unverified_name_cannot_pass_for_a_listed_person() -> None:
    assert standing_of(said("alice@contoso.example", identity="unverified")).state == "pending"
    assert standing_of(said("alice@contoso.example", identity="signed", signature="armoured")).is_approved


def test_an_operating_system_user_counts_when_listed_as_one() -> None:
    assert standing_of(said("os:carol@desk", identity="unverified")).is_approved
    assert standing_of(said("os:dave@desk", identity="unverified")).state == "pending"


def test_with_four_eyes_whoever_asked_cannot_approve() -> None:
    policy = ApprovalPolicy(four_eyes=True)
    alice = said("alice@contoso.example")
    assert standing_of(alice, policy=policy, asked_by="alice@contoso.example").state == "pending"
    assert standing_of(alice, policy=policy, asked_by="bob@contoso.example").is_approved


def test_a_quorum_counts_people_not_clicks() -> None:
    policy = ApprovalPolicy(quorum={"wildcard": 2})
    wild = a_change("*.example.com", risk=Risk.WILDCARD)
    alice, bob = (said(f"{name}@contoso.example", change=wild) for name in ("alice", "bob"))
    assert standing_of(alice, alice, policy=policy, change=wild).state == "pending"
    assert standing_of(alice, bob, policy=policy, change=wild).is_approved


def test_a_quorum_of_one_tier_leaves_the_others_alone() -> None:
    assert standing_of(
        said("alice@contoso.example"), policy=ApprovalPolicy(quorum={"wildcard": 2})
    ).is_approved


def test_an_approval_ends_at_its_date() -> None:
    past = said("alice@contoso.example", expires=NOW - dt.timedelta(seconds=1))
    assert standing_of(past).state == "expired"
    assert standing_of(said("alice@contoso.example", expires=NOW + dt.timedelta(seconds=1))).is_approved


def test_an_approval_for_another_state_of_the_target_says_so() -> None:
    found = standing_of(said("alice@contoso.example", precondition="other"))
    assert found.state == "pending"
    assert "another state" in found.text


def test_an_approval_of_another_meaning_is_no_approval() -> None:
    other = a_change("b.example.com")
    assert standing_of(said("alice@contoso.example", change=other)).state == "pending"


@pytest.mark.parametrize("order", [1, -1])
def test_a_rejection_by_anybody_outweighs_approvals_until_that_person_decides_anew(order: int) -> None:
    both = [said("alice@contoso.example"), said("mallory@contoso.example", "reject")][::order]
    assert standing_of(*both).state == "rejected"
    assert standing_of(*both, said("mallory@contoso.example")).is_approved


def test_a_change_put_off_until_a_date_waits_for_it() -> None:
    later = said("bob@contoso.example", "defer", until=NOW + dt.timedelta(days=1))
    assert standing_of(said("alice@contoso.example"), later).state == "deferred"
    earlier = said("bob@contoso.example", "defer", until=NOW - dt.timedelta(days=1))
    assert standing_of(said("alice@contoso.example"), earlier).is_approved


def _gated(**more: Any) -> tuple[Change, Gate]:
    change = a_change(gates=("widening",))
    return change, Gate(id="widening", passed=False, text="too wide", changes=(change.id,), **more)


def test_a_gate_is_opened_by_its_id_and_by_nothing_else() -> None:
    change, gate = _gated()
    alice = said("alice@contoso.example", change=change)
    assert standing_of(alice, change=change, gates=(gate,)).state == "gated"
    other = said("alice@contoso.example", "accept-gate", change, gate="removals")
    assert standing_of(alice, other, change=change, gates=(gate,)).state == "gated"
    accepted = said("alice@contoso.example", "accept-gate", change, gate="widening")
    assert standing_of(alice, accepted, change=change, gates=(gate,)).is_approved


def test_only_who_may_approve_may_accept_a_gate() -> None:
    change, gate = _gated()
    alice = said("alice@contoso.example", change=change)
    stranger = said("mallory@contoso.example", "accept-gate", change, gate="widening")
    assert standing_of(alice, stranger, change=change, gates=(gate,)).state == "gated"


def test_a_final_gate_is_never_opened_and_a_waived_one_is_open() -> None:
    change, final = _gated(final=True)
    words = [
        said("alice@contoso.example", change=change),
        said("alice@contoso.example", "accept-gate", change, gate="widening"),
    ]
    assert standing_of(*words, change=change, gates=(final,)).state == "gated"
    change, waived = _gated(waived_by="bob")
    assert standing_of(words[0], change=change, gates=(waived,)).is_approved
