"""What the names of a template stand for: its parameters, variables and functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.evaluate import looped, resolved
from allowlist.estate.template.scopes import Frame, Lazy, Place, Scope, UserFunction
from allowlist.estate.template.values import Unknown

Given = Mapping[str, Lazy]


def frame_of(
    template: Mapping[str, Any],
    given: Given,
    place: Place,
    budget: Budget,
    cloud: str,
    *,
    all_given: bool = True,
) -> Frame:
    """The frame of ``template``. Without ``all_given`` a parameter that is not given may still have been."""
    parameters: dict[str, Lazy] = {}
    variables: dict[str, Lazy] = {}
    frame = Frame(budget, cloud, place, parameters, variables, _functions(template.get("functions")))
    scope = Scope(frame)
    for name, item in _mapping(template.get("parameters"), scope).items():
        key = name.lower()
        parameters[key] = _parameter(name, item, given.get(key), scope, all_given=all_given)
    for name, value in _mapping(template.get("variables"), scope).items():
        if name == "copy" and isinstance(value, list):
            variables.update(_loops(value, scope))
        else:
            variables[name.lower()] = _lazy(name, value, scope)
    return frame


def _mapping(value: Any, scope: Scope) -> Mapping[str, Any]:
    found = resolved(value, scope) if isinstance(value, str) else value
    return found if isinstance(found, Mapping) else {}


def _lazy(name: str, value: Any, scope: Scope) -> Lazy:
    return Lazy(name, lambda: resolved(value, scope))


def _loops(loops: list[Any], scope: Scope) -> dict[str, Lazy]:
    named = {
        loop["name"]: loop
        for loop in loops
        if isinstance(loop, Mapping) and isinstance(loop.get("name"), str)
    }
    return {name.lower(): _loop(name, loop, scope) for name, loop in named.items()}


def _loop(name: str, loop: Mapping[str, Any], scope: Scope) -> Lazy:
    return Lazy(name, lambda: looped(loop, name, scope))


def _parameter(name: str, item: Any, given: Lazy | None, scope: Scope, *, all_given: bool) -> Lazy:
    """What was given; else the default; else null where that is allowed; else unknown."""
    declared = item if isinstance(item, Mapping) else {}
    nullable, has_default = declared.get("nullable") is True, "defaultValue" in declared
    unknown = Unknown(f"parameters('{name}')", name)
    if given is not None:
        return Lazy(name, lambda: _or_default(given.get(), unknown, nullable=nullable))
    if not all_given:
        return constant(unknown)
    if has_default:
        return _lazy(name, declared["defaultValue"], scope)
    return constant(None if nullable else unknown)


def _or_default(value: Any, unknown: Unknown, *, nullable: bool) -> Any:
    """A null that is not allowed may fail or fall back on the default."""
    return unknown if value is None and not nullable else value


def constant(value: Any) -> Lazy:
    return Lazy("", lambda: value)


def _functions(value: Any) -> dict[str, UserFunction]:
    found: dict[str, UserFunction] = {}
    for space in value if isinstance(value, list) else ():
        members = space.get("members") if isinstance(space, Mapping) else None
        for name, member in members.items() if isinstance(members, Mapping) else ():
            function = _user_function(member)
            if function is not None:
                found[f"{space.get('namespace')}.{name}".lower()] = function
    return found


def _user_function(member: Any) -> UserFunction | None:
    output = member.get("output") if isinstance(member, Mapping) else None
    parameters = (member.get("parameters") or []) if isinstance(member, Mapping) else None
    if not isinstance(output, Mapping) or "value" not in output or not isinstance(parameters, list):
        return None
    names = [item.get("name") for item in parameters if isinstance(item, Mapping)]
    if not all(isinstance(name, str) for name in names) or len(names) < len(parameters):
        return None
    return UserFunction(tuple(str(name).lower() for name in names), output["value"])
