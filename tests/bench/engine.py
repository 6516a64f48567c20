"""Check and plan of whole policies with exact partitions and all three proofs, beside decoding the same bytes."""

from __future__ import annotations

import datetime as dt
import fnmatch
import itertools
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import orjson

from allowlist.estate.bodies import Estate
from allowlist.plan.build import PlanInput, TargetInput, build_plan
from allowlist.plan.findings import Finding
from allowlist.plan.found import Findings, covered_column
from allowlist.plan.gates import GateSettings
from allowlist.plan.model import ApprovalInForce, Plan, TargetPlan
from allowlist.plan.proofs import gather_evidence
from allowlist.points.firewall.kind import KIND
from allowlist.points.firewall.point import FirewallPolicy
from allowlist.points.point import Target
from allowlist.rules.addresses import AddressSet
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.rules.requirement import Origin, Requirement
from allowlist.workflow.memory import collector_paused
from tests.bench.table import Row, median
from tests.bench.workload import Synthetic, make


@lru_cache
def synthetic(size: str, hot: bool = False) -> Synthetic:
    return make(size, hot=hot)


@collector_paused()
def check_and_plan(given: Synthetic) -> Plan:
    """From bytes to a sealed plan: decode, translate, partition, draft, compose, prove, judge."""
    estate = Estate.of(msgspec.json.decode(given.policy)["value"])
    requirements = requirements_of(given.required)
    target = Target(
        name="t",
        workload="bench",
        surface=KIND.name,
        resource=given.policy_id,
        delete="sync",
        priority=1000,
        options={},
    )
    point = FirewallPolicy(target)
    before = point.ruleset(estate)
    engine = CoverageEngine.of(before, requirements)
    findings = Findings(engine, requirements, "t")
    results = list(zip(requirements, covered_column(findings), strict=True))
    needed = [item for item, covered in results if not covered]
    kept = [item for item, covered in results if covered]
    draft = point.draft(estate, needed, kept)
    writes = point.compose(estate, [item.operation for item in draft.changes])
    after = point.ruleset(point.after(estate, writes))
    evidence = gather_evidence(engine, after, requirements, findings, draft.changes, _look)
    plan = TargetPlan(name="t", surface=KIND.name, resource=given.policy_id, fingerprint="-", delete="sync")
    inputs = [TargetInput(target=plan, draft=draft, evidence=evidence, findings=findings, owned=0)]
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return build_plan(PlanInput(workload="bench", created=moment, tool="bench", cloud="public", approval=APPROVAL, catalogs={}, targets=inputs, settings=GateSettings(), waivers={}))  # fmt: skip


def _look(engine: CoverageEngine, items: Sequence[Requirement]) -> Sequence[Finding]:
    return Findings(engine, items, "t")


def requirements_of(text: bytes) -> list[Requirement]:
    return [
        Requirement(
            origin=Origin(catalog="bench", version="1.0.0", entry=f"e{number}"),
            sources=AddressSet.parse(sources),
            protocol=protocol,
            ports=(port, port),
            pattern=name,
        )
        for number, (name, protocol, port, sources) in enumerate(msgspec.json.decode(text))
    ]


APPROVAL = ApprovalInForce(origin="bench", digest="sha256:bench")

GOALS = {"S": "", "M": "", "L": "<= 12 (9)"}


def run(sizes: tuple[str, ...]) -> Iterator[Row]:
    for size in sizes:
        given = synthetic(size)
        ours = median(lambda given=given: check_and_plan(given))  # type: ignore[misc]
        theirs = median(lambda given=given: orjson.loads(given.policy), 7)  # type: ignore[misc]
        yield Row(f"check + plan + proofs, {size}", ours, theirs, "orjson of the policy", GOALS.get(size, ""))
        both = median(lambda given=given: (orjson.loads(given.policy), orjson.loads(given.required)), 7)  # type: ignore[misc]
        yield Row(
            f"check + plan + proofs, {size}",
            ours,
            both,
            "orjson of policy and required",
            "<= 6 (4.5)" if size == "L" else "",
        )
    if "L" in sizes:
        hot = synthetic("L", hot=True)
        yield Row(
            "LH, one hot wildcard",
            median(lambda: check_and_plan(hot)),
            median(lambda: check_and_plan(synthetic("L"))),
            "L",
            "<= 1.25",
        )
    yield from _explain(sizes[-1])
    yield from _rivals()


