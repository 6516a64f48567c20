"""Our own files: YAML and JSON with a position for every complaint, canonical JSON, digests."""

from allowlist.documents.canonical import canonical_json, digest_of
from allowlist.documents.reader import read_json_document, read_yaml_document
from allowlist.documents.source import Source, load_source, parse_json_source, parse_yaml_source

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
