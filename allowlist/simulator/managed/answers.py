"""How reads show a rule, and the URLs under which the machine learning back end reports its operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allowlist.simulator.arm.message import Reply, json_reply
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.store import Body
from allowlist.simulator.managed.network import ManagedNetwork

_NAMESPACE = "Microsoft.MachineLearningServices"
_TIMEOUT = {"x-ms-async-operation-timeout": "PT50M"}
Conclusion = Callable[[], Reply]


def documented_rule(rule_id: str, short_type: str, properties: Body) -> Body:
    """A rule as in the published examples, with the short type and null instead of absent members."""
    name = rule_id.rsplit("/", 1)[-1]
    shown = {"errorInformation": None, **properties}
    return {"id": rule_id, "name": name, "type": short_type, "properties": shown}


def started(call: Call, network: ManagedNetwork, operation: Operation) -> str:
    """The operation's own id in URLs and polls; sets how long polls ask to wait."""
    operation.hint = call.arm.timing.seconds(network.settings.durations.retry_after)
    return f"{network.id}_{operation.id}"


def status_url(call: Call, network: ManagedNetwork, operation: Operation) -> str:
    """Azure-AsyncOperation: the poll tells id and status and nothing else (recorded)."""
    number = started(call, network, operation)
    operation.describe = lambda running: {"id": number, **running.body()}
    path = _path(call, network, "mfeOperationsStatus", number)
    return call.arm.operations.link(operation, call.base_url, path, call.version, signed=False)


def result_url(call: Call, network: ManagedNetwork, operation: Operation, conclude: Conclusion) -> str:
    """Location: 202 while it runs, then what ``conclude`` says, or the error of a failed operation."""
    number = started(call, network, operation)
    operation.conclude = lambda: _failed(operation) if operation.status == "Failed" else conclude()
    path = _path(call, network, "mfeOperationResults", number)
    return call.arm.operations.link(operation, call.base_url, path, call.version, result=True, signed=False)


def accepted(call: Call, operation: Operation, headers: dict[str, str]) -> Reply:
    """202 without a body (recorded)."""
    wait = call.arm.operations.retry_after(operation)
    return Reply(status=202, headers={**_TIMEOUT, **wait, **headers})


def done(value: Any) -> Conclusion:
    return lambda: json_reply(200, value() if callable(value) else value)


def _failed(operation: Operation) -> Reply:
    return json_reply(400, {"error": operation.failure})


def _path(call: Call, network: ManagedNetwork, last: str, number: str) -> str:
    where = network.location.replace(" ", "").lower() or "global"
    scope = f"/subscriptions/{call.address.subscription}/providers/{_NAMESPACE}/locations/{where}"
    return f"{scope}/{last}/mnet:{network.id}:{number}"
