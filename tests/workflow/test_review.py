"""The review behind the screen: what is refused is refused here, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.apply.events import nobody_watches
from allowlist.apply.stopping import Stop
from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError
from allowlist.plan.approval import ApprovalPolicy, standings
from allowlist.plan.model import Gate, Risk
from allowlist.store import Ledger
from allowlist.workflow.review import Review, State
from allowlist.workload.document import ApprovalRule
from tests.helpers.laws import examples
from tests.helpers.ledgers import HandClock, opened
from tests.helpers.plans import a_change, a_plan
from tests.helpers.sessions import ALICE, BOB, offline_session

LOW = [a_change(f"{letter}.example.com") for letter in "abc"]
WIDE = a_change("*.example.com", risk=Risk.WILDCARD)
GATED = a_change("g.example.com", gates=("widening",))
GATE = Gate(id="widening", passed=False, text="opens more", changes=(GATED.id,))
PLAN = a_plan(*LOW, WIDE, GATED, gates=(GATE,), asked_by=ALICE.who)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: HandClock) -> Iterator[Ledger]:
    with opened(f"sqlite:///{tmp_path}/ledger.db", clock) as found:
        yield found


def review_of(ledger: Ledger, clock: HandClock, **changes: object) -> Review:
    found = Review(PLAN, ledger, **{"who": ALICE, "clock": clock, **changes})  # type: ignore[arg-type]
    found.refresh()
    return found


def test_read_only_refuses_every_decision_and_every_write(
    ledger: Ledger, clock: HandClock, tmp_path: Path
) -> None:
    review = review_of(ledger, clock, read_only="asked for")
    ids = [LOW[0].id]
    decisions: tuple[Callable[[], object], ...] = (
        lambda: review.approve(ids),
        lambda: review.reject(ids, "no"),
        lambda: review.defer(ids, clock() + timedelta(days=1)),
        lambda: review.comment(ids, "hm"),
        lambda: review.accept_gate("widening", "yes"),
        review.undo,
    )
    for attempt in decisions:
        with pytest.raises(AllowlistError, match="read-only: asked for"):
            attempt()
    session = offline_session(tmp_path, read_only="asked for")
    writes: tuple[Callable[[], object], ...] = (
        lambda: session.apply(review, nobody_watches, Stop()),
        lambda: session.roll_back("20260301-120000-abcdef", nobody_watches, Stop()),
        lambda: session.confirm("20260301-120000-abcdef"),
    )
    for attempt in writes:
        with pytest.raises(AllowlistError, match="read-only: asked for"):
            attempt()
    assert ledger.head().seq == 0


def test_a_snapshot_desk_cannot_write(ledger: Ledger, clock: HandClock, tmp_path: Path) -> None:
    review = review_of(ledger, clock)
    review.approve([LOW[0].id])
    with pytest.raises(AllowlistError, match="the state is a snapshot"):
        offline_session(tmp_path).apply(review, nobody_watches, Stop())


def test_several_at_once_lie_in_one_tier_and_were_counted(ledger: Ledger, clock: HandClock) -> None:
    review = review_of(ledger, clock)
    with pytest.raises(AllowlistError, match="one tier at a time"):
        review.approve([LOW[0].id, WIDE.id], counted=2)
    with pytest.raises(AllowlistError, match="2 changes were shown, but 3"):
        review.approve([item.id for item in LOW], counted=2)
    assert review.approve([item.id for item in LOW], counted=3) == 3


def test_with_four_eyes_who_asked_cannot_approve(ledger: Ledger, clock: HandClock) -> None:
    rule = ApprovalRule(four_eyes=True)
    ledger.save_plan(PLAN.digest, canonical_json(PLAN), workload="w", created=clock(), who=ALICE.who)
    mine = review_of(ledger, clock, rule=rule)
    with pytest.raises(AllowlistError, match="somebody else approves"):
        mine.approve([LOW[0].id])
    theirs = review_of(ledger, clock, rule=rule, who=BOB)
    theirs.approve([LOW[0].id])
    assert mine.refresh() == {LOW[0].id}
    assert mine.state(LOW[0].id) is State.APPROVED


def test_a_quorum_tells_who_is_missing(ledger: Ledger, clock: HandClock) -> None:
    rule = ApprovalRule(approvers=[ALICE.who, BOB.who], quorum={"low": 2})
    review = review_of(ledger, clock, rule=rule)
    review.approve([LOW[0].id])
    assert review.state(LOW[0].id) is State.PENDING
    assert review.who_can_approve(LOW[0]) == f"1 approval missing; may come from {BOB.who}"


def test_an_open_review_sees_an_approval_end_when_the_policy_ends_it(
    ledger: Ledger, clock: HandClock
) -> None:
    review_of(ledger, clock, rule=ApprovalRule(valid_days=30)).approve([LOW[0].id])
    strict = review_of(ledger, clock, rule=ApprovalRule(valid_days=1), who=BOB)
    assert strict.state(LOW[0].id) is State.APPROVED
    clock.advance(timedelta(days=1))
    assert strict.state(LOW[0].id) is State.EXPIRED
    assert strict.states() == {LOW[0].id: State.EXPIRED}


def test_undo_brings_back_what_was_said_before(ledger: Ledger, clock: HandClock) -> None:
    review = review_of(ledger, clock)
    review.reject([LOW[0].id], "no")
    review.approve([LOW[0].id])
    assert review.undo() == ("approve", (LOW[0].id,))
    assert review.state(LOW[0].id) is State.REJECTED
    review.undo()
    clock.advance(timedelta(seconds=1))
    assert review.state(LOW[0].id) is State.PENDING
    assert not review.can_undo


def test_what_runs_out_with_time_is_noticed(ledger: Ledger, clock: HandClock) -> None:
    review = review_of(ledger, clock)
    review.approve([LOW[0].id])
    review.defer([LOW[1].id], clock() + timedelta(days=2))
    assert review.progress().ready == 1
    clock.advance(timedelta(days=3))
    assert review.state(LOW[1].id) is State.PENDING
    clock.advance(timedelta(days=12))
    assert review.state(LOW[0].id) is State.EXPIRED
    assert review.progress().ready == 0


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "reject", "defer", "gate", "undo", "wait"]),
        st.integers(0, len(PLAN.changes) - 1),
    ),
    max_size=12,
)


@settings(max_examples=examples(40))
@given(_ACTS)
def test_the_screen_and_apply_always_agree_on_what_is_approved(acts: list[tuple[str, int]]) -> None:
    clock = HandClock()
    with TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/ledger.db", clock) as ledger:
        review = review_of(ledger, clock)
        for act, place in acts:
            _do(review, act, PLAN.changes[place].id, clock)
            clock.advance(timedelta(minutes=1))
        said = ledger.decisions([change.digest for change in PLAN.changes])
        for found in standings(PLAN, said, ApprovalPolicy(), clock()):
            assert review.state(found.change.id).value == found.state


def _do(review: Review, act: str, change_id: str, clock: HandClock) -> None:
    match act:
        case "approve":
            review.approve([change_id])
        case "reject":
            review.reject([change_id], "no")
        case "defer":
            review.defer([change_id], clock() + timedelta(days=3))
        case "gate" if review.progress().open_gates:
            review.accept_gate("widening", "yes")
        case "undo" if review.can_undo:
            review.undo()
        case "wait":
            clock.advance(timedelta(days=5))
