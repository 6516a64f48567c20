"""The plug for a resource provider: a namespace, its resource types, and what they are given to work with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from allowlist.simulator.arm.activity import ActivityLog, Event
from allowlist.simulator.arm.address import Address, scope_path
from allowlist.simulator.arm.caller import Caller
from allowlist.simulator.arm.clock import Timing
from allowlist.simulator.arm.message import JSON_TYPE, Reply, compact
from allowlist.simulator.arm.operations import Error, Operation, Operations
from allowlist.simulator.arm.paging import Pages
from allowlist.simulator.arm.refusals import front_door, not_allowed, not_found
from allowlist.simulator.arm.rights import Denied
from allowlist.simulator.arm.store import TENANT, Body, Resource, Store


@dataclass(slots=True, kw_only=True)
class Arm:
    """What all providers share: state, operations, time and chance."""

    store: Store
    operations: Operations
    pages: Pages
    clock: Callable[[], float]
    timing: Timing
    random: Random
    activity: ActivityLog
    denied: list[Denied]

    def new_guid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def note(
        self,
        address: Address,
        action: str,
        caller: str,
        *,
        method: str = "PUT",
        status: int = 200,
        correlation: str = "",
    ) -> None:
        """Leave a trace of a write in the activity log."""
        subscription = self.store.subscriptions.get(address.subscription.lower(), {})
        event = Event(
            number=self.new_guid(),
            at=self.clock(),
            caller=caller,
            action=action,
            resource=address.path,
            subscription=address.subscription,
            tenant=str(subscription.get("tenantId") or TENANT),
            correlation=correlation or self.new_guid(),
            method=method,
            status=status,
        )
        self.activity.add(event)


@dataclass(slots=True, kw_only=True)
class Bend:
    """How faults bend the operation that a request starts."""

    slower: float = 1.0
    lost: bool = False
    failure: Error | None = None
    half_done: bool = False
    """The operation fails after its work reached some instances only; a repeated write heals it."""
    landed: bool = False
    """The operation is reported as failed although its work is done."""
    unfit: Error | None = None
    """The operation succeeds, but what it wrote ends up failed for this reason."""
    gone: bool = False
    """Once it ended, polls find the operation no more."""
    lag: float = 0.0
    """Seconds of real Azure's time by which a resource's provisioning state trails its operation."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on its way through a provider; ``body`` is parsed JSON, None when there is none."""

    arm: Arm
    method: str
    address: Address
    version: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    base_url: str = ""
    caller: Caller = field(default_factory=Caller)
    bend: Bend = field(default_factory=Bend)

    def document(self) -> Body:
        """The body as an object of its own; anything else is refused."""
        if not isinstance(self.body, dict):
            raise front_door(
                400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
            )
        return copy.deepcopy(self.body)

    def begin(
        self,
        seconds: float,
        *,
        touches: Iterable[str],
        succeed: Callable[[], None],
        fail: Callable[[Error], None],
        failure: Error | None = None,
        **shape: Any,
    ) -> Operation:
        """Start an operation that takes ``seconds`` of real Azure's time, bent by the faults of this request."""
        ends = self.arm.clock() + self.arm.timing.seconds(seconds) * self.bend.slower
        operation = Operation(
            id=self.arm.new_guid(),
            ends=ends,
            touches=frozenset(touches),
            succeed=succeed,
            fail=(lambda error: succeed()) if self.bend.landed else fail,
            failure=failure or self.bend.failure,
            lost=self.bend.lost,
            gone=self.bend.gone,
            **shape,
        )
        return self.arm.operations.start(operation)


