"""A provider for Terraform with the published schema of azurerm 4 and the open one of azapi 2, and a cloud in one file.

Terraform's own core plans, applies and shows; only the far side is made here: ids as azurerm builds them, what is computed,
what replaces a resource, the defaults that matter, and zero values for what is unset once it was read back, as the provider
keeps them. Run by Terraform, in an environment of its own with the package ``tf``; see ``make terraform``.

``TERRAFORM_SCHEMA`` names the file with the schema, ``TERRAFORM_CLOUD`` the one with the resources that are there by id.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgpack
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc as service
from tf.runner import _self_signed_cert

UNKNOWN = msgpack.ExtType(0, b"\x00")
NETWORK, LEARNING = "Microsoft.Network", "Microsoft.MachineLearningServices"
COGNITIVE = "Microsoft.CognitiveServices"
IN_GROUP = {
    "azurerm_firewall_policy": f"{NETWORK}/firewallPolicies",
    "azurerm_firewall": f"{NETWORK}/azureFirewalls",
    "azurerm_ip_group": f"{NETWORK}/ipGroups",
    "azurerm_private_endpoint": f"{NETWORK}/privateEndpoints",
    "azurerm_cognitive_account": f"{COGNITIVE}/accounts",
    "azurerm_ai_services": f"{COGNITIVE}/accounts",
    "azurerm_machine_learning_workspace": f"{LEARNING}/workspaces",
    "azurerm_ai_foundry": f"{LEARNING}/workspaces",
    "azurerm_resource_group_template_deployment": "Microsoft.Resources/deployments",
}
BELOW = {
    "azurerm_firewall_policy_rule_collection_group": ("firewall_policy_id", "ruleCollectionGroups"),
    "azurerm_machine_learning_workspace_network_outbound_rule_fqdn": ("workspace_id", "outboundRules"),
    "azurerm_machine_learning_workspace_network_outbound_rule_service_tag": ("workspace_id", "outboundRules"),
    "azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint": (
        "workspace_id",
        "outboundRules",
    ),
}
CLASSIC = {
    "azurerm_firewall_application_rule_collection": "applicationRuleCollections",
    "azurerm_firewall_network_rule_collection": "networkRuleCollections",
    "azurerm_firewall_nat_rule_collection": "natRuleCollections",
}
REPLACING = {
    "name", "resource_group_name", "location", "firewall_policy_id", "workspace_id", "azure_firewall_name", "parent_id",
    "subnet_id",
}  # fmt: skip
DEFAULTS: dict[str, dict[str, Any]] = {
    "azurerm_firewall_policy": {"sku": "Standard", "threat_intelligence_mode": "Alert"},
    "azurerm_machine_learning_workspace": {"kind": "Default", "public_network_access_enabled": True},
    "azurerm_ai_services": {"public_network_access": "Enabled"},
}
ALSO_COMPUTED = {"azurerm_firewall": ("threat_intel_mode", "dns_proxy_enabled")}
AZAPI: dict[str, dict[str, Any]] = {
    "azapi_resource": {
        "attributes": {
            "type": {"type": "string", "required": True, "computed": False},
            "name": {"type": "string", "required": False, "computed": True},
            "parent_id": {"type": "string", "required": False, "computed": True},
            "location": {"type": "string", "required": False, "computed": True},
            "body": {"type": "dynamic", "required": False, "computed": False},
            "tags": {"type": ["map", "string"], "required": False, "computed": True},
            "id": {"type": "string", "required": False, "computed": True, "given": True},
            "output": {"type": "dynamic", "required": False, "computed": True, "given": True},
        },
        "blocks": {},
    }
}


class Cloud:
    """What there is, by id. Both providers write it, from several threads each, so the file is locked."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def all(self) -> dict[str, Any]:
        with self._locked():
            return self._read()

    def put(self, resource_id: str, state: dict[str, Any] | None) -> None:
        with self._locked():
            there = self._read()
            there.pop(resource_id, None)
            if state is not None:
                there[resource_id] = state
            self._file.write_text(json.dumps(there, default=bytes.decode))

    def _read(self) -> dict[str, Any]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self, kind: str, resource_id: str) -> dict[str, Any] | None:
        found = self.all().get(resource_id)
        if found is not None and kind == "azurerm_firewall_policy":
            groups = [key for key in self.all() if key.startswith(f"{resource_id}/ruleCollectionGroups/")]
            return {**found, "rule_collection_groups": groups}
        return found


