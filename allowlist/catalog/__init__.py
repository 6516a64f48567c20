"""Versioned catalogs: what a service must reach, why, since when, and what changed between two versions."""

from allowlist.catalog.changes import (
    ChangeKind,
    EntryChange,
    changes_between,
    changes_for,
    compare,
    required_bump,
)
from allowlist.catalog.digest import canonical_requirements, meaning_of, release_digest
from allowlist.catalog.feed import FeedItem, feed_since
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
from allowlist.catalog.removal import RemovalPolicy, RemovalStage, removal_stage
from allowlist.catalog.versions import Bump, Version, parse_version

__all__ = [
    "Bump",
    "Catalog",
    "ChangeKind",
    "Cloud",
    "Consumer",
    "Direction",
    "Entry",
    "EntryChange",
    "FeedItem",
    "Kind",
    "Library",
    "Need",
    "Port",
    "Protocol",
    "Release",
    "RemovalPolicy",
    "RemovalStage",
    "Scenario",
    "Source",
    "Version",
    "canonical_requirements",
    "changes_between",
    "changes_for",
    "compare",
    "feed_since",
    "load_library",
    "meaning_of",
    "parse_catalog",
    "parse_port",
    "parse_version",
    "read_catalog",
    "release_digest",
    "removal_stage",
    "required_bump",
    "shipped_catalogs",
]
