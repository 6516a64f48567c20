"""One world put to the product, and everything in which the oracle disagrees with it."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.plan.model import Plan
from allowlist.points.point import Write
from allowlist.rules.flow import Facts
from allowlist.rules.requirement import Requirement
from allowlist.workflow.judging import judge_target
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project
from tests.oracle.endpoints import BLOB, STORE_HOST
from tests.oracle.reading import Flow, lets_through
from tests.oracle.secured import HUB_FIREWALL
from tests.oracle.worlds import HOSTS, SERVICES, SOURCES, Json, World, world

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
INSIDE = ("10.0.0.4", "10.0.0.5", "10.0.0.77")


@dataclass
class Tally:
    """What was compared, by kind of comparison, and every disagreement in words."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def check(self, what: str, right: bool, text: str) -> None:
        self.counts[what] += 1
        if not right:
            self.wrong.append(f"{what}: {text}")


def try_seed(seed: int, folder: Path, tally: Tally) -> None:
    """Compare verdicts, coverage, proofs, foreign bytes and convergence in the world of ``seed``."""
    given = world(seed)
    path = folder / "allowlist.yaml"
    path.write_text(given.workload())
    catalogs = folder / "catalogs"
    if catalog := given.catalog():
        catalogs.mkdir(exist_ok=True)
        (catalogs / "linked.yaml").write_text(catalog)
    facts = Facts(threat_names=given.feed)
    project = load_project(path, catalogs=catalogs if catalog else None, facts=facts, now=NOW)
    _Trial(seed, given, project, tally).run()


class _Trial:
    def __init__(self, seed: int, given: World, project: Project, tally: Tally) -> None:
        self.seed, self.world, self.project, self.tally = seed, given, project, tally
        (self.spec,) = project.targets()

    def check(self, what: str, right: bool, text: str) -> None:
        self.tally.check(what, right, f"seed {self.seed} ({self.world.kind}): {text}")

    def run(self) -> None:
        before = self.world.bodies
        self.coverage(before)
        plan = self.plan(before)
        after = self.written(before, plan)
        self.foreign(before, after)
        self.flows(before, after, plan)
        again = self.plan(after)
        self.check("convergence", not again.changes, f"a fresh plan still changes {_titles(again)}")
        self.coverage(after)
        if _is_moving(after):
            self.check("moving", not again.is_settled, "said to be settled while Azure is at work")
        if again.is_settled:
            lacking = [want for want in self.world.wants if not self.has_all(after, want)]
            self.check("settled", not lacking, f"said to be settled, and {lacking} lack")

    def plan(self, bodies: list[Json]) -> Plan:
        return make_plan(self.project, Estate.of(copy.deepcopy(bodies)), [self.spec])

    def coverage(self, bodies: list[Json]) -> None:
        judged = judge_target(self.project, Estate.of(copy.deepcopy(bodies)), self.spec)
        for requirement, finding in zip(judged.resolved.requirements, judged.findings, strict=True):
            want = ("", _place(requirement), requirement.protocol, requirement.ports[0])
            answers = [lets_through(self.world, bodies, flow) for flow in _flows_of(want)]
            says = f"{finding.status.value} for {want[1]} {requirement.protocol}; flows {answers}"
            if finding.status.value == "covered":
                self.check("covered", all(answers), says)
            elif "*" not in requirement.pattern:
                definite = finding.status.value != "unknown"
                self.check("not covered" if definite else "unknown", not all(answers), says)

    def written(self, before: list[Json], plan: Plan) -> list[Json]:
        """The raw bodies as Azure would hold them once the writes of ``plan`` are done."""
        point, estate = self.project.point(self.spec), Estate.of(copy.deepcopy(before))
        bodies = {body["id"].lower(): copy.deepcopy(body) for body in before}
        for write in point.compose(estate, [change.operation for change in plan.changes]):
            put(bodies, write)
        return list(bodies.values())

    def has_all(self, bodies: list[Json], want: tuple[str, str, str, int]) -> bool:
        return all(lets_through(self.world, bodies, flow) for flow in _flows_of(want))

    def flows(self, before: list[Json], after: list[Json], plan: Plan) -> None:
        gaps = {(gap.requirement.pattern, gap.requirement.protocol) for gap in plan.gaps}
        proved = all(change.proofs.sufficient.holds for change in plan.changes)
        for want in self.world.wants if proved else ():
            if (want[1].replace("|", "/"), want[2]) not in gaps:
                self.check("sufficient", self.has_all(after, want), f"{want} is neither allowed nor a gap")
        quiet = all(change.proofs.nothing_else.holds for change in plan.changes)
        takes = any(change.operation.action != "add" for change in plan.changes)
        for source, host, service in itertools.product(SOURCES, (*HOSTS, *self.world.places), SERVICES):
            probe: Flow = (source, host, *service)
            was, now = (lets_through(self.world, bodies, probe) for bodies in (before, after))
            if was is False and now is not False and quiet:
                self.check("nothing else opens", self.is_wanted(probe), f"{probe} is opened, {_titles(plan)}")
            if was is True and now is not True:
                self.check("nothing else closes", takes, f"{probe} is closed by additions, {_titles(plan)}")
            self.tally.counts["verdicts"] += 2

    def is_wanted(self, flow: Flow) -> bool:
        """Where a kind knows no ports, a name that is wanted at one is open at both."""
        by_port = self.world.knows_sources
        return any(
            flow[1] in (*_hosts(pattern), *_along(pattern)) and (not by_port or (protocol, port) == flow[2:])
            for _, pattern, protocol, port in self.world.wants
        )

    def foreign(self, before: list[Json], after: list[Json]) -> None:
        old, new = list(_foreign(before)), list(_foreign(after))
        self.check("foreign bytes", old == new, f"{old} became {new}")


