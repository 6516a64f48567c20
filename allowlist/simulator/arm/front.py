"""ARM's front door: sign-in, throttling, api-version, routing, faults, and the headers on every answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import msgspec

from allowlist.simulator.arm.activity import SOMEBODY_ELSE
from allowlist.simulator.arm.address import Address, parse_address
from allowlist.simulator.arm.caller import Caller, caller_of
from allowlist.simulator.arm.lenient import decode
from allowlist.simulator.arm.log import LoggedRequest, RequestLog, action_of
from allowlist.simulator.arm.message import Reply, Request
from allowlist.simulator.arm.operations import Error
from allowlist.simulator.arm.provider import Arm, Bend, Call, Kind, Provider
from allowlist.simulator.arm.refusals import (
    GATEWAY,
    Refusal,
    failed_operation,
    front_door,
    not_allowed,
    resource_group_not_found,
)
from allowlist.simulator.arm.rights import forbidden
from allowlist.simulator.arm.scopes import Scopes
from allowlist.simulator.arm.store import TENANT
from allowlist.simulator.arm.throttle import Throttle
from allowlist.simulator.arm.versions import (
    not_registered,
    refuse_unknown,
    required_version,
    sent_with,
    shown_with,
    versions_of,
)
from allowlist.simulator.faults import Effect, FaultPlan
from allowlist.simulator.faults.effects import BENT, BODIES, bent

_POLL = re.compile(r"/locations/[^/]+/[^/]*operation[^/]*/[^/]+/?$", re.IGNORECASE)
_VERSION_PARAMETER = re.compile(r"\?api-version=[^&]*$|(?<=\?)api-version=[^&]*&")
_OPERATION_HEADERS = {"location", "azure-asyncoperation"}
_PROVIDER_ITSELF = ((), ("register",))
_HEADERS = {
    "cache-control": "no-cache",
    "pragma": "no-cache",
    "expires": "-1",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-cache": "CONFIG_NOCACHE",
}


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One request with what is known about it before it is answered."""

    request: Request
    address: Address
    parameters: Mapping[str, str]
    effects: list[tuple[str, Effect]]
    caller: Caller

    @property
    def polls(self) -> bool:
        return bool(_POLL.search(self.request.path))

    @property
    def action(self) -> str:
        """The right the request needs; a poll needs none."""
        if self.polls:
            return ""
        verb = self.address.name if self.posted else ""
        return action_of(self.request.method, self.owner.namespace, self.owner.type_path, verb)

    @property
    def posted(self) -> bool:
        """Whether this is an action on a resource."""
        return self.request.method == "POST" and len(self.address.segments) % 2 == 1

    @property
    def owner(self) -> Address:
        """What the request is about: the resource, for an action the one it is done to."""
        return self.address.parent() if self.posted else self.address

    @property
    def operation(self) -> str:
        """The request in words for counting."""
        if self.polls:
            return f"{self.request.method} operations"
        name = "/".join(part for part in (self.address.namespace, self.address.type_path) if part)
        return f"{self.request.method} {name or '/'.join(self.address.rest) or 'scope'}"


