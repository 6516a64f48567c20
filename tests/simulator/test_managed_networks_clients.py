"""Managed networks driven over TLS by clients nobody here wrote."""

# The SDK describes bodies by types that ask for every property; what a person sends has those that matter.
# mypy: disable-error-code="call-overload"

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices import models as m

from allowlist.simulator import DEFAULT_SUBSCRIPTION, Running, Simulator, serve
from tests.helpers.arm import GROUP
from tests.helpers.managed import NETWORK, account, fqdn_rule, settings

_GROUP, _ACCOUNT, _DEFAULT = "hub", "ai", "default"
_TENANT = "11111111-1111-1111-1111-111111111111"
_WHERE = (_GROUP, _ACCOUNT, _DEFAULT)


@pytest.fixture
def simulator() -> Simulator:
    made = Simulator()
    made.seed([{"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "eastus"}, account()])
    return made


@contextmanager
def _client(running: Running) -> Iterator[CognitiveServicesManagementClient]:
    trust = str(running.ca_file)
    credential = ClientSecretCredential(
        _TENANT,
        "client",
        "secret",
        authority=running.url,
        disable_instance_discovery=True,
        connection_verify=trust,
    )
    with CognitiveServicesManagementClient(
        credential,
        DEFAULT_SUBSCRIPTION,
        base_url=running.url,
        credential_scopes=[f"{running.url}/.default"],
        connection_verify=trust,
        polling_interval=0.01,
        retry_total=0,
    ) as client:
        yield client


@pytest.fixture
def sdk(simulator: Simulator) -> Iterator[CognitiveServicesManagementClient]:
    with serve(simulator, tls=True) as running, _client(running) as client:
        yield client


@pytest.fixture
def built(sdk: CognitiveServicesManagementClient) -> CognitiveServicesManagementClient:
    """With a network that allows only what is approved."""
    sdk.managed_network_settings.begin_put(*_WHERE, settings()).result()
    return sdk


def _destination(rule: m.OutboundRuleBasicResource) -> Any:
    assert isinstance(rule.properties, m.FqdnOutboundRule)
    return rule.properties.destination


def test_the_sdk_builds_a_network_and_reads_its_settings(sdk: CognitiveServicesManagementClient) -> None:
    built = sdk.managed_network_settings.begin_put(*_WHERE, settings()).result()

    assert built.properties is not None
    network = built.properties.managed_network
    assert network is not None
    assert (network.isolation_mode, built.properties.provisioning_state) == (
        "AllowOnlyApprovedOutbound",
        "Succeeded",
    )
    assert "__SYS_ST_AzureActiveDirectory_TCP" in (network.outbound_rules or {})
    assert len(list(sdk.managed_network_settings.list(_GROUP, _ACCOUNT))) == 1


def test_the_sdk_creates_updates_lists_and_deletes_a_rule(built: CognitiveServicesManagementClient) -> None:
    rules = built.outbound_rule
    rules.begin_create_or_update(*_WHERE, "ours", fqdn_rule("one.example.com")).result()
    assert _destination(rules.get(*_WHERE, "ours")) == "one.example.com"

    updated = rules.begin_create_or_update(*_WHERE, "ours", fqdn_rule("two.example.com")).result()

    assert _destination(updated) == "two.example.com"
    assert [each.name for each in rules.list(*_WHERE)] == [None, None, None]
    rules.begin_delete(*_WHERE, "ours").result()
    with pytest.raises(ResourceNotFoundError):
        rules.get(*_WHERE, "ours")


def test_the_sdk_writes_a_model_and_reads_its_status(built: CognitiveServicesManagementClient) -> None:
    rule = m.OutboundRuleBasicResource(
        properties=m.ServiceTagOutboundRule(
            category="UserDefined",
            destination=m.ServiceTagOutboundRuleDestination(
                service_tag="Storage", protocol="TCP", port_ranges="443"
            ),
        )
    )

    written = built.outbound_rule.begin_create_or_update(*_WHERE, "storage", rule).result()

    assert isinstance(written.properties, m.ServiceTagOutboundRule)
    assert written.properties.status == "Active"
    assert written.properties.destination is not None
    assert written.properties.destination.action == "Allow"


def test_the_sdk_sends_a_batch_and_provisions(built: CognitiveServicesManagementClient) -> None:
    sent: Any = {"properties": {"outboundRules": {"one": fqdn_rule()["properties"]}}}

    written = built.outbound_rules.begin_post(*_WHERE, sent).result()
    provisioned = built.managed_network_provisions.begin_provision_managed_network(*_WHERE, {}).result()

    assert [each.name for each in written] == ["one"]
    assert provisioned.status == "Active"


def test_the_sdk_patches_the_allow_list_of_an_account(sdk: CognitiveServicesManagementClient) -> None:
    patch: Any = {"properties": {"restrictOutboundNetworkAccess": True, "allowedFqdnList": ["a.example.com"]}}

    patched = sdk.accounts.begin_update(_GROUP, _ACCOUNT, patch).result()

    assert patched.properties is not None
    assert patched.properties.allowed_fqdn_list == ["a.example.com"]
    assert patched.properties.provisioning_state == "Succeeded"
    assert [each.name for each in sdk.accounts.list()] == [_ACCOUNT]
    assert [each.name for each in sdk.accounts.list_by_resource_group(_GROUP)] == [_ACCOUNT]


def test_the_sdk_writes_an_egress_policy(sdk: CognitiveServicesManagementClient) -> None:
    rule: Any = {
        "name": "a",
        "ruleType": "Fqdn",
        "match": {"host": "*.example.com"},
        "action": {"actionType": "Allow"},
    }
    policy: Any = {"properties": {"basePolicyName": "Microsoft.Default", "egressPolicy": {"rules": [rule]}}}

    sdk.rai_policies.create_or_update(_GROUP, _ACCOUNT, "egress", policy)

    found = sdk.rai_policies.get(_GROUP, _ACCOUNT, "egress").properties
    assert found is not None
    assert found.egress_policy is not None
    assert (found.egress_policy.mode, found.egress_policy.default_action) == ("Enforced", "Deny")
    sdk.rai_policies.begin_delete(_GROUP, _ACCOUNT, "egress").result()
    assert list(sdk.rai_policies.list(_GROUP, _ACCOUNT)) == []


def test_the_sdk_sees_a_conflict_and_a_refusal_with_their_codes(
    simulator: Simulator, built: CognitiveServicesManagementClient
) -> None:
    simulator.inject("PUT:outboundRules:nth=1:operation=slow,factor=1000")
    built.outbound_rule.begin_create_or_update(*_WHERE, "one", fqdn_rule(), polling=False)

    with pytest.raises(HttpResponseError) as conflict:
        built.outbound_rule.begin_create_or_update(*_WHERE, "two", fqdn_rule(), polling=False)

    assert conflict.value.error is not None
    assert (conflict.value.status_code, conflict.value.error.code) == (409, "Conflict")
    assert simulator.resource(f"{NETWORK}/outboundRules/one")["properties"]["status"] == "Provisioning"


def test_the_sdk_trips_over_a_delete_whose_poll_is_gone(
    simulator: Simulator, built: CognitiveServicesManagementClient
) -> None:
    """As with the service: the Azure command line swallows this 404, the SDK alone does not."""
    built.outbound_rule.begin_create_or_update(*_WHERE, "ours", fqdn_rule()).result()
    simulator.inject("DELETE:outboundRules:delete-poll-404")

    with pytest.raises(HttpResponseError) as gone:
        built.outbound_rule.begin_delete(*_WHERE, "ours").result()

    assert gone.value.status_code == 404
    assert not simulator.exists(f"{NETWORK}/outboundRules/ours")
