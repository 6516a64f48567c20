"""ARM's answers into our error tree: four error envelopes, throttling, and the many ways to say "busy"."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from allowlist.errors import (
    ProviderNotRegistered,
    TargetConflict,
    TargetDenied,
    TargetError,
    TargetNotFound,
    TargetThrottled,
    TargetUnavailable,
)

_BUSY_PARTS = (
    "updatenotallowed",
    "anotheroperationinprogress",
    "retryableerror",
    "referencedresourcenotprovisioned",
    "requestconflict",
    "accountprovisioningstateinvalid",
)
_BUSY_TEXTS = ("ongoing operation",)
_LOST = "transienterror"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; an empty body is an empty object. Raises TargetUnavailable for a broken one."""
        if not self.body.strip():
            return {}
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise TargetUnavailable("the answer is no complete JSON", status=self.status) from None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait as the service asks; absent, zero and dates count as "did not say"."""
        for header, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
            try:
                seconds = float(self.headers.get(header, "")) * unit
            except ValueError:
                continue
            if seconds > 0:
                return seconds
        return None


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What an error body says, whatever its envelope."""

    code: str
    message: str


def error_detail(body: bytes) -> ErrorDetail:
    """Code and message out of any of the four envelopes seen from Azure; empty texts if there are none."""
    try:
        data = json.loads(body)
    except ValueError:
        return ErrorDetail("", body.decode("utf-8", "replace").strip()[:300])
    if not isinstance(data, dict):
        return ErrorDetail("", "")
    if isinstance(data.get("ModelState"), dict):
        return _from_model_state(data)
    error = data.get("error") or data.get("Error") or data
    if not isinstance(error, dict):
        return ErrorDetail("", str(error)[:300])
    code, message = (
        str(error.get("code") or error.get("Code") or ""),
        str(error.get("message") or error.get("Message") or ""),
    )
    details = error.get("details")
    listed = details if isinstance(details, list) else []
    inner = [item for item in listed if isinstance(item, dict) and item.get("code")]
    codes = " / ".join(dict.fromkeys([code, *(str(item["code"]) for item in inner)]))
    texts = [message, *(str(item.get("message") or "") for item in inner)]
    return ErrorDetail(codes, "; ".join(text for text in dict.fromkeys(texts) if text))


def _from_model_state(data: dict[str, Any]) -> ErrorDetail:
    """``{"Message", "ModelState": {"resource": ["{json as text}"]}}``: the useful part is a text inside."""
    for place, texts in data["ModelState"].items():
        for text in map(str, texts if isinstance(texts, list) else [texts]):
            if text.lstrip().startswith("{"):
                return error_detail(text.encode())
            return ErrorDetail("InvalidRequest", f"{place}: {text}")
    return ErrorDetail("InvalidRequest", str(data.get("Message") or ""))


def is_busy(detail: ErrorDetail) -> bool:
    """Does the refusal mean "somebody is writing, come back"?

    Firewall policies say so with a 400, accounts with RequestConflict or AccountProvisioningStateInvalid, managed
    networks with a plain Conflict whose text speaks of an ongoing operation (live records).
    """
    code, text = detail.code.lower(), detail.message.lower()
    return any(part in code for part in _BUSY_PARTS) or any(part in text for part in _BUSY_TEXTS)


def is_lost(detail: ErrorDetail) -> bool:
    """Does the refusal leave open what happened? A TransientError was seen on changes that took effect."""
    return _LOST in detail.code.lower()