def id_of(kind: str, state: dict[str, Any], subscription: str) -> str:
    group = f"/subscriptions/{subscription}/resourceGroups/{state.get('resource_group_name')}"
    name = state.get("name")
    if kind == "azurerm_resource_group":
        return f"/subscriptions/{subscription}/resourceGroups/{name}"
    if kind in BELOW:
        above, collection = BELOW[kind]
        return f"{state[above]}/{collection}/{name}"
    if kind in CLASSIC:
        return f"{group}/providers/{NETWORK}/azureFirewalls/{state['azure_firewall_name']}/{CLASSIC[kind]}/{name}"
    if kind == "azurerm_ip_group_cidr":
        return f"{state['ip_group_id']}/cidrs/{state['cidr'].replace('/', '_')}"
    if kind == "azapi_resource":
        type_ = state["type"].partition("@")[0]
        parent = state["parent_id"]
        inner = type_.count("/") > 1
        return (
            f"{parent}/{type_.rpartition('/')[2]}/{name}" if inner else f"{parent}/providers/{type_}/{name}"
        )
    return f"{group}/providers/{IN_GROUP[kind]}/{name}"


# Values on the wire


def read(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False) if value.msgpack else None


def written(value: Any) -> Any:
    return protocol.DynamicValue(msgpack=msgpack.packb(value))


def known(value: Any) -> bool:
    return not isinstance(value, msgpack.ExtType)


def attribute(name: str, given: dict[str, Any]) -> Any:
    alone = given.get("given", False)
    return protocol.Schema.Attribute(
        name=name,
        type=json.dumps(given["type"]).encode(),
        required=given["required"],
        optional=not given["required"] and not alone,
        computed=given["computed"] and not given["required"],
        sensitive=name.endswith("_access_key"),
    )


def block_schema(block: dict[str, Any]) -> Any:
    modes = protocol.Schema.NestedBlock.NestingMode
    nested = [
        protocol.Schema.NestedBlock(
            type_name=name,
            block=block_schema(inner["block"]),
            nesting=modes.Value(inner["nesting"].upper()),
            # Of a block in mode SINGLE there is one or none, which Terraform knows itself.
            min_items=int(inner["required"] and inner["nesting"] != "single"),
            max_items=inner["most"] if inner["nesting"] != "single" else 0,
        )
        for name, inner in block["blocks"].items()
    ]
    return protocol.Schema.Block(
        version=0,
        attributes=[attribute(name, given) for name, given in sorted(block["attributes"].items())],
        block_types=nested,
    )


def planned(block: dict[str, Any], proposed: Any, also: tuple[str, ...] = ()) -> Any:
    """``proposed`` with what is computed and not there yet as unknown."""
    if not isinstance(proposed, dict):
        return proposed
    found = dict(proposed)
    for name, given in block["attributes"].items():
        if found.get(name) is None and (given["computed"] or name in also):
            found[name] = UNKNOWN
    for name, inner in block["blocks"].items():
        items = found.get(name)
        if isinstance(items, list):
            found[name] = [planned(inner["block"], item) for item in items]
    return found


def kept(block: dict[str, Any], state: dict[str, Any], *, inner: bool = False) -> dict[str, Any]:
    """What is read back: what was computed is there; in blocks what is unset has its zero value."""
    found = dict(state)
    for name, given in block["attributes"].items():
        if not known(found.get(name)):
            found[name] = computed(given["type"])
        elif inner and found.get(name) is None:
            found[name] = zero(given["type"])
    for name, nested in block["blocks"].items():
        items = found.get(name)
        if isinstance(items, list):
            found[name] = [kept(nested["block"], item, inner=True) for item in items]
    return found


def zero(type_: Any) -> Any:
    if isinstance(type_, list):
        return {} if type_[0] == "map" else []
    return {"string": "", "number": 0, "bool": False}.get(type_)


def computed(type_: Any) -> Any:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(type_))) if type_ == "string" else zero(type_)