class FrontDoor:
    """Takes every request to management.azure.com's stand-in."""

    def __init__(
        self,
        arm: Arm,
        providers: Mapping[str, Provider],
        *,
        throttle: Throttle | None,
        faults: FaultPlan,
        log: RequestLog,
        require_token: bool,
        delay: float = 0.0,
    ) -> None:
        self._arm = arm
        self._providers = providers
        self._scopes = Scopes(providers)
        self._throttle = throttle
        self._faults = faults
        self._log = log
        self._require_token = require_token
        self._delay = delay

    def handle(self, request: Request) -> Reply:
        self._arm.operations.settle()
        visit = self._visit(request)
        reply = self._bent(visit)
        self._finish(visit, reply)
        self._record(visit, reply)
        self._note_write(visit, reply)
        return reply

    def _visit(self, request: Request) -> _Visit:
        address = parse_address(request.path)
        kind = "operations" if _POLL.search(request.path) else address.type_path
        return _Visit(
            request=request,
            address=address,
            parameters=request.parameters(),
            effects=self._faults.draw(request.method, kind, request.path),
            caller=caller_of(request.headers),
        )

    def _bent(self, visit: _Visit) -> Reply:
        """The answer as the faults let it through."""
        effects = [effect for _, effect in visit.effects]
        if any(effect.reset == "before" for effect in effects):
            return Reply(status=0, drop=True)
        refusing = next((effect for effect in effects if effect.status), None)
        if refused := _not_here(visit, effects):
            return refused
        refusal = refusing and refusing.refusal(visit.address.type_path, visit.action, visit.address.path)
        if refusing and refusal and not refusing.landed:
            return refusal
        self._edit(visit, "before")
        reply = self._answered(visit)
        self._edit(visit, "after")
        for effect in effects:
            _bend_reply(effect, reply, visit.request, self._arm.new_guid)
        return refusal or reply

    def _answered(self, visit: _Visit) -> Reply:
        headers: dict[str, str] = {}
        try:
            self._check_token(visit.request)
            self._check_tenant(visit)
            headers = self._take_token(visit)
            self._check_rights(visit)
            reply = self._arm.operations.answer(visit.request) or self._routed(visit)
        except Refusal as refusal:
            reply = refusal.reply
        reply.headers = {**headers, **reply.headers}
        return reply

    def _check_token(self, request: Request) -> None:
        if not self._require_token or request.headers.get("authorization", "").lower().startswith("bearer "):
            return
        challenge = (
            f'Bearer authorization_uri="{request.base_url}/{TENANT}", error="invalid_token", '
            "error_description=\"The authentication failed because of missing 'Authorization' header.\""
        )
        message = "Authentication failed. The 'Authorization' header is missing."
        raise front_door(
            401, "AuthenticationFailed", message, headers={**GATEWAY, "www-authenticate": challenge}
        )

    def _check_tenant(self, visit: _Visit) -> None:
        """A token of one tenant opens no subscription of another; a token nobody knows opens all."""
        found = self._arm.store.subscriptions.get(visit.address.subscription.lower())
        if found is None or self._arm.store.opens(visit.caller.tenant, found):
            return
        message = (
            f"The access token is from the wrong issuer 'https://sts.windows.net/{visit.caller.tenant}/'. It must "
            f"match the tenant 'https://sts.windows.net/{found['tenantId']}/' associated with this subscription. "
            "Please use the authority (URL) of that tenant to get the token."
        )
        challenge = (
            f'Bearer authorization_uri="{visit.request.base_url}/{found["tenantId"]}", error="invalid_token"'
        )
        headers = {**GATEWAY, "www-authenticate": challenge}
        raise front_door(401, "InvalidAuthenticationTokenTenant", message, headers=headers)

    def _check_rights(self, visit: _Visit) -> None:
        action, scope = visit.action, visit.owner.path
        if action and any(each.covers(action, scope) for each in self._arm.denied):
            raise forbidden(visit.caller, action, scope)

    def _take_token(self, visit: _Visit) -> dict[str, str]:
        if self._throttle is None:
            return {}
        principal = visit.caller.object_id
        if visit.address.namespace.lower() == "microsoft.resourcegraph":
            return self._throttle.take_query(principal)
        return self._throttle.take(visit.request.method, visit.address.subscription, principal)

    def _routed(self, visit: _Visit) -> Reply:
        version = required_version(dict(visit.parameters))
        call = self._call(visit, version)
        self._check_scope(call)
        if not call.address.namespace:
            return self._scopes.answer(call)
        if call.address.segments in _PROVIDER_ITSELF:
            return self._scopes.provider(call)
        refuse_unknown(visit.owner, version)
        call.body = sent_with(call.body, visit.owner, version)
        reply = self._provided(call)
        shown_with(reply, visit.owner, version)
        return reply

    def _call(self, visit: _Visit, version: str) -> Call:
        return Call(
            arm=self._arm,
            method=visit.request.method,
            address=visit.address,
            version=version,
            headers=visit.request.headers,
            parameters=visit.parameters,
            body=_parsed(visit.request.body),
            base_url=visit.request.base_url,
            caller=visit.caller,
            bend=_bend_of(visit),
        )

    def _check_scope(self, call: Call) -> None:
        address, store = call.address, self._arm.store
        if address.subscription and address.subscription.lower() not in store.subscriptions:
            message = f"The subscription '{address.subscription}' could not be found."
            raise front_door(404, "SubscriptionNotFound", message, headers=GATEWAY)
        if address.group and address.namespace and store.find_group(address) is None:
            raise resource_group_not_found(address.group)

    def _provided(self, call: Call) -> Reply:
        provider = self._providers.get(call.address.namespace.lower())
        if provider is None:
            message = f"The resource namespace '{call.address.namespace}' is invalid."
            raise front_door(404, "InvalidResourceNamespace", message, headers=GATEWAY)
        special = provider.special(call)
        if special is not None:
            return special
        return self._kind(provider, call).handle(call)

    def _kind(self, provider: Provider, call: Call) -> Kind:
        address = call.address.parent() if call.method == "POST" else call.address
        if call.method == "POST" and call.address.names_a_resource:
            raise not_allowed("POST")
        kind = provider.kind(address.type_path)
        if kind is None:
            message = (
                f"The resource type '{address.type_path}' could not be found in the namespace "
                f"'{provider.namespace}' for api version '{call.version}'."
            )
            raise front_door(404, "InvalidResourceType", message, headers=GATEWAY)
        return kind

    def _edit(self, visit: _Visit, when: str) -> None:
        if not any(effect.edit == when for _, effect in visit.effects):
            return
        provider = self._providers.get(visit.address.namespace.lower())
        kind = provider.kind(visit.address.type_path) if provider else None
        found = self._arm.store.find(kind.home(visit.address)) if kind else None
        if found and kind:
            kind.foreign_edit(found, self._arm)
            action = action_of("PUT", visit.address.namespace, visit.address.type_path)
            self._arm.note(visit.address, action, SOMEBODY_ELSE)

    def _finish(self, visit: _Visit, reply: Reply) -> None:
        """Add what ARM puts on every answer."""
        request_id = self._arm.new_guid()
        skew = sum(effect.skew for _, effect in visit.effects)
        common = {
            **_HEADERS,
            "date": formatdate(self._arm.clock() + skew, usegmt=True),
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": visit.request.headers.get(
                "x-ms-correlation-request-id", request_id
            ),
            "x-ms-routing-request-id": f"SIMULATOR:{request_id}",
            "x-ms-operation-identifier": f"tenantId={TENANT},objectId=/simulator/{request_id}",
            "x-msedge-ref": f"Ref A: {request_id} Ref B: SIMULATOR",
        }
        reply.headers = {**common, **reply.headers}
        reply.delay += self._delay + sum(effect.delay for _, effect in visit.effects)
        if visit.request.method == "HEAD":
            reply.body = b""

    def _note_write(self, visit: _Visit, reply: Reply) -> None:
        """Leave a trace in the activity log, refused writes included; reads leave none."""
        action = visit.action
        if not action or action.endswith("/read") or not visit.address.subscription or not reply.status:
            return
        correlation = reply.headers["x-ms-correlation-request-id"]
        self._arm.note(
            visit.owner,
            action,
            visit.caller.name,
            method=visit.request.method,
            status=reply.status,
            correlation=correlation,
        )

    def _record(self, visit: _Visit, reply: Reply) -> None:
        self._log.entries.append(
            LoggedRequest(
                number=len(self._log.entries) + 1,
                at=self._arm.clock(),
                method=visit.request.method,
                path=visit.request.path,
                action=visit.action,
                subscription=visit.address.subscription,
                api_version=visit.parameters.get("api-version", ""),
                status=0 if reply.drop else reply.status,
                agent=visit.request.headers.get("user-agent", ""),
                caller=visit.caller.name,
                operation=visit.operation,
                fault=" ".join(label for label, _ in visit.effects),
                query="" if visit.polls else visit.request.query,
            )
        )


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return decode(body)
    except msgspec.DecodeError as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise front_door(400, "InvalidRequestContent", message) from None


