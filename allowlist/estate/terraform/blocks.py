"""How a block of Terraform becomes an object of ARM: attribute by attribute, by tables.

A null is unset; an unknown stays unknown at the place it would have stood at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from allowlist.estate.template.values import Unknown


@dataclass(frozen=True, slots=True)
class Field:
    """Where an attribute goes (``dnsSettings/servers``), and what is made of a known value."""

    path: str
    made: Callable[[Any], Any] = lambda value: value

    def unmade(self, value: Any) -> Any:
        """The value of the attribute again."""
        if isinstance(self.made, Each):
            return [self.made.block.unmade(item) for item in value if self.made.block.fits(item)]
        return value[0] if self.made is alone else value


@dataclass(frozen=True, slots=True)
class Block:
    """Attributes by name: a text is the path of a value that goes over as it is. ``constants`` by path."""

    fields: Mapping[str, str | Field]
    constants: Mapping[str, Any] = field(default_factory=dict)

    def made(self, values: Any) -> Any:
        """The object; Unknown where the whole block is."""
        if not isinstance(values, Mapping):
            return values
        found: dict[str, Any] = {}
        for path, constant in self.constants.items():
            _put(found, path, constant)
        for name, target in self.fields.items():
            value = values.get(name)
            where = target if isinstance(target, Field) else Field(target)
            made = value if value is None or isinstance(value, Unknown) else where.made(value)
            if made is not None:
                _put(found, where.path, made)
        return found

    def unmade(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that ``made`` would make ``found`` of, as far as the table has them; unset ones are left out."""
        values: dict[str, Any] = {}
        for name, target in self.fields.items():
            where = target if isinstance(target, Field) else Field(target)
            value = _get(found, where.path)
            given = where.unmade(value) if value not in (None, "", []) else None
            if given not in (None, []):
                values[name] = given
        return values

    def fits(self, found: Any) -> bool:
        """Is ``found`` of the kind that this block stands for? Its constants say so, and those of the blocks in it."""
        if not isinstance(found, Mapping):
            return False
        constants = all(_get(found, path) == value for path, value in self.constants.items())
        inner = [target for target in self.fields.values() if isinstance(target, Field)]
        return constants and all(
            target.made.block.fits(item)
            for target in inner
            if isinstance(target.made, Each)
            for item in _get(found, target.path) or ()
        )

    @property
    def governs(self) -> frozenset[str]:
        """Members of the object that are written whole by whoever writes it."""
        paths = (target.path if isinstance(target, Field) else target for target in self.fields.values())
        return frozenset(path.partition("/")[0] for path in (*paths, *self.constants))


def _get(found: Any, path: str) -> Any:
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split("/")
    for name in above:
        inner = found.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        found = inner
    known = found.get(last)
    if isinstance(known, list) and isinstance(value, list | Unknown):
        found[last] = [*known, *(value if isinstance(value, list) else [value])]
    elif isinstance(known, Unknown) and isinstance(value, list):
        found[last] = [known, *value]
    else:
        found[last] = value


def one(block: Block) -> Callable[[Any], Any]:
    """A list of at most one block is that object."""
    return lambda value: block.made(value[0]) if isinstance(value, list) and value else None


@dataclass(frozen=True, slots=True)
class Each:
    """A list of blocks, each of which is an object."""

    block: Block

    def __call__(self, value: Any) -> Any:
        return [self.block.made(item) for item in value] if isinstance(value, list) else value


def each(block: Block) -> Callable[[Any], Any]:
    return Each(block)


def reference(value: Any) -> Any:
    """An id in the form ``{"id": …}``; none for an empty text, which is how the provider keeps what is unset."""
    return {"id": value} if value else None


def references(value: Any) -> Any:
    return [{"id": item} for item in value] if isinstance(value, list) else value


def alone(value: Any) -> Any:
    """One value where ARM has a list."""
    return [value] if value != "" else []


def as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value)


def joined(value: Any) -> Any:
    """A list as classic firewalls keep it; unknown where an item is."""
    if not isinstance(value, list):
        return value
    lost = next((item for item in value if isinstance(item, Unknown)), None)
    return lost if lost is not None else ",".join(map(str, value))


def access(value: Any) -> Any:
    """A switch for public access, as ARM says it."""
    return {True: "Enabled", False: "Disabled"}.get(value, value)
