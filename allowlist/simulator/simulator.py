"""One simulated Azure: its state, its time, its faults, and the way in for requests."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import RLock
from typing import Any

from allowlist.simulator.arm.activity import SOMEBODY_ELSE, ActivityLog
from allowlist.simulator.arm.address import parse_address
from allowlist.simulator.arm.clock import FAST, Timing
from allowlist.simulator.arm.front import FrontDoor
from allowlist.simulator.arm.log import RequestLog
from allowlist.simulator.arm.message import Reply, Request
from allowlist.simulator.arm.operations import Operations
from allowlist.simulator.arm.paging import Pages
from allowlist.simulator.arm.provider import Arm, Kind, Provider
from allowlist.simulator.arm.rights import parse_denied
from allowlist.simulator.arm.store import Resource, Store
from allowlist.simulator.arm.throttle import Bucket, Throttle
from allowlist.simulator.authorization import MicrosoftAuthorization
from allowlist.simulator.cognitive import MicrosoftCognitiveServices
from allowlist.simulator.faults import Chance, Fault, FaultPlan, parse_fault
from allowlist.simulator.insights import MicrosoftInsights
from allowlist.simulator.machinelearning import MicrosoftMachineLearningServices
from allowlist.simulator.neighbours import neighbour_providers
from allowlist.simulator.network import MicrosoftNetwork, NetworkSettings
from allowlist.simulator.resourcegraph import MicrosoftResourceGraph
from allowlist.simulator.resources import MicrosoftResources
from allowlist.simulator.seed import Seed, read_seed

_ACTIVITY_SECONDS = 300.0
"""How long real Azure takes to show an event (documented: 3 to 20 minutes)."""
DEFAULT_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


def default_providers(network: NetworkSettings | None = None) -> list[Provider]:
    """Every resource provider the simulator knows; a new one is added here."""
    return [
        MicrosoftNetwork(network),
        MicrosoftCognitiveServices(),
        MicrosoftMachineLearningServices(),
        MicrosoftResourceGraph(),
        MicrosoftResources(),
        MicrosoftInsights(),
        MicrosoftAuthorization(),
        *neighbour_providers(),
    ]


class Simulator:
    """A local Azure Resource Manager. All methods may be called from any thread.

    ``timing`` and ``clock`` decide how long operations take, ``chance`` which identifiers come out, ``polls``
    what poll answers ask to wait (seconds), ``throttle`` and ``throttled`` how many requests are let through,
    ``network`` how Microsoft.Network behaves where that is a choice. ``denied`` takes rights away, each
    ``ACTION`` or ``ACTION@SCOPE``; ``delay`` (seconds) comes before every answer.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        timing: Timing = FAST,
        chance: int = 0,
        network: NetworkSettings | None = None,
        providers: Iterable[Provider] | None = None,
        faults: Iterable[Fault | Chance | str] = (),
        throttle: dict[str, Bucket] | None = None,
        throttled: bool = True,
        polls: tuple[float, ...] = (),
        page_size: int = 100,
        require_token: bool = True,
        subscriptions: Iterable[str] = (DEFAULT_SUBSCRIPTION,),
        denied: Iterable[str] = (),
        delay: float = 0.0,
    ) -> None:
        random, store = Random(chance), Store()
        self.requests = RequestLog()
        self.faults = FaultPlan(parse_fault(each) if isinstance(each, str) else each for each in faults)
        self._lock = RLock()
        self._late: set[Callable[[], object]] = set()
        self._hurries = False
        self._arm = Arm(
            store=store,
            operations=Operations(clock, random, polls),
            pages=Pages(store, page_size),
            clock=clock,
            timing=timing,
            random=random,
            activity=ActivityLog(clock, timing.seconds(_ACTIVITY_SECONDS)),
            denied=[parse_denied(each) for each in denied],
        )
        chosen = default_providers(network) if providers is None else list(providers)
        self._providers = {provider.namespace.lower(): provider for provider in chosen}
        for provider in chosen:
            provider.meet(self._providers)
        self._front = FrontDoor(
            self._arm,
            self._providers,
            throttle=Throttle(clock, throttle) if throttled else None,
            faults=self.faults,
            log=self.requests,
            require_token=require_token,
            delay=delay,
        )
        for subscription in subscriptions:
            store.add_subscription(subscription)

    @property
    def clock(self) -> Callable[[], float]:
        return self._arm.clock

    def handle(self, request: Request) -> Reply:
        """Answer one request; what the web server calls."""
        with self._lock:
            return self._front.handle(request)

    def seed(self, source: Path | str | dict[str, Any] | list[Any]) -> int:
        """Load a folder, a file or plain data of raw ARM JSON; returns how many resources came.

        Raises InvalidInput that names every file that cannot be read as ARM JSON.
        """
        with self._lock:
            return self._plant(read_seed(source))

    def resource(self, resource_id: str) -> dict[str, Any]:
        """A copy of a stored body, as a GET of its type would base its answer on. Raises KeyError."""
        with self._settled():
            return copy.deepcopy(self._existing(resource_id).body)

    def exists(self, resource_id: str) -> bool:
        with self._settled():
            return self._arm.store.find(resource_id) is not None

    def resources(self, type_name: str = "") -> list[dict[str, Any]]:
        """Copies of all bodies, or of those of one full type."""
        with self._settled():
            store = self._arm.store
            found = store.of_type(type_name) if type_name else list(store)
            return [copy.deepcopy(each.body) for each in found]

    def edit(
        self, resource_id: str, change: Callable[[dict[str, Any]], None], *, by: str = SOMEBODY_ELSE
    ) -> None:
        """Change a stored body as a foreign editor would: at once, with a new etag. Raises KeyError."""
        with self._settled():
            found = self._existing(resource_id)
            change(found.body)
            self._kind_of(found).renew_etag(found, self._arm)
            self._arm.store.touch(found)
            self._note(found.id, "write", by)

    def remove(self, resource_id: str, *, by: str = SOMEBODY_ELSE) -> None:
        """Delete a resource and what is below it, as somebody else would."""
        with self._settled():
            self._arm.store.remove(resource_id)
            self._note(resource_id, "delete", by)

    def deny(self, *actions: str) -> None:
        """Take rights away, each ``ACTION`` or ``ACTION@SCOPE``."""
        with self._lock:
            self._arm.denied.extend(parse_denied(each) for each in actions)

    def allow_all(self) -> None:
        """Give every right back."""
        with self._lock:
            self._arm.denied.clear()

    @property
    def denied(self) -> list[str]:
        return [str(each) for each in self._arm.denied]

    def inject(self, fault: str | Fault | Chance) -> None:
        """Add a fault; text is read by the grammar of ``--fault``."""
        with self._lock:
            self.faults.add(parse_fault(fault) if isinstance(fault, str) else fault)

    def hurry(self) -> None:
        """Answer at once whatever is to be answered late, now and from now on."""
        with self._lock:
            self._hurries = True
            for wake in self._late:
                wake()

    @contextmanager
    def late(self, wake: Callable[[], object]) -> Iterator[None]:
        """While an answer waits; ``wake`` is called when it shall wait no longer."""
        with self._lock:
            self._late.add(wake)
            if self._hurries:
                wake()
        try:
            yield
        finally:
            with self._lock:
                self._late.discard(wake)

    @property
    def idle(self) -> bool:
        """Whether no operation is running."""
        with self._settled():
            return not self._arm.operations.running

    @contextmanager
    def _settled(self) -> Iterator[None]:
        with self._lock:
            self._arm.operations.settle()
            yield

    def _note(self, resource_id: str, verb: str, caller: str) -> None:
        """Leave the trace in the activity log that a real editor would have left."""
        address = parse_address(resource_id)
        self._arm.note(address, f"{address.namespace}/{address.type_path}/{verb}", caller)

    def _existing(self, resource_id: str) -> Resource:
        found = self._arm.store.find(resource_id)
        if found is None:
            raise KeyError(resource_id)
        return found

    def _kind_of(self, resource: Resource) -> Kind:
        address = parse_address(resource.id)
        provider = self._providers.get(address.namespace.lower())
        return (provider.kind(address.type_path) if provider else None) or Kind()

    def _plant(self, seed: Seed) -> int:
        store = self._arm.store
        for subscription, described in seed.subscriptions.items():
            if described:
                store.describe_subscription(subscription, described)
            store.add_subscription(subscription)
        for body in seed.groups.values():
            address = parse_address(body["id"])
            store.add_group(address.subscription, address.group, body)
        planted = [store.put(str(body["id"]), body) for body in seed.resources.values()]
        for resource in planted:
            self._kind_of(resource).seeded(resource, self._arm)
            store.touch(resource)
        return len(planted)
