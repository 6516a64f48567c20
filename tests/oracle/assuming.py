"""Answers that rest on assumptions, against every world in which they might be put to the test.

What Azure does not show is an *atom*: is this host in that category, tag or range? A world says yes or no to every one of
them, and in a world every flow is simply let through or not. "Covered, unless X" has to hold in each world where X does not,
whatever else is so; with the facts of one world in hand nothing is assumed any more, and the answer is that world's.
"""

from __future__ import annotations

import copy
import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.plan.model import Plan
from allowlist.rules.flow import Facts
from allowlist.workflow.facts import read_facts
from allowlist.workflow.judging import judge_target
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project
from tests.oracle.trial import NOW, Tally, put
from tests.oracle.worlds import POLICY, WANTED, Json

Atom = tuple[str, str]
"""Kind and value: ``("category", "Gambling")``."""

Says = Mapping[tuple[Atom, str], bool]
"""A world: is the atom true of the host?"""

HOSTS = ("a.models.example", "b.models.example", "download.windowsupdate.com")
PATTERNS = (*HOSTS, "*.models.example")
SOURCES = ("10.0.0.4", "10.0.0.77")
OTHER = "other.example"
RANGES = ("198.51.100.0/24", "203.0.113.0/30", "20.0.0.0/8")
SERVICES = {"AzureActiveDirectory": "40.126.0.0/18", "AzureCloud": "51.0.0.0/8"}
CATEGORIES = ("Gambling", "ComputersAndTechnology")
TAGS = ("WindowsUpdate", "NobodyKnows")
ADDRESSES = ("198.51.100.9", "203.0.113.1", "20.3.4.5", "40.126.1.1", "51.1.1.1", "192.0.2.8")
_MORE_THAN_ENOUGH = 12
_ALL_KNOWN: tuple[Atom, str] = (("everything", "is known"), "")
"""Stands in a world that a facts file describes."""


def try_assumptions(seed: int, folder: Path, tally: Tally) -> None:
    """Hold what is said under ``gate``, ``accept`` and ``refuse`` in the estate of ``seed`` against all its worlds."""
    dice = random.Random(seed)
    bodies = _estate(dice)
    wants = dice.sample(PATTERNS, dice.randint(1, 2))
    trial = _Trial(seed, bodies, wants, folder, tally)
    for mode in ("gate", "accept", "refuse"):
        trial.told(mode)
    trial.known(dice)


