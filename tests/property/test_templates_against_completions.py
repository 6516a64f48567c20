"""The law of templates that are only partly known: give the parameters that were open any values, and what was certain
before is so still, through every surface. What is put in place of values, resources and lists is how templates do it.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allowlist.errors import AllowlistError
from allowlist.estate.snapshot import read_snapshot
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.workflow.project import Project, load_project
from tests.helpers.laws import examples

_SCHEMAS = "https://schema.management.azure.com/schemas/2019-04-01"
_NEAR = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template/providers"
_WEB = [{"protocolType": "Https", "port": 443}]
_TARGETS = {
    "firewall-policy": "Microsoft.Network/firewallPolicies/pol",
    "azure-firewall": "Microsoft.Network/azureFirewalls/fw",
    "account-network": "Microsoft.CognitiveServices/accounts/acc",
    "hub-network": "Microsoft.MachineLearningServices/workspaces/hub",
}


def _rule(name: str, *hosts: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "sourceAddresses": ["10.0.0.0/24"],
        "targetFqdns": [*hosts],
        "protocols": _WEB,
        **more,
    }


def _collection(name: str, priority: int, action: str, *rules: dict[str, Any]) -> dict[str, Any]:
    kind = "FirewallPolicyFilterRuleCollection"
    typed = [{"ruleType": "ApplicationRule", **rule} for rule in rules]
    return {
        "ruleCollectionType": kind,
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": typed,
    }


def _group(name: str, priority: int, *collections: dict[str, Any]) -> dict[str, Any]:
    properties = {"priority": priority, "ruleCollections": [*collections]}
    return {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "name": f"pol/{name}",
        "properties": properties,
    }


def _classic(name: str, priority: int, action: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "properties": {"priority": priority, "action": {"type": action}, "rules": [*rules]}}


def _fqdn(host: str) -> dict[str, Any]:
    return {"type": "FQDN", "destination": host, "category": "UserDefined"}


_APPROVED = {"isolationMode": "AllowOnlyApprovedOutbound", "outboundRules": {"one": _fqdn("one.example")}}
_ACCOUNT = "Microsoft.CognitiveServices/accounts"
_BY_GROUP = {"sourceAddresses": [], "sourceIpGroups": [f"{_NEAR}/Microsoft.Network/ipGroups/clients"]}
RESOURCES: list[dict[str, Any]] = [
    {
        "type": "Microsoft.Network/firewallPolicies", "name": "pol",
        "properties": {"sku": {"tier": "Premium"}, "dnsSettings": {"enableProxy": True}, "threatIntelMode": "Alert"},
    },
    {"type": "Microsoft.Network/ipGroups", "name": "clients", "properties": {"ipAddresses": ["10.0.0.0/25"]}},
    _group("deny", 100, _collection("block", 100, "Deny", _rule("b", "bad.two.example"))),
    _group(
        "allow", 200,
        _collection("web", 100, "Allow", _rule("o", "one.example"), _rule("t", "*.two.example")),
        _collection("late", 300, "Deny", _rule("l", "late.example")),
    ),
    _group("more", 300, _collection("m", 100, "Allow", _rule("g", "late.example", **_BY_GROUP))),
    {
        "type": "Microsoft.Network/azureFirewalls", "name": "fw",
        "properties": {
            "sku": {"name": "AZFW_VNet", "tier": "Standard"}, "ipConfigurations": [{"name": "c", "properties": {}}],
            "applicationRuleCollections": [
                _classic("a", 200, "Allow", _rule("o", "one.example", "*.two.example")),
                _classic("d", 100, "Deny", _rule("b", "bad.two.example")),
            ],
            "networkRuleCollections": [], "natRuleCollections": [],
        },
    },
    {
        "type": _ACCOUNT, "name": "acc", "kind": "AIServices",
        "properties": {"networkInjections": [{"scenario": "agent", "subnetArmId": "", "useMicrosoftManagedNetwork": True}]},
    },
    {"type": f"{_ACCOUNT}/managedNetworks", "name": "acc/default", "properties": {"managedNetwork": _APPROVED}},
    {
        "type": f"{_ACCOUNT}/managedNetworks/outboundRules", "name": "acc/default/two",
        "properties": _fqdn("*.two.example"),
    },
    {
        "type": "Microsoft.MachineLearningServices/workspaces", "name": "hub", "kind": "Hub",
        "properties": {"managedNetwork": {**_APPROVED, "status": {"status": "Active"}}},
    },
    {
        "type": "Microsoft.MachineLearningServices/workspaces/outboundRules", "name": "hub/two",
        "properties": _fqdn("*.two.example"),
    },
]  # fmt: skip
_WORDS = [
    "one.example",
    "*",
    "*.two.example",
    "late.example",
    "10.0.0.5",
    "Allow",
    "Deny",
    "FQDN",
    "AllowInternetOutbound",
]
_WORDS += ["Disabled", "Inactive", "pol/deny", "acc/default", "Basic"]

# How a part of a template becomes open


class Opened:
    """A template in which some values are parameters that nobody gave, each with the values that it may be given."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.template: dict[str, Any] = {
            "$schema": f"{_SCHEMAS}/deploymentTemplate.json#", "parameters": {}, "variables": {},
            "resources": copy.deepcopy(RESOURCES),
        }  # fmt: skip
        self.choices: dict[str, list[Any]] = {}

    def pick(self, items: list[Any]) -> Any:
        return items[self._draw(st.integers(0, len(items) - 1))]

    def parameter(self, values: list[Any]) -> str:
        name = f"p{len(self.choices)}"
        self.template["parameters"][name] = {"type": "object"}
        self.choices[name] = copy.deepcopy(values)
        return f"parameters('{name}')"

    def variable(self, value: Any) -> str:
        variables = self.template["variables"]
        name = f"v{len(variables)}"
        variables[name] = copy.deepcopy(value)
        return f"variables('{name}')"

    def other(self, value: Any) -> Any:
        """Something else of the same kind of JSON."""
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return self.pick([50, 150, 443, 65000])
        if isinstance(value, str):
            return self.pick(_WORDS)
        if not value:
            return value
        changed = copy.deepcopy(value)
        at = self.pick(list(changed) if isinstance(changed, dict) else list(range(len(changed))))
        if self._draw(st.booleans()):
            changed[at] = self.other(changed[at])
        else:
            del changed[at]
        return changed

    def values(self, value: Any) -> list[Any]:
        return [value, self.other(value), self.other(value)]

    def open_one(self) -> None:
        item = self.pick(self.template["resources"])
        way = self.pick([_deployed, _copied, _nested, *_OF_VALUES * 3])
        if way in _OF_VALUES:
            holder, key = self.pick(_places(item))
            if not (isinstance(holder[key], str) and holder[key].startswith("[")):
                holder[key] = way(self, holder[key])
        else:
            way(self, item)


