"""Recorded exchanges and published examples of managed networks, against the simulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from allowlist.simulator import (
    CognitiveSettings,
    ManagedSettings,
    MicrosoftCognitiveServices,
    MicrosoftMachineLearningServices,
    Reply,
    SystemTag,
)
from tests.helpers.arm import GROUP, Client, content_of
from tests.helpers.managed import HUB, account, with_hub
from tests.helpers.shared import SHARED, absent, lacking

_RECORDING = SHARED / "recordings" / "managed-network"
_RECORDED_TAG = SystemTag(
    name="__SYS_ST_AzureActiveDirectory_TCP", tag="AzureActiveDirectory", ports="80, 443"
)
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OPERATION = re.compile(r"mnet:.*$")
_COMPARED = ("azure-asyncoperation", "location", "x-ms-async-operation-timeout")


def _exchanges(first: int, last: int) -> list[dict[str, Any]]:
    path = _RECORDING / "cogsvc_managed_network.json"
    if not path.is_file():
        pytest.skip(lacking(path))
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["exchanges"]
    return found[first:last]


def _client(recorded: dict[str, Any]) -> Client:
    """An account as it stood in the recording, whose networks had one required tag."""
    network = ManagedSettings(tags=(_RECORDED_TAG,), sku_is_fixed=True)
    client = Client({"providers": [MicrosoftCognitiveServices(CognitiveSettings(network=network))]})
    path = recorded["request"]["path"].split("/managedNetworks")[0]
    client.simulator.seed({**account(), "id": path})
    return client


def _same(text: Any) -> str:
    """Without host, identifiers and the api-version."""
    without = re.sub(r"https://[^/]+", "", json.dumps(text))
    return _GUID.sub("GUID", without)


def _replayed(client: Client, exchanges: list[dict[str, Any]]) -> Iterator[str]:
    """Every difference; a poll goes to the URL that the simulator gave for the recorded one."""
    url = ""
    for number, exchange in enumerate(exchanges):
        request, recorded = exchange["request"], exchange["response"]
        polls = "mfeOperationsStatus" in request["path"]
        if not polls or recorded["body"]["status"] != "InProgress":
            client.wait()
        reply = client.send(request["method"], url if polls else request["path"], request["body"])
        url = reply.headers.get("azure-asyncoperation", url)
        for difference in _differences(reply, recorded):
            yield f"[{number}] {request['method']}: {difference}"


def _differences(reply: Reply, recorded: dict[str, Any]) -> Iterator[str]:
    if reply.status != recorded["status"]:
        yield f"status {reply.status}, recorded {recorded['status']}"
    for name in _COMPARED:
        ours, theirs = _form(reply.headers.get(name)), _form(recorded["headers"].get(name))
        if ours != theirs:
            yield f"{name} is {ours}, recorded {theirs}"
    if reply.body.startswith(b"{") and _operation(content_of(reply)) != _operation(recorded["body"]):
        yield f"body {reply.body.decode()}, recorded {recorded['body']}"
    if recorded["body"] is None and reply.body:
        yield f"has a body, recorded none: {reply.body!r}"


def _form(url: str | None) -> str | None:
    return None if url is None else _OPERATION.sub("mnet:", _same(urlsplit(url).path))


def _operation(body: Any) -> str:
    """A poll's id is the network's and the operation's, in either of the two recorded forms."""
    return re.sub(r"GUID(-\w+)?_GUID", "ID", _same(body))


def test_an_accounts_network_and_its_first_rule_live_as_recorded() -> None:
    exchanges = _exchanges(0, 12)

    assert list(_replayed(_client(exchanges[0]), exchanges)) == []


def test_a_tag_rule_gets_the_members_the_service_adds_even_with_a_recommended_category() -> None:
    create, exchanges = _exchanges(0, 1), _exchanges(12, 14)
    client = _client(create[0])

    assert list(_replayed(client, [*create, *exchanges])) == []


def test_internet_outbound_becomes_approved_only_as_recorded() -> None:
    create, patch, read = _exchanges(0, 1)[0], _exchanges(14, 15)[0], _exchanges(3, 4)[0]
    client = _client(create)
    path = create["request"]["path"]
    open_network = {"properties": {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}}}
    assert client.send("PUT", path, open_network).status == 202
    client.wait()
    before = client.get(path)["properties"]["managedNetwork"]

    assert before["outboundRules"] == {}
    assert list(_replayed(client, [patch, read])) == []


def test_a_workspace_rule_reads_as_a_user_saw_it() -> None:
    path = _RECORDING / "ml_outbound_rule_get.json"
    if not path.is_file():
        pytest.skip(lacking(path))
    recorded = json.loads(path.read_text("utf-8"))["body"]
    rule = {**recorded["properties"]}
    client = with_hub(Client(), outboundRules={"test21": rule})

    shown = client.get(f"{HUB}/outboundRules/test21")

    assert list(shown) == list(recorded)
    assert list(shown["properties"]) == list(recorded["properties"])
    assert shown == {**recorded, "id": "hub/outboundRules/test21"}


_WRITE_ONLY = "/headers[]/value"
"""The example shows a header's value, the SDK's model of the same version says that it is never returned."""
_FOLDERS = (
    "cognitiveservices-2025-10-01-preview",
    "cognitiveservices-2026-03-01",
    "cognitiveservices-2026-05-15-preview",
    "cognitiveservices-2026-07-01",
    "machinelearningservices-preview-2025-07-01-preview",
    "machinelearningservices-stable-2024-10-01",
)