class _Trial:
    def __init__(self, seed: int, bodies: list[Json], wants: list[str], folder: Path, tally: Tally) -> None:
        self.seed, self.bodies, self.wants, self.tally = seed, bodies, wants, tally
        self.folder = folder

    def check(self, what: str, right: bool, text: str) -> None:
        self.tally.check(f"assumptions: {what}", right, f"seed {self.seed}: {text}")

    def project(self, mode: str, facts: Facts) -> Project:
        path = self.folder / "allowlist.yaml"
        path.write_text(_workload(mode, self.wants))
        return load_project(path, facts=facts, now=NOW)

    def told(self, mode: str) -> None:
        project = self.project(mode, Facts())
        findings = self.findings(project, self.bodies)
        for finding in findings:
            self.judge(mode, finding, self.bodies)
        self.planned(mode, project)

    def findings(self, project: Project, bodies: list[Json]) -> Sequence[Finding]:
        (spec,) = project.targets()
        return judge_target(project, Estate.of(copy.deepcopy(bodies)), spec).findings

    def judge(self, mode: str, finding: Finding, bodies: list[Json]) -> None:
        """A definite answer holds in every world where nothing it names comes true."""
        requirement = finding.requirement
        assert requirement is not None
        says = f"{mode}: {finding.status.value} for {requirement.pattern}: {finding.because}"
        named = self.named(finding.assumptions, bodies)
        self.check("nothing under refuse", mode != "refuse" or not finding.assumptions, says)
        if finding.status.value == "covered":
            found = [self.has_all(bodies, requirement.pattern, world) for world in _worlds(bodies, named)]
            self.check("covered holds, unless what it names", all(found), says)
            self.in_vain(requirement.pattern, named, bodies)
        elif finding.status.value != "unknown" and "*" not in requirement.pattern:
            found = [self.has_all(bodies, requirement.pattern, world) for world in _worlds(bodies, named)]
            self.check("not covered holds, unless what it names", not any(found), says)
        elif finding.status.value == "unknown" and "*" not in requirement.pattern:
            every = {self.has_all(bodies, requirement.pattern, world) for world in _worlds(bodies, {})}
            self.tally.counts["assumptions: unknown, and certain in truth"] += len(every) == 1

    def in_vain(self, pattern: str, named: Mapping[Atom, bool], bodies: list[Json]) -> None:
        """Counted, not held against it: two rules about one range cancel out, and an assumption too many is told."""
        if named:
            found = [self.has_all(bodies, pattern, world) for world in _worlds(bodies, {})]
            self.tally.counts["assumptions: had to be told"] += not all(found)
            self.tally.counts["assumptions: told in vain"] += all(found)

    def named(self, texts: Sequence[str], bodies: list[Json]) -> dict[Atom, bool]:
        """The atoms that ``texts`` name, with what they are taken for."""
        found: dict[Atom, bool] = {}
        for text in (part for item in texts for part in item.split(" or ")):
            atom = _atom_of(text, bodies)
            self.check("names something", atom is not None, text)
            if atom is not None:
                found[atom] = "no longer holds" in text
        return found

    def planned(self, mode: str, project: Project) -> None:
        (spec,) = project.targets()
        estate = Estate.of(copy.deepcopy(self.bodies))
        plan = make_plan(project, estate, [spec])
        gated = {change for gate in plan.gates if gate.id == "assumption" for change in gate.changes}
        for change in plan.changes:
            expected = mode == "gate" and bool(change.assumptions)
            self.check("what rests on one is gated", (change.id in gated) == expected, change.title)
        point = project.point(spec)
        after = {body["id"].lower(): copy.deepcopy(body) for body in self.bodies}
        for write in point.compose(estate, [change.operation for change in plan.changes]):
            put(after, write)
        self.sufficient(mode, project, plan, list(after.values()))

    def sufficient(self, mode: str, project: Project, plan: Plan, after: list[Json]) -> None:
        gaps = {gap.requirement.pattern for gap in plan.gaps}
        for finding in self.findings(project, after):
            assert finding.requirement is not None
            self.judge(mode, finding, after)
            covered = finding.status.value == "covered"
            text = f"{mode}: {finding.requirement.pattern} after the plan: {finding.because}"
            self.check("covered or a gap", covered or finding.requirement.pattern in gaps, text)
        for change in plan.changes:
            if change.proofs.sufficient.holds and change.operation.action == "add":
                named = self.named(change.assumptions, after)
                patterns = [ref.pattern for ref in change.requirements]
                kept = all(
                    self.has_all(after, pattern, world)
                    for pattern in patterns
                    for world in _worlds(after, named)
                )
                self.check("sufficient holds, unless what it names", kept, change.title)

    def known(self, dice: random.Random) -> None:
        """With every fact of one world given, the answer is that world's, and rests on nothing."""
        for _ in range(3):
            text, world = _facts(dice)
            file = self.folder / "facts.yaml"
            file.write_text(text)
            for finding in self.findings(self.project("gate", read_facts(file)), self.bodies):
                assert finding.requirement is not None
                pattern = finding.requirement.pattern
                if "*" not in pattern:
                    right = self.has_all(self.bodies, pattern, world)
                    same = (finding.status.value == "covered") == right and finding.status.value != "unknown"
                    self.check("facts settle it", same, f"{finding.because}\n{text}")
                    self.check("facts leave nothing assumed", not finding.assumptions, finding.because)

    def has_all(self, bodies: list[Json], pattern: str, world: Says) -> bool:
        return all(
            _lets_through(bodies, source, host, world) for source in SOURCES for host in _hosts(pattern)
        )


