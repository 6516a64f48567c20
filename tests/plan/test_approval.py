"""Who may open what: approvals are bound to meaning, people and time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from allowlist.plan.approval import ApprovalPolicy, ApprovalStatus, standings
from allowlist.plan.model import Change, Gate, Risk
from allowlist.store import Decision
from tests.helpers.plans import NOW, a_change, a_plan

CHANGE = a_change()
LISTED = ApprovalPolicy(approvers=("alice@contoso.example", "bob@contoso.example"))


def said(who: str, verdict: str = "approve", change: Change = CHANGE, **more: Any) -> Decision:
    given: dict[str, Any] = {
        "change_digest": change.id,
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
) -> ApprovalStatus:
    made = a_plan(change, **plan)
    bound = [
        msgspec.structs.replace(item, change_digest=made.changes[0].digest)
        for item in decisions
        if item.change_digest == change.id
    ]
    (found,) = standings(made, bound, policy, NOW)
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


@pytest.mark.parametrize(
    "policy",
    [
        ApprovalPolicy(approvers=("os:carol@desk",)),
        ApprovalPolicy(four_eyes=True),
        ApprovalPolicy(quorum={"billed": 2}),
    ],
)
def test_where_it_matters_who_somebody_is_an_operating_system_user_counts_for_nothing(
    policy: ApprovalPolicy,
) -> None:
    found = standing_of(
        said("os:carol@desk", identity="unverified"), policy=policy, asked_by="bob@contoso.example"
    )
    assert found.state == "pending"
    assert "os:carol@desk does not count" in found.text


def test_where_it_does_not_matter_anybody_counts() -> None:
    assert standing_of(said("os:carol@desk", identity="unverified"), policy=ApprovalPolicy()).is_approved


def test_one_person_under_two_spellings_is_one_person() -> None:
    policy = ApprovalPolicy(quorum={"low": 2})
    spellings = (
        "alice@contoso.example",
        "Alice@Contoso.Example",
        " alice@contoso.example",
        "\uff41lice@contoso.example",
        "ali\u200bce@contoso.example",
    )
    found = standing_of(*(said(name) for name in spellings), policy=policy)
    assert found.text == "1 of 2 approvals"


def test_a_name_is_found_in_the_list_of_approvers_in_any_spelling() -> None:
    assert standing_of(said("ALICE@contoso.example")).is_approved
    policy = ApprovalPolicy(four_eyes=True)
    assert not standing_of(
        said("ALICE@contoso.example"), policy=policy, asked_by="alice@contoso.example"
    ).is_approved


def test_four_eyes_are_those_of_two_people_where_nobody_vouches_for_who_asked() -> None:
    policy = ApprovalPolicy(four_eyes=True)
    alice, bob = said("alice@contoso.example"), said("bob@contoso.example")
    assert standing_of(alice, policy=policy, asked_by="").text == "1 of 2 approvals"
    assert standing_of(alice, bob, policy=policy, asked_by="").is_approved


def test_a_user_of_a_machine_may_be_whoever_has_that_name_elsewhere() -> None:
    policy = ApprovalPolicy(four_eyes=True)
    alice, bob = said("alice@contoso.example"), said("bob@contoso.example")
    assert not standing_of(alice, policy=policy, asked_by="os:Alice@desk").is_approved
    assert standing_of(bob, policy=policy, asked_by="os:Alice@desk").is_approved


def test_who_asked_for_the_plan_that_was_approved_is_not_forgotten() -> None:
    policy = ApprovalPolicy(four_eyes=True)
    own = said("alice@contoso.example", asked_by="alice@contoso.example")
    assert standing_of(own, policy=policy, asked_by="bob@contoso.example").state == "pending"


def test_nothing_said_in_the_name_of_another_lifts_what_that_person_said() -> None:
    rejected = said("alice@contoso.example", "reject")
    claimed = said("alice@contoso.example", identity="unverified", at=NOW + dt.timedelta(hours=1))
    assert standing_of(said("bob@contoso.example"), rejected, claimed).state == "rejected"


def test_an_old_word_that_is_brought_again_does_not_outdo_a_later_one() -> None:
    old = said("alice@contoso.example", at=NOW - dt.timedelta(days=1))
    assert standing_of(said("alice@contoso.example", "reject"), old).state == "rejected"


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


LATER = NOW + dt.timedelta(hours=1)


@pytest.mark.parametrize("verdict", ["reject", "defer"])
def test_a_no_outlives_an_edit_of_the_target(verdict: str) -> None:
    """Any edit of anybody's makes another state; a no that ended with it could be got rid of by editing something."""
    until: dict[str, Any] = {"until": NOW + dt.timedelta(days=9)} if verdict == "defer" else {}
    no = said("bob@contoso.example", verdict, precondition="before the edit", at=LATER, **until)

    assert standing_of(no).state == {"reject": "rejected", "defer": "deferred"}[verdict]
    found = standing_of(said("alice@contoso.example"), no)
    assert not found.is_approved
    assert "another state" in found.text


def test_what_was_refused_on_another_state_goes_with_an_approval_said_after_it() -> None:
    no = said("bob@contoso.example", "reject", precondition="before the edit")

    assert standing_of(no, said("alice@contoso.example", at=LATER)).is_approved
    assert (
        standing_of(no, said("bob@contoso.example", precondition="yet another", at=LATER)).state == "pending"
    )


def test_under_a_quorum_those_who_approved_before_the_no_have_to_say_it_again() -> None:
    policy = ApprovalPolicy(quorum={"low": 2})
    no = said("bob@contoso.example", "reject", precondition="before the edit", at=LATER)
    early = said("alice@contoso.example")
    late = said("carol@contoso.example", at=LATER + dt.timedelta(hours=1))

    found = standing_of(early, no, late, policy=policy)

    assert (found.state, found.approvers) == ("rejected", ("carol@contoso.example",))


def test_after_a_rollback_only_what_was_said_since_approves() -> None:
    plan = a_plan(CHANGE)
    change = plan.changes[0]
    rolled_back = {change.id: NOW - dt.timedelta(hours=1)}

    def standing(at: dt.datetime) -> ApprovalStatus:
        word = said("alice@contoso.example", change_digest=change.digest, at=at)
        (found,) = standings(plan, (word,), LISTED, NOW, undone=rolled_back)
        return found

    earlier, later = standing(NOW - dt.timedelta(hours=2)), standing(NOW)
    assert (earlier.state, earlier.undone) == ("pending", True)
    assert earlier.text.endswith("; it was rolled back, so it takes a new approval")
    assert later.is_approved
    assert later.undone
    assert "rolled back" not in later.text
