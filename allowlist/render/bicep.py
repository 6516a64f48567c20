"""What a plan would write as Bicep: a file for each resource group, of resources with constant bodies.

No compiler is at hand where this runs, so the file is read back by a reader of ours, which knows the part of the
language that is written here: comments, ``existing`` parents, resources, and values without expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.render.declared import Declared, label_of
from allowlist.render.escape import one_line

__all__ = ["bicep_files", "read_bicep"]

_COMMENT_WIDTH: Final = 110
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*")


def bicep_files(title: str, items: Sequence[Declared]) -> dict[str, str]:
    groups: dict[tuple[str, str], list[Declared]] = {}
    for item in items:
        place = ResourceId(item.id)
        groups.setdefault((place.subscription, place.resource_group), []).append(item)
    return {
        f"allowlist-{group}.bicep": "\n".join(_file(title, subscription, group, mine))
        for (subscription, group), mine in groups.items()
    }


def _file(title: str, subscription: str, group: str, items: Sequence[Declared]) -> Iterator[str]:
    yield f"// {one_line(title)}"
    yield "// Written by allowlist export; change the workload or its catalogs, not this file."
    where = one_line(f"--subscription {subscription} --resource-group {group}")
    yield f"// az deployment group create {where} --mode Incremental -f THIS"
    yield "targetScope = 'resourceGroup'"
    parents = dict.fromkeys((item.parent, item.type.rpartition("/")[0], item.api_version) for item in items)
    names = {parent: f"parent{number}" for number, (parent, _, _) in enumerate(parents)}
    for parent, kind, version in parents:
        yield from _existing(parent, kind, version, names[parent])
    for item in items:
        yield ""
        yield from (f"// {line}" for line in wrap(one_line("; ".join(item.who)), _COMMENT_WIDTH))
        yield f"resource {label_of(item)} '{item.type}@{item.api_version}' = {{"
        yield f"  parent: {names[item.parent]}"
        yield f"  name: {_value(item.name, 1)}"
        yield f"  properties: {_value(item.properties, 1)}"
        yield "}"
    yield ""


def _existing(parent: str, kind: str, version: str, label: str) -> Iterator[str]:
    """A parent that is named; where it is a child itself, by all names from the top down."""
    _, _, tail = parent.partition("/providers/")
    names = tail.split("/")[2::2]
    yield ""
    yield f"resource {label} '{kind}@{version}' existing = {{"
    yield f"  name: {_value('/'.join(names), 1)}"
    yield "}"


def _value(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, Mapping):
        lines = [f"{inner}{_key(key)}: {_value(item, depth + 1)}" for key, item in value.items()]
        return "\n".join(["{", *lines, f"{outer}}}"]) if lines else "{}"
    if isinstance(value, list | tuple):
        lines = [f"{inner}{_value(item, depth + 1)}" for item in value]
        return "\n".join(["[", *lines, f"{outer}]"]) if lines else "[]"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return str(value) if isinstance(value, int) else _quoted(str(value))


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _quoted(key)


_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    """``${`` begins an expression in Bicep, so its dollar sign is escaped."""
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in text)
    return "'" + escaped.replace("${", "\\${") + "'"


_TOKEN: Final = re.compile(r"//[^\n]*|'(?:[^'\\\n]|\\.)*'|[{}\[\]:=]|[\w.@/-]+|\s+")


def read_bicep(text: str, scope: str) -> dict[str, dict[str, Any]]:
    """Properties by the normalised id of each resource; ``scope`` is the resource group's id. Raises ValueError for
    what is not in the part of Bicep that is written here."""
    return _Reader(text, scope).resources()


class _Reader:
    def __init__(self, text: str, scope: str) -> None:
        self.tokens = [item for item in _tokens(text) if not item.isspace() and not item.startswith("//")]
        self.at, self.scope = 0, scope
        self.ids: dict[str, str] = {}

    def resources(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        while self.at < len(self.tokens):
            word = self._next()
            if word == "targetScope":
                self._expect("=", "'resourceGroup'")
                continue
            if word != "resource":
                raise ValueError(f"'{word}' is not understood")
            label, kind = self._next(), _unquoted(self._next()).partition("@")[0]
            exists = self.tokens[self.at] == "existing"
            self._expect(*(["existing"] if exists else []), "=")
            body = self._value()
            self.ids[label] = self._id(kind, body)
            if not exists:
                found[normal_id(self.ids[label])] = body["properties"]
        return found

    def _id(self, kind: str, body: Mapping[str, Any]) -> str:
        if "parent" in body:
            return f"{self.ids[body['parent']]}/{kind.rpartition('/')[2]}/{body['name']}"
        namespace, *types = kind.split("/")
        pairs = zip(types, str(body["name"]).split("/"), strict=True)
        return f"{self.scope}/providers/{namespace}/" + "/".join(f"{one}/{name}" for one, name in pairs)

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, *wanted: str) -> None:
        for text in wanted:
            found = self._next()
            if found != text:
                raise ValueError(f"'{text}' was expected, not '{found}'")

    def _value(self) -> Any:
        word = self._next()
        if word == "{":
            found = {}
            while self.tokens[self.at] != "}":
                key = self._next()
                self._expect(":")
                found[_unquoted(key) if key.startswith("'") else key] = self._value()
            self._expect("}")
            return found
        if word == "[":
            items = []
            while self.tokens[self.at] != "]":
                items.append(self._value())
            self._expect("]")
            return items
        if word.startswith("'"):
            return _unquoted(word)
        known = {"true": True, "false": False, "null": None}
        return known[word] if word in known else int(word) if word.lstrip("-").isdecimal() else word


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"'{text[at : at + 20]}' is not understood")
        yield found.group()
        at = found.end()


def _unquoted(token: str) -> str:
    back = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda match: back.get(match.group(1), match.group(1)), token[1:-1])
