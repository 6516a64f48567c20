"""Functions of template expressions do what they do in Azure, or leave their value unknown."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.estate.template.read import read_template

PARAMETERS = {"unset": {"type": "string"}, "given": {"type": "string", "defaultValue": "value"}}
VARIABLES = {
    "mixed": ["[parameters('unset')]", "a"],
    "[parameters('given')]": 1,
    "keys": {"[parameters('given')]": 1},
}
FUNCTIONS = [
    {
        "namespace": "contoso",
        "members": {
            "host": {
                "parameters": [{"name": "name", "type": "string"}],
                "output": {"type": "string", "value": "[concat(parameters('name'), '.contoso.com')]"},
            }
        },
    }
]


def value_of(expression: str) -> Any:
    template = {
        "parameters": PARAMETERS,
        "variables": VARIABLES,
        "functions": FUNCTIONS,
        "resources": [{"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": expression}}],
    }
    (body,) = read_template(template, "template.json").bodies.values()
    return body["properties"]["x"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (
            "[union(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2)))]",
            {"a": {"x": 1, "y": 2}},
        ),
        ("[union(createArray('b', 'b'), createArray('a', 'b'))]", ["b", "a"]),
        (
            "[items(createObject('Block', 1, 'allow', 2))]",
            [{"key": "allow", "value": 2}, {"key": "Block", "value": 1}],
        ),
        ("[take(createArray(1, 2), -1)]", []),
        ("[skip('abc', -2)]", "abc"),
        ("[format('{0}|{1,4}|{2:N0}|{3:000}', true(), 'x', 1234567, 7)]", "True|   x|1,234,567|007"),
        ("[format('{0}', createObject('a', createArray(1, 'b')))]", "{'a':[1,'b']}"),
        ("[string(createObject('a', true()))]", '{"a":true}'),
        ("[div(-7, 2)]", -3),
        ("[mod(-7, 3)]", -1),
        ("[add(9007199254740992, 1)]", 9007199254740993),
        ("[equals(1, true())]", False),
        ("[contains(createObject('Prod', 1), 'prod')]", True),
        ("[contains('ABC', 'b')]", False),
        ("[coalesce(null(), 'a', noSuchFunction())]", "a"),
        ("[and(false(), equals(parameters('unset'), 'x'))]", False),
        ("[if(equals(parameters('unset'), 'x'), createArray('a'), createArray('a'))]", ["a"]),
        ("[contains(variables('mixed'), 'a')]", True),
        ("[length(variables('mixed'))]", 2),
        ("[contoso.host('www')]", "www.contoso.com"),
        ("[variables('keys')]", {"value": 1}),
        ("[environment().suffixes.storage]", "core.windows.net"),
        ("[parseCidr('10.1.0.0/24').lastUsable]", "10.1.0.254"),
        ("[cidrHost('10.1.0.0/24', 3)]", "10.1.0.4"),
        ("[padLeft(7, 3, '0')]", "007"),
        (
            "[reduce(createArray(1, 2, 3), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]",
            6,
        ),
        ("[json('{''a'': [1]}').a[0]]", 1),
        (
            "[resourceId('s', 'g', 'Microsoft.Network/ipGroups', 'x')]",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/x",
        ),
        (
            "[tenantResourceId('Microsoft.Management/managementGroups', 'm')]",
            "/providers/Microsoft.Management/managementGroups/m",
        ),
    ],
)
def test_a_function_does_what_it_does_in_azure(expression: str, value: Any) -> None:
    found = value_of(expression)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "expression",
    [
        "[resourceGroup().location]",
        "[take(subscription().subscriptionId, 8)]",
        "[replace(resourceId('Microsoft.Network/ipGroups', 'x'), '/', '.')]",
        "[join(variables('mixed'), '.')]",
        "[format('{0}.contoso.com', parameters('unset'))]",
        "[equals(variables('mixed'), createArray('b', 'a'))]",
        "[contains(variables('mixed'), 'b')]",
        "[if(parameters('unset'), 'a', 'b')]",
        "[uniqueString('a')]",
        "[reference('x').fqdn]",
        "[last(union(variables('mixed'), createArray('b')))]",
        "[last(union(createArray(reference('x').y), createArray('a', 'b')))]",
        "[map(createArray('a'), lambda())]",
        "[listKeys('x', '2024-01-01').keys[0].value]",
        "[max('a', 'b')]",
        "[bool('yes')]",
        "[add(9223372036854775807, 1)]",
        "[createArray('a')[-1]]",
        "['abc'[0]]",
        "[if('true', 1, 2)]",
        "[concat('a' 'b')]",
        "[false('x')]",
        "[toUpper('straße')]",
        "[items(createObject('a-b', 1, 'ab', 2, 'a_c', 3))]",
        "[union(createObject('a', 1), createObject('a', null()))]",
        "[noSuchFunction()]",
    ],
)
def test_what_is_refused_or_not_certain_is_unknown(expression: str) -> None:
    assert value_of(expression) == expression


def test_items_of_a_list_are_unknown_one_by_one() -> None:
    assert value_of("[variables('mixed')]") == ["[parameters('unset')]", "a"]
    assert value_of("[concat(createArray('a'), parameters('unset'))]") == ["a", "[parameters('unset')]"]
    assert (
        value_of(
            "[filter(createArray('a', parameters('unset')), lambda('x', not(empty(lambdaVariables('x')))))]"
        )[0]
        == "a"
    )


def test_ids_keep_the_group_they_name_and_grow() -> None:
    shared = value_of("[resourceId('rg-shared', 'Microsoft.Network/ipGroups', 'x')]")
    assert shared.split("/")[4] == "rg-shared"
    own = value_of("[concat(resourceId('Microsoft.Network/azureFirewalls', 'fw'), '/ipConfigurations/c')]")
    assert own.endswith("/azureFirewalls/fw/ipConfigurations/c")
