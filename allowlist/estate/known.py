"""Reading Azure's objects by what is known of them: a value or a key that nobody models is a doubt, with its name.

Every enumeration of these APIs is open (the API descriptions end each in "or any text"), ARM compares names of
members without case, and a newer api-version may add a member that narrows a rule. So nothing is guessed: what is
not listed here by a reader becomes a doubt, and an answer that depends on it is "unknown".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from allowlist.estate.bodies import Body

SETTLED = "Succeeded"


_FLAGS = {"true": True, "false": False}


class UnknownValue(ValueError):
    """A value this version does not know; the text names it."""


def known_value(field: str, value: Any, choices: Iterable[str], default: str = "") -> str:
    """``value`` in the spelling of ``choices``, whatever its case; ``default`` where there is none.

    Raises UnknownValue for anything else.

    >>> known_value("mode", "enforced", ("Enforced", "Audit"))
    'Enforced'
    """
    if value is None or value == "":
        if default:
            return default
        raise UnknownValue(f"{field} without a value")
    text = value.lower() if isinstance(value, str) else None
    for choice in choices:
        if choice.lower() == text:
            return choice
    raise UnknownValue(f"{field} {shown(value)}")


def spelling(value: Any, choices: Iterable[str]) -> str:
    """``value`` as it is spelled in ``choices``; as it came where it is none of them.

    >>> spelling("active", ("Active", "Failed")), spelling("New", ("Active",))
    ('Active', 'New')
    """
    return next((choice for choice in choices if choice.lower() == str(value).lower()), str(value))


def known_flag(field: str, value: Any) -> bool:
    """A boolean; absent is False. Raises UnknownValue for anything else: the text ``"false"`` is no boolean."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise UnknownValue(f"{field} {shown(value)}")


def as_flag(value: Any) -> Any:
    """``value``; the boolean where it is its text, as tools write it into templates of the network provider, which takes
    ``"true"`` for true or refuses the deployment.
    """
    return _FLAGS.get(value.lower(), value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """A value of somebody else's in a message, cut short."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def is_expression(value: Any) -> bool:
    """Does an expression stand here that could not be worked out before a deployment?"""
    return isinstance(value, str) and value.startswith("[")


def holds(value: Any) -> bool:
    """Does a member say anything? ``False`` and ``0`` do: ``enabled: false`` may switch a rule off."""
    return not (value is None or value in ("", [], {}))


def unmodelled_keys(body: Mapping[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """The members that hold something and are not ``known`` (canonical spellings)."""
    if body.keys() <= known:
        return ()
    folded = _folded(known)
    return tuple(key for key, value in body.items() if key.lower() not in folded and holds(value))


def spelled(body: Body, known: frozenset[str]) -> Body:
    """``body`` with its known members in their canonical spelling; the very same object where it has them already."""
    if body.keys() <= known:
        return body
    folded = _folded(known)
    return {folded.get(key.lower(), key): value for key, value in body.items()}


@lru_cache(maxsize=256)
def _folded(known: frozenset[str]) -> dict[str, str]:
    return {key.lower(): key for key in known}


def state_in(body: Body, key: str, default: str) -> str:
    """A state as it is spelled; ``default`` where it is left out, :data:`UNSAID` where nothing stands in its place.

    >>> state_in({}, "status", "Active"), state_in({"status": None}, "status", "Active")
    ('Active', 'not said')
    """
    state = next((value for name, value in body.items() if name.lower() == key.lower()), default)
    return shown(state) if holds(state) else UNSAID


UNSAID = "not said"


def _said(value: Any) -> str:
    return shown(json.dumps(value)) if not holds(value) else shown(value)


class KnownObject:
    """One object read by its known members; what is neither known nor of the right kind is kept in ``doubts``.

    A member that is left out has its default. ``null``, ``""`` or an empty thing of another kind in its place is no
    answer: Azure answered none of them for what decides (recorded traffic), so it is a doubt. ``path`` is how its members are called in doubts (``match.method``).
    """

    def __init__(
        self, body: Any, known: Iterable[str], path: str = "", doubts: list[str] | None = None
    ) -> None:
        self.doubts: list[str] = [] if doubts is None else doubts
        self._path = path
        names = frozenset(known)
        self.body: Body = spelled(body, names) if isinstance(body, dict) else {}
        if not isinstance(body, dict) and body is not None:
            self.doubts.append(f"{path.rstrip('.') or 'object'} {_said(body)}")
        self.doubts += [self._path + key for key in unmodelled_keys(self.body, names)]

    def get(self, key: str) -> Any:
        return self.body.get(key)

    def is_blank(self, key: str) -> bool:
        """Does something stand there that says nothing? That is a doubt."""
        blank = key in self.body and not holds(self.body[key])
        if blank:
            self.doubts.append(f"{self._path}{key} {_said(self.body[key])}")
        return blank

    def choice(self, key: str, choices: Iterable[str], default: str = "") -> str:
        """The known value, or empty with a doubt."""
        if self.is_blank(key):
            return ""
        try:
            return known_value(self._path + key, self.body.get(key), choices, default)
        except UnknownValue as error:
            self.doubts.append(str(error))
            return ""

    def flag(self, key: str, *, as_text: bool = False) -> bool:
        """The boolean, with ``as_text`` also written as one; False with a doubt where it is something else."""
        if self.is_blank(key):
            return False
        value = self.body.get(key)
        try:
            return known_flag(self._path + key, as_flag(value) if as_text else value)
        except UnknownValue as error:
            self.doubts.append(str(error))
            return False

    def text(self, key: str) -> str:
        """The text, stripped; empty where it is left out, and with a doubt where it is an expression or no text."""
        value = self.body.get(key, "")
        if self.is_blank(key):
            return ""
        if isinstance(value, str) and not is_expression(value):
            return value.strip()
        self.doubts.append(f"{self._path}{key} {shown(value)}")
        return ""

    def texts(self, key: str, *, may_be_unknown: bool = False) -> tuple[str, ...]:
        """The texts of a list; what is no text, or no list, is a doubt.

        So is an expression, unless ``may_be_unknown``: whoever asks so looks at the texts one by one.
        """
        value = self.body.get(key, [])
        if value != [] and self.is_blank(key):
            return ()
        is_read = _is_text if may_be_unknown else _is_settled_text
        items = list(filter(is_read, value)) if isinstance(value, list) else []
        if not isinstance(value, list) or len(items) < len(value):
            self.doubts.append(f"{self._path}{key} {shown(value)}")
        return tuple(items)

    def nested(self, key: str, known: Iterable[str]) -> KnownObject:
        """A member that is an object; its doubts are doubts of this one."""
        if self.body.get(key, {}) != {}:
            self.is_blank(key)
        return KnownObject(self.body.get(key), known, f"{self._path}{key}.", self.doubts)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_settled_text(value: Any) -> bool:
    return _is_text(value) and not is_expression(value)


def unsettled(body: Body) -> str:
    """The provisioning state of a resource where it is any but ``Succeeded``, as Azure spells it; else empty.

    Absent means settled: exported templates and bodies to be written carry no state.
    """
    properties = body.get("properties")
    members = properties if isinstance(properties, dict) else {}
    text = state_in(members, "provisioningState", SETTLED)
    return "" if text.lower() == SETTLED.lower() else text


FINAL = ("Failed", "Canceled")
"""States no operation moves any more: only another write does. In any other one Azure is at work."""


def moving(body: Body) -> str:
    """The provisioning state of a resource that Azure is at work on, else empty."""
    state = unsettled(body)
    return "" if state in FINAL else state