def _is_moving(bodies: list[Json]) -> bool:
    """Is Azure at work on anything that decides about what goes out?"""
    found = [body["properties"] for body in bodies]
    return any(
        item.get("provisioningState") == "Updating" and item.get("direction") != "Inbound" for item in found
    )


def _titles(plan: Plan) -> list[str]:
    return [change.title for change in plan.changes]


def _place(requirement: Requirement) -> str:
    return "|".join(requirement.endpoint) if requirement.endpoint else requirement.pattern


def _hosts(pattern: str) -> list[str]:
    return [host for host in HOSTS if host.endswith(pattern[1:])] if pattern[0] == "*" else [pattern]


def _along(pattern: str) -> tuple[str, ...]:
    """What cannot be had without the other: a private endpoint answers to the public name of its resource."""
    return (STORE_HOST,) if pattern == BLOB else ()


def _flows_of(want: tuple[str, str, str, int]) -> Iterator[Flow]:
    for source, host in itertools.product(INSIDE, _hosts(want[1])):
        yield source, host, want[2], want[3]


def put(bodies: dict[str, Json], write: Write) -> None:
    """What Azure does with one request, as far as these worlds need it."""
    key, body = write.resource.lower(), copy.deepcopy(write.body)
    owner, rules, name = key.partition("/outboundrules/")
    if rules or key.endswith("/batchoutboundrules"):
        _put_rules(bodies, owner.removesuffix("/batchoutboundrules"), write, name)
    elif key.endswith(("/provision", "/provisionmanagednetwork")):
        _provision(bodies[key.rpartition("/")[0]]["properties"]["managedNetwork"])
    elif body is None:
        bodies.pop(key)
    elif write.method == "PATCH":
        bodies[key]["properties"] |= body["properties"]
    else:
        old = bodies.get(key, {"id": write.resource, "name": write.resource.rpartition("/")[2]})
        bodies[key] = {**old, "properties": body["properties"]}
        _deploy(bodies)


def _provision(network: Json) -> None:
    """Until a network is provisioned it and its rules read Inactive; then they are in force."""
    network["status"] = {"status": "Active"}
    for rule in network["outboundRules"].values():
        if rule["status"] == "Inactive":
            rule["status"] = "Active"


def _deploy(bodies: dict[str, Json]) -> None:
    """What is written to a policy is deployed to its firewall, which then leaves a failed state."""
    firewall = bodies.get(HUB_FIREWALL.lower())
    if firewall and firewall["properties"]["provisioningState"] == "Failed":
        firewall["properties"]["provisioningState"] = "Succeeded"


def _put_rules(bodies: dict[str, Json], owner: str, write: Write, name: str) -> None:
    rules = bodies[owner]["properties"]["managedNetwork"]["outboundRules"]
    sent = {write.resource.rpartition("/")[2]: write.body and write.body["properties"]}
    if not name and write.body:
        sent = write.body["properties"]["outboundRules"]
    for key, rule in sent.items():
        if rule is None:
            rules.pop(key)
        else:
            rules[key] = {**copy.deepcopy(rule), "status": "Active"}


def _foreign(bodies: list[Json]) -> Iterator[object]:
    """Everything that carries no mark of ours, where it stands."""
    for body in sorted(bodies, key=lambda item: str(item["id"]).lower()):
        properties = body["properties"]
        for key in ("ruleCollections", "applicationRuleCollections"):
            for item in properties.get(key, ()):
                inner = item.get("properties", item)
                others = [rule for rule in inner["rules"] if not _is_ours(rule)]
                if others:
                    yield body["id"], item["name"], inner["action"], inner["priority"], others
        rules = properties.get("managedNetwork", {}).get("outboundRules", {})
        # A status is Azure's to set: it follows the network, and nobody writes it.
        yield from ((key, {**rule, "status": ""}) for key, rule in rules.items() if not key.startswith("al-"))
        yield from (
            rule
            for rule in properties.get("egressPolicy", {}).get("rules", ())
            if not str(rule.get("name", "")).startswith("al-")
        )

        if "/ipgroups/" in body["id"].lower() or body["properties"].get("sku"):
            yield body["id"], properties.get("ipAddresses"), properties.get("threatIntelWhitelist")
        place, _, name = body["id"].rpartition("/")
        if place.endswith(("/accessRules", "/resourceAssociations")) and not name.startswith("al-"):
            yield body


def _is_ours(rule: Json) -> bool:
    return str(rule.get("description", "")).startswith("allowlist:wl:")
