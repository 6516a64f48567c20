"""Templates are read as far as their language is understood; the rest stays as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import InvalidInput
from allowlist.surfaces.template import read_template

FILE = Path("template.json")


def _read(resources: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return list(read_template({"resources": resources, **more}, FILE))


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


def test_a_name_that_cannot_be_worked_out_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be worked out"):
        _named("[uniqueString(resourceGroup().id)]")


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
