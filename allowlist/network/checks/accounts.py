"""AI accounts, hubs and the services around them: an allow list on an open account is theatre."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.documents.words import counted
from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.network.observation import Observation, evidence, fault, met, note, unknown
from allowlist.network.read import member, objects, properties, texts
from allowlist.network.scene import Scene
from allowlist.rules.addresses import AddressSet

Observations = Iterator[Observation]

ACCOUNT = "Microsoft.CognitiveServices/accounts"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
SUPPORTING = {
    "Microsoft.Storage/storageAccounts": "storage account",
    "Microsoft.KeyVault/vaults": "key vault",
    "Microsoft.ContainerRegistry/registries": "registry",
    "Microsoft.Search/searchServices": "search service",
    "Microsoft.DocumentDB/databaseAccounts": "Cosmos DB account",
}
_WIDE = 2**24  # addresses: more than a /8 is the Internet by another name


def accounts(scene: Scene) -> Observations:
    for body in scene.estate.of_type(ACCOUNT):
        yield _public_access("account-public-access", body, "account")
        yield _endpoint("account-endpoint", scene, body, "account")
        yield _data_loss(body)
        yield from _injections(scene, body)
    for body in scene.estate.of_type(WORKSPACE):
        if str(body.get("kind", "")).lower() != "project":
            yield _public_access("account-public-access", body, "workspace")
            yield _endpoint("account-endpoint", scene, body, "workspace")
            yield _isolation(body, member(properties(body), "managedNetwork"), "properties.managedNetwork")
            yield from _computes(scene, body)
    for body in scene.estate.of_type(f"{ACCOUNT}/managedNetworks"):
        inner = member(properties(body), "managedNetwork") or properties(body)
        path = "properties.managedNetwork" if "managedNetwork" in properties(body) else "properties"
        yield _isolation(body, inner, path)


def supporting(scene: Scene) -> Observations:
    for kind, words in SUPPORTING.items():
        for body in scene.estate.of_type(kind):
            yield _public_access("support-public-access", body, words)
            yield _endpoint("support-endpoint", scene, body, words)


def _name(body: Body) -> str:
    return str(body.get("name") or ResourceId(str(body["id"])).name)


def _public_access(code: str, body: Body, what: str) -> Observation:
    """Disabled is closed; enabled is open unless its network rules deny by default."""
    inner, name = properties(body), _name(body)
    place = evidence(body, "properties.publicNetworkAccess")
    stated = inner.get("publicNetworkAccess")
    access = str(stated or "Enabled").lower()
    rules_key, rules = _network_rules(inner)
    rules_place = evidence(body, f"properties.{rules_key}")
    remedy = f"set publicNetworkAccess of {name} to Disabled"
    if inner.get("allowPublicAccessWhenBehindVnet") is True and what == "workspace":
        opened = evidence(body, "properties.allowPublicAccessWhenBehindVnet")
        says = f"{what} {name} asks to stay open to public networks: allowPublicAccessWhenBehindVnet is true"
        says += ", whatever publicNetworkAccess says" if stated else ""
        remedy = (
            f"set allowPublicAccessWhenBehindVnet of {name} to false, and publicNetworkAccess to Disabled"
        )
        return fault(code, str(body["id"]), says, remedy, opened, place)
    if access in ("disabled", "securedbyperimeter"):
        return met(code, str(body["id"]), f"{what} {name} is closed to public networks", place)
    if str(rules.get("defaultAction", "")).lower() != "deny" and not _counts_as_deny(body, rules):
        says = f"{what} {name} is open to every network" + (
            "" if stated else " (publicNetworkAccess is not set, which means enabled)"
        )
        return fault(code, str(body["id"]), says, remedy, place, rules_place)
    wide = _wide_rules(rules)
    if wide:
        says = f"{what} {name} denies by default but lets {', '.join(wide)} in"
        return fault(code, str(body["id"]), says, remedy, rules_place)
    says = f"{what} {name} is open to selected networks only"
    return note(code, str(body["id"]), says, remedy, place, rules_place)


def _network_rules(inner: Body) -> tuple[str, Body]:
    """The types call them differently; Cosmos DB and search keep plain lists of addresses."""
    for key in ("networkAcls", "networkRuleSet"):
        if isinstance(inner.get(key), dict):
            return key, inner[key]
    if inner.get("ipRules") or inner.get("isVirtualNetworkFilterEnabled"):
        return "ipRules", {"defaultAction": "Deny", "ipRules": inner.get("ipRules") or []}
    return "networkAcls", {}


def _counts_as_deny(body: Body, rules: Body) -> bool:
    """Search has no default action: any address rule closes it to the others (search, "configure IP firewall")."""
    is_search = ResourceId(str(body["id"])).type == "microsoft.search/searchservices"
    return is_search and bool(rules.get("ipRules"))


def _wide_rules(rules: Body) -> list[str]:
    found: list[str] = []
    for item in objects(rules, "ipRules"):
        text = str(item.get("value") or item.get("ipAddressOrRange") or "")
        try:
            addresses = AddressSet.parse([text])
        except ValueError:
            continue
        if sum(high - low + 1 for low, high in addresses.intervals) > _WIDE:
            found.append(text)
    return found


def _endpoint(code: str, scene: Scene, body: Body, what: str) -> Observation:
    """A private endpoint the workload can reach; whether it is approved is told with the connection."""
    resource, name = str(body["id"]), _name(body)
    all_of_it = [item for item in scene.endpoints if item.target == normal_id(resource)]
    near = [item for item in all_of_it if item.network in scene.reachable]
    if near:
        names = ", ".join(dict.fromkeys(item.name for item in near))
        shown = tuple(evidence(item.body, "properties.subnet.id") for item in near)
        return met(code, resource, f"{what} {name} has {names}", *shown)
    place = evidence(body, "properties.privateEndpointConnections")
    remedy = f"create a private endpoint for {name} in the workload's network or a peered one"
    if all_of_it:
        where = ", ".join(sorted({ResourceId(item.network).name for item in all_of_it}))
        says = f"{what} {name} has a private endpoint in {where}, which the workload's network is not connected to"
        return note(code, resource, says, remedy, place)
    if properties(body).get("privateEndpointConnections"):
        says = f"{what} {name} has private endpoints, but none of them was read"
        return note(code, resource, says, remedy, place)
    unread = scene.unread("Microsoft.Network/privateEndpoints", "Microsoft.Network/virtualNetworks")
    if not scene.networks:
        unread = unread or "the workload's network was not read"
    if unread:
        says = f"whether {what} {name} has a private endpoint is not known: {unread}"
        return unknown(code, resource, says, "grant the right and read again", place)
    says = f"{what} {name} has no private endpoint in the workload's network"
    return fault(code, resource, says, remedy, place, severity="warning")


def _data_loss(body: Body) -> Observation:
    inner, name = properties(body), _name(body)
    place = evidence(body, "properties.restrictOutboundNetworkAccess")
    code, resource = "account-data-loss", str(body["id"])
    remedy = f"set restrictOutboundNetworkAccess of {name} to true and list the hosts it may call"
    if inner.get("restrictOutboundNetworkAccess"):
        count = len(texts(inner, "allowedFqdnList"))
        says = f"{name} calls only the {counted(count, 'host')} on its list"
        return met(code, resource, says, place, evidence(body, "properties.allowedFqdnList"))
    if inner.get("restrictOutboundNetworkAccess") is False:
        return fault(code, resource, f"{name} may call any host", remedy, place, severity="warning")
    return note(code, resource, f"{name} does not restrict the hosts it calls", remedy, place)


def _injections(scene: Scene, body: Body) -> Observations:
    """Agents in a subnet of the customer leave through that subnet, so it must be among the sources."""
    sources = {subnet.id for subnet in scene.sources}
    for index, item in enumerate(objects(properties(body), "networkInjections")):
        subnet = normal_id(str(item.get("subnetArmId") or ""))
        if not subnet or item.get("useMicrosoftManagedNetwork"):
            continue
        place = evidence(body, f"properties.networkInjections[{index}].subnetArmId")
        if subnet in sources:
            yield met(
                "source-known", str(body["id"]), f"agents of {_name(body)} start in a source subnet", place
            )
        else:
            says = f"agents of {_name(body)} start in {ResourceId(subnet).name}, which is no source here"
            remedy = f"add the subnet {ResourceId(subnet).name} under 'sources:'"
            yield note("source-known", str(body["id"]), says, remedy, place)


def _isolation(body: Body, network: Body, path: str) -> Observation:
    code, resource, name = "isolation-mode", str(body["id"]), _name(body)
    place = evidence(body, f"{path}.isolationMode")
    mode = str(network.get("isolationMode") or "")
    remedy = "set the isolation mode to AllowOnlyApprovedOutbound; see what it costs: allowlist plan"
    if mode.lower() == "allowonlyapprovedoutbound":
        return met(
            code, resource, f"the managed network of {name} lets only approved destinations through", place
        )
    if mode:
        says = f"the managed network of {name} is in mode {mode}: nothing is held back"
        return fault(
            code, resource, says, remedy, place, severity="error" if mode.lower() != "disabled" else "warning"
        )
    return note(code, resource, f"{name} has no managed network", remedy, place)


_WITHIN = ("amlcompute", "computeinstance")
"""Types that the workspace makes itself; all others are attached and stand in a network of their own."""


def _computes(scene: Scene, workspace: Body) -> Observations:
    """A managed network holds what the workspace makes in it; nothing of it reaches what is attached, and without one
    compute that has no subnet leaves by an address of its own ("Workspace managed virtual network isolation")."""
    mode = str(member(properties(workspace), "managedNetwork").get("isolationMode") or "Disabled").lower()
    for body in scene.estate.children(str(workspace["id"]), "computes"):
        inner, name = properties(body), _name(body)
        kind = str(inner.get("computeType") or "")
        place = evidence(body, "properties.computeType")
        own = member(inner, "properties")
        if kind.lower() not in _WITHIN and mode != "disabled":
            says = f"compute {name} ({kind or 'of a type not told'}) stands outside the managed network of {_name(workspace)}"
            remedy = "name its network among the sources of a workload behind a firewall: the managed rules do not hold it"
            yield note("compute-outside", str(body["id"]), says, remedy, place)
        elif kind.lower() in _WITHIN and mode == "disabled" and not member(own, "subnet").get("id"):
            says = f"compute {name} stands in no network of yours, and {_name(workspace)} has no managed one: no list holds it"
            remedy = (
                "give the workspace a managed network, or create the compute in a subnet behind the firewall"
            )
            yield fault("compute-outside", str(body["id"]), says, remedy, place, severity="warning")