def error_of(answer: Answer, what: str, path: str = "") -> TargetError:
    """The error of our tree for an answer that is no success; ``what`` names the request for people."""
    detail = error_detail(answer.body)
    said = f"{detail.code}: {detail.message}" if detail.code else detail.message or "no reason given"
    message = f"{what} was answered {answer.status}: {said}"
    status, code = answer.status, detail.code
    if any(part in code.lower() for part in _UNREGISTERED):
        return _not_registered(path, answer, detail)
    if is_busy(detail):
        return TargetConflict(
            message,
            status=status,
            code=code,
            hint="another operation is running; it is waited for",
            is_busy=True,
        )
    if is_lost(detail):
        return TargetUnavailable(message, status=status, code=code)
    if "approve private link" in detail.message.lower():
        return _denied(what, message, answer, detail)
    match status:
        case 401 | 403:
            return _denied(what, message, answer, detail)
        case 404 if (
            "invalidresourcetype" not in code.lower()
        ):  # that is about the api-version, not about what is there
            return TargetNotFound(message, status=status, code=code)
        case 409 | 412:
            return TargetConflict(
                message, status=status, code=code, hint="somebody else changed it; make a new plan"
            )
        case 429:
            return TargetThrottled(message, status=status, code=code, retry_after=answer.retry_after)
        case _ if status >= 500:
            return TargetUnavailable(message, status=status, code=code)
        case _:
            return TargetError(message, status=status, code=code)


_UNREGISTERED = ("missingsubscriptionregistration", "subscriptionnotregistered")
_ASKED = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)(?:/.*)?/providers/(?P<namespace>[^/]+)", re.IGNORECASE
)


def _not_registered(path: str, answer: Answer, detail: ErrorDetail) -> ProviderNotRegistered:
    """The SDK would register it, on a read as well; we say it, with the command for who wants that."""
    asked = _ASKED.match(path)
    namespace = asked["namespace"] if asked else "the resource provider"
    subscription = asked["subscription"] if asked else ""
    return ProviderNotRegistered(
        f"{namespace} is not registered in subscription {subscription}: nothing of it is there",
        hint=f"where it should be: az provider register --namespace {namespace} --subscription {subscription}",
        status=answer.status,
        code=detail.code,
    )


# ARM names the action and the scope in the text alone; with linked scopes, the last pair is the one that lacks.
_RIGHT = re.compile(
    r"perform action(?:\(s\))? '(?P<action>[^']+)' (?:over|on)(?: the)?(?: linked)? scopes?(?:\(s\))? '(?P<scope>[^']+)'"
)
_PRINCIPAL = re.compile(r"with object id '(?P<id>[^']+)'")


_APPROVER = "Azure AI Enterprise Network Connection Approver (b556d68e-0be0-4f35-a333-ad7ee1ce17ea)"
_ROLES = {
    "approve private link": f"give the identity of the hub or account the role {_APPROVER} on the private endpoint's target",
    "workspaces/privateendpointconnections/": "give it a role with workspaces/privateEndpointConnections/read and /write on the workspace",
    "microsoft.cognitiveservices/": "give it the role Cognitive Services Contributor on the account",
    "microsoft.machinelearningservices/": "give it the role Contributor on the workspace",
}
"""Part of a refusal, and who needs which role on what (articles on managed networks and their troubleshooting)."""


def _role_for(text: str) -> str:
    return next((hint for part, hint in _ROLES.items() if part in text.lower()), "")


def _denied(what: str, message: str, answer: Answer, detail: ErrorDetail) -> TargetDenied:
    """Which action is missing on which scope, where ARM says so."""
    rights = list(_RIGHT.finditer(detail.message))
    if not rights:
        hint = _role_for(detail.message)
        hint = hint or "check the credential with: az account show, and the roles on the scope"
        return TargetDenied(message, status=answer.status, code=detail.code, hint=hint)
    action, scope = rights[-1]["action"], rights[-1]["scope"]
    principal = _PRINCIPAL.search(detail.message)
    who = f"the identity {principal['id']}" if principal else "the identity"
    return TargetDenied(
        f"{what} was answered {answer.status}: {who} lacks the right {action} on {scope}",
        status=answer.status,
        code=detail.code,
        hint=_role_for(action)
        or f"give it a role with {action} on that scope or above; examples/roles holds ready ones",
    )
