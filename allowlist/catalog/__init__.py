"""Versioned catalogs: what a service must reach, why, since when, and what changed between two versions."""

from allowlist.catalog.digest import canonical_requirements, meaning_of, release_digest
from allowlist.catalog.library import Library, load_library, shipped_catalogs
from allowlist.catalog.model import (
    Catalog,
    Cloud,
    Consumer,
    Direction,
    Entry,
    Kind,
    Need,
    Port,
    Protocol,
    Release,
    Scenario,
    Source,
    parse_port,
)
from allowlist.catalog.reader import parse_catalog, read_catalog
from allowlist.catalog.versions import Bump, Version, parse_version

__all__ = [
    "Bump",
    "Catalog",
    "Cloud",
    "Consumer",
    "Direction",
    "Entry",
    "Kind",
    "Library",
    "Need",
    "Port",
    "Protocol",
    "Release",
    "Scenario",
    "Source",
    "Version",
    "canonical_requirements",
    "load_library",
    "meaning_of",
    "parse_catalog",
    "parse_port",
    "parse_version",
    "read_catalog",
    "release_digest",
    "shipped_catalogs",
]
