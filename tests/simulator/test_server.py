"""The simulator on a socket, visited by the clients people really use."""

# The SDK describes bodies by types that ask for every property; what a person sends has those that matter.
# mypy: disable-error-code="call-overload"

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity import ClientSecretCredential
from azure.mgmt.network import NetworkManagementClient

from allowlist.errors import AllowlistError
from allowlist.simulator import DEFAULT_SUBSCRIPTION, Running, Simulator, serve
from tests.helpers.arm import GROUP, POLICY, RULES, application_rule, collection, rule_group

TENANT = "11111111-1111-1111-1111-111111111111"
TOKEN = {"authorization": "Bearer anything"}
VERSION = {"api-version": "2024-05-01"}
HUB = {"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}
BODY = rule_group(collection(application_rule()))


class AnyToken(SansIOHTTPPolicy[Any, Any]):
    """The SDK refuses its own token policy over plain http."""

    def on_request(self, request: Any) -> None:
        request.http_request.headers["Authorization"] = "Bearer anything"


@pytest.fixture
def simulator() -> Simulator:
    made = Simulator()
    made.seed(HUB)
    return made


@pytest.fixture
def plain(simulator: Simulator) -> Iterator[Running]:
    with serve(simulator) as running:
        yield running


@pytest.fixture
def secure(simulator: Simulator) -> Iterator[Running]:
    with serve(simulator, tls=True) as running:
        yield running


@pytest.fixture
def sdk(plain: Running) -> Iterator[NetworkManagementClient]:
    with NetworkManagementClient(
        object(),  # type: ignore[arg-type]
        DEFAULT_SUBSCRIPTION,
        base_url=plain.url,
        authentication_policy=AnyToken(),
        polling_interval=0.01,
        retry_total=0,
    ) as client:
        yield client


def test_the_sdk_creates_reads_lists_and_deletes(sdk: NetworkManagementClient) -> None:
    sdk.firewall_policies.begin_create_or_update("hub", "policy", {"location": "westeurope"}).result()
    groups = sdk.firewall_policy_rule_collection_groups

    written = groups.begin_create_or_update("hub", "policy", "rules", BODY).result()
    read = groups.get("hub", "policy", "rules")

    assert written.etag == read.etag
    assert read.provisioning_state == "Succeeded"
    assert [each.name for each in groups.list("hub", "policy")] == ["rules"]
    groups.begin_delete("hub", "policy", "rules").result()
    with pytest.raises(ResourceNotFoundError):
        groups.get("hub", "policy", "rules")


def test_the_sdk_writes_back_what_it_read_as_a_whole(sdk: NetworkManagementClient) -> None:
    policy = sdk.firewall_policies.begin_create_or_update(
        "hub", "policy", {"location": "westeurope"}
    ).result()

    again = sdk.firewall_policies.begin_create_or_update("hub", "policy", policy.as_dict()).result()

    assert again.provisioning_state == "Succeeded"


def test_the_sdk_drafts_and_deploys(sdk: NetworkManagementClient) -> None:
    sdk.firewall_policies.begin_create_or_update("hub", "policy", {"location": "westeurope"}).result()
    sdk.firewall_policy_rule_collection_groups.begin_create_or_update("hub", "policy", "rules", BODY).result()
    sdk.firewall_policy_drafts.create_or_update("hub", "policy", {"properties": {"threatIntelMode": "Deny"}})
    sdk.firewall_policy_rule_collection_group_drafts.create_or_update("hub", "policy", "rules", rule_group())

    sdk.firewall_policy_deployments.begin_deploy("hub", "policy").result()

    assert sdk.firewall_policies.get("hub", "policy").threat_intel_mode == "Deny"


def test_the_sdk_follows_pages_to_the_callers_host(simulator: Simulator) -> None:
    many = Simulator(page_size=3)
    many.seed([{**HUB}, *({"id": f"{POLICY}-{n}", "location": "westeurope"} for n in range(10))])
    with serve(many) as running:
        client = NetworkManagementClient(
            object(),  # type: ignore[arg-type]
            DEFAULT_SUBSCRIPTION,
            base_url=running.url,
            authentication_policy=AnyToken(),
        )
        with client:
            assert len(list(client.firewall_policies.list_all())) == 10


def test_the_sdk_sees_a_failed_operation_as_an_error_with_its_code(
    simulator: Simulator, sdk: NetworkManagementClient
) -> None:
    sdk.firewall_policies.begin_create_or_update("hub", "policy", {"location": "westeurope"}).result()
    simulator.inject("PUT:ruleCollectionGroups:operation=fail,code=FirewallPolicyUpdateFailed")

    poller = sdk.firewall_policy_rule_collection_groups.begin_create_or_update("hub", "policy", "rules", BODY)

    with pytest.raises(HttpResponseError) as raised:
        poller.result()
    assert raised.value.error is not None
    assert (raised.value.status_code, raised.value.error.code) == (200, "FirewallPolicyUpdateFailed")


def test_a_dropped_connection_is_no_answer_at_all(simulator: Simulator, sdk: NetworkManagementClient) -> None:
    sdk.firewall_policies.begin_create_or_update("hub", "policy", {"location": "westeurope"}).result()
    simulator.inject("PUT:ruleCollectionGroups:reset-after")

    with pytest.raises(ServiceResponseError):
        sdk.firewall_policy_rule_collection_groups.begin_create_or_update("hub", "policy", "rules", BODY)

    assert simulator.exists(RULES)


def test_a_client_secret_signs_in_over_tls(secure: Running, simulator: Simulator) -> None:
    credential = ClientSecretCredential(
        TENANT,
        "client",
        "secret",
        authority=secure.url,
        disable_instance_discovery=True,
        connection_verify=str(secure.ca_file),
    )
    with NetworkManagementClient(
        credential,
        DEFAULT_SUBSCRIPTION,
        base_url=secure.url,
        credential_scopes=[f"{secure.url}/.default"],
        connection_verify=str(secure.ca_file),
        polling_interval=0.01,
    ) as client:
        client.firewall_policies.begin_create_or_update("hub", "policy", {"location": "westeurope"}).result()

    assert simulator.exists(POLICY)


def test_tls_is_trusted_only_with_its_authority(secure: Running, tmp_path: Path) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{secure.url}/metadata/endpoints")

    assert secure.ca_file is not None
    assert secure.environment()["REQUESTS_CA_BUNDLE"] == str(secure.ca_file)
    assert "PRIVATE" not in secure.ca_file.read_text()


def test_the_authority_is_written_where_it_was_asked_for(simulator: Simulator, tmp_path: Path) -> None:
    with serve(simulator, tls=tmp_path / "trust" / "ca.pem") as running:
        assert running.ca_file == tmp_path / "trust" / "ca.pem"
        assert running.ca_file.is_file()


@pytest.mark.parametrize("version", ["2015-01-01", "2018-05-01", "2019-05-01", "2022-09-01", "2023-11-01"])
def test_the_clouds_metadata_leads_back_here(plain: Running, version: str) -> None:
    found = httpx.get(f"{plain.url}/metadata/endpoints", params={"api-version": version}).json()

    cloud = found[0] if "2018" <= version < "2022" else found
    assert cloud["authentication"]["loginEndpoint"] == f"{plain.url}/"
    assert cloud.get("resourceManager", f"{plain.url}/") == f"{plain.url}/"


@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_sign_in_is_discovered_and_gives_a_token_with_claims(plain: Running, version: str) -> None:
    configuration = httpx.get(f"{plain.url}/{TENANT}{version}/.well-known/openid-configuration").json()

    form = {"grant_type": "client_credentials", "client_id": "me", "scope": f"{plain.url}/.default"}
    token = httpx.post(configuration["token_endpoint"], data=form).json()

    assert configuration["issuer"] == f"{plain.url}/{TENANT}{version}"
    assert token["token_type"] == "Bearer"
    assert token["access_token"].count(".") == 2
    assert httpx.get(configuration["jwks_uri"]).json() == {"keys": []}
    assert httpx.post(configuration["token_endpoint"], data={}).status_code == 400


def test_instance_discovery_knows_this_host(plain: Running) -> None:
    found = httpx.get(f"{plain.url}/common/discovery/instance").json()

    assert found["tenant_discovery_endpoint"].startswith(plain.url)


def test_the_control_endpoint_counts_requests_and_takes_faults_and_seeds(plain: Running) -> None:
    control = f"{plain.url}/simulator"
    assert httpx.post(f"{control}/faults", json=["GET:firewallPolicies:unavailable"]).status_code == 200
    seed = {"id": POLICY, "type": "Microsoft.Network/firewallPolicies", "location": "westeurope"}
    assert httpx.post(f"{control}/seed", json=seed).json() == {"resources": 1}
    assert httpx.get(f"{plain.url}{POLICY}", params=VERSION, headers=TOKEN).status_code == 503

    found = httpx.get(f"{control}/requests").json()

    assert found["bySubscription"] == {DEFAULT_SUBSCRIPTION: 1}
    assert found["actions"] == ["Microsoft.Network/firewallPolicies/read"]
    assert httpx.get(f"{control}/faults").json()["injected"] == {"GET:firewallPolicies:unavailable": 1}
    assert httpx.delete(f"{control}/faults").json()["inForce"] == []
    assert httpx.delete(f"{control}/requests").json()["count"] == 0


@pytest.mark.parametrize(
    ("what", "body"), [("faults", b'["nonsense"]'), ("seed", b'{"a": 1}'), ("seed", b"{")]
)
def test_a_mistake_at_the_control_endpoint_is_explained(plain: Running, what: str, body: bytes) -> None:
    reply = httpx.post(f"{plain.url}/simulator/{what}", content=body)

    assert reply.status_code == 400
    assert reply.json()["problems"]


def test_a_double_slash_and_a_signed_query_reach_arm_unchanged(plain: Running, simulator: Simulator) -> None:
    url = plain.url + POLICY.replace("Microsoft.Network/", "Microsoft.Network//")
    put = httpx.put(url, params=VERSION, headers=TOKEN, json={"location": "westeurope"})

    poll = httpx.get(put.headers["azure-asyncoperation"], headers=TOKEN)

    assert (put.status_code, poll.status_code) == (201, 200)
    assert put.headers["azure-asyncoperation"].startswith(plain.url)


def test_a_taken_port_is_said_in_words(plain: Running, simulator: Simulator) -> None:
    with (
        pytest.raises(AllowlistError, match=f"cannot listen on 127.0.0.1:{plain.port}"),
        serve(simulator, plain.port),
    ):
        pass
