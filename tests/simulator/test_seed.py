"""Seeds: raw ARM JSON in every form it is exported in."""

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import InvalidInput
from allowlist.simulator import Simulator
from tests.helpers.arm import GROUP, IP_GROUP, POLICY, RULES, Client, application_rule, collection
from tests.helpers.shared import files_of

POLICY_BODY: dict[str, Any] = {
    "id": POLICY,
    "name": "policy",
    "type": "Microsoft.Network/firewallPolicies",
    "location": "westeurope",
    "properties": {
        "firewalls": [{"id": "/subscriptions/s/elsewhere"}],
        "ruleCollectionGroups": [{"id": RULES}],
    },
}
RULES_BODY: dict[str, Any] = {
    "id": RULES,
    "name": "rules",
    "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
    "properties": {"priority": 300, "ruleCollections": [collection(application_rule())]},
}


@pytest.mark.parametrize(
    "document",
    [
        [POLICY_BODY, RULES_BODY],
        {"value": [POLICY_BODY, RULES_BODY]},
        {"resources": [POLICY_BODY, RULES_BODY]},
        [{"value": [POLICY_BODY]}, RULES_BODY],
    ],
)
def test_resources_are_found_in_lists_and_answers(document: Any) -> None:
    client = Client()

    assert client.simulator.seed(document) == 2
    assert client.get(RULES)["properties"]["ruleCollections"][0]["rules"][0]["terminateTLS"] is False
    assert client.get(POLICY)["properties"]["provisioningState"] == "Succeeded"


def test_a_folder_is_read_with_everything_below_it(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    (tmp_path / "policy.json").write_text(json.dumps(POLICY_BODY))
    (tmp_path / "groups" / "rules.json").write_text(json.dumps(RULES_BODY))
    simulator = Simulator()

    assert simulator.seed(tmp_path) == 2
    assert simulator.exists(RULES.upper())


def test_an_exported_template_gets_the_ids_it_would_be_deployed_under() -> None:
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "parameters": {"policy_name": {"defaultValue": "hub", "type": "String"}},
        "resources": [
            {
                "type": "Microsoft.Network/firewallPolicies",
                "apiVersion": "2024-05-01",
                "name": "[parameters('policy_name')]",
                "location": "westeurope",
            },
            {
                "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                "apiVersion": "2024-05-01",
                "name": "[concat(parameters('policy_name'), '/rules')]",
                "dependsOn": [
                    "[resourceId('Microsoft.Network/firewallPolicies', parameters('policy_name'))]"
                ],
                "properties": {"priority": 300, "ruleCollections": []},
            },
        ],
    }
    simulator = Simulator()

    simulator.seed(template)

    (group,) = simulator.resources("Microsoft.Network/firewallPolicies/ruleCollectionGroups")
    assert group["id"].endswith("/firewallPolicies/hub/ruleCollectionGroups/rules")
    assert "dependsOn" not in group


def test_references_to_what_the_seed_did_not_bring_are_kept() -> None:
    client = Client()
    client.simulator.seed([POLICY_BODY, RULES_BODY])

    shown = client.get(POLICY)["properties"]
    client.put(POLICY, {"location": "westeurope"})

    assert (
        shown["firewalls"]
        == client.get(POLICY)["properties"]["firewalls"]
        == [{"id": "/subscriptions/s/elsewhere"}]
    )
    assert shown["ruleCollectionGroups"] == [{"id": RULES}]


def test_a_seed_is_not_validated_because_azure_holds_worse() -> None:
    client = Client()
    broken = {**RULES_BODY, "properties": {"priority": 1, "ruleCollections": [{"name": "odd"}]}}

    client.simulator.seed([POLICY_BODY, broken])

    assert client.get(RULES)["properties"]["priority"] == 1


def test_the_last_description_of_a_resource_counts() -> None:
    client = Client()

    client.simulator.seed([POLICY_BODY, {**POLICY_BODY, "id": POLICY.upper(), "tags": {"last": "yes"}}])

    assert client.get(POLICY)["tags"] == {"last": "yes"}


def test_every_file_that_is_no_arm_json_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"id": "/subscr')
    (tmp_path / "other.json").write_text('{"hello": "world"}')
    (tmp_path / "policy.json").write_text(json.dumps(POLICY_BODY))
    simulator = Simulator()

    with pytest.raises(InvalidInput) as raised:
        simulator.seed(tmp_path)

    assert [Path(each.file).name for each in raised.value.problems] == ["cut.json", "other.json"]
    assert not simulator.exists(POLICY)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no"):
        Simulator().seed(tmp_path)


def test_editing_and_removing_behind_the_clients_back_changes_the_etag() -> None:
    client = Client().with_rules()
    before = client.get(RULES)["etag"]

    client.simulator.edit(RULES, lambda body: body["properties"].update(priority=400))

    assert client.get(RULES)["etag"] != before
    client.simulator.remove(RULES)
    assert client.send("GET", RULES).status == 404
    with pytest.raises(KeyError):
        client.simulator.edit(RULES, lambda body: None)


def test_an_ip_group_that_is_seeded_serves_rules_that_name_it() -> None:
    client = Client()
    client.simulator.seed({"id": IP_GROUP, "type": "Microsoft.Network/ipGroups", "location": "westeurope"})

    client.with_rules(collection(application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP])))

    assert client.get(IP_GROUP)["properties"]["firewallPolicies"] == [{"id": POLICY}]


@pytest.mark.parametrize("file", files_of("recordings/azure-firewall"))
def test_a_recorded_resource_reads_the_same_after_seeding(file: Path) -> None:
    """Whatever Azure answered can be planted and read back without loss."""
    exchanges = json.loads(file.read_text(encoding="utf-8"))
    answers = [each for each in exchanges if each["method"] == "GET" and each["status"] == 200]
    for exchange in answers:
        body = exchange["response"]
        if isinstance(body, dict) and "/providers/Microsoft.Network/" in str(body.get("id")):
            client = Client()
            client.simulator.seed(body)
            shown = client.get(body["id"])
            assert {**shown["properties"], **body["properties"]} == shown["properties"], body["id"]


def test_the_resource_group_of_a_seed_comes_into_being() -> None:
    client = Client()
    elsewhere = POLICY.replace("/hub/", "/elsewhere/")

    client.simulator.seed({**POLICY_BODY, "id": elsewhere})

    assert client.get(GROUP.replace("/hub", "/elsewhere"))["location"] == "westeurope"
