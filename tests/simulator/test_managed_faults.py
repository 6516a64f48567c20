"""What goes wrong with managed networks, on request."""

from __future__ import annotations

import pytest

from allowlist.simulator import Timing
from tests.helpers.arm import Client, content_of, error_code
from tests.helpers.managed import (
    HUB,
    NETWORK,
    accept,
    endpoint_rule,
    fqdn_rule,
    settings,
    with_account,
    with_hub,
)

RULE = f"{NETWORK}/outboundRules/ours"
HUB_RULE = f"{HUB}/outboundRules/ours"


def test_a_transient_error_comes_although_the_change_lands() -> None:
    client = with_account(Client(), "AllowInternetOutbound")
    client.simulator.inject("PATCH:managedNetworks:transient-after")

    failed = client.send("PATCH", NETWORK, settings())
    client.wait()

    assert (failed.status, error_code(failed)) == (500, "TransientError")
    shown = client.get(NETWORK)["properties"]["managedNetwork"]
    assert shown["isolationMode"] == "AllowOnlyApprovedOutbound"


def test_an_operation_reports_a_transient_error_although_the_rule_is_active() -> None:
    client = with_account(Client())
    client.simulator.inject("PUT:outboundRules:transient-operation")

    reply = accept(client, "PUT", RULE, fqdn_rule())

    told = client.get(reply.headers["azure-asyncoperation"])
    assert (told["status"], told["error"]["code"]) == ("Failed", "TransientError")
    assert client.get(RULE)["properties"]["status"] == "Active"


def test_a_failed_operation_leaves_the_rule_failed_with_its_reason() -> None:
    client = with_hub(Client())
    client.simulator.inject("PUT:outboundRules:operation=fail,message=no route")

    reply = accept(client, "PUT", HUB_RULE, fqdn_rule())

    told = client.send("GET", reply.headers["location"])
    assert told.status == 400
    assert client.get(HUB_RULE)["properties"]["errorInformation"] == "no route"


def test_a_rule_can_fail_although_its_operation_succeeds_and_heals_when_written_again() -> None:
    client = with_account(Client())
    client.simulator.inject("PUT:outboundRules:nth=1:rule-fails,message=approval is missing")

    reply = accept(client, "PUT", RULE, endpoint_rule())

    assert client.get(reply.headers["azure-asyncoperation"])["status"] == "Succeeded"
    rule = client.get(RULE)["properties"]
    assert (rule["status"], rule["errorInformation"]) == ("Failed", "approval is missing")
    accept(client, "PUT", RULE, endpoint_rule())
    assert client.get(RULE)["properties"]["status"] == "Active"
    assert "errorInformation" not in client.get(RULE)["properties"]


@pytest.mark.parametrize("base", [NETWORK, HUB])
def test_polling_a_finished_delete_can_answer_404(base: str) -> None:
    client = with_hub(with_account(Client()))
    rule = f"{base}/outboundRules/ours"
    accept(client, "PUT", rule, fqdn_rule())
    client.simulator.inject("DELETE:outboundRules:delete-poll-404")

    reply = client.send("DELETE", rule)
    where = reply.headers.get("azure-asyncoperation") or reply.headers["location"]
    assert client.send("GET", where).status in (200, 202)
    client.wait()

    assert error_code(client.send("GET", where)) == "NotFound"
    assert client.send("GET", rule).status == 404


def test_a_location_without_api_version_must_be_completed_by_the_client() -> None:
    client = with_hub(Client())
    client.simulator.inject("PUT:outboundRules:location-bare")

    where = accept(client, "PUT", HUB_RULE, fqdn_rule()).headers["location"]

    assert "api-version" not in where
    assert error_code(client.send("GET", where)) == "MissingApiVersionParameter"
    assert content_of(client.send("GET", f"{where}?api-version=2025-12-01"))["name"] == "ours"


def test_somebody_changes_a_rule_just_before_it_is_read() -> None:
    client = with_account(Client())
    accept(client, "PUT", RULE, fqdn_rule("ours.example.com"))
    client.simulator.inject("GET:outboundRules:nth=2:foreign-edit")

    assert client.get(RULE)["properties"]["destination"] == "ours.example.com"
    assert client.get(RULE)["properties"]["destination"].startswith("foreign-")


@pytest.mark.parametrize("base", [NETWORK, HUB, f"{HUB}/managedNetworks/default"])
def test_somebody_adds_a_rule_while_the_network_is_read(base: str) -> None:
    client = with_hub(with_account(Client()))
    client.simulator.inject("GET:*:nth=2:foreign-edit")
    before = client.get(base)["properties"]["managedNetwork"]["outboundRules"]

    after = client.get(base)["properties"]["managedNetwork"]["outboundRules"]

    assert len(after) == len(before) + 1


def test_a_throttled_write_says_when_to_come_back() -> None:
    client = with_hub(Client())
    client.simulator.inject("PUT:outboundRules:nth=1:throttled")

    refused = client.send("PUT", HUB_RULE, fqdn_rule())

    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    accept(client, "PUT", HUB_RULE, fqdn_rule())


def test_the_first_rule_can_be_slower_still() -> None:
    client = with_account(Client({"timing": Timing(scale=0.01)}))
    client.simulator.inject("PUT:outboundRules:operation=slow,factor=10")
    client.send("PUT", RULE, fqdn_rule())
    client.wait(40)

    assert client.get(RULE)["properties"]["status"] == "Provisioning"
    client.wait(10)
    assert client.get(RULE)["properties"]["status"] == "Active"
