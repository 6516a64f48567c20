"""Our own files: YAML and JSON with a position for every complaint, canonical JSON, digests.

Canonical JSON and digests are pure. What reads files is loaded only when asked for, so that pure packages can
use the digests without reaching a YAML reader.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from allowlist.documents.canonical import canonical_json, digest_of

if TYPE_CHECKING:
    from allowlist.documents.reader import read_json_document as read_json_document
    from allowlist.documents.reader import read_yaml_document as read_yaml_document
    from allowlist.documents.source import Source as Source
    from allowlist.documents.source import load_source as load_source
    from allowlist.documents.source import parse_json_source as parse_json_source
    from allowlist.documents.source import parse_yaml_source as parse_yaml_source
else:
    _HOMES = {
        "read_json_document": "reader",
        "read_yaml_document": "reader",
        "Source": "source",
        "load_source": "source",
        "parse_json_source": "source",
        "parse_yaml_source": "source",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "Source",
    "canonical_json",
    "digest_of",
    "load_source",
    "parse_json_source",
    "parse_yaml_source",
    "read_json_document",
    "read_yaml_document",
]