def _examples() -> list[Any]:
    files = [
        file for folder in _FOLDERS for file in sorted((SHARED / "arm-examples" / folder).glob("*.json"))
    ]
    if not files:
        return [absent(SHARED / "arm-examples")]
    return [pytest.param(file, id=f"{file.parent.name}/{file.stem}") for file in files]


@pytest.mark.parametrize("file", _examples())
def test_a_published_example_gets_an_answer_of_the_published_form(file: Path) -> None:
    """Every member the example shows is in our answer too, with the same kind of value."""
    example = json.loads(file.read_text("utf-8"))
    client, method, url, body = _stage(example, file)

    reply = client.send(method, url, body)
    client.wait()

    assert str(reply.status) in example["responses"]
    shown = content_of(reply) if reply.status == 200 else _outcome(client, reply, url)
    expected = example["responses"].get("200", {}).get("body")
    if expected and method != "DELETE":
        assert _missing(shown, expected, "") == []


def _outcome(client: Client, reply: Reply, url: str) -> Any:
    where = reply.headers.get("location", "")
    return client.get(where if "mfeOperationResults" in where else url)


def _stage(example: dict[str, Any], file: Path) -> tuple[Client, str, str, Any]:
    """The world before the example's request: its account or workspace, network and rule."""
    documented = {"shape": "documented"}
    cognitive = ManagedSettings(tags=(), **documented)  # type: ignore[arg-type]
    client = Client(
        {
            "providers": [
                MicrosoftCognitiveServices(CognitiveSettings(network=cognitive, writes_take_time=False)),
                MicrosoftMachineLearningServices(cognitive),
            ]
        },
        version=example["parameters"]["api-version"],
    )
    owner = _OWNERS["accounts" if "cognitive" in file.parent.name else "workspaces"]
    rule = {
        "type": "FQDN",
        "destination": "destination_endpoint",
        "category": "UserDefined",
        "status": "Active",
    }
    network = {
        "isolationMode": "AllowOnlyApprovedOutbound",
        "status": {"status": "Active"},
        "outboundRules": {"rule_name_1": rule, "rule_name_2": rule},
    }
    if owner.endswith("accounts/it"):
        client.simulator.seed(
            [
                {**account(), "id": owner},
                {"id": f"{owner}/managedNetworks/default", "properties": {"managedNetwork": network}},
            ]
        )
    else:
        properties = {"managedNetwork": network}
        client.simulator.seed({"id": owner, "kind": "Hub", "location": "westus", "properties": properties})
    method, tail = _REQUESTS[file.stem]
    return client, method, owner + tail, _body(example)


_PROVIDERS = f"{GROUP}/providers"
_OWNERS = {
    "accounts": f"{_PROVIDERS}/Microsoft.CognitiveServices/accounts/it",
    "workspaces": f"{_PROVIDERS}/Microsoft.MachineLearningServices/workspaces/it",
}
_V2 = "/managedNetworks/default"
_REQUESTS = {
    "createOrUpdateManagedNetworkV2": ("PUT", _V2),
    "createOrUpdateRule": ("PUT", "/outboundRules/rule_name_1"),
    "createOrUpdateRuleV2": ("PUT", f"{_V2}/outboundRules/rule_name_1"),
    "deleteRule": ("DELETE", "/outboundRules/rule_name_1"),
    "deleteRuleV2": ("DELETE", f"{_V2}/outboundRules/rule_name_1"),
    "deleteManagedNetworkV2": ("DELETE", _V2),
    "getManagedNetworkV2": ("GET", _V2),
    "getRule": ("GET", "/outboundRules/rule_name_1"),
    "getRuleV2": ("GET", f"{_V2}/outboundRules/rule_name_1"),
    "listManagedNetworkV2": ("GET", "/managedNetworks"),
    "listRule": ("GET", "/outboundRules"),
    "listRuleV2": ("GET", f"{_V2}/outboundRules"),
    "patchManagedNetworkV2": ("PATCH", _V2),
    "postOutboundRulesV2": ("POST", f"{_V2}/batchOutboundRules"),
    "provision": ("POST", "/provisionManagedNetwork"),
    "provisionManagedNetwork": ("POST", f"{_V2}/provision"),
    "PutRaiPolicyWithEgress": ("PUT", "/raiPolicies/egress-baseline"),
}


def _body(example: dict[str, Any]) -> Any:
    parameters = example["parameters"]
    return parameters.get("body", parameters.get("raiPolicy"))


def _missing(ours: Any, expected: Any, path: str) -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(ours, dict):
            return [f"{path} is {ours!r}"]
        absent = [f"{path}/{name}" for name in expected if name not in ours]
        absent = [each for each in absent if not each.endswith(_WRITE_ONLY)]
        inner = [_missing(ours[name], expected[name], f"{path}/{name}") for name in expected if name in ours]
        return [*absent, *(each for found in inner for each in found)]
    if isinstance(expected, list):
        pairs = zip(ours, expected, strict=False) if isinstance(ours, list) else ()
        found = [each for mine, theirs in pairs for each in _missing(mine, theirs, f"{path}[]")]
        return found if isinstance(ours, list) and len(ours) >= len(expected) else [f"{path} is short"]
    return (
        [] if expected is None or isinstance(ours, type(expected)) or ours is None else [f"{path}: {ours!r}"]
    )
