"""A hub's managed network driven over TLS by azure-ai-ml, where that client is installed (``clients`` group)."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from allowlist.simulator import DEFAULT_SUBSCRIPTION, Simulator, serve
from tests.helpers.arm import GROUP
from tests.helpers.managed import HUB, hub

_ml = pytest.importorskip("azure.ai.ml", reason="azure-ai-ml is not installed (dependency group 'clients')")
_entities = pytest.importorskip("azure.ai.ml.entities")


class _AnyToken:
    def get_token(self, *scopes: str, **more: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("anything", int(time.time()) + 3_600)


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    made = Simulator()
    made.seed([{"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}])
    return made


@pytest.fixture(scope="module")
def surroundings(simulator: Simulator) -> Iterator[dict[str, str]]:
    """What the environment says to who talks to the simulator."""
    with serve(simulator, tls=True) as running:
        metadata = f"{running.url}/metadata/endpoints?api-version=2019-05-01"
        yield {**running.environment(), "ARM_CLOUD_METADATA_URL": metadata}


@pytest.fixture
def client(_own_home: None, surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client, after every test lost what whoever runs the suite trusts."""
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    return _client()


@functools.cache
def _client() -> Any:
    """One for all: azure-ai-ml keeps the clouds it has learnt for the life of the process."""
    return _ml.MLClient(
        _AnyToken(), DEFAULT_SUBSCRIPTION, "hub", cloud="AllowlistSimulator", enable_telemetry=False
    )


@pytest.fixture(autouse=True)
def fresh_hub(simulator: Simulator) -> Iterator[None]:
    simulator.seed(hub(status={"status": "Inactive"}))
    yield
    simulator.remove(HUB)


def test_a_rule_is_created_updated_listed_and_removed(client: Any) -> None:
    rules = client.workspace_outbound_rules
    created = rules.begin_create(
        "hub", _entities.FqdnDestination(name="ours", destination="a.example.com")
    ).result()
    updated = rules.begin_update(
        "hub", _entities.FqdnDestination(name="ours", destination="b.example.com")
    ).result()

    assert (created.name, created.status) == ("ours", "Inactive")
    assert updated.destination == "b.example.com"
    assert rules.get("hub", "ours").destination == "b.example.com"
    assert [rule.name for rule in rules.list("hub")] == ["ours"]
    rules.begin_remove("hub", "ours").result()
    assert list(rules.list("hub")) == []


def test_provisioning_puts_rules_in_force(client: Any) -> None:
    tag = _entities.ServiceTagDestination(
        name="tag", service_tag="Storage", protocol="TCP", port_ranges="443"
    )
    client.workspace_outbound_rules.begin_create("hub", tag).result()

    provisioned = client.workspaces.begin_provision_network(workspace_name="hub").result()

    assert provisioned.status == "Active"
    assert client.workspace_outbound_rules.get("hub", "tag").status == "Active"


def test_the_workspace_shows_its_isolation_mode_and_rules(client: Any) -> None:
    client.workspace_outbound_rules.begin_create(
        "hub", _entities.FqdnDestination(name="ours", destination="a.example.com")
    ).result()

    network = client.workspaces.get("hub").managed_network

    assert network.isolation_mode == "AllowOnlyApprovedOutbound"
    assert [rule.name for rule in network.outbound_rules] == ["ours"]


def test_a_hub_and_a_project_are_created(client: Any, simulator: Simulator) -> None:
    """The client deploys a template of its own with storage, key vault and whatever else a hub needs."""
    network = _entities.ManagedNetwork(isolation_mode="AllowOnlyApprovedOutbound")
    made = _entities.Hub(name="made", location="westeurope", managed_network=network)
    hub_made = client.workspaces.begin_create(made).result()
    project = client.workspaces.begin_create(
        _entities.Project(name="study", hub_id=hub_made.id, location="westeurope")
    ).result()

    assert hub_made.managed_network.isolation_mode == "AllowOnlyApprovedOutbound"
    assert project.hub_id.lower() == hub_made.id.lower()
    assert {item.name for item in client.workspaces.list()} >= {"made", "study"}