def _places(item: Any) -> list[tuple[Any, Any]]:
    """Every value below a resource that may be another: its holder and where it stands there."""
    found: list[tuple[Any, Any]] = []
    keys = list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
    for key in keys:
        if key not in ("type", "condition", "copy", "resources"):
            found += [(item, key), *_places(item[key])]
    return found


def _given(made: Opened, value: Any) -> str:
    return f"[{made.parameter(made.values(value))}]"


def _either(made: Opened, value: Any) -> str:
    which = made.parameter([True, False])
    return f"[if({which}, {made.variable(value)}, {made.variable(made.other(value))})]"


def _joined(made: Opened, value: Any) -> Any:
    """A list or an object with more from outside, before or behind."""
    if isinstance(value, list):
        parts = [made.variable(value), made.parameter([[], value, made.other(value)])]
        return f"[{made.pick(['union', 'concat'])}({', '.join(made.pick([parts, parts[::-1]]))})]"
    if not isinstance(value, dict) or not value:
        return value
    key = made.pick(list(value))
    parts = [made.variable(value), f"createObject('{key}', {made.parameter(made.values(value[key]))})"]
    return f"[union({', '.join(made.pick([parts, parts[::-1]]))})]"


def _filtered(made: Opened, value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return value
    if isinstance(value[0], dict) and "name" in value[0]:
        name = made.parameter([*(item["name"] for item in value), "nobody"])
        return (
            f"[filter({made.variable(value)}, lambda('x', not(equals(lambdaVariables('x').name, {name}))))]"
        )
    return f"[{made.pick(['take', 'skip'])}({made.variable(value)}, {made.parameter([0, 1, 2])})]"


def _member_of(made: Opened, value: Any) -> str:
    whole = made.parameter([{"a": one} for one in made.values(value)])
    return f"[{whole}.a]" if made.pick([True, False]) else f"[coalesce(tryGet({whole}, 'a'), 0)]"


_OF_VALUES = [_given, _either, _joined, _filtered, _member_of]


def _deployed(made: Opened, item: dict[str, Any]) -> None:
    item["condition"] = f"[{made.parameter([True, False])}]"


def _copied(made: Opened, item: dict[str, Any]) -> None:
    if "copy" not in item and not item["name"].startswith("["):
        item["copy"] = {"name": "loop", "count": f"[{made.parameter([1, 0, 2])}]"}
        item["name"] = f"[concat('{item['name']}', if(equals(copyIndex(), 0), '', string(copyIndex())))]"


def _nested(made: Opened, item: dict[str, Any]) -> None:
    """Into a module with a scope of its own, to which every parameter is handed."""
    template = made.template
    if item["type"].endswith("/deployments"):
        return
    inner = {
        "parameters": copy.deepcopy(template["parameters"]), "variables": copy.deepcopy(template["variables"]),
        "resources": [copy.deepcopy(item)],
    }  # fmt: skip
    handed = {name: {"value": f"[parameters('{name}')]"} for name in template["parameters"]}
    properties = {"template": inner, "expressionEvaluationOptions": {"scope": "inner"}, "parameters": handed}
    name = f"module-{item['name']}".replace("[", "").replace("/", "-")[:20]
    item.clear()
    item |= {"type": "Microsoft.Resources/deployments", "name": name, "properties": properties}
    if made.pick([True, False]):
        _deployed(made, item)


@st.composite
def opened(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A template, and a value for each parameter that is open in it."""
    made = Opened(draw)
    for _ in range(draw(st.integers(1, 2))):
        made.open_one()
    return made.template, {name: made.pick(choices) for name, choices in made.choices.items()}


NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)

# What is asked of both

FLOWS = [
    Flow(source=10 << 24 | last, port=443, application="https", sni=host, host=host)
    for last in (4, 200)
    for host in ("one.example", "x.two.example", "bad.two.example", "late.example", "other.example")
]


@dataclass(frozen=True)
class Ground:
    """A workload with a target of each surface, and a folder for what is read."""

    project: Project
    folder: Path

    def answers(self, template: dict[str, Any], values: dict[str, Any]) -> dict[tuple[str, int], str]:
        """What each surface does with each flow; nothing of a surface that cannot be read at all."""
        given = {name: {"value": value} for name, value in values.items()}
        parameters = {"$schema": f"{_SCHEMAS}/deploymentParameters.json#", "parameters": given}
        (self.folder / "main.json").write_text(json.dumps(template))
        (self.folder / "main.parameters.json").write_text(json.dumps(parameters))
        estate = read_snapshot(self.folder)
        found: dict[tuple[str, int], str] = {}
        for spec in self.project.targets():
            try:
                ruleset = self.project.point(spec).ruleset(estate)
            except AllowlistError:
                continue
            found |= {(spec.name, at): evaluate(ruleset, flow).word for at, flow in enumerate(FLOWS)}
        return found


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("completions")
    targets = "".join(
        f"  - {{name: {kind}, surface: {kind}, resource: {_NEAR}/{resource}, delete: add-only}}\n"
        for kind, resource in _TARGETS.items()
    )
    path = folder / "allowlist.yaml"
    path.write_text(
        "schema: allowlist/workload/v1\nname: trial\nsources: {c: {addresses: [10.0.0.0/24]}}\nrequirements:\n"
        '  - {id: n, pattern: one.example, ports: ["https:443"], owner: a@b.example, reason: r, expires: "2099-01-01"}\n'
        f"targets:\n{targets}"
    )
    (folder / "estate").mkdir()
    return Ground(load_project(path, now=NOW), folder / "estate")


def test_all_is_certain_of_a_template_in_which_nothing_is_open(ground: Ground) -> None:
    template = {"$schema": f"{_SCHEMAS}/deploymentTemplate.json#", "resources": RESOURCES}
    found = ground.answers(template, {})
    assert len(found) == len(_TARGETS) * len(FLOWS)
    assert set(found.values()) == {"allow", "deny"}


@given(opened())
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_certain_before_a_deployment_is_so_for_all_its_parameters(
    ground: Ground, given_later: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    template, values = given_later
    said, then = ground.answers(template, {}), ground.answers(template, values)
    wrong = {
        key: (word, then[key])
        for key, word in said.items()
        if word != "unknown" and then.get(key, "unknown") not in ("unknown", word)
    }
    assert not wrong, (template, values)
