"""The ledger gives back what was put into it, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError
from allowlist.store import Ledger, RunState
from tests.helpers.laws import examples
from tests.helpers.ledgers import NOON, PLAN, HandClock, decision, opened, step, with_run

OTHER_PLAN = "sha256:" + "b" * 64


def save(ledger: Ledger, plan_id: str, document: bytes = b"{}") -> None:
    ledger.save_plan(plan_id, document, workload="lab", created=NOON, who="ada@example.com")


class TestPlans:
    def test_a_plan_comes_back_byte_for_byte(self, ledger: Ledger) -> None:
        save(ledger, PLAN, b'{ "kept" : "as it is" }\n')
        assert ledger.plan(PLAN) == b'{ "kept" : "as it is" }\n'

    def test_saving_a_plan_twice_changes_nothing(self, ledger: Ledger) -> None:
        save(ledger, PLAN, b"{}")
        head = ledger.head()
        save(ledger, PLAN, b"{}")
        assert ledger.head() == head

    def test_a_plan_is_found_by_the_beginning_of_its_digest(self, ledger: Ledger) -> None:
        save(ledger, PLAN, b"[1]")
        save(ledger, OTHER_PLAN, b"[2]")
        assert ledger.plan("sha256:b") == b"[2]"
        with pytest.raises(AllowlistError, match="2 plans begin with 'sha256:'"):
            ledger.plan("sha256:")
        with pytest.raises(AllowlistError, match="knows no plan 'sha256:c'"):
            ledger.plan("sha256:c")

    def test_pending_plans_are_those_no_run_began(self, ledger: Ledger) -> None:
        save(ledger, OTHER_PLAN)
        with_run(ledger, plan_id=PLAN)
        assert [plan.plan_id for plan in ledger.plans()] == [PLAN, OTHER_PLAN]
        (pending,) = ledger.plans(pending_only=True)
        assert (pending.plan_id, pending.workload, pending.created) == (OTHER_PLAN, "lab", NOON)


class TestDecisions:
    def test_every_kind_of_decision_comes_back_in_order_as_it_was(self, ledger: Ledger) -> None:
        later = NOON + timedelta(days=7)
        made = (
            decision(verdict="comment", reason="why so wide?"),
            decision(verdict="defer", until=later),
            decision(verdict="accept-gate", gate="wildcard", expires=later),
            decision(verdict="reject", identity="unverified", who="os:bob@laptop"),
            decision(identity="signed", signature="-----BEGIN SSH SIGNATURE-----"),
        )
        for one in made:
            ledger.decide(one)
        assert ledger.decisions(["sha256:c1"]) == made

    def test_only_the_changes_asked_for_are_answered(self, ledger: Ledger) -> None:
        ledger.decide(*(decision(change_digest=f"sha256:{number}") for number in range(4)))
        asked = [f"sha256:{number}" for number in range(2, 1500)]
        assert [d.change_digest for d in ledger.decisions(asked)] == ["sha256:2", "sha256:3"]
        assert ledger.decisions([]) == ()

    def test_several_decisions_are_kept_all_or_none(self, ledger: Ledger) -> None:
        leaking = decision(reason="see https://x.example/a?sig=abcdef")
        with pytest.raises(AllowlistError, match="signed URL"):
            ledger.decide(decision(), leaking)
        assert ledger.decisions(["sha256:c1"]) == ()

    @pytest.mark.parametrize(
        "changes",
        [
            {"verdict": "defer"},
            {"until": NOON},
            {"verdict": "accept-gate"},
            {"gate": "wildcard"},
            {"identity": "signed"},
            {"signature": "x"},
            {"at": datetime(2026, 3, 1)},  # noqa: DTZ001 - a moment without a zone is what is refused
        ],
    )
    def test_a_decision_that_contradicts_itself_cannot_be_made(self, changes: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"names|carries|needs its time zone"):
            decision(**changes)

    @settings(
        max_examples=examples(25),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
    )
    @given(
        who=st.text(max_size=20),
        reason=st.text(max_size=60),
        at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])),
    )
    def test_any_text_and_moment_survives(self, ledger: Ledger, who: str, reason: str, at: datetime) -> None:
        made = decision(who=who, reason=reason, at=at)
        ledger.decide(made)
        assert ledger.decisions([made.change_digest])[-1] == made


class TestRuns:
    def test_a_run_tells_its_journal_and_where_every_step_stands(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        journal = (
            step(0),
            step(0, state="sent", detail={"attempt": 1, "group": ["a", None, 2.5]}),
            step(1, target="hub"),
            step(0, state="landed"),
            step(1, target="hub", state="failed", detail={"because": "403"}),
        )
        for line in journal:
            ledger.record_step(run_id, line)
        run = ledger.run(run_id)
        assert run.steps == journal
        assert [(line.index, line.state) for line in run.standing] == [(0, "landed"), (1, "failed")]

    def test_a_run_says_how_it_stands_as_often_as_that_changes(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        assert (ledger.run(run_id).state, ledger.run(run_id).finished) == ("running", None)
        ledger.finish_run(run_id, "provisional", NOON, {"until": "12:10"})
        ledger.finish_run(run_id, "confirmed", NOON + timedelta(minutes=3), {"by": "ada"})
        run = ledger.run(run_id)
        assert (run.state, run.finished, run.summary) == (
            "confirmed",
            NOON + timedelta(minutes=3),
            {"by": "ada"},
        )

    @pytest.mark.parametrize("state", ["partial", "interrupted", "provisional", "rollback-failed"])
    def test_a_run_that_needs_somebody_is_unfinished(self, ledger: Ledger, state: RunState) -> None:
        ledger.finish_run(with_run(ledger), state, NOON, {})
        assert [run.state for run in ledger.unfinished_runs()] == [state]

    @pytest.mark.parametrize("state", ["succeeded", "failed", "rolled-back", "confirmed"])
    def test_a_run_in_a_final_state_is_not_unfinished(self, ledger: Ledger, state: RunState) -> None:
        ledger.finish_run(with_run(ledger), state, NOON, {})
        assert ledger.unfinished_runs() == ()

    def test_a_run_that_was_taken_up_leaves_the_unfinished_to_the_one_that_did(self, ledger: Ledger) -> None:
        with_run(ledger, "run-1")
        with_run(ledger, "run-2", resumes="run-1")
        assert [run.run_id for run in ledger.unfinished_runs()] == ["run-2"]
        assert ledger.run("run-2").resumes == "run-1"

    def test_the_latest_runs_come_first(self, ledger: Ledger) -> None:
        for number in range(4):
            with_run(ledger, f"run-{number}")
        assert [run.run_id for run in ledger.runs(limit=2)] == ["run-3", "run-2"]

    def test_more_runs_than_fit_into_one_query_all_come_back(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("allowlist.store.runs._AT_ONCE", 2)
        for number in range(5):
            ledger.record_step(with_run(ledger, f"run-{number}"), step(number))
        found = {run.run_id: [line.index for line in run.steps] for run in ledger.runs()}
        assert found == {f"run-{number}": [number] for number in range(5)}

    def test_a_run_is_found_by_the_beginning_of_its_id_taken_literally(self, ledger: Ledger) -> None:
        for run_id in ("run-1", "run-12", "other"):
            with_run(ledger, run_id)
        assert ledger.run("oth").run_id == "other"
        assert ledger.run("run-1").run_id == "run-1"
        for unknown in ("o_h", "OTH", "%"):
            with pytest.raises(AllowlistError, match="knows no run"):
                ledger.run(unknown)
        with pytest.raises(AllowlistError, match="2 runs begin with 'run'"):
            ledger.run("run")

    def test_a_run_is_begun_once_and_of_a_stored_plan(self, ledger: Ledger) -> None:
        with_run(ledger)
        with pytest.raises(AllowlistError, match="was begun before"):
            with_run(ledger)
        with pytest.raises(AllowlistError, match="knows no plan"):
            ledger.begin_run("run-2", "sha256:gone", "ada", NOON, "apply")
        with pytest.raises(AllowlistError, match="knows no run nowhere"):
            with_run(ledger, "run-3", resumes="nowhere")

    def test_nothing_is_journalled_for_a_run_nobody_began(self, ledger: Ledger) -> None:
        writes: tuple[Callable[[], object], ...] = (
            lambda: ledger.record_step("ghost", step()),
            lambda: ledger.finish_run("ghost", "succeeded", NOON, {}),
            lambda: ledger.save_snapshot("ghost", "hub", "before", b"{}"),
            lambda: ledger.record_owned("hub", ["a"], "ghost"),
        )
        for write in writes:
            with pytest.raises(AllowlistError, match="knows no run ghost"):
                write()
        assert ledger.entries() == ()


class TestSnapshots:
    def test_before_is_the_first_and_after_the_last(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        for body in (b"[1]", b"[2]", b"[3]"):
            ledger.save_snapshot(run_id, "hub", "before", body)
            ledger.save_snapshot(run_id, "hub", "after", body)
        assert (ledger.snapshot(run_id, "hub", "before"), ledger.snapshot(run_id, "hub", "after")) == (
            b"[1]",
            b"[3]",
        )

    def test_targets_are_kept_apart(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        ledger.save_snapshot(run_id, "hub", "before", b"[1]")
        ledger.save_snapshot(run_id, "spoke", "before", b"[2]")
        assert ledger.snapshot(run_id, "spoke", "before") == b"[2]"
        with pytest.raises(AllowlistError, match="kept no snapshot of hub from after"):
            ledger.snapshot(run_id, "hub", "after")

    def test_what_runs_left_behind_is_known_by_name(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        ledger.save_snapshot(run_id, "hub", "before", b"[1]")
        ledger.save_snapshot(run_id, "spoke", "after", b"[2]")
        assert ledger.targets_left() == {"spoke"}

    def test_any_bytes_come_back(self, ledger: Ledger) -> None:
        body = bytes(range(256)) * 1000
        run_id = with_run(ledger)
        ledger.save_snapshot(run_id, "hub", "before", body)
        assert ledger.snapshot(run_id, "hub", "before") == body


class TestOwnership:
    def test_the_last_word_on_what_is_ours_counts(self, ledger: Ledger) -> None:
        run_id = with_run(ledger)
        assert ledger.owned_entries("account") == frozenset()
        ledger.record_owned("account", ["a.example", "b.example"], run_id)
        ledger.record_owned("account", ["b.example"], run_id)
        ledger.record_owned("other", ["c.example"], run_id)
        assert ledger.owned_entries("account") == {"b.example"}


def test_history_shows_the_latest_rows_first(ledger: Ledger, clock: HandClock) -> None:
    with_run(ledger)
    clock.advance(timedelta(seconds=5))
    ledger.record_step("run-1", step())
    latest, before = ledger.entries(limit=2)
    assert (latest.seq, latest.kind, latest.subject, latest.state, latest.at) == (
        3,
        "step",
        "run-1",
        "intended",
        clock(),
    )
    assert (before.kind, before.body["who"]) == ("run-begun", "ada@example.com")
    assert ledger.head().digest == latest.digest


def test_everything_is_still_there_when_the_ledger_is_opened_again(ledger_url: str) -> None:
    with opened(ledger_url) as ledger:
        with_run(ledger)
        head = ledger.head()
    with opened(ledger_url) as ledger:
        assert ledger.head() == head
        assert ledger.run("run-1").kind == "apply"
        assert ledger.verify() == ()


def test_bytes_that_are_no_text_are_told(ledger: Ledger) -> None:
    with pytest.raises(AllowlistError, match="contains bytes that are not text"):
        ledger.decide(decision(reason="caf\udce9"))


def test_a_secret_stops_the_row_that_carries_it_and_nothing_else(ledger: Ledger) -> None:
    run_id = with_run(ledger)
    poll = (
        "https://management.example/subscriptions/s/providers/Microsoft.Network/locations/w/operations/1?t=2"
    )
    writes: tuple[Callable[[], object], ...] = (
        lambda: ledger.decide(decision(reason=poll)),
        lambda: ledger.save_snapshot(run_id, "hub", "before", poll.encode()),
        lambda: save(ledger, OTHER_PLAN, poll.encode()),
    )
    for write in writes:
        with pytest.raises(AllowlistError, match="which the ledger never stores"):
            write()
    assert [plan.plan_id for plan in ledger.plans()] == [PLAN]
    assert ledger.verify() == ()


def test_what_others_wrote_is_kept_with_its_secrets_masked(ledger: Ledger) -> None:
    run_id = with_run(ledger)
    secret = "https://store.example/feed.json?sv=1&sig=abc"
    ledger.record_step(run_id, step(detail={"reason": secret}))
    ledger.finish_run(run_id, "failed", NOON, {"headers": {"Authorization": "Bearer x"}})
    ledger.save_snapshot(run_id, "hub", "before", canonical_json([{"id": "/a", "description": secret}]))
    ledger.note("drift", "w/hub", "", {"text": secret})

    kept = str(
        (ledger.run(run_id), ledger.snapshot(run_id, "hub", "before"), ledger.latest_note("drift", "w/hub"))
    )

    assert "sig=abc" not in kept
    assert "Bearer x" not in kept
    assert ledger.verify() == ()
