"""One long working day against a stumbling Azure, with every promise checked after every step.

``Trial`` offers the steps (plan, approve, apply, crash, foreign edit, resume, roll back, confirm). Each holds the
promises that can be broken there; :meth:`Trial.check` holds those that must hold at any moment.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from allowlist.apply.result import RunResult
from allowlist.errors import (
    AllowlistError,
    AppliedInPart,
    BlockedByGate,
    LockHeld,
    NotApproved,
    StalePlan,
    TargetError,
)
from allowlist.plan.model import Plan
from allowlist.store import Run
from allowlist.workflow.applying import ApplyOptions
from allowlist.workflow.confirming import confirm_run
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.world import FOREIGN, OURS, POLICY, World, now

STUMBLES = (
    "PUT:ruleCollectionGroups:times=2:busy",
    "PUT:ruleCollectionGroups:times=1:throttled",
    "PUT:ruleCollectionGroups:times=1:throttled-silently",
    "PUT:ruleCollectionGroups:times=1:reset-before",
    "PUT:ruleCollectionGroups:times=1:reset-after",
    "PUT:ruleCollectionGroups:times=1:unavailable",
    "PUT:ruleCollectionGroups:times=1:server-error",
    "PUT:ruleCollectionGroups:times=1:null-body",
    "PUT:ruleCollectionGroups:times=1:stale-etag",
    "PUT:ruleCollectionGroups:times=1:operation-slow",
    "PUT:ruleCollectionGroups:times=1:half-updated",
    "PUT:ruleCollectionGroups:times=1:operation-fails",
    "DELETE:ruleCollectionGroups:times=1:reset-after",
    "DELETE:ruleCollectionGroups:times=1:unavailable",
    "GET:*:times=2:unavailable",
    "GET:*:times=3:throttled-silently",
    "GET:operations:times=1:reset-before",
    "*:*:clock-skew",
)
"""What Azure does on bad days and gets over; the change has to land exactly once all the same."""

BLOWS = (
    "PUT:ruleCollectionGroups:precondition",
    "PUT:ruleCollectionGroups:operation-fails",
    "PUT:ruleCollectionGroups:operation-lost",
    "PUT:ruleCollectionGroups:reset-before",
    "DELETE:ruleCollectionGroups:operation-fails",
    "GET:firewallPolicies:unavailable",
)
"""What lasts: the run ends before its aim, and has to say so."""

MOMENTS = ("intended", "sent", "landed", "verified")

REFUSALS = (StalePlan, NotApproved, BlockedByGate)


class PowerCut(BaseException):
    """Nothing catches it: as if the process were gone."""


class Trial:
    """The world, what was decided in it, and what it must look like if every promise is kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.plan: Plan | None = None
        self.planned_on = ""
        self.allowed: set[str] = set()
        self.tampered = False
        self.foreign = world.foreign()
        self.run: Run | None = None
        self.full = world.workload.read_text()
        world.settings["busy_attempts"] = 8
        world.settings["settle_attempts"] = 40

    # steps

    def make_plan(self) -> None:
        before = self._writes()
        self.plan = self.world.made_plan()
        self.planned_on = self._state()
        self._hold("a plan never writes", self._writes() == before)
        self.counts["plans"] += 1

    def approve(self, share: float) -> None:
        if self.plan is None:
            return
        some = self.plan.changes[: max(1, round(len(self.plan.changes) * share))]
        if some:
            self.world.approve(self.plan, *some)
            self.allowed |= {change.operation.path[1] for change in some}

    def apply(
        self, faults: tuple[str, ...] = (), crash: str = "", *, in_part: bool = True, wait: bool = False
    ) -> None:
        """Apply the plan while ``faults`` happen; ``crash`` is the journal line after which the power goes."""
        if self.plan is None or self.plan.is_empty:
            return
        self._inject(faults)
        before, same = self._writes(), self._state() == self.planned_on
        confirm = dt.timedelta(minutes=10) if wait else None
        try:
            result = self._with_crash(
                crash,
                lambda: self.world.apply(_known(self.plan), approved_only=in_part, confirm_within=confirm),
            )
        except REFUSALS as refusal:
            self._hold("a refused plan writes nothing", self._writes() == before)
            changed = self._state() != self.planned_on
            self._hold("only a changed target is stale", changed or not isinstance(refusal, StalePlan))
            self.counts[f"refused: {type(refusal).__name__}"] += 1
        except LockHeld:
            self._hold("nobody writes over what is provisional", self._writes() == before)
            self.counts["refused: provisional"] += 1
        except TargetError:
            self._hold("an unreadable target is not written", self._writes() == before)
            self.counts["refused: unreadable"] += 1
        except PowerCut:
            self.counts["crashes"] += 1
            self._remember_last()
        else:
            self._hold("what was planned on another state is refused", same)
            self._judge(result, f"applied: {'complete' if result.is_complete else 'in part'}")
        finally:
            self.world.simulator.faults.clear()

    def resume(self, faults: tuple[str, ...] = ()) -> None:
        """The next run after a crash: done, not done or unknown, and on from there."""
        for run in self.world.ledger.unfinished_runs():
            if run.kind == "apply" and run.state != "provisional":
                self._resume(run, faults)

    def roll_back(self) -> None:
        if self.run is None:
            return
        run = self.world.ledger.run(self.run.run_id)
        before = self._writes()
        try:
            roll_back(self.world.project, run.run_id, self.world.arm, self.world.context())
        except StalePlan:
            self._hold("only a foreign edit stops a rollback", self.tampered or self.run_is_old)
            self._hold("a refused rollback writes nothing", self._writes() == before)
            self.counts["rollbacks refused"] += 1
        except AllowlistError:
            self.counts["rollbacks without anything to undo"] += 1
        else:
            self.counts["rollbacks"] += 1
        self.run = None

    def confirm(self) -> None:
        for run in self.world.ledger.unfinished_runs():
            if run.state == "provisional":
                confirm_run(self.world.ledger, run.run_id, "bob", now())
                self.counts["confirmed"] += 1

    def another_team_edits(self) -> None:
        """Somebody adds a rule to a group that is not ours."""
        self.world.edit(FOREIGN, _add_rule)
        self.foreign = self.world.foreign()
        self.counts["foreign edits"] += 1

    def somebody_tampers(self) -> None:
        """Somebody takes a rule out of our own group."""
        if self.world.rules():
            self.world.edit(OURS, _drop_rule)
            self.tampered = True
            self.counts["foreign edits"] += 1

    def catalog_shrinks(self) -> None:
        self.world.workload.write_text(self.full.replace("  - {name: vscode, version: 2.0.0}\n", ""))

    def catalog_grows_back(self) -> None:
        self.world.workload.write_text(self.full)

    # promises

    def check(self) -> None:
        """What must hold at any moment."""
        self._hold("nothing foreign is changed or removed", self.world.foreign() == self.foreign)
        self._hold("nothing is written that nobody approved", set(self.world.rules()) <= self.allowed)
        self._hold("the ledger is intact", not self.world.ledger.verify())

    @property
    def run_is_old(self) -> bool:
        """Later runs have written over what ``run`` left."""
        return self.run is not None and self.world.ledger.runs(1)[0].run_id != self.run.run_id

    def _resume(self, run: Run, faults: tuple[str, ...]) -> None:
        self._inject(faults)
        try:
            result = resume_run(
                self.world.project, run.run_id, self.world.arm, self.world.context(), ApplyOptions()
            )
        except AppliedInPart:
            self._hold("only a foreign edit leaves a change unknown", self.tampered)
            self.counts["resumes stopped by a foreign edit"] += 1
        except (TargetError, StalePlan):
            self.counts["resumes put off"] += 1
        else:
            self.counts["resumes"] += 1
            self._judge(result, f"resumed: {'complete' if result.is_complete else 'in part'}")
        finally:
            self.world.simulator.faults.clear()

    def _judge(self, result: RunResult, word: str) -> None:
        self.counts[word] += 1
        self._remember_last()
        plan = _known(self.plan)
        present = set(self.world.rules())
        for change in plan.changes:
            fate = result.fates.get(change.id)
            wanted = change.operation.action != "remove"
            if fate == "done" and result.is_complete:
                self._hold("what is called done is there", (change.operation.path[1] in present) == wanted)
        if result.is_complete:
            self._hold("success means Succeeded everywhere", self._all_succeeded())
            self._hold("a complete run says whether it converged", result.converged is not None)
        else:
            self._hold("an incomplete run says why", bool(result.error))
            state = self.world.ledger.run(result.run_id).state
            self._hold("no partial run goes unnoticed", state in ("partial", "failed", "interrupted"))

    def _all_succeeded(self) -> bool:
        bodies = [self.world.body(POLICY), self.world.body(OURS)]
        bodies += self.world.simulator.resources("Microsoft.Network/azureFirewalls")
        return all(
            item is None or item["properties"].get("provisioningState") == "Succeeded" for item in bodies
        )

    def _remember_last(self) -> None:
        self.run = self.world.ledger.runs(1)[0]
        self.tampered = False

    def _with_crash(self, moment: str, work: Any) -> Any:
        def cut(event: Any) -> None:
            if event.state == moment:
                raise PowerCut

        if moment:
            self.world.settings["on_event"] = cut
        try:
            return work()
        finally:
            self.world.settings.pop("on_event", None)

    def _inject(self, faults: tuple[str, ...]) -> None:
        self.world.fault(*faults)
        self.counts["faults"] += len(faults)

    def _state(self) -> str:
        """Everything a plan relies on, without what the service counts by itself."""
        ours = self.world.body(OURS) or {"properties": {}}
        return str(
            (self.foreign, ours["properties"].get("ruleCollections"), ours["properties"].get("priority"))
        )

    def _writes(self) -> int:
        return sum(request.method not in ("GET", "HEAD") for request in self.world.simulator.requests)

    def _hold(self, promise: str, kept: bool) -> None:
        self.counts["promises checked"] += 1
        assert kept, f"broken: {promise}"


def _known(plan: Plan | None) -> Plan:
    assert plan is not None
    return plan


def _add_rule(body: dict[str, Any]) -> None:
    rules = body["properties"]["ruleCollections"][0]["rules"]
    rules.append(
        {
            "ruleType": "ApplicationRule",
            "name": f"added-by-others-{len(rules)}",
            "protocols": [{"protocolType": "Https", "port": 443}],
            "targetFqdns": [f"late{len(rules)}.example"],
            "sourceAddresses": ["10.50.0.0/20"],
        }
    )


def _drop_rule(body: dict[str, Any]) -> None:
    collections = body["properties"]["ruleCollections"]
    collections[0]["rules"].pop()
    if not collections[0]["rules"]:
        collections.pop(0)
