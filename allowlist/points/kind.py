"""The registry of enforcement points: one value per kind, beside its class, found by looking into this package.

A kind is one folder below ``points`` with a module ``kind.py`` that holds ``KIND``. Nothing else lists the kinds:
what a workload file may name, what ``discover`` and ``init`` look for, whose traffic takes routes of the customer's
network are all asked here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

import msgspec

import allowlist.points
from allowlist.azure.facts import api_version
from allowlist.documents.reader import near_miss
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.unread import is_unread
from allowlist.points.point import ArmReader, Point, Target


class Listing(msgspec.Struct, frozen=True):
    """The list that shows resources of a kind, or what they are below: an ARM type."""

    arm_type: str

    @property
    def api_version(self) -> str:
        return api_version(self.arm_type)


class Found(msgspec.Struct, frozen=True):
    """An enforcement point of an estate, and why it is one."""

    resource: str
    name: str
    why: str
    instead_of: str = ""
    """Another resource that would be an enforcement point by itself, and is looked after through this one."""

    @classmethod
    def of(cls, body: Body, why: str) -> Found:
        why = "named here, not read" if is_unread(body) else why
        return cls(str(body["id"]), str(body.get("name") or ""), why)


def _lists_show_all(arm: ArmReader, listed: Body) -> Iterator[Body]:
    del arm, listed
    return iter(())


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of enforcement point.

    ``name`` is the word of workload files, ``arm_type`` what a target of it names. ``listing`` finds candidates
    (None for a kind that is not in Azure and so is only named, by the path of its files),
    ``look_closer`` reads what that list does not show of one listed body (it raises TargetDenied where that is not
    permitted), and ``find`` picks the enforcement points out of all of it. ``load`` imports the class: only the
    kinds of a workload are loaded.
    """

    name: str
    arm_type: str
    listing: Listing | None
    consumers: frozenset[str]
    """Which ``consumers`` of catalog entries it serves unless the target says otherwise."""
    on_network: bool = False
    """Does traffic reach it by routes of the customer's network?"""
    has_marks: bool = True
    """Does what we write carry a mark of ours? Otherwise only the ledger remembers whose it is."""
    names_sources: bool = True
    """Do its rules say where traffic starts? Otherwise each is for everything behind it."""
    find: Callable[[Estate], Iterator[Found]]
    look_closer: Callable[[ArmReader, Body], Iterator[Body]] = _lists_show_all
    load: Callable[[], type[Point]]

    @property
    def listed_type(self) -> str:
        """The ARM type of what its list shows, empty for a kind that is not in Azure."""
        return self.listing.arm_type if self.listing else ""

    def bind(self, target: Target) -> Point:
        return self.load()(target)


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name, in the order of the names."""
    found = [kind for folder in _folders() if (kind := _kind_in(folder)) is not None]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}


def kind_of(name: str) -> Kind:
    """The kind called ``name`` in workload files. Raises AllowlistError."""
    if name not in kinds():
        raise AllowlistError(
            f"there is no surface '{name}'{near_miss(name, kinds())}", hint=f"known: {', '.join(kinds())}"
        )
    return kinds()[name]


def _folders() -> Iterator[str]:
    for module in pkgutil.iter_modules(allowlist.points.__path__):
        if module.ispkg:
            yield f"{allowlist.points.__name__}.{module.name}"


def _kind_in(folder: str) -> Kind | None:
    """The kind of a folder; folders without one hold what several kinds share."""
    try:
        module = import_module(f"{folder}.kind")
    except ModuleNotFoundError as error:
        if error.name != f"{folder}.kind":
            raise
        return None
    kind: Kind = module.KIND
    return kind
