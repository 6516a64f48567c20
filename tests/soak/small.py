"""A day in a small world that has all that once hid a breach: groups that policies share, foreign rules without names or
with the same one, collections of others in our own group, plans that only remove, runs that cannot converge, writes that end
``Failed``, several people and clocks. Every step holds the promises that can be broken there.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from allowlist.apply.result import RunResult
from allowlist.errors import AllowlistError, AppliedInPart, PlanRefused, StalePlan
from allowlist.plan.digest import sealed
from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding
from allowlist.plan.model import Change, Plan
from allowlist.plan.proofs import gather_evidence, judge
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.store import Run
from allowlist.store.identity import Identity
from allowlist.workflow.applying import ApplyOptions
from allowlist.workflow.approval_policy import PolicyInForce, keep_policy
from allowlist.workflow.deciding import decide, standings_in
from allowlist.workflow.judging import Judgement, judge_target, refined_findings
from allowlist.workflow.project import read_estate
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import roll_back
from allowlist.workload.document import ApprovalRule
from tests.helpers import catalogs
from tests.helpers.plans import resealed
from tests.helpers.small_world import NETWORK, OURS, POLICY, group, others_rule, small_world
from tests.helpers.world import ALICE, World, now
from tests.oracle.trial import Tally, try_seed
from tests.workflow.test_sync import run as sync_run

SECOND = f"{NETWORK}/firewallPolicies/second"
OURS_THERE = f"{SECOND}/ruleCollectionGroups/allowlist-wl"
SHARED = f"{NETWORK}/ipGroups/shared"
PLACES = {"fw": OURS, "second": OURS_THERE}
HOSTS = ("a.foo.com", "b.foo.com", "*.bar.com", "c.old.com")
MARK = "allowlist:wl:"
BOB = Identity(who="bob@contoso.example", kind="verified")
PRETENDER = Identity(who=ALICE.who, kind="unverified")
STUMBLES = (
    "PUT:ruleCollectionGroups:times=1:busy",
    "PUT:ruleCollectionGroups:times=1:throttled",
    "PUT:ruleCollectionGroups:times=1:reset-after",
    "PUT:ruleCollectionGroups:times=1:half-updated",
    "GET:*:times=2:unavailable",
)
replace = msgspec.structs.replace


class PowerCut(BaseException):
    """Nothing catches it: as if the process were gone."""


def bodies() -> list[dict[str, object]]:
    """What stands beside the policy of the small world: a second policy, odd rules of others, an IP group both name."""
    twins = [others_rule("same", targetFqdns=[f"{number}.example"]) for number in range(2)]
    bare = [others_rule("bare", targetFqdns=[f"bare{number}.example"]) for number in range(2)]
    for rule in bare:
        del rule["name"]
    by_group = others_rule("by-group", sourceIpGroups=[SHARED], sourceAddresses=[])
    second: dict[str, object] = {
        "id": SECOND,
        "name": "second",
        "location": "westeurope",
        "properties": {"sku": {"tier": "Standard"}, "dnsSettings": {"enableProxy": True}},
    }
    shared = {"id": SHARED, "name": "shared", "location": "westeurope"}
    return [
        second,
        {**shared, "properties": {"ipAddresses": ["10.9.0.0/24"]}},
        group(f"{POLICY}/ruleCollectionGroups/odd", "odd", *twins, *bare, by_group, priority=3000),
        group(f"{SECOND}/ruleCollectionGroups/there", "there", by_group, *copy.deepcopy(bare), priority=3000),
        group(OURS, "theirs", *map(_described, (others_rule("guest"), *bare)), priority=1000),
    ]


def _described(rule: dict[str, object]) -> dict[str, object]:
    return {**copy.deepcopy(rule), "description": "As somebody said"}


def workload(hosts: list[str], version: str, more: str = "") -> str:
    lines = [
        "schema: allowlist/workload/v1",
        "name: wl",
        "catalogs:",
        f"  - {{name: contoso, version: {version}}}",
    ]
    lines += ["requirements:"] if hosts else []
    lines += [
        f'  - {{id: e{HOSTS.index(host)}, pattern: "{host}", ports: ["https:443"], owner: o, reason: r, '
        'expires: "2030-01-01"}'
        for host in hosts
    ]
    lines += ["sources:", "  s: {addresses: [10.0.0.0/24]}", "targets:"]
    for name, place in (("fw", POLICY), ("second", SECOND)):
        lines += [
            f"  - name: {name}",
            "    surface: firewall-policy",
            f"    resource: {place}",
            "    delete: sync",
        ]
    return "\n".join(lines) + f"\n{more}"


class Day:
    """The world, what was said in it, and what it must look like if every promise is kept."""

    def __init__(self, world: World, chance: random.Random, counts: Counter[str]) -> None:
        self.world, self.chance, self.counts = world, chance, counts
        self.word: set[tuple[str, str]] = set()
        self.hosts = list(HOSTS[:2])
        self.version = "1.0.0"
        world.settings.update(busy_attempts=6, settle_attempts=4)
        self.write_workload()
        self.others = self.foreign()

    # steps

    def plain(self) -> None:
        self.wants_change()
        if self.chance.random() < 0.4:
            self.world.fault(self.chance.choice(STUMBLES))
            self.counts["faults"] += 1
        plan = self.approved()
        self.judge(plan, lambda: self.world.apply(plan))

    def only_removes_in_one_place(self) -> None:
        """One place lacks a rule of ours, and both have one that nobody wants any more."""
        self.hosts = list(HOSTS)
        self.applied()
        self.drop_ours(OURS_THERE)
        self.hosts = list(HOSTS[:3])
        self.applied()

    def stale(self) -> None:
        self.wants_change()
        plan = self.approved()
        self.another_team_edits()
        if _concerns_first(plan):
            self.refused(lambda: self.world.apply(plan), "what was planned on another state is refused")

    def approved_for_another_state(self) -> None:
        self.wants_change()
        self.approved()
        self.another_team_edits()
        again = self.plan()
        if _concerns_first(again):
            self.refused(
                lambda: self.world.apply(again), "what was approved on another state is not approved"
            )

    def somebody_is_in_the_way(self) -> None:
        """Somebody edits our own group at some moment of a run."""
        self.wants_change()
        plan = self.approved()
        moment = self.chance.choice(("reading", "intended", "landed", "verified"))
        meddle = self.chance.choice((self.drop_ours, self.add_theirs, self.respell_theirs))
        with self.at(moment, lambda: meddle(OURS)):
            self.judge(plan, lambda: self.world.apply(plan), undone=moment == "verified")

    def others_reword_what_is_about_to_be_written(self) -> None:
        """Between our last look and our write somebody says the same in other letters: that is theirs and stays."""
        plan = self.lacks_one()
        with self.at("intended", lambda: self.respell_theirs(OURS), target="fw"):
            self.judge(plan, lambda: self.world.apply(plan))

    def ours_is_lost_before_it_is_read_back(self) -> None:
        """Sent and accepted, and gone when it is read back: that is not done."""
        plan = self.lacks_one()
        meddle = self.chance.choice((self.drop_ours, self.move_ours))
        with self.at("landed", lambda: meddle(OURS), target="fw"):
            self.judge(plan, lambda: self.world.apply(plan))
        self.applied()

    def always_undone(self) -> None:
        """An automatism of somebody's takes out what was written: such a run cannot converge."""
        self.wants_change()
        plan = self.approved()
        with self.at("verified", lambda: self.drop_ours(OURS)):
            self.judge(plan, lambda: self.world.apply(plan), undone=True)

    def power_cut(self) -> None:
        self.wants_change()
        plan = self.approved()
        if not plan.changes:
            return
        with self.at(self.chance.choice(("intended", "sent", "landed", "verified")), _cut):
            try:
                self.world.apply(plan)
            except PowerCut:
                self.counts["crashes"] += 1
        for run in self.world.ledger.unfinished_runs():
            if run.kind == "apply":
                self.judge_journal(run)
                self.judge(plan, lambda run=run: self.resumed(run))  # type: ignore[misc]

    def rejected_while_it_resumes(self) -> None:
        """A run is cut off before its first write, and somebody says no while the next one takes it up."""
        self.close_runs()
        self.wants_change()
        plan = self.approved()
        if not plan.changes:
            return
        with self.at("intended", _cut), suppress(PowerCut, AllowlistError):
            self.world.apply(plan)
        for run in self.world.ledger.unfinished_runs():
            with self.at("reading", lambda: self.world.reject(plan, BOB)):
                self.refused(partial(self.resumed, run), "a rejection that comes while a resume waits counts")
        self.takes_back(plan)
        self.close_runs()

    def rejected_before_an_edit(self) -> None:
        """Bob says no, then somebody edits what has nothing to do with it: his no still stands."""
        self.wants_change()
        plan = self.approved()
        self.world.reject(plan, BOB)
        self.another_team_edits()
        again = self.plan()
        refused = {change.id for change in plan.changes}
        mine = [change for change in again.changes if change.id in refused]
        said = standings_in(self.world.ledger, again, self.world.project.approval.policy, now())
        for item in said:
            if item.change in mine:
                self.hold("a no outlives an edit of the target", item.state == "rejected")
        self.takes_back(plan)

    def fails_for_good(self) -> None:
        """A write ends Failed: that is told, and there is a next step that works."""
        self.wants_change()
        plan = self.approved()
        self.world.fault("PUT:ruleCollectionGroups:times=1:operation-fails")
        try:
            self.judge(plan, lambda: self.world.apply(plan))
        finally:
            self.world.simulator.faults.clear()
        for run in self.world.ledger.unfinished_runs():
            if run.kind == "apply":
                self.world.ledger.finish_run(run.run_id, "failed", now(), {"error": "closed", "written": 0})
        self.applied()
        self.hold("after a write that failed there is a next step that works", not self.plan().changes)

    def rolled_back(self) -> None:
        self.applied()
        self.wants_change()
        before = self.ours()
        plan = self.approved()
        if not plan.changes:
            return
        run_id = self.judge(plan, lambda: self.world.apply(plan))
        meddled = self.chance.random() < 0.6
        if not run_id or self.world.ledger.run(run_id).state != "succeeded":
            return
        with self.at("verified", lambda: self.drop_or_bring_back(before) if meddled else None):
            try:
                result = roll_back(self.world.project, run_id, self.world.arm, self.world.context())
            except AllowlistError as error:
                self.hold("a failed rollback is an alarm", isinstance(error, AppliedInPart | StalePlan))
                self.counts["rollbacks refused or failed"] += 1
            else:
                restored = not result.is_complete or self.ours() == before
                self.hold("a rollback that says done has restored everything", restored)
                self.spent(plan)
                self.counts["rollbacks"] += 1
        self.close_runs()

    def spent(self, undone: Plan) -> None:
        """What was rolled back is not let go again on what was said before."""
        again, ids = self.plan(), {change.id for change in undone.changes}
        for item in standings_in(self.world.ledger, again, self.world.project.approval.policy, now()):
            if item.change.id in ids:
                self.hold("a rollback spends the approvals of what it undoes", not item.is_approved)

    def rejected_meanwhile(self) -> None:
        self.wants_change()
        plan = self.approved()
        if plan.changes:
            with self.at("reading", lambda: self.world.reject(plan, BOB)):
                self.refused(lambda: self.world.apply(plan), "a rejection that comes while it waits counts")
            self.takes_back(plan)

    def forged(self) -> None:
        self.wants_change()
        plan = self.approved()
        if not plan.changes:
            return
        first, *rest = plan.changes
        milder = replace(first, reason="harmless", requirements=first.requirements)
        forgeries: list[Plan] = [
            sealed(replace(plan, changes=(milder, *rest))),
            resealed(replace(plan, changes=(milder, *rest))),
            sealed(replace(plan, tenant="other.example")),
        ]
        for each in forgeries:
            self.refused(lambda each=each: self.world.apply(each), "a forged plan writes nothing")  # type: ignore[misc]
        before_approval = resealed(replace(self.plan(), changes=(milder, *rest)))
        self.world.approve(before_approval)
        self.refused(lambda: self.world.apply(before_approval), "a plan that was forged first writes nothing")

    def somebody_pretends(self) -> None:
        """Only Alice may approve, and somebody says to be Alice."""
        self.wants_change()
        self.write_workload(f"approval: {{approvers: ['{ALICE.who}']}}\n")
        plan = self.plan()
        if plan.changes:
            self.world.approve(plan, who=PRETENDER)
            self.refused(lambda: self.world.apply(plan), "a name that nobody verified approves nothing")
        self.write_workload()

    def catalog_is_empty(self) -> None:
        """Every catalog entry has ended: what would go is held by a gate of its own."""
        self.version = "1.0.0"
        self.applied()
        self.version = "2.0.0"
        self.write_workload()
        plan = self.plan()
        if any(change.operation.action == "remove" for change in plan.changes):
            gates = [gate.id for gate in plan.gates if not gate.passed]
            self.hold("an empty catalog removes nothing by itself", "empty-catalog" in gates)
        self.version = "1.0.0"
        self.write_workload()

    def opens_more(self) -> None:
        """A rule that was drafted for one name and lets another through as well: its proof has to show that."""
        self.hosts = [*HOSTS[:3]] if self.hosts != [*HOSTS[:3]] else [*HOSTS]
        self.write_workload()
        project = self.world.project
        for spec in project.targets(["fw"]):
            judgement = judge_target(project, read_estate(project, [spec], self.world.arm), spec)
            drafted = judgement.point.draft(judgement.estate, *judgement.by_status())
            added = [item for item in drafted.changes if item.operation.action == "add"][:1]
            for item in added:
                names = [*(item.operation.after or {})["targetFqdns"], "evil.example"]
                body = {**(item.operation.after or {}), "targetFqdns": names}
                wider = msgspec.structs.replace(item, operation=replace(item.operation, after=body))
                self.hold("a rule that opens more fails its proof", not self.proved(judgement, wider))

    def proved(self, judgement: Judgement, item: Drafted) -> bool:
        """Does the proof hold that nothing else is opened or closed by ``item`` alone?"""
        point, estate = judgement.point, judgement.estate
        changed = point.after(estate, point.compose(estate, [item.operation]))

        def look(engine: CoverageEngine, requirements: Sequence[Requirement]) -> Sequence[Finding]:
            return refined_findings(judgement.project, changed, judgement.spec, engine, requirements)

        resolved = judgement.resolved.requirements
        evidence = gather_evidence(
            judgement.engine, point.ruleset(changed), resolved, judgement.findings, [item], look
        )
        return judge(item, evidence).proofs.nothing_else.holds

    def scheduled(self) -> None:
        """A scheduled run while somebody says no, and one under another policy than the ledger's."""
        self.wants_change("automation: {apply: approved}\n")
        plan = self.approved()
        if plan.changes:
            with self.at("reading", lambda: self.world.reject(plan, BOB)):
                before = self.writes()
                sync_run(self.world, parallel=1)
                self.hold("a rejection that comes while sync waits counts", self.writes() == before)
            self.takes_back(plan)
        strict = PolicyInForce(rule=ApprovalRule(four_eyes=True), origin="approval.yaml")
        keep_policy(self.world.ledger, "wl", strict, ALICE.who)
        before = self.writes()
        sync_run(self.world, parallel=1)
        self.hold("sync applies nothing under another policy than the ledger's", self.writes() == before)
        self.world.ledger.note("policy", "wl", "", {})
        self.write_workload()

    def clock_goes_back(self) -> None:
        """The last thing of a day: an approval ends, and then the clock is set back to where it still counted."""
        self.wants_change()
        plan = self.approved()
        self.world.record_at(now() + dt.timedelta(days=15))
        if plan.changes:
            self.refused(lambda: self.world.apply(plan), "a clock set back revives nothing")

    # people

    def wants_change(self, more: str = "") -> None:
        self.hosts = [host for host in HOSTS if self.chance.random() < 0.6]
        if self.chance.random() < 0.3 and self.ours_in(OURS):
            self.drop_ours(OURS)
        self.write_workload(more)

    def lacks_one(self) -> Plan:
        """An approved plan that brings back one rule of ours, last in its collection, into a group others write in too."""
        self.hosts = [*HOSTS]
        self.applied()
        self.drop_ours(OURS)
        return self.approved()

    def write_workload(self, more: str = "") -> None:
        self.world.workload.write_text(workload(self.hosts, self.version, more))

    def plan(self) -> Plan:
        before = self.writes()
        plan = self.world.plan()
        self.hold("a plan never writes", self.writes() == before)
        self.counts["plans"] += 1
        return plan

    def approved(self) -> Plan:
        plan = self.plan()
        if plan.changes:
            self.world.approve(plan)
            self.word |= {(change.digest, change.precondition) for change in plan.changes}
        return plan

    def applied(self) -> None:
        """What is wanted, applied in peace."""
        self.close_runs()
        self.write_workload()
        plan = self.approved()
        if plan.changes:
            self.judge(plan, lambda: self.world.apply(plan))

    def takes_back(self, plan: Plan) -> None:
        """Bob has nothing against it any more."""
        decide(self.world.ledger, plan, plan.changes, "approve", BOB, "taken back", now())

    def close_runs(self) -> None:
        for run in self.world.ledger.unfinished_runs():
            self.world.ledger.finish_run(run.run_id, "failed", now(), {"error": "closed", "written": 0})

    def resumed(self, run: Run) -> RunResult:
        return resume_run(
            self.world.project, run.run_id, self.world.arm, self.world.context(), ApplyOptions()
        )

    # others

    def another_team_edits(self) -> None:
        def add(body: dict[str, Any]) -> None:
            rules = body["properties"]["ruleCollections"][0]["rules"]
            rules.append(others_rule(f"late-{len(rules)}-{self.chance.random()}"))

        self.world.edit(f"{POLICY}/ruleCollectionGroups/odd", add)
        self.others = self.foreign()

    def drop_ours(self, place: str) -> None:
        def drop(body: dict[str, Any]) -> None:
            for item in body["properties"]["ruleCollections"]:
                mine = [rule for rule in item["rules"] if _is_ours(rule)]
                if mine:
                    item["rules"].remove(mine[-1])
                    break

        if self.ours_in(place):
            self.world.edit(place, drop)

    def move_ours(self, place: str) -> None:
        """The last rule of ours says another name than the one it was written for."""

        def move(body: dict[str, Any]) -> None:
            mine = [
                rule
                for item in body["properties"]["ruleCollections"]
                for rule in item["rules"]
                if _is_ours(rule)
            ]
            mine[-1]["targetFqdns"] = ["elsewhere.example"]

        if self.ours_in(place):
            self.world.edit(place, move)

    def add_theirs(self, place: str) -> None:
        def add(body: dict[str, Any]) -> None:
            body["properties"]["ruleCollections"][0]["rules"].append(others_rule("dropped-in"))

        if self.world.body(place):
            self.world.edit(place, add)
            self.others = self.foreign()

    def respell_theirs(self, place: str) -> None:
        """The same meaning in other letters: whoever wrote it last wants to find it so."""

        def respell(body: dict[str, Any]) -> None:
            for item in body["properties"]["ruleCollections"]:
                for rule in item["rules"]:
                    if not _is_ours(rule):
                        rule["description"] = rule.get("description", "as somebody said").swapcase()

        if self.world.body(place):
            self.world.edit(place, respell)
            self.others = self.foreign()

    def drop_or_bring_back(self, before: dict[str, list[str]]) -> None:
        """While a rollback ends somebody writes a rule of ours again, or takes one out that is back."""
        if self.ours_in(OURS):
            self.drop_ours(OURS)
        else:
            rule = others_rule("late", description=f"{MARK}own@wl#late")
            body = group(OURS, "allowlist-wl", rule, priority=1000)
            self.world.arm.put(OURS, body, "2024-05-01")
            self.others = self.foreign()

    # promises

    def judge(self, plan: Plan, work: Callable[[], RunResult], *, undone: bool = False) -> str:
        """Run ``work`` and hold what it says against what is there; ``undone``: somebody undoes what was verified."""
        before = self.writes()
        try:
            result = work()
        except PlanRefused as error:
            self.hold("a refused plan writes nothing", self.writes() == before)
            self.counts[f"refused: {type(error).__name__}"] += 1
            self.keep_peace()
            return ""
        except AllowlistError as error:
            self.counts[f"stopped: {type(error).__name__}"] += 1
            self.keep_peace()
            return ""
        self.counts["runs complete" if result.is_complete else "runs in part"] += 1
        self.world.simulator.faults.clear()
        run = self.world.ledger.run(result.run_id)
        self.judge_journal(run)
        done = [change for change in plan.changes if result.fates.get(change.id) == "done"]
        approved = all((change.digest, change.precondition) in self.word for change in done)
        self.hold("only what was approved, on the state it was approved on, is applied", approved)
        self.judge_order(plan, before)
        if result.is_complete:
            if not undone:
                self.hold("what is called done is there", all(map(self.is_there, done)))
                self.hold("success means Succeeded everywhere", self.all_succeeded())
            fresh = self.plan()
            left = {change.id for change in plan.changes} - {change.id for change in done}
            empty = all(change.id in left for change in fresh.changes)
            self.hold("converged is said where a fresh plan is empty", result.converged is empty)
        else:
            self.hold("an incomplete run says why", bool(result.error))
        self.keep_peace()
        return result.run_id

    def judge_journal(self, run: Run) -> None:
        """Before anything is sent the journal says that it will be."""
        first: dict[int, str] = {}
        for step in run.steps:
            first.setdefault(step.index, step.state)
        self.hold("every write was announced in the journal", set(first.values()) <= {"intended"})

    def judge_order(self, plan: Plan, before: int) -> None:
        """A place that only loses rules waits for every place that gains some."""
        sent = [
            request.path.lower()
            for request in [*self.world.simulator.requests]
            if request.method in ("PUT", "DELETE") and "/rulecollectiongroups/" in request.path.lower()
        ][-20:]
        actions: dict[str, set[str]] = {}
        for change in plan.changes:
            actions.setdefault(change.operation.resource.lower(), set()).add(change.operation.action)
        losing = [place for place, found in actions.items() if found == {"remove"}]
        gaining = [place for place, found in actions.items() if "add" in found]
        for loser in losing:
            for gainer in gaining:
                if loser in sent and gainer in sent and self.writes() - before == len(actions):
                    last = {place: len(sent) - 1 - sent[::-1].index(place) for place in (loser, gainer)}
                    self.hold("no removal goes before an addition", last[gainer] < last[loser])

    def refused(self, work: Callable[[], object], promise: str) -> None:
        before = self.writes()
        try:
            work()
        except AllowlistError:
            self.counts["refused"] += 1
        else:
            self.hold(promise, False)
        self.hold(promise, self.writes() == before)
        self.keep_peace()

    def keep_peace(self) -> None:
        """What must hold at any moment."""
        self.world.simulator.faults.clear()
        self.hold("nothing foreign is changed or removed", self.foreign() == self.others)
        self.hold("the ledger is intact", not self.world.ledger.verify())

    def is_there(self, change: Change) -> bool:
        """Named as it was planned, for the names it was planned for."""
        found = {rule["name"]: rule["targetFqdns"] for rule in self.ours_in(change.operation.resource)}
        wanted = (change.operation.after or {}).get("targetFqdns")
        return found.get(change.operation.path[-1]) == wanted

    def all_succeeded(self) -> bool:
        found = [self.world.body(place) for place in (POLICY, SECOND, *PLACES.values())]
        return all(
            body is None or body["properties"].get("provisioningState") == "Succeeded" for body in found
        )

    def ours_in(self, place: str) -> list[dict[str, Any]]:
        body = self.world.body(place) or {"properties": {"ruleCollections": []}}
        return [
            rule for item in body["properties"]["ruleCollections"] for rule in item["rules"] if _is_ours(rule)
        ]

    def ours(self) -> dict[str, list[str]]:
        return {place: sorted(map(json.dumps, self.ours_in(place))) for place in PLACES.values()}

    def foreign(self) -> list[Any]:
        """Every rule without our mark where it stands, letter by letter, and the IP group."""
        found: list[Any] = [(self.world.body(SHARED) or {})["properties"]["ipAddresses"]]
        for policy in (POLICY, SECOND):
            for name in ("odd", "there", "others", "allowlist-wl"):
                body = self.world.body(f"{policy}/ruleCollectionGroups/{name}")
                for item in body["properties"]["ruleCollections"] if body else ():
                    others = [_said(rule) for rule in item["rules"] if not _is_ours(rule)]
                    if others:
                        found.append((policy, name, item["name"], item["priority"], others))
        return found

    def writes(self) -> int:
        return sum(request.method not in ("GET", "HEAD") for request in self.world.simulator.requests)

    @contextmanager
    def at(self, moment: str, meddle: Callable[[], None], *, target: str = "") -> Iterator[None]:
        """Once, when the journal says ``moment`` (of ``target``, where one is named), somebody does something."""
        done: list[str] = []

        def watch(event: Any) -> None:
            if event.state == moment and target in ("", event.target) and not done:
                done.append("x")
                meddle()

        self.world.settings["on_event"] = watch
        try:
            yield
        finally:
            self.world.settings.pop("on_event")

    def hold(self, promise: str, kept: bool) -> None:
        self.counts["promises checked"] += 1
        assert kept, f"broken: {promise}"


