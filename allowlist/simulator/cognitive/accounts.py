"""Accounts: a provisioning state that refuses writes until it is terminal, and the outbound allow list."""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.message import Reply, json_reply
from allowlist.simulator.arm.operations import Error, Operation
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.refusals import GATEWAY, front_door, not_allowed, not_found
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.cognitive.deleted import put_aside, take_back
from allowlist.simulator.cognitive.settings import CognitiveSettings
from allowlist.simulator.managed.spelling import canonical

ACCOUNT = "Microsoft.CognitiveServices/accounts"
_TERMINAL = ("Succeeded", "Failed", "Canceled", "")
_READ_ONLY = (
    "endpoint",
    "endpoints",
    "provisioningState",
    "internalId",
    "dateCreated",
    "privateEndpointConnections",
    "capabilities",
    "callRateLimit",
)


class Accounts(Kind):
    type_name = ACCOUNT

    def __init__(self, settings: CognitiveSettings) -> None:
        self.settings = settings

    def put(self, call: Call) -> Reply:
        """Create, or replace as a whole: members that are left out are gone (observed)."""
        found = call.arm.store.find(call.address.path)
        if found:
            self.check_terminal(found)
        sent = canonical(call.document())
        self._check(sent)
        if found is None:
            restore = bool((sent.get("properties") or {}).pop("restore", False))
            restored = take_back(call, str(sent.get("location") or ""), restore=restore)
            if restored:
                given = {**restored.properties, **(sent.get("properties") or {})}
                sent = {**restored.body, **sent, "properties": given}
        body = self._created(call, sent, found)
        resource = call.arm.store.put(body["id"], body)
        self._inject_network(resource, call.arm)
        return self._answer(call, resource, 200 if found else 201, "Accepted" if found else "Creating")

    def patch(self, call: Call) -> Reply:
        """Merge property by property; a list or an object that is sent replaces the one that was there."""
        found = self.existing(call)
        self.check_terminal(found)
        sent = canonical(call.document())
        self._check(sent)
        given = {name: value for name, value in (sent.get("properties") or {}).items() if value is not None}
        found.properties.update({name: value for name, value in given.items() if name not in _READ_ONLY})
        found.body.update({name: sent[name] for name in ("sku", "tags", "identity") if sent.get(name)})
        return self._answer(call, found, 202 if self.settings.writes_take_time else 200, "Accepted")

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        self.check_terminal(found)
        put_aside(call, found)
        return Reply(status=200)

    def post(self, call: Call) -> Reply:
        """Keys are all a client asks an account for by POST."""
        account = call.arm.store.find(call.address.parent().path)
        if account is None:
            raise not_found(call.address.parent())
        if call.address.name.lower() != "listkeys":
            raise not_allowed("POST")
        return json_reply(200, {"key1": "0" * 32, "key2": "1" * 32})

    def check_terminal(self, account: Resource) -> None:
        """409 while an earlier write has not settled (observed)."""
        if account.state not in _TERMINAL:
            message = (
                f"Cannot modify resource with id '{account.id}' because the resource entity provisioning state "
                "is not terminal. Please wait for the provisioning state to become terminal and then retry "
                "the request."
            )
            raise front_door(409, "RequestConflict", message)

    def renew_etag(self, resource: Resource, arm: Arm) -> None:
        resource.body["etag"] = _new_etag(arm)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        body = resource.body
        body.setdefault("name", resource.name)
        body.setdefault("type", self.type_name)
        body.setdefault("etag", _new_etag(arm))
        for name, value in _defaults(resource).items():
            resource.properties.setdefault(name, value)
        self._inject_network(resource, arm)

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """Somebody adds a host to the allow list."""
        host = f"foreign-{arm.random.randrange(10**6)}.example.com"
        resource.properties.setdefault("allowedFqdnList", []).append(host)
        self.renew_etag(resource, arm)
        arm.store.touch(resource)

    def _inject_network(self, account: Resource, arm: Arm) -> None:
        """Injection into a network of Microsoft's makes one that lets everything out (a Terraform module's issue)."""
        injected = account.properties.get("networkInjections") or []
        path = f"{account.id}/managedNetworks/default"
        if arm.store.find(path) is None and any(each.get("useMicrosoftManagedNetwork") for each in injected):
            arm.store.put(path, {"properties": {"managedNetwork": new_network(arm, "AllowInternetOutbound")}})

    def _check(self, sent: Body) -> None:
        """The documented cap of the allow list (code invented); its entries are not looked at."""
        listed = (sent.get("properties") or {}).get("allowedFqdnList") or []
        if len(listed) > self.settings.allowed_fqdns:
            message = f"allowedFqdnList may hold {self.settings.allowed_fqdns} entries."
            raise front_door(400, "BadRequest", message)

    def _created(self, call: Call, sent: Body, found: Resource | None) -> Body:
        resource_id = found.id if found else call.address.path
        location = sent.get("location") or (found.location if found else "")
        if not location:
            raise front_door(400, "LocationRequired", "The location property is required.", headers=GATEWAY)
        body: Body = {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1], "type": self.type_name}
        body |= {"etag": _new_etag(call.arm), "location": location}
        body |= {
            name: sent[name] for name in ("sku", "kind", "tags", "identity") if sent.get(name) is not None
        }
        given = {
            name: value for name, value in (sent.get("properties") or {}).items() if name not in _READ_ONLY
        }
        body["properties"] = given
        kept = found.properties if found else {}
        for name, value in _defaults(Resource(id=resource_id, body=body)).items():
            given.setdefault(name, kept.get(name, value))
        return body

    def _answer(self, call: Call, account: Resource, status: int, state: str) -> Reply:
        self.renew_etag(account, call.arm)
        if not self.settings.writes_take_time:
            self._settle(call.arm, account, "Succeeded")
            return self._reply(status, account, {})
        account.properties["provisioningState"] = state
        call.arm.store.touch(account)
        operation = self._begin(call, account)
        url = operation_url(call, operation, account.location)
        headers = {"azure-asyncoperation": url, **({"location": url} if status == 202 else {})}
        return self._reply(status, account, {**headers, **call.arm.operations.retry_after(operation)})

    def _reply(self, status: int, account: Resource, headers: dict[str, str]) -> Reply:
        return self.reply(status, account.body, headers={**self.etag_header(account), **headers})

    def _begin(self, call: Call, account: Resource) -> Operation:
        def succeed() -> None:
            if call.bend.lag:
                self._settle_later(call, account)
            else:
                self._settle(call.arm, account, "Succeeded")

        def fail(error: Error) -> None:
            self._settle(call.arm, account, "Failed")

        operation = call.begin(self.settings.write_seconds, touches=[account.key], succeed=succeed, fail=fail)
        operation.hint = call.arm.timing.seconds(self.settings.network.durations.retry_after)
        return operation

    def _settle_later(self, call: Call, account: Resource) -> None:
        """The operation is over while the account still reads Accepted (observed by users)."""
        arm = call.arm
        ends = arm.clock() + arm.timing.seconds(call.bend.lag)
        trail = Operation(
            id=arm.new_guid(),
            ends=ends,
            touches=frozenset(),
            succeed=lambda: self._settle(arm, account, "Succeeded"),
        )
        arm.operations.start(trail)

    def _settle(self, arm: Arm, account: Resource, state: str) -> None:
        account.properties["provisioningState"] = state
        self.renew_etag(account, arm)
        arm.store.touch(account)


