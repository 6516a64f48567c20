"""Reading Azure's objects by what is known of them: a value or a key that nobody models is a doubt, with its name.

Every enumeration of these APIs is open (the API descriptions end each in "or any text"), ARM compares names of
members without case, and a newer api-version may add a member that narrows a rule. So nothing is guessed: what is
not listed here by a reader becomes a doubt, and an answer that depends on it is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from allowlist.estate.bodies import Body

SETTLED = "Succeeded"


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


class KnownObject:
    """One object read by its known members; what is neither known nor of the right kind is kept in ``doubts``.

    ``path`` is how its members are called in doubts (``match.method``).
    """

    def __init__(
        self, body: Any, known: Iterable[str], path: str = "", doubts: list[str] | None = None
    ) -> None:
        self.doubts: list[str] = [] if doubts is None else doubts
        self._path = path
        names = frozenset(known)
        self.body: Body = spelled(body, names) if isinstance(body, dict) else {}
        if not isinstance(body, dict) and holds(body):
            self.doubts.append(f"{path.rstrip('.') or 'object'} {shown(body)}")
        self.doubts += [self._path + key for key in unmodelled_keys(self.body, names)]

    def get(self, key: str) -> Any:
        return self.body.get(key)

    def choice(self, key: str, choices: Iterable[str], default: str = "") -> str:
        """The known value, or empty with a doubt."""
        try:
            return known_value(self._path + key, self.body.get(key), choices, default)
        except UnknownValue as error:
            self.doubts.append(str(error))
            return ""

    def flag(self, key: str) -> bool:
        """The boolean; False with a doubt where it is something else."""
        try:
            return known_flag(self._path + key, self.body.get(key))
        except UnknownValue as error:
            self.doubts.append(str(error))
            return False

    def text(self, key: str) -> str:
        """The text, stripped; empty where there is none, and with a doubt where it is an expression or no text."""
        value = self.body.get(key)
        if value is None or (isinstance(value, str) and not is_expression(value)):
            return (value or "").strip()
        self.doubts.append(f"{self._path}{key} {shown(value)}")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; what is no text, or no list, is a doubt."""
        value = self.body.get(key)
        if not holds(value):
            return ()
        items = value if isinstance(value, list) else []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in items):
            self.doubts.append(f"{self._path}{key} {shown(value)}")
        return tuple(item for item in items if isinstance(item, str))

    def nested(self, key: str, known: Iterable[str]) -> KnownObject:
        """A member that is an object; its doubts are doubts of this one."""
        return KnownObject(self.body.get(key), known, f"{self._path}{key}.", self.doubts)


def unsettled(body: Body) -> str:
    """The provisioning state of a resource where it is any but ``Succeeded``, as Azure spells it; else empty.

    Absent means settled: exported templates and bodies to be written carry no state.
    """
    properties = body.get("properties")
    members = properties if isinstance(properties, dict) else {}
    state = next((value for key, value in members.items() if key.lower() == "provisioningstate"), None)
    text = shown(state or SETTLED)
    return "" if text.lower() == SETTLED.lower() else text
