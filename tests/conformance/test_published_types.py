"""Every body of the managed networks and their neighbours fits the types published for its api-version.

The types are Azure/bicep-types-az, generated from the specifications, read-only members included.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

import pytest

from tests.helpers.arm import NETWORK, POLICY, Client
from tests.helpers.managed import (
    ACCOUNT,
    HUB,
    accept,
    account,
    endpoint_rule,
    fqdn_rule,
    hub,
    settings,
    tag_rule,
)
from tests.helpers.managed import NETWORK as MANAGED
from tests.helpers.shared import SHARED, lacking

_SWAGGER = SHARED / "swagger"
_TYPES = _SWAGGER / "bicep-types"

pytestmark = pytest.mark.skipif(not _TYPES.is_dir(), reason=lacking(_TYPES))

_COGNITIVE = ("microsoft.cognitiveservices_2026-07-01", "Microsoft.CognitiveServices")
_PREVIEW = ("microsoft.cognitiveservices_2026-05-15-preview", "Microsoft.CognitiveServices")
_LEARNING = ("microsoft.machinelearningservices_2026-05-01", "Microsoft.MachineLearningServices")
_NETWORKING = ("microsoft.network_2025-09-01", "Microsoft.Network")

_BODIES = {
    "account": (_COGNITIVE, "accounts", ACCOUNT),
    "settings of an account's network": (_COGNITIVE, "accounts/managedNetworks", MANAGED),
    "FQDN rule": (_COGNITIVE, "accounts/managedNetworks/outboundRules", f"{MANAGED}/outboundRules/one"),
    "tag rule": (_COGNITIVE, "accounts/managedNetworks/outboundRules", f"{MANAGED}/outboundRules/two"),
    "endpoint rule": (_COGNITIVE, "accounts/managedNetworks/outboundRules", f"{MANAGED}/outboundRules/three"),
    "egress policy": (_PREVIEW, "accounts/raiPolicies", f"{ACCOUNT}/raiPolicies/egress"),
    "hub": (_LEARNING, "workspaces", HUB),
    "hub's FQDN rule": (_LEARNING, "workspaces/outboundRules", f"{HUB}/outboundRules/one"),
    "hub's tag rule": (_LEARNING, "workspaces/outboundRules", f"{HUB}/outboundRules/two"),
    "virtual network": (_NETWORKING, "virtualNetworks", f"{NETWORK}/virtualNetworks/spoke"),
    "subnet": (_NETWORKING, "virtualNetworks/subnets", f"{NETWORK}/virtualNetworks/spoke/subnets/agents"),
    "security group": (_NETWORKING, "networkSecurityGroups", f"{NETWORK}/networkSecurityGroups/agents"),
    "route table": (_NETWORKING, "routeTables", f"{NETWORK}/routeTables/table"),
    "firewall policy": (_NETWORKING, "firewallPolicies", POLICY),
}
_SEEN_IN_REAL_ANSWERS = {
    "/properties/managedNetwork/enableFirewallLog",
    "/properties/managedNetwork/enableNetworkMonitor",
    "/properties/managedNetwork/provisionNetworkNow",
    "/tags",
    "/location",
}
"""Members the service sends although its types do not list them (recordings of 2026-04)."""


@cache
def _types(file: str) -> Any:
    spec = importlib.util.spec_from_file_location("bicep_schema", _SWAGGER / "tools" / "bicep_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.BicepTypes(str(_TYPES / f"{file}.json"))


@pytest.fixture(scope="module")
def client() -> Client:
    """Both networks with a rule of each kind, an egress policy, and a spoke around them."""
    made = Client()
    made.simulator.seed([account(), hub()])
    accept(made, "PUT", MANAGED, settings())
    for base in (MANAGED, HUB):
        for name, rule in (("one", fqdn_rule()), ("two", tag_rule()), ("three", endpoint_rule())):
            accept(made, "PUT", f"{base}/outboundRules/{name}", rule)
    egress = {"rules": [{"name": "a", "ruleType": "Fqdn", "match": {"host": "*.example.com"}}]}
    made.send("PUT", f"{ACCOUNT}/raiPolicies/egress", {"properties": {"egressPolicy": egress}})
    made.with_policy()
    subnets = [{"name": "agents", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    spoke = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}, "subnets": subnets}
    for path, properties in (
        ("virtualNetworks/spoke", spoke),
        ("networkSecurityGroups/agents", {}),
        ("routeTables/table", {"routes": [{"name": "all", "properties": {"nextHopType": "Internet"}}]}),
    ):
        made.put(f"{NETWORK}/{path}", {"location": "westeurope", "properties": properties})
    return made


@pytest.mark.parametrize("name", _BODIES)
def test_a_body_fits_its_published_type(client: Client, name: str) -> None:
    (file, namespace), kind, path = _BODIES[name]
    body = {name: value for name, value in client.get(path).items() if value is not None}  # null as recorded

    assert _types(file).check(f"{namespace}/{kind}", body) == []
    unknown = [
        each for each in _types(file).unknown(f"{namespace}/{kind}", body) if "/outboundRules/" not in each
    ]
    assert set(unknown) - _SEEN_IN_REAL_ANSWERS == set()


def test_a_body_of_another_shape_would_be_noticed() -> None:
    (file, namespace), kind, _ = _BODIES["settings of an account's network"]
    wrong = {"properties": {"managedNetwork": {"isolationMode": 1, "colour": "red"}}}

    assert _types(file).check(f"{namespace}/{kind}", wrong)
    assert _types(file).unknown(f"{namespace}/{kind}", wrong) == ["/properties/managedNetwork/colour"]
