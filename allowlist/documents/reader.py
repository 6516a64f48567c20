"""Turn plain data into msgspec Structs and tell every mistake at once, each with its position.

msgspec stops at the first mistake. So a document that does not convert is walked a second time along its
type, and each complaint says file:line:column and, for a misspelt word, what was probably meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from allowlist.documents.prepared import prepared
from allowlist.documents.source import (
    MAX_JSON_BYTES,
    Path_,
    Source,
    load_source,
    parse_json_source,
    read_text,
)
from allowlist.errors import InvalidInput, Problem

T = TypeVar("T")


def read_yaml_document(path: Path, kind: type[T], schema: str) -> tuple[T, Source]:
    """Read one of our YAML files. Raises InvalidInput with every mistake; the schema line is checked first."""
    source = load_source(path)
    return convert_source(source, kind, schema), source


def read_json_document(path: Path, kind: type[T], schema: str) -> T:
    """Read one of our JSON files fast; only a wrong one is read a second time for its positions."""
    text = read_text(path, MAX_JSON_BYTES)
    try:
        found = msgspec.json.decode(text, type=prepared(kind))
        return (
            found
            if not _says_twice(text)
            else convert_source(parse_json_source(text, str(path)), kind, schema)
        )
    except (msgspec.MsgspecError, RecursionError):
        return convert_source(parse_json_source(text, str(path)), kind, schema)


def _says_twice(text: str) -> bool:
    """Does an object have one key twice? Readers differ in which one counts, so such a file may show one thing and do another.

    Only where the text is longer than what was read from it can there be more in it; then it is looked for.
    """
    if len(msgspec.json.format(text, indent=-1)) == len(
        msgspec.json.encode(msgspec.json.decode(text)).decode()
    ):
        return False
    doubles: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        known = dict(found)
        doubles.extend(["x"] if len(known) != len(found) else [])
        return known

    json.loads(text, object_pairs_hook=pairs)
    return bool(doubles)


def convert_source(source: Source, kind: type[T], schema: str) -> T:
    _check_schema(source, schema)
    try:
        return msgspec.convert(source.data, prepared(kind))
    except msgspec.ValidationError as error:
        problems = list(find_problems(source, kind)) or [source.problem((), str(error))]
        raise InvalidInput(problems) from None


def convert_known_keys(source: Source, kind: type[T]) -> T | None:
    """The document without the keys ``kind`` does not know, if the rest fits: what it means can then be judged too."""
    try:
        return msgspec.convert(_known_part(source.data, inspect.type_info(kind)), kind)
    except msgspec.ValidationError:
        return None


def _known_part(value: Any, info: inspect.Type) -> Any:
    match info, value:
        case inspect.StructType(), dict():
            types = {item.encode_name: item.type for item in info.fields}
            return {key: _known_part(item, types[key]) for key, item in value.items() if key in types}
        case inspect.DictType(), dict():
            return {key: _known_part(item, info.value_type) for key, item in value.items()}
        case inspect.ListType() | inspect.VarTupleType(), list():
            return [_known_part(item, info.item_type) for item in value]
        case _:
            return value


def _check_schema(source: Source, schema: str) -> None:
    if not isinstance(source.data, dict):
        raise InvalidInput.of(
            source.file,
            f"is not a mapping; a file of this kind starts with 'schema: {schema}'",
            line=1,
            column=1,
        )
    found = source.data.get("schema")
    if found is None:
        raise InvalidInput([source.problem((), f"has no 'schema:' line; write 'schema: {schema}'")])
    if found != schema:
        raise InvalidInput([source.problem(("schema",), f"says schema '{found}', expected '{schema}'")])


def find_problems(source: Source, kind: Any) -> Iterator[Problem]:
    """Every place where the data of ``source`` does not fit ``kind``."""
    for path, message in _walk(source.data, inspect.type_info(kind), ()):
        yield source.problem(path, message)


_CHOICES = 8
"""Names to choose from that a message carries."""


def near_miss(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` or nothing."""
    import difflib

    match = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""


