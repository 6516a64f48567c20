"""YAML and JSON documents of filters, and what the formats that are made of them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from allowlist.errors import InvalidInput
from allowlist.filters.format import comment_lines
from allowlist.filters.lists import Service

__all__ = ["by_port", "documents", "json_of", "values_under", "yaml_of"]


def by_port(service: Service) -> Service | None:
    """For filters that open addresses learnt from names: they tell ports apart, not what is spoken there."""
    return None if service.protocol in ("icmp", "udp") else Service("tcp", service.low, service.high)


def documents(file: str, text: str) -> list[Any]:
    """Raises InvalidInput with the place of what is neither YAML nor JSON."""
    try:
        return [
            item for item in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if item
        ]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidInput.of(file, "is neither YAML nor JSON", line=mark.line + 1 if mark else 0) from None


def values_under(document: Any, key: str) -> Iterator[Any]:
    """Every value of ``key``, however deep; Terraform spells ``RulesString`` as ``rules_string`` and lists its blocks."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name.replace("_", "").lower() != key.lower():
                yield from values_under(value, key)
            elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                yield from value
            else:
                yield value
    elif isinstance(document, list):
        for item in document:
            yield from values_under(item, key)


def json_of(body: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def yaml_of(title: str, body: Any) -> str:
    """JSON is YAML, and says every text in quotation marks: no name is ever read as a number or a truth value."""
    return "\n".join([*comment_lines(title), json_of(body)])