def _concerns_first(plan: Plan) -> bool:
    """Does a plan change anything where the other team edits? What it does elsewhere is not touched by that."""
    return any(change.target == "fw" for change in plan.changes)


def _cut() -> None:
    raise PowerCut


def _said(rule: dict[str, Any]) -> dict[str, Any]:
    """What somebody wrote: Azure adds what is empty."""
    return {key: copy.deepcopy(value) for key, value in rule.items() if value not in ([], "", None, False)}


def _is_ours(rule: dict[str, Any]) -> bool:
    return str(rule.get("description", "")).startswith(MARK)


STEPS: tuple[Callable[[Day], None], ...] = (
    Day.plain,
    Day.only_removes_in_one_place,
    Day.stale,
    Day.approved_for_another_state,
    Day.somebody_is_in_the_way,
    Day.others_reword_what_is_about_to_be_written,
    Day.ours_is_lost_before_it_is_read_back,
    Day.always_undone,
    Day.power_cut,
    Day.rejected_while_it_resumes,
    Day.rejected_before_an_edit,
    Day.fails_for_good,
    Day.rolled_back,
    Day.rejected_meanwhile,
    Day.forged,
    Day.somebody_pretends,
    Day.catalog_is_empty,
    Day.opens_more,
    Day.scheduled,
)


