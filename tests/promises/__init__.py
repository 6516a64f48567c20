"""Promises of the product, and for each the mutants that its tests have to kill.

A mutant is one edit of the product that breaks the promise, and the test that must then fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """``old`` stands exactly once in ``file``; with ``new`` in its place ``promise`` is broken, and ``test`` has to fail."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    test: str


_STALE = "Apply refuses when a precondition differs from the approved plan."
_FORGED = "What was approved is what is written."
_NOTICED = "No partial apply goes unnoticed."

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
)
