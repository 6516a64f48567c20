"""Versioned catalogs: what a service must reach, why, since when, and what changed between two versions.

Importing this package loads nothing: each name is loaded from its module when somebody asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allowlist.catalog.changes import ChangeKind as ChangeKind
    from allowlist.catalog.changes import EntryChange as EntryChange
    from allowlist.catalog.changes import changes_between as changes_between
    from allowlist.catalog.changes import changes_for as changes_for
    from allowlist.catalog.changes import compare as compare
    from allowlist.catalog.changes import required_bump as required_bump
    from allowlist.catalog.digest import canonical_requirements as canonical_requirements
    from allowlist.catalog.digest import meaning_of as meaning_of
    from allowlist.catalog.digest import release_digest as release_digest
    from allowlist.catalog.feed import FeedItem as FeedItem
    from allowlist.catalog.feed import feed_since as feed_since
    from allowlist.catalog.library import Library as Library
    from allowlist.catalog.library import load_library as load_library
    from allowlist.catalog.library import shipped_catalogs as shipped_catalogs
    from allowlist.catalog.model import Catalog as Catalog
    from allowlist.catalog.model import Cloud as Cloud
    from allowlist.catalog.model import Consumer as Consumer
    from allowlist.catalog.model import Direction as Direction
    from allowlist.catalog.model import Entry as Entry
    from allowlist.catalog.model import Kind as Kind
    from allowlist.catalog.model import Need as Need
    from allowlist.catalog.model import Port as Port
    from allowlist.catalog.model import Protocol as Protocol
    from allowlist.catalog.model import Release as Release
    from allowlist.catalog.model import Scenario as Scenario
    from allowlist.catalog.model import Source as Source
    from allowlist.catalog.model import parse_port as parse_port
    from allowlist.catalog.reader import parse_catalog as parse_catalog
    from allowlist.catalog.reader import read_catalog as read_catalog
    from allowlist.catalog.removal import RemovalPolicy as RemovalPolicy
    from allowlist.catalog.removal import RemovalStage as RemovalStage
    from allowlist.catalog.removal import removal_stage as removal_stage
    from allowlist.catalog.versions import Bump as Bump
    from allowlist.catalog.versions import Version as Version
    from allowlist.catalog.versions import parse_version as parse_version
else:

    def __getattr__(name: str) -> object:
        """Who plans needs no feed and compares no versions."""
        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


_HOMES = {
    "changes": (
        "ChangeKind",
        "EntryChange",
        "changes_between",
        "changes_for",
        "compare",
        "required_bump",
    ),
    "digest": (
        "canonical_requirements",
        "meaning_of",
        "release_digest",
    ),
    "feed": (
        "FeedItem",
        "feed_since",
    ),
    "library": (
        "Library",
        "load_library",
        "shipped_catalogs",
    ),
    "model": (
        "Catalog",
        "Cloud",
        "Consumer",
        "Direction",
        "Entry",
        "Kind",
        "Need",
        "Port",
        "Protocol",
        "Release",
        "Scenario",
        "Source",
        "parse_port",
    ),
    "reader": (
        "parse_catalog",
        "read_catalog",
    ),
    "removal": (
        "RemovalPolicy",
        "RemovalStage",
        "removal_stage",
    ),
    "versions": (
        "Bump",
        "Version",
        "parse_version",
    ),
}

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
