"""One thing that was looked at: what is recommended, what is so, and the place in the estate that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from allowlist.estate.known import is_expression


class State(StrEnum):
    """``note`` is worth knowing and harms nothing today; ``unknown`` depends on what could not be read."""

    MET = "met"
    NOT_MET = "not-met"
    NOTE = "note"
    UNKNOWN = "unknown"


class Service(StrEnum):
    """The rows of a posture report, in the order they are shown."""

    NETWORK = "Virtual Network"
    FIREWALL = "Azure Firewall"
    LINK = "Private Link"
    DNS = "Private DNS"
    ACCOUNTS = "AI accounts"
    SUPPORT = "Supporting services"
    BASTION = "Bastion"
    API_MANAGEMENT = "API Management"
    APPLICATION_GATEWAY = "Application Gateway"
    FRONT_DOOR = "Front Door"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A value in the estate: the resource it stands in, and the JSON path to it, which is its identity."""

    resource: str
    path: str
    value: Any = field(default=None, compare=False)
    doubt: str = field(default="", compare=False)
    """The first expression in the whole value that was not worked out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A recommendation (by ``code``) held against one resource."""

    code: str
    state: State
    resource: str
    says: str
    remedy: str = ""
    severity: str = "info"
    evidence: tuple[Evidence, ...] = ()


def evidence(body: dict[str, Any], path: str = "id") -> Evidence:
    """The value at ``path`` (``properties.subnets[0].name``) of a resource; an absent one is shown as null.

    Where a tool has flattened ``properties`` away, the path shown leaves them out. Where an expression stands in place of
    an object or list on the way, the value is in doubt by it: nothing below it is absent.
    """
    value: Any = body
    doubt = ""
    taken = ""
    for part in path.replace("[", ".[").split("."):
        if part == "properties" and isinstance(value, dict) and part not in value:
            continue
        taken += part if part.startswith("[") else f".{part}"
        doubt = value if is_expression(value) else doubt
        value = _member(value, part)
    doubt = doubt or next(expressions(value), "")
    return Evidence(resource=str(body.get("id", "")), path=f"${taken}", value=_short(value), doubt=doubt)


def expressions(value: Any) -> Iterator[str]:
    """Every expression in ``value`` that was not worked out."""
    if isinstance(value, str):
        if is_expression(value):
            yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from expressions(item)


def _member(value: Any, part: str) -> Any:
    try:
        return value[int(part[1:-1])] if part.startswith("[") else value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _short(value: Any) -> Any:
    """Single values as they are; of lists and objects only what names them."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if not isinstance(item, (dict, list))}
    if isinstance(value, list):
        return [_short(item) for item in value[:8]]
    return value


def met(code: str, resource: str, says: str, *shown: Evidence) -> Observation:
    return Observation(code=code, state=State.MET, resource=resource, says=says, evidence=shown)


def fault(
    code: str, resource: str, says: str, remedy: str, *shown: Evidence, severity: str = "error"
) -> Observation:
    return Observation(
        code=code,
        state=State.NOT_MET,
        resource=resource,
        says=says,
        remedy=remedy,
        severity=severity,
        evidence=shown,
    )


def note(code: str, resource: str, says: str, remedy: str, *shown: Evidence) -> Observation:
    return Observation(
        code=code, state=State.NOTE, resource=resource, says=says, remedy=remedy, evidence=shown
    )


def unknown(code: str, resource: str, says: str, remedy: str, *shown: Evidence) -> Observation:
    return Observation(
        code=code,
        state=State.UNKNOWN,
        resource=resource,
        says=says,
        remedy=remedy,
        severity="warning",
        evidence=shown,
    )


def worst(observations: Iterable[Observation]) -> State | None:
    """The state of a row: one fault outweighs all that is met. None if nothing was looked at."""
    states = {item.state for item in observations}
    return next((state for state in _BY_WEIGHT if state in states), None)


_BY_WEIGHT = (State.NOT_MET, State.UNKNOWN, State.NOTE, State.MET)
