"""One-line builders for catalogs, so that a test shows only what it is about."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from allowlist.catalog import Catalog, Library, load_library, parse_catalog, release_digest
from allowlist.documents.source import parse_yaml_source

NO_DIGEST = "sha256:" + "0" * 64

SOURCE = {"repo": "contoso/docs", "path": "network.md", "commit": "abcdef1", "date": "2024-01-01"}


@cache
def shipped_library() -> Library:
    """The catalogs that come with the product, read from their files once in a process."""
    return load_library(environ={})


def entry(entry_id: str = "api", **fields: Any) -> dict[str, Any]:
    """An entry as a file writes it; ``pattern`` is ``<id>.contoso.com`` unless another destination is given."""
    destinations = (
        "pattern",
        "service_tag",
        "fqdn_tag",
        "private_endpoint",
        "addresses",
        "ports_only",
        "nothing",
    )
    made: dict[str, Any] = {"id": entry_id, "since": "1.0.0"}
    if not any(name in fields for name in destinations):
        made["pattern"] = f"{entry_id}.contoso.com"
    if not any(name in fields for name in ("nothing", "private_endpoint")):
        made["ports"] = ["https:443"]
    if "nothing" not in fields:
        made["consumers"] = ["customer-firewall"]
    defaults = {"need": "required", "clouds": ["public"], "scenario": "core", "purpose": "calls the service"}
    return {
        key: item
        for key, item in {**made, **defaults, "sources": [dict(SOURCE)], **fields}.items()
        if item is not None
    }


def document(
    *entries: dict[str, Any], versions: tuple[str, ...] = ("1.0.0",), **fields: Any
) -> dict[str, Any]:
    """A catalog as a file writes it, one release per version a month apart, with true digests."""
    return {
        "schema": "allowlist/catalog/v1",
        "name": "contoso",
        "title": "Contoso",
        "description": "A service for tests.",
        "scenarios": {"core": {"title": "Core", "default": True}, "extra": {"title": "Extra"}},
        "placeholders": {"region": "a region"},
        "releases": [
            {"version": version, "date": f"2024-{month:02d}-01", "digest": NO_DIGEST}
            for month, version in enumerate(versions, 1)
        ],
        "entries": list(entries) or [entry()],
        **fields,
    }


def text_of(made: dict[str, Any]) -> str:
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=200)


def read(made: dict[str, Any]) -> Catalog:
    """The catalog ``made`` stands for. Raises InvalidInput with its mistakes."""
    return parse_catalog(parse_yaml_source(text_of(made), "contoso.yaml"), name=made["name"])


def catalog(*entries: dict[str, Any], **fields: Any) -> Catalog:
    return read(document(*entries, **fields))


def sealed(made: dict[str, Any]) -> dict[str, Any]:
    """``made`` with the true digest in every release."""
    found, copied = read(made), copy.deepcopy(made)
    for release in copied["releases"]:
        release["digest"] = release_digest(found, release["version"])
    return copied


def write(folder: Path, made: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made['name']}.yaml"
    path.write_text(text_of(made), encoding="utf-8")
    return path


def json_of(text: str) -> Any:
    return msgspec.json.decode(text)
