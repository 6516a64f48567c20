"""Nothing is read twice in one run: what several targets share is asked for once and forgotten when written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from allowlist.surfaces.base import ArmReader
from allowlist.surfaces.estate import Body
from allowlist.surfaces.resource_id import normal_id

KEPT = 16


class SharedReads:
    """Answers of one ARM, each asked for once while it is kept; safe to use from several threads.

    Only the last ``kept`` answers stay, so memory does not grow with the fleet: parents and IP groups are used by
    every target and stay, a policy of one target goes. Implements ``ArmReader``.
    """

    def __init__(self, arm: ArmReader, kept: int = KEPT) -> None:
        self._arm = arm
        self._kept = kept
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str, str], Future[Any]] = OrderedDict()

    def get(self, resource_id: str, api_version: str) -> Body:
        answer: Body = self._once("get", resource_id, api_version, self._arm.get)
        return answer

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        def ask(path: str, api_version: str) -> list[Body]:
            return [*self._arm.list(path, api_version)]

        yield from self._once("list", path, api_version, ask)

    def forget(self, resource_id: str) -> None:
        """Drop what was read of a resource and of everything below it."""
        start = normal_id(resource_id)
        with self._lock:
            for key in [key for key in self._answers if key[1] == start or key[1].startswith(f"{start}/")]:
                del self._answers[key]

    def _once(self, verb: str, path: str, api_version: str, ask: Callable[[str, str], Any]) -> Any:
        key = (verb, normal_id(path), api_version)
        with self._lock:
            answer = self._answers.get(key)
            mine = answer is None
            if answer is None:
                answer = self._answers[key] = Future()
            self._answers.move_to_end(key)
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
        if mine:
            self._fill(key, answer, ask, path, api_version)
        return answer.result()

    def _fill(
        self,
        key: tuple[str, str, str],
        answer: Future[Any],
        ask: Callable[[str, str], Any],
        path: str,
        api_version: str,
    ) -> None:
        try:
            answer.set_result(ask(path, api_version))
        except BaseException as error:
            with self._lock:
                if self._answers.get(key) is answer:
                    del self._answers[key]
            answer.set_exception(error)