class Kind:
    """One resource type. Reading works as it stands; a writable type overrides the verbs it takes."""

    type_name = ""
    """Full type as it stands in ids, such as ``Microsoft.Network/ipGroups``."""

    def home(self, address: Address) -> str:
        """The id under which the resource of an address is kept; differs where two paths show one thing."""
        return address.path

    def handle(self, call: Call) -> Reply:
        verb = {
            "GET": self.get,
            "HEAD": self.get,
            "PUT": self.put,
            "PATCH": self.patch,
            "DELETE": self.delete,
        }
        if call.method == "POST":
            return self.post(call)
        if not call.address.names_a_resource:
            return self.list_all(call)
        return verb[call.method](call) if call.method in verb else self.refuse(call)

    def get(self, call: Call) -> Reply:
        found = self.existing(call)
        shown = self.shown(found, call)
        encoded = found.derived("encoded", self.encode) if shown is found.body else self.encode(shown)
        return Reply(status=200, body=encoded, headers={"content-type": JSON_TYPE, **self.etag_header(found)})

    def list_all(self, call: Call) -> Reply:
        """The collection in the scope of the call: a subscription, a resource group or a parent."""
        if call.method != "GET":
            return self.refuse(call)
        return call.arm.pages.answer(
            call, self.members(call), lambda each: self.shown(each, call), self.encode
        )

    def put(self, call: Call) -> Reply:
        return self.refuse(call)

    def patch(self, call: Call) -> Reply:
        return self.refuse(call)

    def delete(self, call: Call) -> Reply:
        return self.refuse(call)

    def post(self, call: Call) -> Reply:
        return self.refuse(call)

    def refuse(self, call: Call) -> Reply:
        raise not_allowed(call.method)

    def type_in(self, call: Call) -> str:
        """The full type a call is about; a fallback kind reads it from the path."""
        return self.type_name

    def members(self, call: Call) -> list[Resource]:
        address, store = call.address, call.arm.store
        if len(address.segments) > 1:
            if store.find(address.parent().path) is None:
                raise not_found(address.parent())
            return store.children(address.parent().path, self.type_in(call))
        return store.children(scope_path(address.subscription, address.group), self.type_in(call))

    def existing(self, call: Call) -> Resource:
        found = call.arm.store.find(call.address.path)
        if found is None:
            raise not_found(call.address)
        return found

    def shown(self, resource: Resource, call: Call) -> Body:
        """What a read shows of a resource; providers add what they compute."""
        return resource.body

    def encode(self, value: Any) -> bytes:
        return compact(value)

    def reply(self, status: int, value: Any, *, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(
            status=status, body=self.encode(value), headers={"content-type": JSON_TYPE, **(headers or {})}
        )

    def etag_header(self, resource: Resource) -> dict[str, str]:
        etag = str(resource.body.get("etag") or "")
        if not etag:
            return {}
        return {"etag": etag if etag.endswith('"') else f'"{etag}"'}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        """Called once for each resource that came with a seed, before the next one is read."""

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """What a second editor does to a resource behind the client's back."""
        resource.body.setdefault("tags", {})["editedBy"] = f"somebody else {arm.random.randrange(10**6)}"
        self.renew_etag(resource, arm)
        arm.store.touch(resource)

    def renew_etag(self, resource: Resource, arm: Arm) -> None:
        if "etag" in resource.body:
            resource.body["etag"] = arm.new_guid()


class Provider:
    """A resource provider: ``kinds`` by lower-case type path, ``fallback`` for types it does not name.

    A request that belongs to no kind (a location's listing, say) may be answered by :meth:`special`.
    """

    namespace = ""

    def __init__(self, kinds: Mapping[str, Kind], fallback: Kind | None = None) -> None:
        self.kinds = {name.lower(): kind for name, kind in kinds.items()}
        self.fallback = fallback

    def kind(self, type_path: str) -> Kind | None:
        return self.kinds.get(type_path.lower(), self.fallback)

    def meet(self, providers: Mapping[str, Provider]) -> None:
        """Called once with all providers, for one that shows what belongs to others."""

    def special(self, call: Call) -> Reply | None:
        return None

    def type_paths(self) -> list[str]:
        return [kind.type_name.split("/", 1)[1] for kind in self.kinds.values()]
