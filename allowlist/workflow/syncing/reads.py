"""Nothing is read twice in one run, and what stands in one list is not asked for one by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from allowlist.errors import TargetDenied
from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.points.point import ArmReader

KEPT = 64
FEW = 3

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Answer:
    future: Future[Any] = field(default_factory=Future)
    uses: int = 0


class SharedReads:
    """Answers of one ARM, each asked for once while it is kept; safe to use from several threads.

    ``targets`` are the resources of all targets of the run, one for each target. Where more than a few of one type
    are in one subscription, the list of the subscription answers for them; where that is not permitted, they are
    asked for one by one. What only one target needs goes when it is done, so memory does not grow with the fleet.
    Implements ``ArmReader``.
    """

    def __init__(self, arm: ArmReader, targets: Sequence[str] = (), kept: int = KEPT) -> None:
        self._arm = arm
        self._lists = _worthwhile_lists(targets)
        self._users: dict[str, int] = {}
        for target in map(normal_id, targets):
            self._users[target] = self._users.get(target, 0) + 1
        self._kept = kept
        self._lock = threading.Lock()
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._changed: set[str] = set()

    def get(self, resource_id: str, api_version: str) -> Body:
        listed = self._listed(resource_id, api_version)
        if listed is not None:
            return listed
        answer: Body = self._once("get", resource_id, api_version, self._arm.get)
        return answer

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        def ask(path: str, api_version: str) -> list[Body]:
            return [*self._arm.list(path, api_version)]

        yield from self._once("list", path, api_version, ask)

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]:
        """Asked once in a run, by whoever looks for targets, and so not kept."""
        return self._arm.query(path, body, api_version)

    def forget(self, resource_id: str) -> None:
        """Drop what was read of a resource and of everything below it: it was written."""
        with self._lock:
            self._changed.add(normal_id(resource_id))
            self._drop(resource_id, at_most=None)

    def done_with(self, resource_id: str) -> None:
        """A target on this resource is done; after the last one, what nobody else asked for goes."""
        key = normal_id(resource_id)
        with self._lock:
            self._users[key] = self._users.get(key, 1) - 1
            if self._users[key] <= 0:
                self._drop(resource_id, at_most=1)

    def _drop(self, resource_id: str, at_most: int | None) -> None:
        start = normal_id(resource_id)
        for key, answer in list(self._answers.items()):
            if (key[1] == start or key[1].startswith(f"{start}/")) and answer.uses <= (
                at_most or answer.uses
            ):
                del self._answers[key]

    def _listed(self, resource_id: str, api_version: str) -> Body | None:
        """The body as it stands in its subscription's list; None where no list answers for it."""
        path = list_of(resource_id)
        if path not in self._lists or normal_id(resource_id) in self._changed:
            return None
        with suppress(TargetDenied):
            members: dict[str, Body] = self._once("members", path, api_version, self._members)
            return members.get(normal_id(resource_id))
        self._lists.discard(path)
        return None

    def _members(self, path: str, api_version: str) -> dict[str, Body]:
        return {normal_id(body["id"]): body for body in self._arm.list(path, api_version)}

    def _once(self, verb: str, path: str, api_version: str, ask: Callable[[str, str], Any]) -> Any:
        key = (verb, normal_id(path), api_version)
        with self._lock:
            answer = self._answers.setdefault(key, _Answer())
            answer.uses += 1
            mine = answer.uses == 1
            self._answers.move_to_end(key)
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
        if mine:
            self._fill(key, answer, lambda: ask(path, api_version))
        return answer.future.result()

    def _fill(self, key: _Key, answer: _Answer, ask: Callable[[], Any]) -> None:
        try:
            answer.future.set_result(ask())
        except BaseException as error:
            if not isinstance(error, TargetDenied):  # a right that lacks does not come while we ask
                self._take_back(key, answer)
            answer.future.set_exception(error)

    def _take_back(self, key: _Key, answer: _Answer) -> None:
        with self._lock:
            if self._answers.get(key) is answer:
                del self._answers[key]


def list_of(resource_id: str) -> str:
    """The list of a resource's type over its whole subscription, normalised."""
    found = ResourceId(resource_id)
    return normal_id(f"/subscriptions/{found.subscription}/providers/{found.type}")


# A policy among many carries a firewall, and there are as many of those.
_COMPANIONS = {"microsoft.network/firewallpolicies": "microsoft.network/azurefirewalls"}


def _worthwhile_lists(targets: Sequence[str]) -> set[str]:
    members: dict[str, set[str]] = {}
    for target in targets:
        members.setdefault(list_of(target), set()).add(normal_id(target))
    found = {path for path, ids in members.items() if len(ids) > FEW}
    for path in list(found):
        start, _, kind = path.partition("/providers/")
        if kind in _COMPANIONS:
            found.add(f"{start}/providers/{_COMPANIONS[kind]}")
    return found
