"""Workloads as users have them: a workload file and snapshots, of the generated sizes and of shapes that hide scans."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.workload import make

Json = dict[str, Any]

SHAPES = ("parents", "one-group", "many-sources", "many-targets")
"""A chain of parents, one group of 5,000 rules, 300 sources, 100 targets."""

HOT = ("Q2H", "Q4H", "LH")
"""Sizes in which one wildcard stands in a twentieth of all rules."""


@dataclass(frozen=True)
class Place:
    """The files of one estate."""

    folder: Path

    @property
    def workload(self) -> Path:
        return self.folder / "allowlist.yaml"

    @property
    def half(self) -> Path:
        """The workload with every second requirement gone."""
        return self.folder / "half.yaml"

    @property
    def before(self) -> Path:
        return self.folder / "before"

    @property
    def after(self) -> Path:
        """The estate once the first plan was carried out."""
        return self.folder / "after"

    @property
    def plan(self) -> Path:
        return self.folder / "plan.json"


def write_estate(folder: Path, size: str) -> Place:
    """The estate of a size of the generated workload, or of a shape."""
    place = Place(folder)
    for path in (place.before, place.after):
        path.mkdir(parents=True)
    given = make(
        "Q1" if size == "many-targets" else "Q4" if size in SHAPES else size.removesuffix("H"),
        hot=size in HOT,
    )
    bodies: list[Json] = json.loads(given.policy)["value"]
    resources = [given.policy_id]
    if size == "parents":
        bodies = _with_parents(bodies, given.policy_id)
    elif size == "one-group":
        bodies = _in_one_group(bodies)
    elif size == "many-targets":
        bodies, resources = _many(bodies, given.policy_id, 100)
    _write(place.before, bodies)
    names = list({(name, protocol, port) for name, protocol, port, _ in json.loads(given.required)})
    wanted = sorted(names)[: 60 if size == "many-targets" else None]
    place.workload.write_text(_workload(wanted, resources, 300 if size == "many-sources" else 2))
    place.half.write_text(_workload(wanted[::2], resources, 300 if size == "many-sources" else 2))
    return place


def write_steady(place: Place) -> None:
    """The estate after the plan that was just written: every rule is ours, and there is nothing to do."""
    bodies = [body for file in place.before.glob("*.json") for body in json.loads(file.read_text())["value"]]
    groups: dict[str, dict[str, tuple[Json, list[Json]]]] = {}
    for change in json.loads(place.plan.read_text())["changes"]:
        operation = change["operation"]
        collections = groups.setdefault(operation["resource"], {})
        collections.setdefault(operation["path"][0], (operation["context"], []))[1].append(operation["after"])
    _write(place.after, [*bodies, *(_group(resource, parts) for resource, parts in groups.items())])


def _group(resource: str, parts: dict[str, tuple[Json, list[Json]]]) -> Json:
    collections = [
        {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": name,
            "priority": context["collectionPriority"],
            "action": {"type": "Allow"},
            "rules": rules,
        }
        for name, (context, rules) in parts.items()
    ]
    priority = next(iter(parts.values()))[0]["groupPriority"]
    properties = {"priority": priority, "ruleCollections": collections}
    return {"id": resource, "name": resource.rpartition("/")[2], "properties": properties}


def _write(folder: Path, bodies: list[Json]) -> None:
    (folder / "estate.json").write_text(json.dumps({"value": bodies}))


def _workload(wanted: list[tuple[str, str, int]], resources: list[str], sources: int) -> str:
    lines = ["schema: allowlist/workload/v1", "name: bench", "cloud: public", "requirements:"]
    lines += [
        f'  - {{id: e-{name.replace("*", "any").replace(".", "-")}-{protocol}-{port}, pattern: "{name}", '
        f'ports: ["{protocol}:{port}"], owner: a@contoso.com, reason: bench, expires: "2099-01-01"}}'
        for name, protocol, port in wanted
    ]
    lines.append("sources:")
    lines += [
        f"  s{number}: {{addresses: [10.{number // 200}.{number % 200}.0/24]}}" for number in range(sources)
    ]
    lines.append("targets:")
    for number, resource in enumerate(resources):
        lines += [f"  - name: hub{number}", "    surface: firewall-policy", f"    resource: {resource}"]
        lines += ["    priority: 1000", "    delete: sync"]
    return "\n".join(lines) + "\n"


def _with_parents(bodies: list[Json], policy_id: str) -> list[Json]:
    """The groups spread over a chain of four policies, each the parent of the next."""
    names = [f"{policy_id}-p{number}" for number in range(3)] + [policy_id]
    made, number = [], 0
    for body in bodies:
        if body["id"] == policy_id:
            made += [
                {**body, "id": name, "name": name.rpartition("/")[2], "properties": {**body["properties"], **_base(names, at)}}
                for at, name in enumerate(names)
            ]  # fmt: skip
        elif "/ruleCollectionGroups/" in body["id"]:
            owner = names[number % len(names)]
            made.append({**body, "id": f"{owner}/ruleCollectionGroups/{body['name']}"})
            number += 1
        else:
            made.append(body)
    return made


def _base(names: list[str], at: int) -> Json:
    return {"basePolicy": {"id": names[at - 1]}} if at else {}


def _in_one_group(bodies: list[Json]) -> list[Json]:
    """All application rules in one collection of one group."""
    kept, rules = [], []
    for body in bodies:
        collections = body.get("properties", {}).get("ruleCollections", [])
        if collections and "-deny" not in body["name"] and body["name"] not in ("g-net", "g-last"):
            rules += [rule for item in collections for rule in item["rules"]]
            first = (body, collections[0])
        else:
            kept.append(body)
    body, collection = first
    properties = {**body["properties"], "ruleCollections": [{**collection, "rules": rules}]}
    return [*kept, {**body, "properties": properties}]


def _many(bodies: list[Json], policy_id: str, count: int) -> tuple[list[Json], list[str]]:
    """The same small policy many times."""
    few = [
        body
        for body in bodies
        if "/ruleCollectionGroups/" not in body["id"] or body["name"] in ("g-deny", "g-last")
    ]
    shared = [body for body in few if "/firewallPolicies/" not in body["id"]]
    mine = [body for body in few if "/firewallPolicies/" in body["id"]]
    resources = [f"{policy_id}-{number}" for number in range(count)]
    copies = [
        {**body, "id": body["id"].replace(policy_id, resource, 1), "name": body["name"] if "/rule" in body["id"] else resource.rpartition("/")[2]}
        for resource in resources
        for body in mine
    ]  # fmt: skip
    return [*shared, *copies], resources
