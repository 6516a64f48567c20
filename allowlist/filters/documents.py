"""YAML and JSON documents of filters, and what the formats that are made of them share."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from allowlist.errors import InvalidInput
from allowlist.filters.format import comment_lines
from allowlist.filters.lists import Service

__all__ = ["by_port", "documents", "json_of", "yaml_of"]


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


def json_of(body: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def yaml_of(title: str, body: Any) -> str:
    """JSON is YAML, and says every text in quotation marks: no name is ever read as a number or a truth value."""
    return "\n".join([*comment_lines(title), json_of(body)])