def small_day(seed: int, folder: Path, steps: int, counts: Counter[str]) -> str:
    """One day of ``steps`` in random order; what was broken in it, or nothing."""
    chance = random.Random(seed)
    catalogs.write(
        folder / "catalogs",
        catalogs.sealed(catalogs.document(catalogs.entry("api", until="2.0.0"), versions=("1.0.0", "2.0.0"))),
    )
    with small_world(folder, *bodies(), workload=workload([], "1.0.0")) as world:
        world.catalogs = folder / "catalogs"
        day = Day(world, chance, counts)
        todo = [*STEPS] * (1 + steps // len(STEPS))
        chance.shuffle(todo)
        step: Callable[[Day], None] = Day.clock_goes_back
        try:
            for step in [*todo[:steps], Day.clock_goes_back]:
                step(day)
                counts["steps"] += 1
        except AssertionError as broken:
            return f"{broken} (in {step.__name__})"
    return estates(seed, folder, counts)


def estates(seed: int, folder: Path, counts: Counter[str], worlds: int = 6) -> str:
    """Random estates of every kind, held against an oracle of their own."""
    tally = Tally()
    for number in range(worlds):
        try_seed(seed * worlds + number, folder, tally)
    counts["flows of random estates"] += tally.counts["verdicts"]
    return f"broken: {tally.wrong[0]}" if tally.wrong else ""


def offline() -> str:
    """Planning loads nothing that could reach a network."""
    code = "import sys, allowlist.plan.build; print(sorted({'httpx', 'azure.core', 'requests'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (
        ""
        if answer.stdout.strip() == "[]"
        else f"broken: offline work loads {answer.stdout}{answer.stderr[-300:]}"
    )
