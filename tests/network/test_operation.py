"""How a firewall is run, and what stands where no list holds it: logs, ports, zones, plain http, compute."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.network.checks.accounts import accounts
from allowlist.network.checks.operation import operation
from allowlist.network.observation import Observation, State
from allowlist.network.scene import Scene
from allowlist.rules.addresses import NOWHERE
from tests.helpers.posture import EXAMPLE, clean_bodies, find, posture_of
from tests.helpers.posture import estate_with as example

GROUP = "/subscriptions/s/resourceGroups/g/providers"
FIREWALL = f"{GROUP}/Microsoft.Network/azureFirewalls/f"
POLICY = f"{GROUP}/Microsoft.Network/firewallPolicies/p"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w"


def seen(
    *others: dict[str, Any], zones: list[str] | None = None, **properties: Any
) -> dict[str, Observation]:
    inner = {"firewallPolicy": {"id": POLICY}, **properties}
    firewall = {"id": FIREWALL, "name": "f", "type": "Microsoft.Network/azureFirewalls", "properties": inner}
    policy = {"id": POLICY, "name": "p", "type": "Microsoft.Network/firewallPolicies", "properties": {}}
    estate = Estate.of([firewall | ({"zones": zones} if zones else {}), policy, *others])
    scene = Scene(estate=estate, cloud="public", targets=(POLICY,), named=(), addresses=NOWHERE)
    return {item.code: item for item in operation(scene, (), {})}


def diagnostic(*logs: dict[str, Any], **places: str) -> dict[str, Any]:
    return {
        "id": f"{FIREWALL}/providers/microsoft.insights/diagnosticSettings/one",
        "properties": {"logs": list(logs), **(places or {"workspaceId": "w"})},
    }


BOTH = ({"category": "AZFWApplicationRule"}, {"category": "AZFWNetworkRule", "enabled": True})


@pytest.mark.parametrize(
    ("setting", "state"),
    [
        (diagnostic(*BOTH), State.MET),
        (diagnostic({"categoryGroup": "allLogs", "category": None, "enabled": True}), State.MET),
        (
            diagnostic(*({"category": f"AzureFirewall{kind}Rule"} for kind in ("Application", "Network"))),
            State.MET,
        ),
        (diagnostic(BOTH[0], {**BOTH[1], "enabled": False}), State.NOT_MET),
        (diagnostic({"category": "AZFWDnsQuery", "enabled": True}), State.NOT_MET),
        (diagnostic(*BOTH, workspaceId=""), State.NOT_MET),
        (diagnostic(), State.NOT_MET),
        (None, State.UNKNOWN),
    ],
)
def test_logs_count_when_they_are_kept_somewhere(setting: dict[str, Any] | None, state: State) -> None:
    found = seen(*([setting] if setting else []))["firewall-logs"]
    assert found.state is state
    assert state is State.MET or "AZFWApplicationRule" in found.remedy


def addresses(*names: str) -> list[dict[str, Any]]:
    return [
        {"properties": {"publicIPAddress": {"id": f"{GROUP}/Microsoft.Network/publicIPAddresses/{name}"}}}
        for name in names
    ]


def test_one_public_address_is_told_with_the_ports_it_gives() -> None:
    assert "4992 source ports" in seen(ipConfigurations=addresses("a"))["snat-ports"].says
    assert "snat-ports" not in seen(ipConfigurations=addresses("a", "b"))
    in_hub: dict[str, Any] = {"virtualHub": {"id": f"{GROUP}/Microsoft.Network/virtualHubs/h"}}
    assert "snat-ports" in seen(**in_hub, hubIPAddresses={"publicIPs": {"count": 1}})
    assert "snat-ports" not in seen(**in_hub, hubIPAddresses={"publicIPs": {"count": 3}})


@pytest.mark.parametrize(
    ("zones", "state"), [(None, State.NOTE), (["1"], State.NOTE), (["1", "2"], State.MET)]
)
def test_a_firewall_stands_in_more_than_one_zone(zones: list[str] | None, state: State) -> None:
    assert seen(zones=zones)["firewall-zones"].state is state


def test_plain_http_to_a_name_that_is_asked_for_by_https_alone_is_told() -> None:
    def with_http(bodies: dict[str, Any]) -> None:
        collection = find(bodies, "ruleCollectionGroups", "rcg-ai")["properties"]["ruleCollections"][0]
        for rule in collection["rules"]:
            rule["protocols"].append({"protocolType": "Http", "port": 80})

    bodies = clean_bodies()
    with_http(bodies)
    told = [item.observation for item in posture_of(Estate.of(bodies.values())).findings]
    assert any(item.code == "plain-http" and "https suffices" in item.says for item in told)
    assert all(item.observation.code != "plain-http" for item in posture_of(example()).findings)
    assert EXAMPLE.is_dir()


def of_workspace(mode: str, *computes: dict[str, Any], **properties: Any) -> dict[str, Observation]:
    workspace = {
        "id": WORKSPACE,
        "name": "w",
        "kind": "Hub",
        "properties": {
            "managedNetwork": {"isolationMode": mode},
            "publicNetworkAccess": "Disabled",
            **properties,
        },
    }
    bodies = [
        {"id": f"{WORKSPACE}/computes/c{place}", "name": f"c{place}", "properties": inner}
        for place, inner in enumerate(computes)
    ]
    scene = Scene(
        estate=Estate.of([workspace, *bodies]), cloud="public", targets=(), named=(), addresses=NOWHERE
    )
    return {item.code: item for item in accounts(scene)}


CLUSTER = {"computeType": "AmlCompute", "properties": {}}


def test_compute_that_no_list_holds_is_told() -> None:
    assert of_workspace("Disabled", CLUSTER)["compute-outside"].state is State.NOT_MET
    placed = {"computeType": "AmlCompute", "properties": {"subnet": {"id": "/subnets/s"}}}
    assert "compute-outside" not in of_workspace("Disabled", placed)
    assert "compute-outside" not in of_workspace("AllowOnlyApprovedOutbound", CLUSTER)
    attached = of_workspace("AllowOnlyApprovedOutbound", {"computeType": "Kubernetes"})["compute-outside"]
    assert (attached.state, "outside the managed network" in attached.says) == (State.NOTE, True)


def test_a_workspace_that_stays_public_behind_its_network_is_open() -> None:
    closed = of_workspace("AllowOnlyApprovedOutbound")["account-public-access"]
    opened = of_workspace("AllowOnlyApprovedOutbound", allowPublicAccessWhenBehindVnet=True)[
        "account-public-access"
    ]
    assert (closed.state, opened.state) == (State.MET, State.NOT_MET)


@pytest.mark.parametrize("mode", ["allowOnlyApprovedOutbound", "ALLOWONLYAPPROVEDOUTBOUND"])
def test_the_isolation_mode_is_read_in_any_letter_case(mode: str) -> None:
    assert of_workspace(mode)["isolation-mode"].state is State.MET
