"""May what an interrupted run left go on? Only what a new run might write now: a no, an end and a stricter policy count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from allowlist.apply.executor import RunContext
from allowlist.errors import NotApproved
from allowlist.plan.approval import ApprovalStatus
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger
from allowlist.store.records import POLICY_PREFIX
from allowlist.workflow.approval_policy import refuse_other_policy
from allowlist.workflow.deciding import asker_is_known, standings_in
from allowlist.workflow.meaning import refuse_other_place
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.policy import still_goes

_STRICTER: Final = {"accept": 0, "gate": 1, "refuse": 2}
"""How strict a policy is with what holds under an assumption only."""


def refuse_not_going_on(
    project: Project, plan: Plan, rest: Sequence[Change], context: RunContext, run_id: str
) -> None:
    """Raises PlanRefused for another workload or policy than the ledger's, NotApproved where one of ``rest`` may not go.

    The approval policy is the one in force now, wherever it comes from, and not the one the plan was made under.
    """
    if not rest:
        return
    ledger = context.ledger
    refuse_other_place(project, plan)
    refuse_other_policy(ledger, project.workload.name, project.approval)
    left = {change.id for change in rest}
    # Whoever put a plan on record as its asker made it there; a file can name anybody.
    made_here = asker_is_known(ledger, plan)
    standings = standings_in(ledger, plan, project.approval.policy, context.clock(), made_here=made_here)
    waiting = [item for item in standings if item.change.id in left]
    for change, because in (*_not_approved(project, plan, waiting, ledger), *_assumed(project, plan, rest)):
        raise NotApproved(
            f"{change.title} is not written any more: {because}",
            hint=f"have it approved: allowlist approve PLAN {change.id} --reason TEXT\n"
            f"then go on with it: allowlist apply --resume {run_id}\n"
            f"or undo the run: allowlist rollback {run_id}\n"
            f"or leave it as it is: allowlist history {run_id} --close REASON",
        )


def _not_approved(
    project: Project, plan: Plan, waiting: Iterable[ApprovalStatus], ledger: Ledger
) -> Iterator[tuple[Change, str]]:
    for item in waiting:
        if item.is_approved or (item.state == "pending" and _goes_by_policy(project, plan, item, ledger)):
            continue
        yield item.change, f"{item.state}: {item.text}"


def _goes_by_policy(project: Project, plan: Plan, item: ApprovalStatus, ledger: Ledger) -> bool:
    """Did a scheduled run let it go without a person, and would it today?"""
    if item.undone:
        return False
    said = ledger.decisions_about({item.change.id: item.change.digest})
    automation = project.workload.automation
    return any(
        _is_policy_word(word, plan) and still_goes(item.change, plan, automation, word.reason)
        for word in said
        if word.change_digest == item.change.digest
    )


def _is_policy_word(word: Decision, plan: Plan) -> bool:
    who = f"{POLICY_PREFIX}{plan.workload}"
    return word.verdict == "comment" and word.who == who and word.plan_id == plan.digest


def _assumed(project: Project, plan: Plan, rest: Iterable[Change]) -> Iterator[tuple[Change, str]]:
    """What rests on an assumption that was let count, where that is asked about or refused by now."""
    now, then = project.approval.rule.assumptions, plan.approval.assumptions if plan.approval else "gate"
    if _STRICTER[now] <= _STRICTER[then]:
        return
    for change in rest:
        if change.assumptions:
            yield (
                change,
                f"it rests on an assumption ({change.assumptions[0]}), and approval.assumptions is {now} now",
            )
