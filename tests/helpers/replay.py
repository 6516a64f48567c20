"""Replay one recording of real Azure against the simulator, stage by stage, and tell every difference.

A recorded poll that said InProgress is sent at once; one that said Succeeded is sent after the operation's
time has passed. So the simulator must go through the same stages as the service did.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from allowlist.simulator import FAST, ManualClock, Reply, Request, Simulator

Exchange = dict[str, Any]

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MODELLED = re.compile(r"/microsoft\.network/+(firewallpolicies|azurefirewalls|ipgroups)", re.IGNORECASE)
_OPERATION = re.compile(r"/locations/[^/]+/\w*operation\w*/", re.IGNORECASE)
_BASE = "https://arm.example"


@dataclass(slots=True)
class Replay:
    """State of one replay: the simulator, and which of its URLs and etags stand for the recorded ones."""

    clock: ManualClock = field(default_factory=ManualClock)
    urls: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    simulator: Simulator = field(init=False)

    def __post_init__(self) -> None:
        self.simulator = Simulator(clock=self.clock, timing=FAST, require_token=False)

    def run(self, exchanges: list[Exchange]) -> Iterator[str]:
        """Every difference, each with the number of its exchange."""
        self.simulator.seed([*_resource_groups(exchanges), *_strangers(exchanges)])
        for number, exchange in enumerate(exchanges):
            for difference in self._step(exchange):
                yield f"[{number}] {exchange['method']} {_short(exchange['path'])}: {difference}"

    def _step(self, exchange: Exchange) -> Iterator[str]:
        reply = self._send(exchange)
        if reply.status != exchange["status"]:
            yield f"status {reply.status}, recorded {exchange['status']}: {reply.body[:300]!r}"
            return
        yield from self._headers(exchange, reply)
        yield from self._body(exchange, reply)

    def _send(self, exchange: Exchange) -> Reply:
        path, polling = exchange["path"], bool(_OPERATION.search(exchange["path"]))
        recorded = exchange["response"]
        if polling and not (isinstance(recorded, dict) and recorded.get("status") == "InProgress"):
            self.clock.advance(60)
        parts = urlsplit(self.urls.get(path.split("?")[0], _BASE + path))
        body = b"" if exchange["request"] is None else json.dumps(_request_body(exchange["request"])).encode()
        request = Request(
            method=exchange["method"], path=parts.path, query=parts.query, body=body, base_url=_BASE
        )
        return self.simulator.handle(request)

    def _headers(self, exchange: Exchange, reply: Reply) -> Iterator[str]:
        for name, recorded in exchange["headers"].items():
            if name in ("location", "azure-asyncoperation") and _OPERATION.search(
                reply.headers.get(name, "")
            ):
                self.urls[recorded.split("?")[0]] = reply.headers[name]
            ours = reply.headers.get(name)
            if ours is None:
                if not _is_habit_of_the_day(exchange, name):
                    yield f"lacks the header {name}"
            elif _form(name, ours) != _form(name, recorded):
                yield f"header {name} is {_form(name, ours)!r}, recorded {_form(name, recorded)!r}"

    def _body(self, exchange: Exchange, reply: Reply) -> Iterator[str]:
        recorded = exchange["response"]
        if recorded is None:
            if reply.body not in (b"", b"null"):
                yield f"has a body, recorded none: {reply.body[:100]!r}"
            return
        ours = json.loads(reply.body)
        if _OPERATION.search(exchange["path"]) or _MODELLED.search(exchange["path"]):
            yield from self._differences(ours, recorded, "")
        elif _state(ours) != _state(recorded):
            yield f"state {_state(ours)}, recorded {_state(recorded)}"

    def _differences(self, ours: Any, recorded: Any, path: str) -> Iterator[str]:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            yield from self._object_differences(ours, recorded, path)
        elif isinstance(recorded, list) and isinstance(ours, list):
            if len(ours) != len(recorded):
                yield f"{path} has {len(ours)} items, recorded {len(recorded)}"
            if path == "/value":
                ours, recorded = _by_id(ours), _by_id(recorded)
            for index, (mine, theirs) in enumerate(zip(ours, recorded, strict=False)):
                yield from self._differences(mine, theirs, f"{path}/{index}")
        elif ours != recorded:
            yield f"{path} is {ours!r}, recorded {recorded!r}"

    def _object_differences(self, ours: dict[str, Any], recorded: dict[str, Any], path: str) -> Iterator[str]:
        keys = [key for key in ours if key in recorded]
        if keys != [key for key in recorded if key in ours] and path == "":
            yield f"key order is {keys}"
        for key in sorted(set(ours) ^ set(recorded)):
            if key != "size":  # answers older than 2023 have none
                yield f"{path}/{key} is {'missing' if key in recorded else 'extra'}"
        for key in keys:
            if key == "etag":
                yield from self._etag(ours[key], recorded[key], path)
            elif key == "size":
                yield from _size(ours[key], recorded[key])
            else:
                yield from self._differences(ours[key], recorded[key], f"{path}/{key}")

    def _etag(self, ours: str, recorded: str, path: str) -> Iterator[str]:
        """An etag changes when the recorded one changed, and only then."""
        if self.etags.setdefault(recorded, ours) != ours:
            yield f"{path}/etag changed where the recorded one did not"
        elif [mine for mine in self.etags.values() if mine == ours] != [ours]:
            yield f"{path}/etag did not change where the recorded one did"


def _resource_groups(exchanges: list[Exchange]) -> Iterator[dict[str, Any]]:
    for exchange in exchanges:
        found = re.match(r"(/subscriptions/[^/]+)/resourcegroups/([^/?]+)", exchange["path"], re.IGNORECASE)
        if found:
            yield {
                "id": f"{found[1]}/resourceGroups/{found[2]}",
                "type": "Microsoft.Resources/resourceGroups",
                "location": "westus",
            }


def _strangers(exchanges: list[Exchange]) -> Iterator[dict[str, Any]]:
    """Resources that lists show and nobody here wrote: they stood in the subscription before."""
    written = {_key(exchange["path"]) for exchange in exchanges if exchange["method"] == "PUT"}
    for exchange in exchanges:
        listed = exchange["response"].get("value") if isinstance(exchange["response"], dict) else None
        yield from (item for item in listed or [] if "id" in item and _key(item["id"]) not in written)


def _key(path: str) -> str:
    return path.split("?")[0].lower()


def _by_id(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: str(item.get("id", "")).lower() if isinstance(item, dict) else "")


def _request_body(recorded: Any) -> Any:
    """Some recordings keep the body as the text of a Python bytes literal."""
    if isinstance(recorded, str) and recorded.startswith("b'"):
        return json.loads(ast.literal_eval(recorded))
    return json.loads(recorded) if isinstance(recorded, str) else recorded


def _is_habit_of_the_day(exchange: Exchange, name: str) -> bool:
    """Real Azure's own inconsistencies: a header seen only while an operation result is fetched late."""
    return exchange["status"] == 204 or name == "content-type"


def _form(name: str, value: str) -> str:
    if name.startswith("x-ms-ratelimit"):
        return "number" if value.isdigit() else value
    without_host = re.sub(r"^https?://[^/]+", "", value)
    return _GUID.sub("GUID", without_host.split("?")[0]).replace("/resourcegroups/", "/resourceGroups/")


def _size(ours: str, recorded: str) -> Iterator[str]:
    """The meter is within 400 bytes of the service's, as the fixed part of it varies."""
    mine, theirs = (round(float(text.removesuffix(" MB")) * 1_048_576) for text in (ours, recorded))
    if abs(mine - theirs) > 400:
        yield f"size is {mine} bytes, recorded {theirs}"


def _state(body: Any) -> Any:
    properties = body.get("properties") if isinstance(body, dict) else None
    return properties.get("provisioningState") if isinstance(properties, dict) else None


def _short(path: str) -> str:
    return path.split("/providers/")[-1].split("?")[0]