def _hosts(pattern: str) -> list[str]:
    return [host for host in HOSTS if (host.endswith(pattern[1:]) if pattern[0] == "*" else host == pattern)]


# worlds


def _atoms(bodies: list[Json]) -> list[Atom]:
    """Everything the rules depend on."""
    return list(dict.fromkeys(atom for rule, _ in _rules(bodies) for atom in _atoms_in(rule)))


def _worlds(bodies: list[Json], fixed: Mapping[Atom, bool]) -> Iterator[Says]:
    """Every world in which the atoms in ``fixed`` are as said there; all hosts alike, and each with its own."""
    free = [atom for atom in _atoms(bodies) if atom not in fixed][:_MORE_THAN_ENOUGH]
    for values in itertools.product((False, True), repeat=len(free)):
        chosen = {**fixed, **dict(zip(free, values, strict=True))}
        yield {(atom, host): value for atom, value in chosen.items() for host in HOSTS}


def _lets_through(bodies: list[Json], source: str, host: str, world: Says) -> bool:
    """The first rule that matches decides: network rules before those by name."""
    rules = list(_rules(bodies))
    for kind in ("NetworkRule", "ApplicationRule"):
        for rule, allows in rules:
            if rule["ruleType"] == kind and _matches(rule, source, host, world, allows=allows):
                return allows
    return False


def _rules(bodies: list[Json]) -> Iterator[tuple[Json, bool]]:
    groups = [body["properties"] for body in bodies if "/rulecollectiongroups/" in body["id"].lower()]
    for group in sorted(groups, key=lambda item: item["priority"]):
        for item in sorted(group["ruleCollections"], key=lambda item: item["priority"]):
            for rule in item["rules"]:
                yield rule, item["action"]["type"] == "Allow"


def _matches(rule: Json, source: str, host: str, world: Says, *, allows: bool) -> bool:
    if not {source, "*", WANTED} & set(rule["sourceAddresses"]):
        return False
    if host in rule.get("destinationFqdns", ()):
        return True
    if any(_hosts(name).count(host) for name in rule.get("targetFqdns", ())):
        return True
    # That names share an address is never counted on for an allow, unless it is known.
    unsure = allows and _ALL_KNOWN not in world
    return any(world[atom, host] for atom in _atoms_in(rule) if not (unsure and atom[0] == "shares"))


def _atoms_in(rule: Json) -> Iterator[Atom]:
    yield from (("category", name) for name in rule.get("webCategories", ()))
    yield from (("tag", name) for name in rule.get("fqdnTags", ()))
    for place in rule.get("destinationAddresses", ()):
        yield ("service", place) if place in SERVICES else ("range", place)
    yield from (("shares", name) for name in rule.get("destinationFqdns", ()))


_TEXTS = {
    "category": r"has the web category (\w+)",
    "tag": r"the FQDN tag (\w+) (?:no longer )?holds",
    "service": r"has an address in the service tag (\w+)",
    "shares": r"(?:resolves to|is reached at) an address of (\S+)",
}


def _atom_of(text: str, bodies: list[Json]) -> Atom | None:
    for kind, pattern in _TEXTS.items():
        if found := re.search(pattern, text):
            return kind, found[1]
    if found := re.search(r"resolves into \S+/(\w+) \(", text):
        place = next(rule for rule, _ in _rules(bodies) if rule.get("name") == found[1])
        return "range", place["destinationAddresses"][0]
    return None


