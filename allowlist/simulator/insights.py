"""Microsoft.Insights: the activity log (``eventtypes/management/values``); other types plainly.

A filter with a start time is required, events show up minutes late, and they are kept for 90 days
(documentation of the Azure Monitor REST API "Activity Logs - List", 2015-04-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from allowlist.simulator.arm.activity import RETENTION, Event
from allowlist.simulator.arm.address import key_of, parse_address
from allowlist.simulator.arm.message import Reply, compact
from allowlist.simulator.arm.provider import Call, Provider
from allowlist.simulator.arm.refusals import Refusal, front_door
from allowlist.simulator.arm.store import Body
from allowlist.simulator.neighbours import PlainKind

_CLAUSE = re.compile(r"(\w+) (ge|le|eq) (?:'([^']*)'|([^' ]+))")
_LOG = ("eventtypes", "management", "values")


class MicrosoftInsights(Provider):
    namespace = "Microsoft.Insights"

    def __init__(self) -> None:
        super().__init__({}, fallback=PlainKind(self.namespace))

    def special(self, call: Call) -> Reply | None:
        if tuple(each.lower() for each in call.address.segments) != _LOG or call.method != "GET":
            return None
        matching = _filter(call)
        subscription = call.address.subscription.lower()
        found = [
            each
            for each in call.arm.activity.shown()
            if each.subscription.lower() == subscription and all(fits(each) for fits in matching)
        ]
        return call.arm.pages.answer(call, found, lambda each: _selected(_entry(each), call), compact)


def _filter(call: Call) -> list[Callable[[Event], bool]]:
    """What ``$filter`` asks for, times with or without quotes; refused without a start, and when it starts before anything is kept."""
    clauses = list(_clauses(call.parameters.get("$filter", "")))
    starts = [value for name, word, value in clauses if (name, word) == ("eventtimestamp", "ge")]
    if not starts:
        raise _bad("The $filter query parameter must have a start time: eventTimestamp ge '…'.")
    if _time(starts[0]) < call.arm.clock() - RETENTION - 86_400:
        raise _bad("The start time cannot be more than 90 days in the past.")
    return [_matcher(*clause) for clause in clauses]


def _clauses(text: str) -> Iterator[tuple[str, str, str]]:
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        found = _CLAUSE.fullmatch(part.strip())
        if found is None:
            raise _bad(f"The filter clause '{part}' is not supported.")
        yield found[1].lower(), found[2].lower(), found[3] or found[4] or ""


def _matcher(name: str, word: str, value: str) -> Callable[[Event], bool]:
    if name == "eventtimestamp":
        limit = _time(value)
        return (lambda event: event.at >= limit) if word == "ge" else (lambda event: event.at <= limit)
    if name == "eventchannels":
        return lambda event: True
    if name not in _PARTS or word != "eq":
        raise _bad(f"The filter on '{name}' is not supported.")
    part = _PARTS[name]
    return lambda event: key_of(part(event)) == key_of(value)


def _time(text: str) -> float:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise _bad(f"'{text}' is not a time.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _bad(message: str) -> Refusal:
    return front_door(400, "BadRequest", message)


def _status(event: Event) -> str:
    if event.status >= 400:
        return "Failed"
    return "Accepted" if event.status in (201, 202) else "Succeeded"


_PARTS: dict[str, Callable[[Event], str]] = {
    "resourceuri": lambda event: event.resource,
    "resourceid": lambda event: event.resource,
    "resourcegroupname": lambda event: parse_address(event.resource).group,
    "resourceprovider": lambda event: parse_address(event.resource).namespace,
    "correlationid": lambda event: event.correlation,
    "caller": lambda event: event.caller,
    "status": _status,
}


def _entry(event: Event) -> Body:
    address = parse_address(event.resource)
    when = datetime.fromtimestamp(event.at, UTC).isoformat().replace("+00:00", "Z")
    status, namespace = _status(event), address.namespace
    return {
        "authorization": {"action": event.action, "scope": event.resource},
        "caller": event.caller,
        "channels": "Operation",
        "claims": {"name": event.caller},
        "correlationId": event.correlation,
        "description": "",
        "eventDataId": event.number,
        "eventName": _worded("EndRequest", "End request"),
        "category": _worded("Administrative"),
        "httpRequest": {"clientIpAddress": "203.0.113.1", "method": event.method or "PUT"},
        "id": f"{event.resource}/events/{event.number}/ticks/{int(event.at * 10_000_000)}",
        "level": "Error" if status == "Failed" else "Informational",
        "resourceGroupName": address.group,
        "resourceProviderName": _worded(namespace),
        "resourceType": _worded(f"{namespace}/{address.type_path}"),
        "resourceId": event.resource,
        "operationId": event.correlation,
        "operationName": _worded(event.action),
        "status": _worded(status),
        "subStatus": _worded(str(event.status), f"HTTP Status Code: {event.status}"),
        "eventTimestamp": when,
        "submissionTimestamp": when,
        "subscriptionId": event.subscription,
        "tenantId": event.tenant,
    }


def _worded(value: str, localized: str = "") -> Body:
    return {"value": value, "localizedValue": localized or value}


def _selected(entry: Body, call: Call) -> Any:
    """``$select`` keeps the members it names."""
    wanted = {name.strip().lower() for name in call.parameters.get("$select", "").split(",") if name.strip()}
    return {name: value for name, value in entry.items() if not wanted or name.lower() in wanted}