class Provider(service.ProviderServicer):  # type: ignore[misc] # generated without types
    def __init__(self, schemas: dict[str, Any], cloud: Cloud) -> None:
        self._schemas, self._cloud = schemas, cloud
        self._subscription = ""

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802 # named by the protocol
        text = {"type": "string", "required": False, "computed": False}
        features = {
            "nesting": "list",
            "most": 1,
            "required": False,
            "block": {"attributes": {}, "blocks": {}},
        }
        own = block_schema({"attributes": {"subscription_id": text}, "blocks": {"features": features}})
        readable = {kind: _for_reading(block) for kind, block in self._schemas.items()}
        return protocol.GetProviderSchema.Response(
            provider=protocol.Schema(version=0, block=own),
            resource_schemas={kind: _schema(block) for kind, block in self._schemas.items()},
            data_source_schemas={kind: _schema(block) for kind, block in readable.items()},
            server_capabilities=protocol.ServerCapabilities(plan_destroy=False),
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return protocol.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return protocol.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return protocol.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._subscription = (read(request.config) or {}).get("subscription_id") or ""
        return protocol.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        state = json.loads(request.raw_state.json)
        return protocol.UpgradeResourceState.Response(
            upgraded_state=written(_typed(self._schemas[request.type_name], state))
        )

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        state = read(request.current_state)
        there = self._cloud.read(request.type_name, state["id"])
        return protocol.ReadResource.Response(
            new_state=written(there and _typed(self._schemas[request.type_name], {**state, **there})),
            private=request.private,
        )

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        config = read(request.config)
        wanted = id_of(request.type_name, config, self._subscription)
        there = self._cloud.read(request.type_name, wanted) or {}
        return protocol.ReadDataSource.Response(
            state=written({**config, **{k: there.get(k) for k in config}, "id": wanted})
        )

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, proposed, prior = request.type_name, read(request.proposed_new_state), read(request.prior_state)
        if proposed is None:
            return protocol.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        for name, value in DEFAULTS.get(kind, {}).items():
            if proposed.get(name) is None:
                proposed[name] = value
        replaced = [name for name in REPLACING & proposed.keys() if prior and prior[name] != proposed[name]]
        also = ALSO_COMPUTED.get(kind, ())
        if prior is not None and replaced:
            proposed["id"] = None
        return protocol.PlanResourceChange.Response(
            planned_state=written(planned(self._schemas[kind], proposed, also)),
            requires_replace=[_path(name) for name in replaced],
            legacy_type_system=not kind.startswith("azapi"),
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, state, prior = request.type_name, read(request.planned_state), read(request.prior_state)
        if state is None:
            self._cloud.put(prior["id"], None)
            return protocol.ApplyResourceChange.Response(new_state=request.planned_state)
        if not known(state.get("id")):
            state["id"] = id_of(kind, state, self._subscription)
        state = kept(self._schemas[kind], state)
        self._cloud.put(state["id"], state)
        return protocol.ApplyResourceChange.Response(
            new_state=written(state), legacy_type_system=not kind.startswith("azapi")
        )

    def ImportResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        there = self._cloud.read(request.type_name, request.id) or {"id": request.id}
        imported = protocol.ImportResourceState.ImportedResource(
            type_name=request.type_name, state=written(_typed(self._schemas[request.type_name], there))
        )
        return protocol.ImportResourceState.Response(imported_resources=[imported])

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        return protocol.StopProvider.Response()


def _schema(block: dict[str, Any]) -> Any:
    return protocol.Schema(version=0, block=block_schema(block))


def _for_reading(block: dict[str, Any]) -> dict[str, Any]:
    """A data source: named by name and group, all else computed. Blocks are left out."""
    given = ("name", "resource_group_name")
    attributes = {
        name: {**one, "required": name in given, "computed": name not in given, "given": name not in given}
        for name, one in block["attributes"].items()
    }
    return {"attributes": attributes, "blocks": {}}


def _typed(block: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """``state`` with every attribute and block of the schema."""
    found: dict[str, Any] = {
        name: _dynamic(given["type"], state.get(name)) for name, given in block["attributes"].items()
    }
    for name, inner in block["blocks"].items():
        items = state.get(name)
        if inner["nesting"] == "single":
            found[name] = items and _typed(inner["block"], items)
        else:
            found[name] = [_typed(inner["block"], item) for item in items or ()]
    return found


def _dynamic(type_: Any, value: Any) -> Any:
    """A value of any type goes with its type: ``[type, value]`` on the wire, an object in the state."""
    if type_ == "dynamic" and isinstance(value, dict):
        return [json.dumps(value["type"]).encode(), value["value"]]
    if type_ == "dynamic" and isinstance(value, list) and isinstance(value[0], str):
        return [value[0].encode(), value[1]]
    return value


def _path(name: str) -> Any:
    return protocol.AttributePath(steps=[protocol.AttributePath.Step(attribute_name=name)])


# How Terraform starts a provider


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]
    def __init__(self) -> None:
        self.server: Any = None

    def Shutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.server.stop(grace=0)
        return grpc_controller_pb2.Empty()


class _Output(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]
    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        return iter(())


def main(name: str) -> None:
    schemas = AZAPI if name == "azapi" else json.loads(Path(os.environ["TERRAFORM_SCHEMA"]).read_text())
    server, controller = grpc.server(futures.ThreadPoolExecutor(max_workers=4)), _Controller()
    controller.server = server
    cloud = Cloud(Path(os.environ["TERRAFORM_CLOUD"]))
    service.add_ProviderServicer_to_server(Provider(schemas, cloud), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(controller, server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Output(), server)
    with tempfile.TemporaryDirectory() as folder:
        chain, certificate = _self_signed_cert()
        server.add_secure_port(f"unix://{folder}/socket", certificate)
        server.start()
        line = base64.b64encode(chain).decode().rstrip("=")
        print(f"1|6|unix|{folder}/socket|grpc|{line}", flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
