"""Deployments of ARM templates, as az and azure-ai-ml send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from allowlist.simulator import Request
from allowlist.simulator.resources.expressions import InvalidTemplateError, Scope
from tests.helpers.arm import (
    GROUP,
    NETWORK,
    POLICY,
    RULES,
    Client,
    application_rule,
    collection,
    content_of,
    error_code,
)

DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/d"
RULE_GROUP = {
    "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
    "apiVersion": "2024-05-01",
    "name": "[format('{0}/{1}', parameters('policy'), 'rules')]",
    "dependsOn": ["[resourceId('Microsoft.Network/firewallPolicies', parameters('policy'))]"],
    "properties": {"priority": 300, "ruleCollections": [collection(application_rule())]},
}
FIREWALL_POLICY = {
    "type": "Microsoft.Network/firewallPolicies",
    "apiVersion": "2024-05-01",
    "name": "[parameters('policy')]",
    "location": "[resourceGroup().location]",
    "properties": {},
}


def _template(*resources: Any, **more: Any) -> dict[str, Any]:
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"policy": {"type": "string", "defaultValue": "policy"}},
        "resources": list(resources),
        **more,
    }


def _body(template: Any, **parameters: Any) -> dict[str, Any]:
    values = {name: {"value": value} for name, value in parameters.items()}
    return {"properties": {"mode": "Incremental", "template": template, "parameters": values}}


def _deployed(client: Client, template: Any) -> dict[str, Any]:
    assert client.send("PUT", DEPLOYMENT, _body(template)).status == 201
    for _ in range(20):
        client.wait()
        client.get(DEPLOYMENT)
    properties: dict[str, Any] = client.get(DEPLOYMENT)["properties"]
    return properties


def test_resources_are_written_after_what_they_depend_on() -> None:
    client = Client()
    template = _template(
        RULE_GROUP,
        FIREWALL_POLICY,
        outputs={
            "id": {"type": "string", "value": "[resourceId('Microsoft.Network/firewallPolicies', 'policy')]"}
        },
    )
    properties = _deployed(client, template)
    assert properties["provisioningState"] == "Succeeded"
    assert properties["outputs"]["id"]["value"] == POLICY
    assert client.get(RULES)["properties"]["provisioningState"] == "Succeeded"
    rows = client.get(f"{DEPLOYMENT}/operations")["value"]
    assert [row["properties"]["targetResource"]["id"] for row in rows] == [POLICY, RULES]


def test_what_if_says_what_would_change_and_writes_nothing() -> None:
    client = Client().with_policy()
    reply = content_of(client.send("POST", f"{DEPLOYMENT}/whatIf", _body(_template(RULE_GROUP))))
    assert [(item["resourceId"], item["changeType"]) for item in reply["properties"]["changes"]] == [
        (RULES, "Create")
    ]
    assert client.send("GET", RULES).status == 404


def test_validate_writes_nothing_and_names_what_is_wrong() -> None:
    client = Client()
    assert client.send("POST", f"{DEPLOYMENT}/validate", _body(_template(FIREWALL_POLICY))).status == 200
    assert client.send("GET", POLICY).status == 404
    wrong = _template({**FIREWALL_POLICY, "name": "[parameters('nobody')]"})
    assert error_code(client.send("POST", f"{DEPLOYMENT}/validate", _body(wrong))) == "InvalidTemplate"


def test_a_refusal_of_a_provider_fails_the_deployment_with_its_reason() -> None:
    properties = _deployed(Client(), _template({**RULE_GROUP, "dependsOn": []}))
    assert properties["provisioningState"] == "Failed"
    assert properties["error"]["code"] == "DeploymentFailed"


def test_a_condition_and_a_copy_are_worked_out() -> None:
    many = {
        **FIREWALL_POLICY,
        "name": "[concat('p', string(copyIndex()))]",
        "copy": {"name": "c", "count": 2},
    }
    off = {**FIREWALL_POLICY, "condition": "[equals(parameters('policy'), 'other')]"}
    client = Client()
    _deployed(client, _template(many, off))
    assert [
        client.send("GET", f"{NETWORK}/firewallPolicies/{name}").status for name in ("p0", "p1", "policy")
    ] == [
        200,
        200,
        404,
    ]


def test_the_body_that_az_sends_is_taken() -> None:
    """``template:`` without quotation marks, and the template's own comments."""
    template = json.dumps(_template(FIREWALL_POLICY)).replace(
        '"resources":', '// ours\n"resources": /* two */'
    )
    body = '{"properties": {"parameters": {}, "mode": "incremental", template:' + template + "}}"
    client = Client()
    path = DEPLOYMENT.replace("resourceGroups", "resourcegroups")
    request = Request(method="PUT", path=path, query="api-version=2024-11-01", body=body.encode())
    assert client.simulator.handle(request).status == 201


SCOPE = Scope(
    "s",
    "g",
    "westeurope",
    "t",
    "d",
    lambda _: {},
    {"name": "n"},
    {"made": "[concat('a', parameters('name'))]"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[variables('made')]", "an"),
        ("[[text]", "[text]"),
        ("[if(equals(parameters('name'), 'n'), 1, parameters('nobody'))]", 1),
        ("[resourceId('Microsoft.Network/ipGroups', 'i')]", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/i"),
        ("[resourceGroup().location]", "westeurope"),
        ("[createArray('it''s', 2)[0]]", "it's"),
    ],
)  # fmt: skip
def test_expressions_mean_what_azure_says(text: str, value: Any) -> None:
    assert SCOPE.value(text) == value


@pytest.mark.parametrize(
    "text", ["[nothing()]", "[concat('a']", "[parameters('nobody')]", "[resourceGroup().x]", "[]"]
)
def test_what_cannot_be_worked_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidTemplateError):
        SCOPE.value(text)