def _facts(dice: random.Random) -> tuple[str, Says]:
    """A facts file, and the world it describes."""
    addresses = {host: dice.choice(ADDRESSES) for host in (*HOSTS, OTHER)}
    categories = {host: dice.choice((*CATEGORIES, "News")) for host in HOSTS}
    tagged = {tag: [host for host in HOSTS if dice.random() < 0.4] for tag in TAGS}
    inside = {
        **dict(zip(RANGES, ADDRESSES[:3], strict=True)),
        **dict(zip(SERVICES, ADDRESSES[3:5], strict=True)),
    }
    world: dict[tuple[Atom, str], bool] = {_ALL_KNOWN: True}
    for host in HOSTS:
        for place, address in inside.items():
            kind = "service" if place in SERVICES else "range"
            world[(kind, place), host] = addresses[host] == address
        for name in CATEGORIES:
            world[("category", name), host] = categories[host] == name
        for tag in TAGS:
            world[("tag", tag), host] = host in tagged[tag]
        for name in (OTHER, HOSTS[0]):
            world[("shares", name), host] = addresses[host] == addresses[name]
    lines = [
        "schema: allowlist/facts/v1",
        "dns:",
        *(f"  {host}: [{address}]" for host, address in addresses.items()),
        "categories:",
        *(f"  {host}: {name}" for host, name in categories.items()),
        "fqdn_tags:",
        *(f"  {tag}: [{', '.join(hosts)}]" for tag, hosts in tagged.items()),
        "service_tags:",
        *(f"  {tag}: [{prefix}]" for tag, prefix in SERVICES.items()),
    ]
    return "\n".join(lines) + "\n", world


# estates


def _workload(mode: str, wants: list[str]) -> str:
    lines = [
        "schema: allowlist/workload/v1",
        "name: wl",
        f"approval: {{assumptions: {mode}}}",
        "requirements:",
    ]
    lines += [
        f'  - {{id: e{number}, pattern: "{pattern}", ports: ["https:443"], owner: o, reason: r, '
        'expires: "2030-01-01"}'
        for number, pattern in enumerate(wants)
    ]
    lines += ["sources:", f"  s: {{addresses: [{', '.join(SOURCES)}]}}", "targets:", "  - name: t"]
    lines += [
        "    surface: firewall-policy",
        f"    resource: {POLICY}",
        "    delete: sync",
        "    priority: 1000",
    ]
    return "\n".join(lines) + "\n"


def _estate(dice: random.Random) -> list[Json]:
    properties = {
        "sku": {"tier": dice.choice(("Standard", "Premium"))},
        "dnsSettings": {"enableProxy": True, "servers": []},
    }
    bodies: list[Json] = [{"id": POLICY, "name": "p", "location": "westeurope", "properties": properties}]
    number = itertools.count()
    for name, priority in (("first", 300), ("later", 3000)):
        collections = [_collection(dice, place, number) for place in range(dice.randint(0, 3))]
        if collections:
            group = {"priority": priority, "ruleCollections": collections}
            bodies.append({"id": f"{POLICY}/ruleCollectionGroups/{name}", "name": name, "properties": group})
    return bodies


def _collection(dice: random.Random, place: int, number: Iterator[int]) -> Json:
    build = dice.choice((_network, _application))
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": f"c{place}",
        "priority": 100 + place,
        "action": {"type": dice.choice(("Allow", "Deny"))},
        "rules": [build(dice, f"r{next(number)}") for _ in range(dice.randint(1, 2))],
    }


def _network(dice: random.Random, name: str) -> Json:
    places: Sequence[Json] = (
        *({"destinationAddresses": [place]} for place in (*RANGES, *SERVICES)),
        {"destinationFqdns": [OTHER]},
        {"destinationFqdns": [HOSTS[0]]},
    )
    return {
        "ruleType": "NetworkRule",
        "name": name,
        "ipProtocols": ["TCP"],
        "sourceAddresses": dice.choice(([WANTED], ["*"], [SOURCES[0]])),
        "destinationPorts": ["443"],
        **dice.choice(places),
    }


def _application(dice: random.Random, name: str) -> Json:
    targets: Sequence[Json] = (
        {"targetFqdns": [dice.choice(PATTERNS)]},
        {"targetFqdns": [dice.choice(PATTERNS)]},
        {"webCategories": dice.sample(CATEGORIES, dice.randint(1, 2))},
        {"fqdnTags": [dice.choice(TAGS)]},
    )
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "sourceAddresses": dice.choice(([WANTED], ["*"], [SOURCES[0]])),
        **dice.choice(targets),
    }
