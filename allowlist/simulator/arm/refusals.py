"""The four shapes in which Azure says no (E1 to E4), raised as :class:`Refusal` inside the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import Reply, json_reply

GATEWAY = {"x-ms-failure-cause": "gateway"}


class Refusal(Exception):
    """Carries the reply that ends this request; never leaves the simulator."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body)
        self.reply = reply


def front_door(
    status: int,
    code: str,
    message: str,
    *,
    details: Iterable[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    """E1: ``{"error": {code, message, details}}``, used by ARM itself and the network back end."""
    return Refusal(json_reply(status, {"error": error_body(code, message, details)}, headers=headers))


def bare_status(status: int, code: str, message: str) -> Refusal:
    """E2: a failed status at the top level of an answer that is no poll, used by nfv."""
    body = {"status": "Failed", "error": {"code": code, "message": message}}
    return Refusal(json_reply(status, body))


def model_state(code: str, message: str, *, target: str | None = None) -> Refusal:
    """E3: the useful JSON is a string inside ``ModelState``, used by nfv validation."""
    inner = {"Status": "Failed", "Error": {"Code": code, "Message": message, "Target": target}}
    return _invalid_request({"resource": [json.dumps(inner)]})


def model_state_crash(path: str) -> Refusal:
    """E3 without any reason: what a missing discriminator gets."""
    return _invalid_request({path: ["An error has occurred."]})


def _invalid_request(state: Mapping[str, list[str]]) -> Refusal:
    return Refusal(json_reply(400, {"Message": "The request is invalid.", "ModelState": dict(state)}))


def failed_operation(code: str, message: str) -> dict[str, Any]:
    """E4: what a poll of a failed operation carries under ``error``."""
    return {"code": code, "message": message, "details": []}


def error_body(code: str, message: str, details: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    listed = [{"code": inner, "message": text} for inner, text in details]
    return {"code": code, "message": message, "details": listed}


def not_found(address: Address) -> Refusal:
    """404 for a resource that is not there, in the words of ARM's gateway."""
    path, group = "/".join((address.namespace, *address.segments)), address.group
    message = (
        f"The Resource '{path}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return front_door(404, "ResourceNotFound", message, headers=GATEWAY)


def resource_group_not_found(group: str) -> Refusal:
    message = f"Resource group '{group}' could not be found."
    return front_door(404, "ResourceGroupNotFound", message, headers=GATEWAY)


def not_allowed(method: str) -> Refusal:
    message = f"The requested resource does not support http method '{method}'."
    return front_door(405, "MethodNotAllowed", message)