def _bend_of(visit: _Visit) -> Bend:
    bend = Bend()
    for _, effect in visit.effects:
        if effect.operation == "slow":
            bend.slower = effect.factor
        bend.lost = bend.lost or effect.operation == "lost"
        bend.half_done = bend.half_done or effect.operation == "half"
        bend.gone = bend.gone or effect.operation == "gone"
        bend.landed = bend.landed or effect.landed
        bend.lag = max(bend.lag, effect.lag)
        if effect.operation == "fail":
            bend.failure = _failure(effect)
        if effect.operation == "unfit":
            bend.unfit = _failure(effect)
    return bend


def _failure(effect: Effect) -> Error:
    code = effect.code or "InternalServerError"
    return failed_operation(code, effect.message or "An error occurred while processing the operation.")


def _replace_body(form: str, reply: Reply, request: Request) -> None:
    """The request was carried out, but this is what comes back."""
    if form in BENT:
        reply.body = bent(form, reply.body, f"{request.base_url}{request.path}?{request.query}")
        return
    reply.status = 204 if form == "no-content" else 200
    if form == "html":
        reply.headers["content-type"] = "text/html; charset=utf-8"
    whole = reply.body
    reply.body = whole[: len(whole) // 2] if form == "cut" else BODIES[form]


def _not_here(visit: _Visit, effects: list[Effect]) -> Reply | None:
    """The refusal of a cloud that does not have the version yet."""
    version, owner = visit.parameters.get("api-version", ""), visit.owner
    newest = next((effect.newest for effect in effects if effect.newest and version > effect.newest), "")
    if not newest or not owner.segments:
        return None
    known = tuple(each for each in versions_of(owner) if each <= newest)
    return not_registered(owner, version, known).reply


def _bend_reply(effect: Effect, reply: Reply, request: Request, new_guid: Callable[[], str]) -> None:
    if effect.bare_location:
        for name in _OPERATION_HEADERS & reply.headers.keys():
            reply.headers[name] = _VERSION_PARAMETER.sub("", reply.headers[name])
    if effect.body and reply.status in (200, 201):
        _replace_body(effect.body, reply, request)
    if effect.stale_etag and "etag" in reply.headers:
        current = reply.headers["etag"].removeprefix("W/").strip('"')
        stale = new_guid()
        reply.headers["etag"] = reply.headers["etag"].replace(current, stale)
        reply.body = reply.body.replace(current.encode(), stale.encode())
    if effect.reset == "after":
        reply.drop = True
