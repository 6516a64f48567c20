"""What newer catalogs would mean for a workload, before anything is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from allowlist.catalog import Catalog, Cloud, EntryChange, Library, changes_between, changes_for
from allowlist.catalog.review import CatalogReview
from allowlist.workflow.workloads import read_workload
from allowlist.workload import CatalogUse, Workload


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """One pinned catalog and what moving it to the latest release changes for this workload."""

    catalog: str
    pinned: str
    latest: str
    changes: tuple[EntryChange, ...]


def find_upgrades(workload: Workload, library: Library) -> tuple[Upgrade, ...]:
    """Every pin that is behind, with the changes that touch the workload. Raises CatalogError for unknown pins."""
    return tuple(pin for pin in compare_pins(workload, library) if pin.pinned != pin.latest)


def compare_pins(workload: Workload, library: Library) -> tuple[Upgrade, ...]:
    """Every pin beside the latest release, in the order of the workload file."""
    return tuple(_upgrade(workload, use, library.get(use.name)) for use in workload.catalogs)


def _upgrade(workload: Workload, use: CatalogUse, catalog: Catalog) -> Upgrade:
    pinned = catalog.resolve(use.version)
    changes = changes_for(
        changes_between(catalog, pinned, catalog.latest),
        scenarios=chosen_scenarios(use, catalog),
        cloud=Cloud(workload.cloud),
    )
    return Upgrade(catalog=catalog.name, pinned=pinned, latest=catalog.latest, changes=changes)


def chosen_scenarios(use: CatalogUse, catalog: Catalog) -> frozenset[str]:
    """The scenarios a workload gets: those it names, or the default ones."""
    return frozenset(use.scenarios or catalog.default_scenarios)


def affected_workloads(
    folder: Path, reviews: Iterable[CatalogReview], library: Library
) -> Mapping[str, tuple[str, ...]]:
    """Which workloads below ``folder`` use a scenario that a change touches, by catalog."""
    workloads = {
        str(path.relative_to(folder)): read_workload(path)[0]
        for path in sorted(folder.rglob("allowlist.yaml"))
    }
    return {review.catalog: tuple(_touched(workloads, review, library)) for review in reviews}


def _touched(workloads: Mapping[str, Workload], review: CatalogReview, library: Library) -> Iterator[str]:
    catalog = library.catalogs.get(review.catalog)
    for name, workload in workloads.items():
        for use in workload.catalogs:
            uses_it = use.name == review.catalog and catalog is not None
            if uses_it and catalog and chosen_scenarios(use, catalog) & review.scenarios:
                yield name
                break
