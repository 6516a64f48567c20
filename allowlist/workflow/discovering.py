"""Targets that are looked up instead of named: by Azure Resource Graph, and by lists where that is not permitted.

One query answers for all subscriptions (https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources,
api-version 2022-10-01); Resource Graph lags behind by up to minutes, so what it names is always read again from ARM.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from allowlist.azure.facts import api_version
from allowlist.errors import TargetDenied, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.points.kind import Kind, kind_of
from allowlist.points.point import ArmReader, ArmWriter
from allowlist.workflow.initialising import closer_bodies, discover
from allowlist.workload import TargetSpec, Workload
from allowlist.workload.document import Discovery

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
GRAPH_API_VERSION = api_version("Microsoft.ResourceGraph/resources")
SUBSCRIPTIONS_API_VERSION = api_version("Microsoft.Resources/subscriptions")
MOST_ROWS = 1000


def with_discovered(
    workload: Workload, arm: ArmWriter, denied: Callable[[TargetDenied], None] | None = None
) -> Workload:
    """The workload with a target for everything its ``discover`` section finds now. Raises the TargetError tree.

    Where one of what was listed may not be looked into, ``denied`` hears it, and the others are found all the same.
    """
    if not workload.discover:
        return workload
    found = [spec for item in workload.discover for spec in _specs(item, arm, denied or _refuse)]
    named = {(spec.surface, normal_id(spec.resource)) for spec in workload.targets}
    fresh = [spec for spec in found if (spec.surface, normal_id(spec.resource)) not in named]
    return msgspec.structs.replace(workload, targets=[*workload.targets, *fresh])


def _refuse(error: TargetDenied) -> None:
    raise error


def _specs(wanted: Discovery, arm: ArmWriter, denied: Callable[[TargetDenied], None]) -> Iterator[TargetSpec]:
    kind = kind_of(wanted.surface)
    listed = _estate(wanted, kind, arm)
    estate = listed.with_resources(closer_bodies(arm, kind, listed, denied))
    for found in kind.find(estate):
        if _fits(wanted, estate.get(found.resource) or {}):
            yield _spec(wanted, found.resource)


def _spec(wanted: Discovery, resource: str) -> TargetSpec:
    """Named for its resource; the mark at the end tells two of one name apart, and stays as long as the id does."""
    mark = hashlib.sha256(normal_id(resource).encode()).hexdigest()[:6]
    return TargetSpec(
        name=f"{wanted.name}.{ResourceId(normal_id(resource)).name}-{mark}",
        surface=wanted.surface,
        resource=resource,
        delete=wanted.delete,
        sources=wanted.sources,
        consumers=wanted.consumers,
        priority=wanted.priority,
        options=wanted.options,
    )


def _fits(wanted: Discovery, body: Body) -> bool:
    found, tags = ResourceId(str(body.get("id") or "")), body.get("tags") or {}
    return (
        _is_like(found.name, wanted.names)
        and _is_like(found.resource_group, wanted.resource_groups)
        and all(str(tags.get(name, "")) == value for name, value in wanted.tags.items())
    )


def _is_like(text: str, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatch.fnmatchcase(text.lower(), glob.lower()) for glob in globs)


def _estate(wanted: Discovery, kind: Kind, arm: ArmWriter) -> Estate:
    try:
        return Estate.of(_rows(wanted, kind, arm), origin="Azure Resource Graph")
    except (TargetDenied, TargetNotFound):
        return Estate.of(_listed(wanted, arm), origin="resource lists")


def _rows(wanted: Discovery, kind: Kind, arm: ArmWriter) -> Iterator[Body]:
    asked: Body = {
        "query": f"resources | where type =~ '{kind.listed_type.lower()}' | order by id asc",
        "options": {"resultFormat": "objectArray", "$top": MOST_ROWS},
    }
    if wanted.subscriptions:
        asked["subscriptions"] = wanted.subscriptions
    return arm.query(GRAPH, asked, GRAPH_API_VERSION)


def _listed(wanted: Discovery, arm: ArmReader) -> Iterator[Body]:
    for subscription in wanted.subscriptions or _visible(arm):
        yield from discover(arm, subscription).resources.values()


def _visible(arm: ArmReader) -> Iterable[str]:
    return [
        ResourceId(item["id"]).subscription for item in arm.list("/subscriptions", SUBSCRIPTIONS_API_VERSION)
    ]
