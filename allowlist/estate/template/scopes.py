"""Where a deployment goes, and what names mean where an expression stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from allowlist.estate.template.budget import DEPTH, Budget
from allowlist.estate.template.values import Refused, Unknown, nickname

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "template"
SCOPE_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
"""Where resources of a template stand as long as nobody says where it is deployed: made up, for ids only."""

_SUBSCRIPTION = Unknown("subscription().subscriptionId", SUBSCRIPTION)
_GROUP = Unknown("resourceGroup().name", GROUP)

Level = Literal["group", "subscription", "above"]


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment scope. ``above`` is a management group or the tenant, whose ids begin with ``/providers``."""

    level: Level = "group"
    subscription: str | Unknown = _SUBSCRIPTION
    group: str | Unknown = _GROUP

    @property
    def parts(self) -> tuple[str | Unknown, ...]:
        return {"group": (self.subscription, self.group), "subscription": (self.subscription,), "above": ()}[
            self.level
        ]

    @property
    def path(self) -> str:
        """The id of the scope, made-up parts included; empty above subscriptions."""
        words = zip(("/subscriptions", "/resourceGroups"), self.parts, strict=False)
        return "".join(f"{word}/{name_in_id(part)}" for word, part in words)

    @property
    def is_known(self) -> bool:
        return not any(isinstance(part, Unknown) for part in self.parts)


def name_in_id(value: Any) -> str:
    """What a part of a name is called; the name itself where it is known."""
    if not isinstance(value, Unknown):
        return str(value)
    return str(value.called) if isinstance(value.called, str | int) else nickname(value.text)


def id_of(scope: str, kind: str, names: list[str]) -> str:
    """The ARM id of a resource of type ``kind`` in ``scope``, such as ``/subscriptions/…/resourceGroups/…``."""
    namespace, _, types = kind.partition("/")
    pairs = "/".join(f"{one}/{name}" for one, name in zip(types.split("/"), names, strict=False))
    return f"{scope}/providers/{namespace}/{pairs}"


class Lazy:
    """A value that is worked out when it is asked for, once. One that waits for itself is unknown."""

    __slots__ = ("_busy", "_done", "_text", "_value", "_work")

    def __init__(self, text: str, work: Callable[[], Any]) -> None:
        self._text, self._work = text, work
        self._busy = self._done = False
        self._value: Any = None

    def get(self) -> Any:
        if self._busy:
            raise Refused(f"{self._text} waits for itself")
        if not self._done:
            self._busy = True
            try:
                self._value, self._done = self._work(), True
            finally:
                self._busy = False
        return self._value


@dataclass(frozen=True, slots=True)
class UserFunction:
    names: tuple[str, ...]
    body: Any


class Modules:
    """What the nested deployments of one template give out, by their ids and the names they are referred to by."""

    def __init__(self) -> None:
        self._found = Lazy("the modules", dict[str, Lazy])

    def fill(self, work: Callable[[], dict[str, Lazy]]) -> None:
        """``work`` is done when something is first asked for."""
        self._found = Lazy("the modules", work)

    def get(self, name: str) -> Lazy | None:
        found: Lazy | None = self._found.get().get(name.lower())
        return found


@dataclass(frozen=True, slots=True)
class Frame:
    """One template, or one module of it: what its parameters, variables and functions stand for."""

    budget: Budget
    cloud: str = "public"
    place: Place = field(default_factory=Place)
    parameters: Mapping[str, Lazy] = field(default_factory=dict)
    variables: Mapping[str, Lazy] = field(default_factory=dict)
    functions: Mapping[str, UserFunction] = field(default_factory=dict)
    modules: Modules = field(default_factory=Modules)


@dataclass(frozen=True, slots=True)
class Scope:
    """A place inside a frame: with the turns of the loops around it, and what lambdas bind."""

    frame: Frame
    copies: Mapping[str, int | Unknown] = field(default_factory=dict)
    bound: Mapping[str, Any] = field(default_factory=dict)

    @property
    def budget(self) -> Budget:
        return self.frame.budget

    def turn(self, loop: str, at: int | Unknown) -> Scope:
        """Inside the loop ``loop``; the innermost one comes last."""
        others = {name: index for name, index in self.copies.items() if name != loop.lower()}
        return replace(self, copies={**others, loop.lower(): at})

    def bind(self, names: tuple[str, ...], values: tuple[Any, ...]) -> Scope:
        if len(names) != len(values):
            raise Refused("a lambda of another shape")
        fresh = zip((name.lower() for name in names), values, strict=True)
        return replace(self, bound={**self.bound, **dict(fresh)})


class deeper:  # noqa: N801 - reads as a word in a with statement
    """One level further down; what goes too deep is unknown."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def __enter__(self) -> None:
        if self._budget.depth >= DEPTH:
            raise Refused("nested too deeply")
        self._budget.depth += 1

    def __exit__(self, *exception: object) -> None:
        self._budget.depth -= 1
