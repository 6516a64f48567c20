"""What an attribute of Terraform is: known, unset, or only known after apply.

In a plan a null at whose place ``after_unknown`` is true is an unknown value; an absent attribute that is true there is
unknown as a whole; a null elsewhere is unset, and ``[]`` is empty (Terraform, JSON output format: change
representation). What is marked sensitive is never shown, so it counts as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.estate.template.evaluate import shown
from allowlist.estate.template.values import Unknown

AFTER_APPLY = "known after apply"
SENSITIVE = "sensitive"


def combined(value: Any, unknown: Any, sensitive: Any, text: str) -> Any:
    """``value`` with Unknown wherever one of the two marks is true; ``text`` says where it stands."""
    if unknown is True:
        return Unknown(f"{text}, {AFTER_APPLY}")
    if sensitive is True and value is not None:
        return Unknown(f"{text}, {SENSITIVE}")
    if isinstance(value, Mapping) or (value is None and isinstance(unknown, Mapping)):
        return _object(value or {}, _mapping(unknown), _mapping(sensitive), text)
    if isinstance(value, list) or (value is None and isinstance(unknown, list) and unknown):
        return _list(value or [], _listed(unknown), _listed(sensitive), text)
    return value


def _object(
    value: Mapping[str, Any], unknown: Mapping[str, Any], sensitive: Mapping[str, Any], text: str
) -> dict[str, Any]:
    return {
        key: combined(value.get(key), unknown.get(key), sensitive.get(key), f"{text}.{key}")
        for key in {**value, **unknown}
    }


def _list(value: list[Any], unknown: list[Any], sensitive: list[Any], text: str) -> list[Any]:
    return [
        combined(_at(value, at), _at(unknown, at), _at(sensitive, at), f"{text}[{at}]")
        for at in range(max(len(value), len(unknown)))
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(items: list[Any], at: int) -> Any:
    return items[at] if at < len(items) else None


def in_body(value: Any) -> Any:
    """``value`` as it stands in a body: an unknown as a text in the form of an expression."""
    if isinstance(value, Unknown):
        return shown(f"[{value.text}]")
    if isinstance(value, Mapping):
        return {key: in_body(item) for key, item in value.items()}
    return [in_body(item) for item in value] if isinstance(value, list) else value
