"""A workload with everything needed to ask questions about it: catalogs, facts, targets."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from allowlist.azure.facts import api_version
from allowlist.catalog import Catalog, Library, load_library
from allowlist.catalog.hits import Hits
from allowlist.catalog.removal import Removal
from allowlist.documents.reader import near_miss
from allowlist.documents.source import Source
from allowlist.errors import AllowlistError, CatalogError, InvalidInput, Problem
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId
from allowlist.estate.snapshot import read_snapshot
from allowlist.network.read import member, objects, prefixes, properties, texts
from allowlist.points.kind import kind_of
from allowlist.points.point import ArmReader, OnDisk, Point, Target
from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.requirement import Requirement
from allowlist.workflow.approval_policy import PolicyInForce, policy_from_workload
from allowlist.workflow.workloads import read_workload, refuse_wrong_options
from allowlist.workload import (
    LOCAL_SURFACES,
    AddressLookup,
    Resolved,
    Silent,
    TargetSpec,
    Workload,
    resolve_ended,
    resolve_requirements,
    silent_catalogs,
)

if TYPE_CHECKING:
    from allowlist.traffic.engine import Traffic

_Asking = tuple[Workload, Source, Library, TargetSpec, Collection[str], AddressLookup, dt.date]
"""What requirements are resolved from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One workload file, the catalogs it pins, and what is known besides ARM."""

    workload: Workload
    source: Source
    library: Library
    facts: Facts = NOTHING_KNOWN
    now: dt.datetime
    remembered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By target: entries without room for a mark that the ledger remembers as this workload's."""
    traffic: Traffic | None = None
    """What logs say, where somebody named some."""
    hits: Hits = field(default_factory=Hits)
    """When those logs let each name through last."""
    policy: PolicyInForce | None = None
    """The approval policy that whoever runs named; without it the workload file's own counts."""

    @property
    def approval(self) -> PolicyInForce:
        """The approval policy in force."""
        return self.policy or policy_from_workload(self.workload.approval, Path(self.source.file))

    @property
    def presumes(self) -> bool:
        """May an answer rest on an assumption that is told?"""
        return self.approval.rule.assumptions != "refuse"

    def targets(self, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[TargetSpec]:
        """The targets asked for. Raises AllowlistError for a name the workload does not have."""
        known = [spec.name for spec in self.workload.targets]
        for name in (*only, *exclude):
            if name not in known:
                raise AllowlistError(
                    f"there is no target '{name}'{near_miss(name, known)}",
                    hint=f"targets: {', '.join(known)}",
                )
        return [
            spec
            for spec in self.workload.targets
            if (not only or spec.name in only) and spec.name not in exclude
        ]

    def target(self, spec: TargetSpec) -> Target:
        folder = str(Path(self.source.file).parent)
        return Target.of(self.workload, spec, self.remembered.get(spec.name, frozenset()), folder)

    def point(self, spec: TargetSpec) -> Point:
        return kind_of(spec.surface).bind(self.target(spec))

    def requirements(self, spec: TargetSpec, estate: Estate, known: Resolved | None = None) -> Resolved:
        """What this target must let through; ``known`` is what it must in another state of the estate."""
        kind = kind_of(spec.surface)
        if kind.names_sources and not self.workload.sources:
            place = ("targets", self.workload.targets.index(spec))
            problem = "names its sources in its rules; say under 'sources' where traffic starts"
            raise InvalidInput([self.source.problem(place, f"target '{spec.name}' {problem}")])
        from allowlist.workflow.private_links import with_served

        if known is not None and known.served:
            known = None  # what an endpoint serves is no longer among its requirements
        resolved = resolve_requirements(*self._asking(spec, estate), hits=self.hits, known=known)
        return (
            with_served(self.workload, estate, spec, resolved)
            if kind.names_sources
            else _from_everywhere(resolved)
        )

    def silent(self, spec: TargetSpec) -> list[Silent]:
        """The catalogs that ask for nothing of ``spec``, nor of any other target of the workload."""
        return [item for item in self._silent_at(spec) if item.catalog in self._silent_everywhere]

    def _silent_at(self, spec: TargetSpec) -> list[Silent]:
        consumers = kind_of(spec.surface).consumers
        return silent_catalogs(self.workload, self.source, self.library, spec, consumers, self.now.date())

    @property
    def _silent_everywhere(self) -> frozenset[str]:
        named = [{item.catalog for item in self._silent_at(spec)} for spec in self.workload.targets]
        return frozenset(set.intersection(*named)) if named else frozenset()

    def ended(self, spec: TargetSpec, estate: Estate) -> list[tuple[Removal, tuple[Requirement, ...]]]:
        """What this target let through for entries that their catalog ended lately."""
        found = resolve_ended(*self._asking(spec, estate))
        if kind_of(spec.surface).names_sources:
            return found
        return [
            (removal, tuple(msgspec.structs.replace(one, sources=EVERYWHERE) for one in items))
            for removal, items in found
        ]

    def _asking(self, spec: TargetSpec, estate: Estate) -> _Asking:
        kind = kind_of(spec.surface)
        return (
            self.workload,
            self.source,
            self.library,
            spec,
            kind.consumers,
            (lambda resource: addresses_of(estate, resource)) if kind.names_sources else _anywhere,
            self.now.date(),
        )


def _anywhere(resource: str) -> AddressSet:
    del resource
    return EVERYWHERE


def _from_everywhere(resolved: Resolved) -> Resolved:
    """For surfaces whose rules name no sources: each requirement is one of everything behind them."""
    everywhere = (msgspec.structs.replace(item, sources=EVERYWHERE) for item in resolved.requirements)
    return msgspec.structs.replace(resolved, requirements=tuple(everywhere), sources=EVERYWHERE)


def load_project(
    workload: Path, *, catalogs: Path | None = None, facts: Facts = NOTHING_KNOWN, now: dt.datetime
) -> Project:
    """Read workload and catalogs. Raises InvalidInput with every mistake of both."""
    document, source = read_workload(workload)
    if not document.targets:
        raise AllowlistError(
            f"{workload} names no target of its own",
            hint=f"what it discovers, allowlist sync looks up and takes care of; to name some: allowlist init -o {shlex.quote(str(workload))}",
        )
    refuse_wrong_options(document, source)
    library = with_pinned(load_library(catalogs), document, source)
    return Project(workload=document, source=source, library=library, facts=facts, now=now)


def with_pinned(library: Library, workload: Workload, source: Source) -> Library:
    """``library`` with the catalogs that ``workload`` takes from an index it pins. Raises InvalidInput."""
    found: dict[str, Catalog] = {}
    problems: list[Problem] = []
    for index, use in enumerate(workload.catalogs):
        if use.index:
            from allowlist.catalog.pinned import PinnedIndex, pinned_catalog

            try:
                found[use.name] = pinned_catalog(
                    PinnedIndex.parse(use.index, Path(source.file)), use.name, os.environ
                )
            except CatalogError as error:
                problems.append(source.problem(("catalogs", index, "index"), str(error)))
    if problems:
        raise InvalidInput(
            problems,
            hint="an index is pinned as URL@sha256:DIGEST; 'allowlist catalog follow URL -o DIR' prints it",
        )
    return library.with_catalogs(found) if found else library


def addresses_of(estate: Estate, resource: str) -> AddressSet | None:
    """Addresses of an IP group, subnet or virtual network of the estate; None if it is not there."""
    body = estate.get(resource) or _subnet(estate, resource)
    if body is None:
        return None
    inner = properties(body)
    space = texts(member(inner, "addressSpace"), "addressPrefixes")
    single = [inner["addressPrefix"]] if inner.get("addressPrefix") else []
    return prefixes([*texts(inner, "ipAddresses"), *space, *texts(inner, "addressPrefixes"), *single])


def _subnet(estate: Estate, resource: str) -> Body | None:
    """A subnet as it stands inside its virtual network."""
    network, _, name = resource.lower().partition("/subnets/")
    parent = estate.get(network) if name else None
    subnets = objects(properties(parent), "subnets")
    return next((item for item in subnets if str(item.get("name", "")).lower() == name), None)


def read_estate(
    project: Project,
    specs: Sequence[TargetSpec],
    origin: Path | ArmReader,
    *,
    whole: bool = False,
    beneath: Estate | None = None,
    parent: str = "",
) -> Estate:
    """The actual state of the targets, from a snapshot on disk or from ARM, read by list calls.

    Of the network around them what private endpoints need is read, or with ``whole`` all a posture looks at. A plan of
    Terraform on disk is put over ``beneath``, the state before it, if there is one. ``parent`` is the id of what a list
    without ids belongs to; it is never guessed, not even where one target is asked about.
    """
    if isinstance(origin, Path):
        return _with_files(project, specs, origin, _estate_on_disk(project, specs, origin, beneath, parent))
    bodies: list[Body] = []
    for spec in specs:
        bodies += project.point(spec).read(origin)
    bodies += _source_resources(project, specs, origin, Estate.of(bodies))
    estate = Estate.of(bodies, origin="Azure")
    if not whole and not any(kind_of(spec.surface).on_network for spec in specs):
        return estate
    from allowlist.workflow.surroundings import read_surroundings

    named = [*(spec.resource for spec in in_azure(specs)), *source_ids(project, specs)]
    return read_surroundings(origin, estate, named, whole=whole)


def _estate_on_disk(
    project: Project, specs: Sequence[TargetSpec], origin: Path, beneath: Estate | None, parent: str
) -> Estate:
    """What a snapshot holds of Azure; nothing of it is looked for where no target or source is there."""
    if not in_azure(specs) and not source_ids(project, specs):
        return Estate(origin=str(origin))
    cloud, subscription = project.workload.cloud, _subscription_of(in_azure(specs))
    return read_snapshot(origin, cloud=cloud, subscription=subscription, beneath=beneath, parent=parent)


def in_azure(specs: Sequence[TargetSpec]) -> list[TargetSpec]:
    """Those whose resource is in Azure; that of the others is a path."""
    return [spec for spec in specs if spec.surface not in LOCAL_SURFACES]


def _with_files(project: Project, specs: Sequence[TargetSpec], origin: Path, estate: Estate) -> Estate:
    """``estate`` with the files of filters: of the snapshot, if they stand there, else beside the workload file."""
    for spec in specs:
        point = project.point(spec) if spec.surface in LOCAL_SURFACES else None
        if isinstance(point, OnDisk) and estate.get(point.id) is None:
            path = files_in(specs, spec, origin) or Path(point.target.folder, spec.resource)
            estate = estate.with_resources([point.body_at(path)])
    return estate


def files_in(specs: Sequence[TargetSpec], spec: TargetSpec, origin: Path) -> Path | None:
    """Where a snapshot holds the files of a filter: under their own path, or, asked about it alone, as ``origin``
    itself, where that is called like it."""
    if (origin / spec.resource).exists():
        return origin / spec.resource
    alone = list(specs) == [spec] and origin.name == Path(spec.resource).name
    return origin if alone and origin.exists() else None


def _subscription_of(specs: Sequence[TargetSpec]) -> str:
    """Where all targets are: a plan of Terraform that does not say so goes there."""
    found = {ResourceId(spec.resource).subscription for spec in specs}
    return found.pop() if len(found) == 1 else ""


def _source_resources(
    project: Project, specs: Sequence[TargetSpec], arm: ArmReader, known: Estate
) -> list[Body]:
    """IP groups, subnets and networks that sources name and no surface has read already."""
    return read_sources(arm, [item for item in source_ids(project, specs) if known.get(item) is None])


def read_sources(arm: ArmReader, ids: Sequence[str]) -> list[Body]:
    """IP groups, subnets and virtual networks by id."""
    return [arm.get(item, api_version("Microsoft.Network")) for item in ids]


def source_ids(project: Project, specs: Sequence[TargetSpec]) -> list[str]:
    """The resources in Azure that the sources of ``specs`` name."""
    names = {name for spec in specs for name in (spec.sources or project.workload.sources)}
    sources = [project.workload.sources[name] for name in sorted(names)]
    ids = (
        item for source in sources for item in (*source.ip_groups, *source.subnets, *source.virtual_networks)
    )
    return list(dict.fromkeys(ids))
