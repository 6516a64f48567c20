"""Templates are read as far as their language is understood; the rest stays as it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.template.read import TemplateReading, read_template
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow

POLICIES = "Microsoft.Network/firewallPolicies"


def _reading(resources: Any, **more: Any) -> TemplateReading:
    return read_template({"resources": resources, **more}, "template.json")


def _read(resources: Any, **more: Any) -> list[dict[str, Any]]:
    return list(_reading(resources, **more).bodies.values())


def _named(expression: str, **more: Any) -> str:
    (body,) = _read([{"type": "Microsoft.Network/ipGroups", "name": expression}], **more)
    return str(body["name"])


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("plain", "plain"),
        ("[parameters('p')]", "policy"),
        ("[parameters('unset')]", "unset"),
        ("[concat(parameters('p'), '-', toLower('WEU'))]", "policy-weu"),
        ("[format('{0}-{1}', parameters('p'), 1)]", "policy-1"),
        ("[variables('names').first]", "policy"),
        ("[variables('list')[1]]", "two"),
        ("[if(equals(parameters('p'), 'policy'), 'yes', 'no')]", "yes"),
    ],
)
def test_names_are_worked_out(expression: str, name: str) -> None:
    parameters = {"p": {"type": "string", "defaultValue": "policy"}, "unset": {"type": "string"}}
    variables = {"names": {"first": "[parameters('p')]"}, "list": ["one", "two"]}
    assert _named(expression, parameters=parameters, variables=variables) == name


def test_names_that_only_a_deployment_knows_are_the_same_wherever_they_are_worked_out_alike() -> None:
    unique = "uniqueString(resourceGroup().id)"
    group = {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "name": f"[concat('p', {unique}, '/g')]",
    }
    policy, child = _read(
        [{"type": "Microsoft.Network/firewallPolicies", "name": f"[concat('p', {unique})]"}, group]
    )
    assert child["id"] == f"{policy['id']}/ruleCollectionGroups/g"


@pytest.mark.parametrize("name", ["[reference('x')]", "[concat(parameters('unset'), '/g')]"])
def test_a_group_whose_policy_cannot_be_told_may_be_anybodys(name: str) -> None:
    reading = _reading(
        [{"type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": name}],
        parameters={"unset": {"type": "string"}},
    )
    assert len(reading.unread) == 1


def test_other_expressions_stay_as_they_are_written() -> None:
    (body,) = _read(
        [{"type": "Microsoft.Network/ipGroups", "name": "g", "location": "[deployment().location]"}]
    )
    assert body["location"] == "[deployment().location]"


def test_nested_and_sibling_children_get_the_ids_of_arm() -> None:
    child = {"type": "ruleCollectionGroups", "name": "inner", "properties": {}}
    bodies = _read(
        [
            {
                "type": "Microsoft.Network/firewallPolicies",
                "name": "p",
                "properties": {},
                "resources": [child],
            },
            {
                "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                "name": "[concat('p', '/', 'outer')]",
                "properties": {"link": "[resourceId('Microsoft.Network/ipGroups', 'g')]"},
                "dependsOn": ["x"],
            },
        ]
    )
    assert [body["id"].partition("/providers/")[2] for body in bodies] == [
        "Microsoft.Network/firewallPolicies/p",
        "Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/inner",
        "Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/outer",
    ]
    assert bodies[2]["properties"]["link"].endswith("/providers/Microsoft.Network/ipGroups/g")
    assert "dependsOn" not in bodies[2]


def _module(template: dict[str, Any], scope: str = "inner", **parameters: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/deployments",
        "name": "module",
        "properties": {
            "expressionEvaluationOptions": {"scope": scope},
            "parameters": {name: {"value": value} for name, value in parameters.items()},
            "template": template,
        },
    }


def test_modules_see_their_own_parameters_as_the_outer_template_gives_them() -> None:
    inner = {
        "parameters": {"name": {"type": "string"}, "tags": {"type": "object", "nullable": True}},
        "variables": {"full": "[format('{0}-fw', parameters('name'))]"},
        "resources": {
            "fw": {
                "type": "Microsoft.Network/ipGroups",
                "name": "[variables('full')]",
                "properties": {"ipAddresses": "[coalesce(parameters('tags'), createArray('10.0.0.4'))]"},
            }
        },
    }
    outer = {"parameters": {"p": {"defaultValue": "hub"}}}
    (body,) = _read([_module(inner, name="[parameters('p')]")], **outer)
    assert (body["name"], body["properties"]) == ("hub-fw", {"ipAddresses": ["10.0.0.4"]})

    inner["resources"] = [{"type": "Microsoft.Network/ipGroups", "name": "[parameters('p')]"}]
    (body,) = _read([_module(inner, scope="outer")], **outer)
    assert body["name"] == "hub"


OPEN = "reference('other').outputs.x.value"


@pytest.mark.parametrize(
    ("argument", "addresses"),
    [
        ("[if(parameters('flag'), createObject('value', createArray('1')), createObject('value', createArray('2')))]", ["2"]),
        ("[if(parameters('flag'), createObject('value', createArray('1')), createObject('value', null()))]", "none"),
        (f"[if({OPEN}, createObject('value', createArray('1')), createObject('value', createArray('1')))]", ["1"]),
        (f"[if({OPEN}, createObject('value', createArray('1')), createObject('value', createArray('2')))]", "unknown"),
        (f"[if({OPEN}, createObject('value', createArray('1')), createObject('value', null()))]", "unknown"),
        (f"[if({OPEN}, createObject('value', createArray('1')), createObject())]", "unknown"),
        ("[createObject('reference', createObject('secretName', 's'))]", "unknown"),
        (f"[{OPEN}]", "unknown"),
        ("text", "unknown"),
    ],
)  # fmt: skip
def test_an_argument_may_be_an_expression_as_bicep_writes_conditional_ones(
    argument: str, addresses: Any
) -> None:
    group = {
        "type": "Microsoft.Network/ipGroups",
        "name": "g",
        "properties": {"ipAddresses": "[coalesce(parameters('given'), 'none')]"},
    }
    inner = {"parameters": {"given": {"type": "array", "nullable": True}}, "resources": [group]}
    module = _module(inner)
    module["properties"]["parameters"] = {"given": argument}
    (body,) = _read([module], parameters={"flag": {"type": "bool", "defaultValue": False}})
    found = body["properties"]["ipAddresses"]
    unknown = str(found).lstrip("['\"").startswith(("coalesce(", "if("))
    assert ("unknown" if unknown else found) == addresses


def test_loops_over_resources_properties_and_variables_are_run() -> None:
    bodies = _read(
        [
            {
                "type": "Microsoft.Network/ipGroups",
                "name": "[concat('g', copyIndex(1))]",
                "copy": {"name": "groups", "count": "[length(variables('all'))]"},
                "properties": {
                    "copy": [
                        {
                            "name": "ipAddresses",
                            "count": 2,
                            "input": "[concat(variables('all')[copyIndex('groups')], copyIndex('ipAddresses'))]",
                        }
                    ]
                },
            }
        ],
        variables={
            "copy": [{"name": "all", "count": 2, "input": "[concat('10.', copyIndex('all'), '.0.')]"}]
        },
    )
    assert {body["name"]: body["properties"]["ipAddresses"] for body in bodies} == {
        "g1": ["10.0.0.0", "10.0.0.1"],
        "g2": ["10.1.0.0", "10.1.0.1"],
    }


def test_what_is_not_deployed_is_not_there() -> None:
    kind = "Microsoft.Network/ipGroups"
    bodies = _read(
        [
            {"type": kind, "name": "off", "condition": "[not(parameters('on'))]"},
            {"type": kind, "name": "elsewhere", "existing": True},
            {"type": kind, "name": "perhaps", "condition": "[parameters('unset')]"},
        ],
        parameters={"on": {"defaultValue": True}, "unset": {"type": "bool"}},
    )
    assert [body["name"] for body in bodies] == ["perhaps"]
    why = "[condition [parameters('unset')]]"
    assert bodies[0]["properties"] == {UNRESOLVED: why, "ipAddresses": why}


def test_where_two_resources_of_one_name_differ_nothing_is_known() -> None:
    one = {
        "type": "Microsoft.Network/ipGroups",
        "name": "g",
        "properties": {"ipAddresses": ["10.0.0.1"], "a": 1},
    }
    (body,) = _read([one, {**one, "properties": {"ipAddresses": ["10.0.0.2"], "a": 1}}])
    assert body["properties"] == {"ipAddresses": "[one of two values]", "a": 1}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[if(false(), json('not json'), 'no')]", "no"),
        ("[and(true(), or(false(), equals(1, 1)))]", True),
        ("[union(createArray('a'), split('a,b', ','))]", ["a", "b"]),
        ("[map(range(1, 2), lambda('n', add(lambdaVariables('n'), 1)))]", [2, 3]),
        ("[filter(createArray(1, 2), lambda('n', greater(lambdaVariables('n'), 1)))]", [2]),
        ("[first(skip(createArray('a', 'b'), 1))]", "b"),
        ("[createObject('a', 1).A]", 1),
        ("[tryGet(createObject('a', 1), 'b')]", None),
        ("[createObject('a', null()).?b]", None),
        ("[replace(substring('abc', 1), 'c', '-1')]", "b-1"),
        ("[cidrSubnet('10.0.0.0/16', 24, 2)]", "10.0.2.0/24"),
        ("[[not an expression]", "[not an expression]"),
        ("[empty('')]", True),
        ("[string(createArray(1))]", "[1]"),
        ("[toUpper(trim(' a '))]", "A"),
    ],
)
def test_functions_do_what_they_do_in_azure(expression: str, value: Any) -> None:
    (body,) = _read([{"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": expression}}])
    assert body["properties"]["x"] == value


@pytest.mark.parametrize(
    "expression",
    [
        "[concat(parameters('unset'), '-x')]",
        "[reference('other').outputs.id.value]",
        "[if(parameters('unset'), 'a', 'b')]",
        "[concat(variables('leaf').inner, '-x')]",
        "[utcNow()]",
        "[noSuchFunction(1)]",
        "[concat('unbalanced'",
    ],
)
def test_what_hangs_on_a_deployment_is_not_guessed(expression: str) -> None:
    (body,) = _read(
        [{"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": expression}}],
        parameters={"unset": {"type": "string"}},
        variables={"leaf": {"inner": "[parameters('unset')]"}},
    )
    assert body["properties"]["x"] == expression


def _verdict(rule: dict[str, Any], name: str, **more: Any) -> str:
    group = {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "name": "p/g",
        "properties": {
            "priority": 100,
            "ruleCollections": [
                {
                    "name": "c",
                    "priority": 100,
                    "action": {"type": "Allow"},
                    "rules": [{**RULE, **rule}],
                    **more,
                }
            ],
        },
    }
    policy = {"type": "Microsoft.Network/firewallPolicies", "name": "p", "properties": {}}
    bodies = _read([policy, group], parameters={"unset": {"type": "array"}})
    ruleset = to_ruleset(Estate.of(bodies), bodies[0]["id"])
    return evaluate(ruleset, Flow(source=1, port=443, application="https", sni=name, host=name)).word


RULE = {
    "ruleType": "ApplicationRule",
    "name": "r",
    "sourceAddresses": ["*"],
    "protocols": [{"protocolType": "Https", "port": 443}],
    "targetFqdns": ["a.com"],
}


def test_a_rule_that_is_all_there_decides() -> None:
    assert [_verdict({}, name) for name in ("a.com", "b.com")] == ["allow", "deny"]


@pytest.mark.parametrize(
    ("rule", "fates"),
    [
        ({"targetFqdns": ["a.com", "[parameters('unset')]"]}, ["allow", "unknown"]),
        ({"targetFqdns": "[parameters('unset')]"}, ["unknown", "unknown"]),
        ({"sourceAddresses": "[parameters('unset')]"}, ["unknown", "deny"]),
        ({"protocols": "[parameters('unset')]"}, ["unknown", "unknown"]),
        ({"protocols": [{"protocolType": "Https", "port": "[parameters('unset')]"}]}, ["unknown", "unknown"]),
        ({"ruleType": "FutureRule"}, ["unknown", "unknown"]),
    ],
)
def test_an_open_part_of_a_rule_makes_unknown_what_hangs_on_it(
    rule: dict[str, Any], fates: list[str]
) -> None:
    assert [_verdict(rule, name) for name in ("a.com", "b.com")] == fates


@pytest.mark.parametrize(
    "collection",
    [
        {"priority": "[parameters('unset')]"},
        {"action": {"type": "[parameters('unset')]"}},
        {"rules": "[parameters('unset')]"},
        {"rules": ["[parameters('unset')]"]},
    ],
)
def test_an_open_part_of_a_collection_makes_unknown_what_hangs_on_it(collection: dict[str, Any]) -> None:
    assert _verdict({}, "a.com", **collection) == "unknown"


def test_a_template_may_hold_comments_and_take_its_values_from_the_file_beside_it(tmp_path: Path) -> None:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    (tmp_path / "main.json").write_text(
        '{ // what is deployed\n "$schema": "' + schema + '", /* over\n lines */ "parameters": {"name": {}},'
        ' "resources": [{"type": "Microsoft.Network/ipGroups", "name": "[parameters(\'name\')]",'
        ' "tags": {"url": "https://a.example"}}]}',
        "utf-8",
    )
    values = {"$schema": schema.replace("Template", "Parameters"), "parameters": {"name": {"value": "given"}}}
    (tmp_path / "main.parameters.json").write_text(json.dumps(values), "utf-8")

    (body,) = read_snapshot(tmp_path).resources.values()

    assert (body["name"], body["tags"]) == ("given", {"url": "https://a.example"})


def test_a_truncated_template_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "main.json").write_text(
        '{"$schema": "deploymentTemplate.json", // cut\n "resources": [', "utf-8"
    )
    with pytest.raises(InvalidInput, match=r"main.json:1:\d+"):
        read_snapshot(tmp_path)


def _giving(name: str, outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    template = {"parameters": {"n": {"type": "string"}}, "resources": [], "outputs": outputs}
    properties = {
        "mode": "Incremental",
        "expressionEvaluationOptions": {"scope": "inner"},
        "parameters": {"n": {"value": "afw"}},
        "template": template,
    }
    return {"type": "Microsoft.Resources/deployments", "name": name, "properties": properties, **more}


_GIVEN = {
    "name": {"type": "string", "value": "[concat('p-', parameters('n'))]"},
    "secret": {"type": "secureString", "value": "x"},
}
_OF_M = "reference(resourceId('Microsoft.Resources/deployments', 'm'), '2022-09-01').outputs"


@pytest.mark.parametrize(
    ("module", "expression", "known"),
    [
        ({}, f"{_OF_M}.name.value", True),
        ({}, f"{_OF_M}.secret.value", False),
        ({}, f"{_OF_M}.other.value", False),
        ({}, "reference(resourceId('Microsoft.Resources/deployments', 'other')).outputs.name.value", False),
        ({}, "reference(resourceId('r', 'Microsoft.Resources/deployments', 'm')).outputs.name.value", False),
        ({"resourceGroup": "r"}, f"{_OF_M}.name.value", False),
        (
            {"resourceGroup": "r"},
            "reference(resourceId('r', 'Microsoft.Resources/deployments', 'm')).outputs.name.value",
            True,
        ),
        ({"condition": "[parameters('maybe')]"}, f"{_OF_M}.name.value", False),
        ({"condition": False}, f"{_OF_M}.name.value", False),
    ],
)
def test_what_a_module_gives_out_is_known_to_who_refers_to_it(
    module: dict[str, Any], expression: str, known: bool
) -> None:
    policy = {
        "type": "Microsoft.Network/firewallPolicies",
        "name": "afwp",
        "properties": {"x": f"[{expression}]"},
    }
    template = {
        "parameters": {"maybe": {"type": "bool"}},
        "resources": [policy, _giving("m", _GIVEN, **module)],
    }
    (body,) = read_template(template, "main.json").bodies.values()
    assert (body["properties"]["x"] == "p-afw") is known
    assert known or body["properties"]["x"].startswith("[")


def test_modules_of_a_loop_are_told_apart_and_two_of_one_name_are_unknown() -> None:
    def policy(name: str, expression: str) -> dict[str, Any]:
        return {
            "type": "Microsoft.Network/firewallPolicies",
            "name": name,
            "properties": {"x": f"[{expression}]"},
        }

    looped = _giving(
        "[concat('m', copyIndex())]",
        {"name": {"type": "string", "value": "[parameters('n')]"}},
        copy={"name": "each", "count": 2},
    )
    looped["properties"]["parameters"] = {"n": {"value": "[concat('p', copyIndex())]"}}
    one = _giving("m", {"name": {"type": "string", "value": "one"}})
    other = _giving("m", {"name": {"type": "string", "value": "other"}})
    of_loop = "reference(resourceId('Microsoft.Resources/deployments', 'm1')).outputs.name.value"
    resources = [policy("a", of_loop), policy("b", f"{_OF_M}.name.value"), looped, one, other]
    bodies = read_template({"resources": resources}, "main.json").bodies.values()
    found = {body["name"]: body["properties"]["x"] for body in bodies}
    assert found["a"] == "p1"
    assert found["b"].startswith("[")


def test_a_symbolic_name_refers_to_its_giving() -> None:
    policy = {
        "type": "Microsoft.Network/firewallPolicies",
        "name": "afwp",
        "properties": {"x": "[reference('net').outputs.name.value]"},
    }
    template = {"languageVersion": "2.0", "resources": {"afwp": policy, "net": _giving("m", _GIVEN)}}
    (body,) = read_template(template, "main.json").bodies.values()
    assert body["properties"]["x"] == "p-afw"


def test_an_extension_that_stands_below_its_resource_is_no_child_that_could_be_anything() -> None:
    extension = {
        "type": "providers/diagnosticSettings",
        "name": "Microsoft.Insights/default",
        "properties": {"logs": []},
    }
    found = _reading(
        [{"type": "Microsoft.Network/firewallPolicies", "name": "hub", "resources": [extension]}]
    )
    assert not found.unread
    assert [key.partition("/firewallpolicies/")[2] for key in found.bodies] == [
        "hub",
        "hub/providers/microsoft.insights/diagnosticsettings/default",
    ]


@pytest.mark.parametrize(
    ("kind", "properties", "left_out", "value"),
    [
        ("firewallPolicies/ruleCollectionGroups", {"priority": 100}, "ruleCollections", []),
        ("firewallPolicies/ruleCollectionGroups", {"RuleCollections": [1]}, "ruleCollections", None),
        ("firewallPolicies/ruleCollectionGroups", "[parameters('unset')]", "ruleCollections", None),
        ("ipGroups", {"x": 1}, "ipAddresses", []),
    ],
)
def test_a_list_that_a_template_leaves_out_is_empty_after_its_deployment(
    kind: str, properties: Any, left_out: str, value: Any
) -> None:
    name = "/".join("n" * kind.count("/") + "m")
    (body,) = _read([{"type": f"Microsoft.Network/{kind}", "name": name, "properties": properties}])
    assert body["properties"].get(left_out) == value


def test_a_workspace_whose_properties_are_an_expression_may_be_isolated_or_open() -> None:
    kind = "Microsoft.MachineLearningServices/workspaces"
    template = {"resources": [{"type": kind, "name": "hub", "properties": "[parameters('given')]"}]}
    (body,) = read_template(template, "template.json").bodies.values()
    assert body["properties"]["managedNetwork"]["isolationMode"] == "[parameters('given')]"


def test_a_policy_of_the_same_name_elsewhere_is_told_by_its_id(tmp_path: Path) -> None:
    """A template stands in a resource group that was made up, so its name alone would read like the one that was asked for."""
    group: dict[str, Any] = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    }
    group |= {"contentVersion": "1.0.0.0", "resources": [{"type": POLICIES, "name": "hub"}]}
    (tmp_path / "main.json").write_text(json.dumps(group))
    estate = read_snapshot(tmp_path)
    (policy,) = estate.of_type(POLICIES)
    with pytest.raises(InvalidInput) as refused:
        to_ruleset(estate, policy["id"].replace("resourceGroups/template", "resourceGroups/rg-hub"))
    assert refused.value.hint == f"policies found: {policy['id']}"