def growth(sizes: tuple[str, ...]) -> Iterator[Row]:
    """What happens when the work doubles."""
    times = {size: median(lambda size=size: check_and_plan(synthetic(size))) for size in sizes}  # type: ignore[misc]
    for small, big in itertools.pairwise(sizes):
        yield Row(f"work doubled, {small} to {big}", times[big], times[small], small, "<= 2.2 (2.1)")


def _explain(size: str) -> Iterator[Row]:
    given = synthetic(size)
    estate = Estate.of(msgspec.json.decode(given.policy)["value"])
    target = Target(
        name="t",
        workload="b",
        surface=KIND.name,
        resource=given.policy_id,
        delete="sync",
        priority=1000,
        options={},
    )
    requirements = requirements_of(given.required)
    ruleset = FirewallPolicy(target).ruleset(estate)
    engine = CoverageEngine.of(ruleset, requirements)
    table = engine.index.table(("https", 443))
    one = requirements[0]
    mask = engine.index.zones.mask(one.sources)
    ours = median(lambda: [table.numbers_at(one.pattern) for _ in range(1000)]) / 1000
    flow = Flow(
        source=one.sources.intervals[0][0], port=443, application="https", sni="x.example", host="x.example"
    )
    walk = median(lambda: evaluate(ruleset, flow))
    yield Row(f"explain one set on a loaded {size}", ours, 50e-6, "50 us", "<= 1")
    yield Row(f"explain one flow with its path on a loaded {size}", walk, 50e-6, "50 us", "")
    del mask


def _rivals() -> Iterator[Row]:
    """What a user would write instead: loops with endswith or fnmatch, or deepdiff. None answers the question."""
    given = synthetic("M")
    names = [item[0] for item in msgspec.json.decode(given.required)][:200]
    bodies = msgspec.json.decode(given.policy)["value"]
    rules = [
        rule
        for body in bodies
        for item in body["properties"].get("ruleCollections") or ()
        for rule in item["rules"]
    ]
    patterns = [text.lower() for rule in rules for text in rule.get("targetFqdns") or ()]
    ours = median(lambda: check_and_plan(given)) / len(msgspec.json.decode(given.required)) * len(names)
    ends = median(
        lambda: [[p for p in patterns if (n.endswith(p[1:]) if p[0] == "*" else n == p)] for n in names], 1
    )
    match = median(lambda: [[p for p in patterns if fnmatch.fnmatchcase(n, p)] for n in names[:20]], 1) * 10
    yield Row("M, 200 names' share of check + plan + proofs", ours, ends, "names only, loops with endswith")
    yield Row(
        "M, 200 names' share of check + plan + proofs",
        ours,
        match,
        "names only, loops with fnmatch (20 scaled)",
    )
    from deepdiff import DeepDiff

    few = rules[:50]
    theirs = median(lambda: DeepDiff(few, list(reversed(few))[1:], ignore_order=True), 1)
    yield Row(
        "S, check + plan + proofs",
        median(lambda: check_and_plan(synthetic("S"))),
        theirs,
        "deepdiff ignore_order of 50 rules",
        "<= 0.03",
    )


def memory() -> Row:
    """Peak memory of L in a process of its own, per byte of policy."""
    script = "from tests.bench.engine import check_and_plan, peak; from tests.bench.workload import make; g = make('L'); b = peak(); check_and_plan(g); print(peak() - b, len(g.policy))"  # fmt: skip
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    peak_bytes, size = map(float, result.stdout.split())
    return Row(
        "peak memory of L above the start",
        peak_bytes / 1e6,
        size / 1e6,
        "policy bytes",
        "<= 16 (14)",
        unit="MB",
    )


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