def new_network(arm: Arm, mode: str = "") -> Body:
    """The settings of a network that nobody has built yet."""
    head: Body = {"isolationMode": mode} if mode else {}
    return {
        **head,
        "networkId": arm.new_guid(),
        "status": {"status": "Inactive"},
        "firewallSku": "Standard",
        "enableNetworkMonitor": False,
        "enableFirewallLog": False,
        "provisionNetworkNow": True,
        "managedNetworkKind": "V2",
    }


def account_of(call: Call) -> Resource:
    """The account above a child resource; one that is not ready yet refuses its dependants (observed)."""
    path = "/".join(call.address.path.split("/")[: _ACCOUNT_SEGMENTS[bool(call.address.group)]])
    account = call.arm.store.find(path)
    if account is None:
        raise front_door(
            404, "ParentResourceNotFound", f"Parent resource '{path}' not found.", headers=GATEWAY
        )
    if call.method != "GET" and account.state not in _TERMINAL:
        message = f"Account {account.id} is in state {account.state}."
        raise front_door(400, "AccountProvisioningStateInvalid", message)
    return account


_ACCOUNT_SEGMENTS = {True: 9, False: 7}


def operation_url(call: Call, operation: Operation, location: str, *, result: bool = False) -> str:
    """One URL for both headers, as recorded; it tells id, name and status, or with ``result`` the outcome."""
    where = location.replace(" ", "").lower() or "global"
    path = (
        f"/subscriptions/{call.address.subscription}/providers/Microsoft.CognitiveServices/locations/{where}"
        f"/operationResults/{operation.id}"
    )
    operation.describe = lambda running: {"id": path, "name": running.id, **running.body()}
    return call.arm.operations.link(operation, call.base_url, path, call.version, result=result, signed=False)


def _new_etag(arm: Arm) -> str:
    parts = (8, 4, 4, 4, 12)
    return '"' + "-".join(f"{arm.random.getrandbits(4 * part):0{part}x}" for part in parts) + '"'


def _defaults(account: Resource) -> dict[str, Any]:
    domain = account.properties.get("customSubDomainName")
    host = (
        f"{domain}.cognitiveservices.azure.com"
        if domain
        else f"{account.location}.api.cognitive.microsoft.com"
    )
    return {
        "endpoint": f"https://{host}/",
        "privateEndpointConnections": [],
        "publicNetworkAccess": "Enabled",
        "provisioningState": "Succeeded",
    }