def or_known(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or what there is to choose from, the first few of many."""
    names = sorted(known)
    if near := near_miss(word, names):
        return near
    more = f" and {len(names) - _CHOICES} more" if len(names) > _CHOICES else ""
    return f"; there is {', '.join(names[:_CHOICES])}{more}" if names else "; there is none"


Complaints = Iterator[tuple[Path_, str]]


def _walk(value: Any, info: inspect.Type, path: Path_) -> Complaints:
    match info:
        case inspect.AnyType() | inspect.RawType():
            return
        case inspect.UnionType():
            yield from _walk_union(value, info, path)
        case inspect.StructType():
            yield from _walk_struct(value, info, path)
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            yield from _walk_items(value, info.item_type, path)
        case inspect.DictType():
            yield from _walk_dict(value, info, path)
        case inspect.LiteralType():
            if value not in info.values:
                words = [str(word) for word in info.values]
                yield path, f"is '{value}', expected one of {', '.join(words)}{near_miss(value, words)}"
        case inspect.EnumType():
            words = [str(member.value) for member in info.cls]
            if value not in words:
                yield path, f"is '{value}', expected one of {', '.join(words)}{near_miss(value, words)}"
        case _:
            yield from _walk_scalar(value, info, path)


def _walk_union(value: Any, info: inspect.UnionType, path: Path_) -> Complaints:
    attempts = [list(_walk(value, option, path)) for option in info.types]
    if value is None and any(isinstance(option, inspect.NoneType) for option in info.types):
        return
    if not any(len(attempt) == 0 for attempt in attempts):
        useful = [a for a, o in zip(attempts, info.types, strict=True) if not isinstance(o, inspect.NoneType)]
        yield from max(useful, key=lambda attempt: max(len(place) for place, _ in attempt))


def _walk_struct(value: Any, info: inspect.StructType, path: Path_) -> Complaints:
    if not isinstance(value, dict):
        yield path, f"is {_describe(value)}, expected a mapping"
        return
    fields = {item.encode_name: item for item in info.fields}
    tagged = {info.tag_field} if info.tag_field else set()
    for key in value:
        if key not in fields and key not in tagged and info.forbid_unknown_fields:
            yield (*path, key), f"unknown key '{key}'{near_miss(key, fields)}"
    for name, item in fields.items():
        if name in value:
            yield from _walk(value[name], item.type, (*path, name))
        elif item.required:
            yield path, f"lacks the key '{name}'{_one_of(item.type)}"


def _one_of(info: inspect.Type) -> str:
    """The values that a key may have, where they are named."""
    match info:
        case inspect.LiteralType():
            words = [str(word) for word in info.values]
        case inspect.EnumType():
            words = [str(member.value) for member in info.cls]
        case _:
            return ""
    return f", one of {', '.join(words)}"


def _walk_items(value: Any, item_type: inspect.Type, path: Path_) -> Complaints:
    if not isinstance(value, list | tuple):
        yield path, f"is {_describe(value)}, expected a list"
        return
    for index, item in enumerate(value):
        yield from _walk(item, item_type, (*path, index))


def _walk_dict(value: Any, info: inspect.DictType, path: Path_) -> Complaints:
    if not isinstance(value, dict):
        yield path, f"is {_describe(value)}, expected a mapping"
        return
    for key, item in value.items():
        yield from _walk(item, info.value_type, (*path, key))


def _walk_scalar(value: Any, info: inspect.Type, path: Path_) -> Complaints:
    expected: dict[type[inspect.Type], tuple[str, type | tuple[type, ...]]] = {
        inspect.StrType: ("a text", str),
        inspect.IntType: ("a whole number", int),
        inspect.FloatType: ("a number", (int, float)),
        inspect.BoolType: ("true or false", bool),
        inspect.NoneType: ("nothing", type(None)),
    }
    words, kinds = expected.get(type(info), ("", object))
    if not words:
        try:
            msgspec.convert(value, getattr(info, "cls", str))
        except (msgspec.ValidationError, TypeError):
            yield path, f"is {_describe(value)}, which does not fit here"
        return
    if not isinstance(value, kinds) or (isinstance(value, bool) and not isinstance(info, inspect.BoolType)):
        yield path, f"is {_describe(value)}, expected {words}"
        return
    yield from _walk_constraints(value, info, path)


def _walk_constraints(value: Any, info: Any, path: Path_) -> Complaints:
    pattern = getattr(info, "pattern", None)
    if pattern and not re.search(pattern, value):
        yield path, f"is '{value}', which does not match {pattern}"
    shortest = getattr(info, "min_length", None)
    if shortest is not None and len(value) < shortest:
        yield path, "is empty" if shortest == 1 else f"is shorter than {shortest}"
    longest = getattr(info, "max_length", None)
    if longest is not None and len(value) > longest:
        yield path, f"has {len(value)} characters, more than {longest}"
    least, most = getattr(info, "ge", None), getattr(info, "le", None)
    if least is not None and value < least:
        yield path, f"is {value}, expected at least {least}"
    if most is not None and value > most:
        yield path, f"is {value}, expected at most {most}"


def _describe(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"{str(value).lower()} (true or false)"
        case str():
            return f"the text '{value[:40]}'"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case _:
            return "a mapping"
