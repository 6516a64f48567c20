"""Managed networks of accounts and hubs: what they take, how long it takes, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.simulator import (
    CognitiveSettings,
    ManagedDurations,
    ManagedSettings,
    MicrosoftCognitiveServices,
    Timing,
)
from tests.helpers.arm import Client, content_of, error_code, version_for
from tests.helpers.managed import (
    ACCOUNT,
    HUB,
    HUB_V2,
    NETWORK,
    STORAGE,
    accept,
    account,
    endpoint_rule,
    fqdn_rule,
    hub,
    settings,
    tag_rule,
    with_account,
    with_hub,
)

RULE = f"{NETWORK}/outboundRules/ours"
HUB_RULE = f"{HUB}/outboundRules/ours"
REAL = Timing()


def _rules(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(NETWORK)["properties"]["managedNetwork"]["outboundRules"]
    return found


def _hub_rules(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(HUB)["properties"]["managedNetwork"]["outboundRules"]
    return found


def test_names_of_an_accounts_rules_stand_in_the_map_only() -> None:
    client = with_account(Client())
    accept(client, "PUT", RULE, fqdn_rule())

    listed = client.get(f"{NETWORK}/outboundRules")["value"]

    assert [list(each) for each in listed] == [["properties"]] * 3
    assert "ours" in _rules(client)


def test_required_tags_come_with_approved_only() -> None:
    client = with_account(Client(), "AllowInternetOutbound")
    assert _rules(client) == {}

    accept(client, "PATCH", NETWORK, settings())

    assert sorted(_rules(client)) == [
        "__SYS_ST_AzureActiveDirectory_TCP",
        "__SYS_ST_AzureMachineLearning_TCP",
    ]


def test_a_hub_has_nine_required_tags_and_private_endpoints_of_its_own() -> None:
    client = Client()
    client.simulator.seed(hub("Disabled"))

    accept(client, "PATCH", HUB, settings())

    names = list(_hub_rules(client))
    assert len([name for name in names if name.startswith("__SYS_ST_")]) == 9
    assert "__SYS_ST_MicrosoftContainerRegistry.westeurope_TCP" in names
    assert len([name for name in names if name.startswith("__SYS_PE_data_")]) == 2
    assert any(name.startswith("__SYS_PE_hub_amlworkspace_") for name in names)


def test_a_rule_is_provisioned_before_it_is_active() -> None:
    client = with_account(Client())
    client.send("PUT", RULE, fqdn_rule())
    assert client.get(RULE)["properties"]["status"] == "Provisioning"

    client.wait()

    assert client.get(RULE)["properties"]["status"] == "Active"


def test_rules_wait_inactive_until_the_network_is_provisioned() -> None:
    client = with_hub(Client(), status={"status": "Inactive"})
    accept(client, "PUT", HUB_RULE, fqdn_rule())
    assert client.get(HUB_RULE)["properties"]["status"] == "Inactive"

    reply = accept(client, "POST", f"{HUB}/provisionManagedNetwork", {"includeSpark": True})

    assert client.get(reply.headers["location"]) == {"status": "Active", "sparkReady": True}
    assert client.get(HUB_RULE)["properties"]["status"] == "Active"
    status = client.get(HUB)["properties"]["managedNetwork"]["status"]
    assert status == {"status": "Active", "sparkReady": True}


def test_the_first_fqdn_rule_brings_a_firewall_and_takes_longer_than_later_ones() -> None:
    client = with_account(Client({"timing": REAL}))
    client.wait(3_600)
    durations = ManagedDurations()
    client.send("PUT", RULE, fqdn_rule())
    client.wait(durations.first_fqdn - 1)
    assert client.get(RULE)["properties"]["status"] == "Provisioning"
    assert "firewallPublicIpAddress" not in client.get(NETWORK)["properties"]["managedNetwork"]

    client.wait(2)
    assert client.get(RULE)["properties"]["status"] == "Active"
    assert "firewallPublicIpAddress" in client.get(NETWORK)["properties"]["managedNetwork"]
    client.send("PUT", f"{NETWORK}/outboundRules/second", fqdn_rule("second.example.com"))
    client.wait(durations.fqdn + 1)

    assert _rules(client)["second"]["status"] == "Active"


def test_a_write_answers_202_and_says_when_to_ask_again() -> None:
    client = with_account(Client({"timing": REAL}))
    client.wait(3_600)

    reply = client.send("PUT", RULE, fqdn_rule())

    assert (reply.status, reply.body, reply.headers["retry-after"]) == (202, b"", "10")
    assert "/Microsoft.MachineLearningServices/locations/eastus/" in reply.headers["azure-asyncoperation"]
    assert reply.headers["location"].endswith(f"{RULE}?api-version={version_for(RULE, client.version)}")
    assert client.get(reply.headers["azure-asyncoperation"])["status"] == "InProgress"


def test_a_hub_tells_the_end_at_location_alone() -> None:
    client = with_hub(Client())

    reply = client.send("PUT", HUB_RULE, fqdn_rule())

    assert "azure-asyncoperation" not in reply.headers
    assert client.send("GET", reply.headers["location"]).status == 202
    client.wait()
    assert client.get(reply.headers["location"])["properties"]["status"] == "Active"


def test_an_operation_url_asks_for_an_api_version_and_takes_any() -> None:
    client = with_hub(Client())
    where = client.send("PUT", HUB_RULE, fqdn_rule()).headers["location"].split("?")[0]
    client.wait()

    assert error_code(client.send("GET", where)) == "MissingApiVersionParameter"
    assert client.send("GET", f"{where}?api-version=2020-01-01").status == 200


@pytest.mark.parametrize("owner", ["account", "hub"])
def test_one_write_runs_at_a_time(owner: str) -> None:
    client = with_account(Client()) if owner == "account" else with_hub(Client())
    base = NETWORK if owner == "account" else HUB
    client.send("PUT", f"{base}/outboundRules/one", fqdn_rule())

    refused = client.send("PUT", f"{base}/outboundRules/two", fqdn_rule())

    assert (refused.status, error_code(refused)) == (409, "Conflict")
    assert "has an ongoing operation running" in content_of(refused)["error"]["message"]
    client.wait()
    accept(client, "PUT", f"{base}/outboundRules/two", fqdn_rule())


def test_writing_a_name_again_replaces_the_rule() -> None:
    client = with_account(Client())
    accept(client, "PUT", RULE, fqdn_rule("one.example.com"))

    accept(client, "PUT", RULE, fqdn_rule("two.example.com"))

    assert client.get(RULE)["properties"]["destination"] == "two.example.com"


@pytest.mark.parametrize("base", [NETWORK, HUB, HUB_V2])
def test_deleting_what_is_not_there_is_204(base: str) -> None:
    client = with_hub(with_account(Client()))

    assert client.send("DELETE", f"{base}/outboundRules/absent").status == 204


def test_a_client_that_polls_the_location_of_an_accounts_delete_ends_at_404() -> None:
    client = with_account(Client())
    accept(client, "PUT", RULE, fqdn_rule())

    reply = accept(client, "DELETE", RULE)

    assert client.send("GET", reply.headers["location"]).status == 404
    assert client.get(reply.headers["azure-asyncoperation"])["status"] == "Succeeded"


def test_rules_of_the_service_are_not_a_clients_to_write() -> None:
    client = with_account(Client())
    system = f"{NETWORK}/outboundRules/__SYS_ST_AzureActiveDirectory_TCP"

    assert client.send("PUT", system, tag_rule()).status == 400
    assert client.send("DELETE", system).status == 400


@pytest.mark.parametrize("category", ["Required", "Recommended"])
def test_a_hub_takes_no_rule_with_a_category_of_the_service(category: str) -> None:
    client = with_hub(Client())

    assert client.send("PUT", HUB_RULE, fqdn_rule(category=category)).status == 400


@pytest.mark.parametrize(
    ("mode", "rule", "status"),
    [
        ("AllowInternetOutbound", fqdn_rule(), 400),
        ("AllowInternetOutbound", tag_rule(), 400),
        ("AllowInternetOutbound", endpoint_rule(), 202),
        ("AllowOnlyApprovedOutbound", tag_rule(), 202),
        ("Disabled", endpoint_rule(), 400),
    ],
)
def test_the_isolation_mode_says_which_rules_are_legal(mode: str, rule: dict[str, Any], status: int) -> None:
    client = with_hub(Client(), mode)

    assert client.send("PUT", HUB_RULE, rule).status == status


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("Disabled", "AllowInternetOutbound", 202),
        ("AllowInternetOutbound", "AllowOnlyApprovedOutbound", 202),
        ("AllowOnlyApprovedOutbound", "AllowInternetOutbound", 400),
        ("AllowOnlyApprovedOutbound", "Disabled", 400),
        ("AllowInternetOutbound", "Disabled", 400),
    ],
)
def test_isolation_only_gets_stricter(before: str, after: str, status: int) -> None:
    client = with_hub(Client(), before)

    assert client.send("PATCH", HUB, settings(after)).status == status


def test_a_firewalls_sku_is_fixed_on_an_account_and_free_on_a_hub() -> None:
    client = with_hub(with_account(Client()))
    accept(client, "PATCH", NETWORK, settings(firewallSku="Basic"))
    accept(client, "PUT", RULE, fqdn_rule())
    accept(client, "PUT", HUB_RULE, fqdn_rule())

    assert client.send("PATCH", NETWORK, settings(firewallSku="Standard")).status == 400
    accept(client, "PATCH", HUB, settings(firewallSku="Basic"))
    assert client.get(HUB)["properties"]["managedNetwork"]["firewallSku"] == "Basic"


def test_a_network_of_kind_v2_stays_one() -> None:
    client = with_account(Client())

    assert client.send("PATCH", NETWORK, settings(managedNetworkKind="V1")).status == 400


def test_a_destination_is_not_looked_at_but_a_name_is() -> None:
    client = with_hub(Client())

    assert client.send("PUT", HUB_RULE, fqdn_rule("destination")).status == 202
    client.wait()
    assert client.send("PUT", f"{HUB}/outboundRules/-x", fqdn_rule()).status == 400
    assert client.send("PUT", f"{HUB}/outboundRules/{'x' * 34}", fqdn_rule()).status == 400


def test_a_second_private_endpoint_to_the_same_part_is_refused() -> None:
    client = with_hub(Client())
    accept(client, "PUT", HUB_RULE, endpoint_rule())

    refused = client.send("PUT", f"{HUB}/outboundRules/again", endpoint_rule(STORAGE.upper()))

    assert refused.status == 400
    accept(client, "PUT", f"{HUB}/outboundRules/other", endpoint_rule(part="file"))


def test_property_names_are_read_in_any_case() -> None:
    client = with_account(Client(), "AllowInternetOutbound")

    accept(
        client,
        "PATCH",
        NETWORK,
        {"Properties": {"managednetwork": {"IsolationMode": "allowonlyapprovedoutbound"}}},
    )

    assert client.get(NETWORK)["properties"]["managedNetwork"]["isolationMode"] == "AllowOnlyApprovedOutbound"


def test_batch_takes_several_rules_in_one_write_and_answers_with_them() -> None:
    client = with_account(Client())
    rules = {"one": fqdn_rule()["properties"], "two": tag_rule()["properties"]}

    sent = {"properties": {"outboundRules": rules}}
    reply = accept(client, "POST", f"{NETWORK}/batchOutboundRules", sent)

    assert [each["name"] for each in client.get(reply.headers["location"])["value"]] == ["one", "two"]
    assert {"one", "two"} <= _rules(client).keys()


def test_the_preview_paths_of_a_workspace_show_the_same_network() -> None:
    client = with_hub(Client())
    rule = {"ours": fqdn_rule()["properties"]}
    accept(client, "POST", f"{HUB_V2}/batchOutboundRules", {"properties": {"outboundRules": rule}})

    assert client.get(HUB_RULE)["properties"] == client.get(f"{HUB_V2}/outboundRules/ours")["properties"]
    shown = client.get(HUB_V2)["properties"]
    assert shown["provisioningState"] == "Succeeded"
    assert shown["managedNetwork"]["outboundRules"] == _hub_rules(client)


def test_a_project_has_no_network_of_its_own() -> None:
    client = Client()
    client.simulator.seed({**hub(), "kind": "Project"})

    assert client.send("PUT", HUB_RULE, fqdn_rule()).status == 400
    assert client.send("GET", HUB).status == 200


def test_injection_alone_makes_a_network_that_lets_everything_out() -> None:
    client = Client()
    client.simulator.seed(
        account(networkInjections=[{"scenario": "agent", "useMicrosoftManagedNetwork": True}])
    )

    shown = client.get(NETWORK)["properties"]["managedNetwork"]

    assert (shown["isolationMode"], shown["status"]) == ("AllowInternetOutbound", {"status": "Inactive"})


def test_parallel_writers_drop_each_others_rules_where_they_are_let_through() -> None:
    network = ManagedSettings(one_write_at_a_time=False)
    client = with_account(
        Client({"providers": [MicrosoftCognitiveServices(CognitiveSettings(network=network))]})
    )
    client.send("PUT", RULE, fqdn_rule())
    client.send("PUT", f"{NETWORK}/outboundRules/two", tag_rule())

    client.wait()

    assert list(_rules(client)) == ["two"]


def test_a_workspace_names_the_hosts_it_needs_by_category() -> None:
    client = with_hub(Client())

    found = client.get(f"{HUB}/outboundNetworkDependenciesEndpoints")["value"]

    hosts = {end["domainName"] for each in found for end in each["properties"]["endpoints"]}
    assert {"login.microsoftonline.com", "data.blob.core.windows.net"} <= hosts
    assert all(
        end["endpointDetails"] == [{"port": 443}] for each in found for end in each["properties"]["endpoints"]
    )


def test_a_seeded_network_has_its_rules_and_they_can_be_edited_by_somebody_else() -> None:
    client = Client()
    client.simulator.seed(hub(outboundRules={"theirs": fqdn_rule()["properties"]}))

    client.simulator.edit(
        f"{HUB}/outboundRules/theirs", lambda body: body["properties"].update(destination="new.example.com")
    )

    assert _hub_rules(client)["theirs"]["destination"] == "new.example.com"
    assert client.simulator.resource(HUB)["properties"]["managedNetwork"]["isolationMode"]


def test_deleting_an_account_takes_its_network_along() -> None:
    client = with_account(Client())

    assert client.send("DELETE", ACCOUNT).status == 200

    assert [item["type"] for item in client.simulator.resources()] == [
        "Microsoft.CognitiveServices/deletedAccounts"
    ]


def test_a_workspace_is_created_changed_and_deleted() -> None:
    client = Client()
    body = {"location": "westeurope", "kind": "Hub", "properties": {"friendlyName": "one"}}
    assert client.send("PUT", HUB, body).status == 201
    assert client.send("PATCH", HUB, {"tags": {"a": "b"}, "properties": {"description": "two"}}).status == 200

    shown = client.get(HUB)

    assert (shown["tags"], shown["properties"]["friendlyName"]) == ({"a": "b"}, "one")
    assert client.get(f"{HUB_V2.rsplit('/', 1)[0]}")["value"] == []
    assert client.send("GET", HUB_V2).status == 404
    assert [client.send("DELETE", HUB).status for _ in range(2)] == [200, 204]
    assert client.send("PUT", HUB, {"properties": {}}).status == 400


def test_a_workspace_can_be_created_with_its_network_built_at_once() -> None:
    client = Client()
    network = {"isolationMode": "AllowOnlyApprovedOutbound", "provisionNetworkNow": True}
    body = {"location": "westeurope", "kind": "Hub", "properties": {"managedNetwork": network}}

    reply = accept(client, "PUT", HUB, body)

    shown = client.get(reply.headers["location"])["properties"]["managedNetwork"]
    assert shown["status"]["status"] == "Active"
    assert len(shown["outboundRules"]) == 10


def test_a_hubs_rule_and_its_network_can_be_removed_again() -> None:
    client = with_hub(with_account(Client()))
    accept(client, "PUT", HUB_RULE, fqdn_rule())

    reply = accept(client, "DELETE", HUB_RULE)
    gone = accept(client, "DELETE", NETWORK)

    assert client.send("GET", reply.headers["location"]).status == 204
    assert client.get(gone.headers["azure-asyncoperation"])["status"] == "Succeeded"
    assert client.send("GET", NETWORK).status == 404
    assert client.send("DELETE", NETWORK).status == 204
    assert client.send("DELETE", HUB_V2).status == 405


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"type": "Wrong", "destination": "a.example.com"}},
        {"properties": {"type": "FQDN", "destination": {"serviceTag": "Storage"}}},
        {"properties": {"type": "ServiceTag", "destination": "Storage"}},
        {"properties": {}},
        {},
    ],
)
def test_a_rule_without_the_form_of_its_type_is_refused(rule: dict[str, Any]) -> None:
    client = with_hub(Client())

    assert client.send("PUT", HUB_RULE, rule).status == 400


@pytest.mark.parametrize("action", ["nothing", "provision"])
def test_a_workspace_knows_no_other_action(action: str) -> None:
    assert with_hub(Client()).send("POST", f"{HUB}/{action}", {}).status == 405


def test_what_belongs_to_no_owner_is_not_found() -> None:
    client = Client()

    for path in (HUB_RULE, f"{HUB}/outboundNetworkDependenciesEndpoints", RULE, NETWORK):
        assert client.send("GET", path).status == 404
    assert client.send("PUT", RULE, fqdn_rule()).status == 404
