"""Promises of the product, and for each the mutants that its tests have to kill.

A mutant is one edit of the product that breaks the promise, and the test that must then fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One sentence, and the test that would catch its breach."""

    sentence: str
    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """``old`` stands exactly once in ``file``; with ``new`` in its place ``promise`` is broken, and ``test`` has to fail."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    test: str


_PLAN = "A plan never writes."
_FOREIGN = "Nothing foreign is changed or removed; every skip has a reason code."
_STALE = "Apply refuses when a precondition differs from the approved plan."
_CONVERGED = "`apply` then `plan` is empty, or the run is reported as not converged."
_NOTICED = "No partial apply goes unnoticed."
_ORDER = "A removal never precedes the addition that covers for it."
_SUCCESS = "Success means that everything reads back equal and says Succeeded."
_ROLLBACK = "A rollback is verified like an apply; a failed rollback is its own alarm."
_EMPTY = "An empty, truncated or shrunken catalog never plans removals without an explicit override."
_OFFLINE = "Everything but reading and writing Azure works offline; there is no telemetry."
_FORGED = "What was approved is what is written."
_KEPT = "tests/promises/test_kept.py::"
_APPLYING = "tests/workflow/test_applying.py::"

PROMISES = (
    Promise(sentence=_PLAN, test=f"{_KEPT}test_a_plan_reads_and_nothing_more"),
    Promise(
        sentence=_FOREIGN, test=f"{_KEPT}test_collections_of_others_in_a_group_we_write_stay_as_they_are"
    ),
    Promise(sentence=_STALE, test=f"{_APPLYING}test_a_plan_is_stale_when_anything_it_relied_on_has_changed"),
    Promise(
        sentence=_CONVERGED,
        test=f"{_KEPT}test_a_run_that_somebody_undoes_behind_its_back_has_not_converged",
    ),
    Promise(
        sentence=_NOTICED, test=f"{_APPLYING}test_after_a_crash_at_any_journal_line_the_next_run_finishes"
    ),
    Promise(sentence=_ORDER, test=f"{_KEPT}test_what_only_removes_waits_for_what_adds_wherever_that_is"),
    Promise(sentence=_SUCCESS, test=f"{_KEPT}test_done_is_what_reads_back_and_not_what_was_sent"),
    Promise(sentence=_ROLLBACK, test=f"{_KEPT}test_a_rollback_that_does_not_read_back_is_an_alarm"),
    Promise(
        sentence=_EMPTY,
        test="tests/plan/test_gates.py::test_an_empty_catalog_never_removes_anything_by_itself",
    ),
    Promise(sentence=_OFFLINE, test="tests/cli/test_start_up.py::test_offline_work_loads_nothing_heavy"),
)
"""The ten of the README, in its order."""

MUTANTS = (
    Mutant(
        name="stale plan accepted",
        promise=_STALE,
        file="allowlist/apply/executor.py",
        old="if target.point.fingerprint(target.before) != expected[target.name]:",
        new="if False:",
        test="tests/workflow/test_applying.py::test_a_plan_is_stale_when_anything_it_relied_on_has_changed",
    ),
    Mutant(
        name="approval kept over another state",
        promise=_STALE,
        file="allowlist/plan/approval.py",
        old="current = [item for item in mine if item.precondition == change.precondition]",
        new="current = mine",
        test="tests/plan/test_approval.py::test_an_approval_for_another_state_of_the_target_says_so",
    ),
    Mutant(
        name="digest of a change believed",
        promise=_FORGED,
        file="allowlist/plan/digest.py",
        old="elif change.digest != terms.digest(change):",
        new="elif False:",
        test="tests/workflow/test_forgeries.py::test_a_plan_that_was_edited_after_its_approval_writes_nothing",
    ),
    Mutant(
        name="no plan made again at apply",
        promise=_FORGED,
        file="allowlist/workflow/applying.py",
        old="        refuse_other_meaning(project, plan, arm, changes)\n",
        new="",
        test="tests/workflow/test_forgeries.py::test_what_was_forged_before_it_was_approved_is_not_written_either",
    ),
    Mutant(
        name="a rejection under the lock does not count",
        promise=_FORGED,
        file="allowlist/workflow/applying.py",
        old="        refuse_withdrawn(changes, still)\n",
        new="",
        test="tests/workflow/test_forgeries.py::test_a_rejection_that_comes_while_apply_waits_for_its_lock_counts",
    ),
    Mutant(
        name="a rejection while a resume waits does not count",
        promise=_FORGED,
        file="allowlist/workflow/resuming.py",
        old="            last_word=lambda: refuse_not_going_on(project, plan, rest, context, run_id),\n",
        new="",
        test="tests/workflow/test_forgeries.py::test_a_rejection_that_comes_while_a_resume_waits_for_its_lock_counts",
    ),
    Mutant(
        name="a resume goes on under the policy of the run's beginning",
        promise=_FORGED,
        file="allowlist/workflow/going_on.py",
        old='        if item.is_approved or (item.state == "pending" and _goes_by_policy(project, plan, item, ledger)):\n',
        new='        if item.is_approved or item.state == "pending":\n',
        test="tests/workflow/test_forgeries.py::test_a_resume_writes_nothing_that_a_stricter_policy_does_not_let_through",
    ),
    Mutant(
        name="a no ends with an edit of the target",
        promise=_FORGED,
        file="allowlist/plan/approval.py",
        old="elsewhere = _refusal_elsewhere(change, words, now)",
        new="elsewhere = None",
        test="tests/plan/test_approval.py::test_a_no_outlives_an_edit_of_the_target",
    ),
    Mutant(
        name="unverified names count",
        promise=_FORGED,
        file="allowlist/plan/approval.py",
        old="if policy.counts_people and decision.identity not in _VOUCHED:",
        new="if False:",
        test="tests/plan/test_approval.py",
    ),
    Mutant(
        name="a clock set back is believed",
        promise=_FORGED,
        file="allowlist/store/ledger.py",
        old="return max(now, moment(newest)) if newest else now",
        new="return now",
        test="tests/workflow/test_forgeries.py::test_a_clock_set_back_does_not_revive_an_approval",
    ),
    Mutant(
        name="journal line left out",
        promise=_NOTICED,
        file="allowlist/apply/executor.py",
        old='            journal.record("intended")\n',
        new="",
        test="tests/workflow/test_applying.py::test_after_a_crash_at_any_journal_line_the_next_run_finishes",
    ),
    Mutant(
        name="a plan writes",
        promise=_PLAN,
        file="allowlist/points/firewall/point.py",
        old="            policy = whole(arm.get(wanted, API_VERSION))\n",
        new="            policy = arm.put(wanted, whole(arm.get(wanted, API_VERSION)), API_VERSION)  # type: ignore\n",
        test=f"{_KEPT}test_a_plan_reads_and_nothing_more",
    ),
    Mutant(
        name="a foreign collection lost",
        promise=_FOREIGN,
        file="allowlist/points/firewall/compose.py",
        old='    collections = properties.setdefault("ruleCollections", [])\n',
        new='    collections = properties["ruleCollections"] = []\n',
        test=f"{_KEPT}test_collections_of_others_in_a_group_we_write_stay_as_they_are",
    ),
    Mutant(
        name="nothing else always true",
        promise=_FOREIGN,
        file="allowlist/plan/proofs.py",
        old="        nothing_else=_nothing_else(drafted, opened, closed, evidence),\n",
        new='        nothing_else=Proof(holds=True, text="no other flow is opened or closed"),\n',
        test="tests/property/test_plan_proofs.py::test_the_proofs_of_an_added_rule_are_true",
    ),
    Mutant(
        name="no re-read before the write",
        promise=_STALE,
        file="allowlist/apply/executor.py",
        old="            if not self._is_unchanged(target, write):\n                raise",
        new="            if False:\n                raise",
        test=f"{_APPLYING}test_somebody_who_edits_our_group_between_reading_and_writing_is_noticed",
    ),
    Mutant(
        name="the re-read compares meaning alone",
        promise=_FOREIGN,
        file="allowlist/points/point.py",
        old="        return fingerprint(estate.get(resource))\n",
        new="        return meaning(estate.get(resource))\n",
        test=f"{_APPLYING}test_no_edit_of_others_is_overwritten_though_it_means_the_same",
    ),
    Mutant(
        name="convergence unchecked",
        promise=_CONVERGED,
        file="allowlist/workflow/applying.py",
        old="        result.converged = not still_wanted(plan, fresh, applied)\n",
        new="        result.converged = True\n",
        test=f"{_KEPT}test_a_run_that_somebody_undoes_behind_its_back_has_not_converged",
    ),
    Mutant(
        name="removals first",
        promise=_ORDER,
        file="allowlist/apply/executor.py",
        old="        for removals in (False, True):\n",
        new="        for removals in (True, False):\n",
        test=f"{_KEPT}test_what_only_removes_waits_for_what_adds_wherever_that_is",
    ),
    Mutant(
        name="no read-back",
        promise=_SUCCESS,
        file="allowlist/apply/executor.py",
        old="            unmet = target.point.verify(self.arm, write)\n            yield unmet\n",
        new="            unmet: list[Unmet] = []\n            yield unmet\n",
        test=f"{_KEPT}test_done_is_what_reads_back_and_not_what_was_sent",
    ),
    Mutant(
        name="rollback unverified",
        promise=_ROLLBACK,
        file="allowlist/workflow/rolling_back.py",
        old="    differences = _read_again(ledger, way, arm, result.run_id) if result.is_complete else []\n",
        new="    differences: list[str] = []\n",
        test=f"{_KEPT}test_a_rollback_that_does_not_read_back_is_an_alarm",
    ),
    Mutant(
        name="an empty catalog removes",
        promise=_EMPTY,
        file="allowlist/plan/gates.py",
        old="    if removals and given.empty_catalogs:\n",
        new="    if False:\n",
        test="tests/plan/test_gates.py::test_an_empty_catalog_never_removes_anything_by_itself",
    ),
    Mutant(
        name="offline work reaches for the network",
        promise=_OFFLINE,
        file="allowlist/plan/gates.py",
        old="from allowlist.documents.words import counted\n",
        new="import httpx\n\nfrom allowlist.documents.words import counted\n",
        test="tests/cli/test_start_up.py::test_offline_work_loads_nothing_heavy",
    ),
    Mutant(
        name="sync does not ask again under its lock",
        promise=_FORGED,
        file="allowlist/workflow/syncing/target.py",
        old="            last_word=lambda: _refuse_withdrawn(given, spec, look),\n",
        new="",
        test="tests/workflow/test_sync_trust.py::test_a_rejection_that_comes_while_it_waits_for_its_lock_counts",
    ),
    Mutant(
        name="another policy than the ledger's",
        promise=_FORGED,
        file="allowlist/workflow/syncing/run.py",
        old="        refuse_other_policy(self._around.ledger, given.workload, given.project.approval)\n",
        new="",
        test="tests/workflow/test_sync_trust.py::test_under_another_policy_than_that_of_the_ledger_nothing_is_applied",
    ),
    Mutant(
        name="an approval outlives the rollback of what it let go",
        promise=_FORGED,
        file="allowlist/plan/approval.py",
        old="return said if undone is None else [item for item in said if item.at > undone]",
        new="return said",
        test="tests/workflow/test_sync_trust.py::test_what_somebody_rolled_back_is_not_applied_again_on_the_same_word",
    ),
    Mutant(
        name="a no counts under its own gates alone",
        promise=_FORGED,
        file="allowlist/plan/approval.py",
        old="same = [item for item in about.get(change.id, ()) if item.change_digest != change.digest]",
        new="same: list[DecisionLike] = []",
        test="tests/workflow/test_sync_trust.py::test_a_no_counts_for_the_same_change_under_other_gates",
    ),
)
