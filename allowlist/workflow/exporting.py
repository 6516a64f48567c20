"""The same list for another filter: what a workload or a catalog needs, written for an engine and proved equal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from allowlist.catalog import Library
from allowlist.catalog.model import Consumer
from allowlist.documents.reader import near_miss
from allowlist.documents.source import Source, parse_source, refuse_pipes_and_devices
from allowlist.errors import AllowlistError
from allowlist.filters.export import Export, export
from allowlist.filters.format import Format
from allowlist.filters.registry import FORMATS
from allowlist.plan.model import SCHEMA as PLAN_SCHEMA
from allowlist.plan.model import Plan, RequirementRef
from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.requirement import Origin, Requirement
from allowlist.workflow.approval_policy import PolicyInForce, policy_from_workload, rule_of_plan
from allowlist.workflow.files import write_bytes
from allowlist.workflow.workloads import read_workload
from allowlist.workload import TargetSpec, Workload, resolve_requirements
from allowlist.workload.document import SCHEMA


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported: a name for the comments, the requirements, and what could not become one.

    ``workload``, ``cloud`` and ``policy`` say for whom, where, and who may accept what opens beyond it.
    """

    title: str
    requirements: tuple[Requirement, ...]
    notes: tuple[str, ...]
    workload: str
    cloud: str
    policy: PolicyInForce


def format_of(name: str) -> Format:
    """The format called ``name``. Raises AllowlistError with those there are."""
    if name not in FORMATS:
        raise AllowlistError(
            f"there is no format '{name}'{near_miss(name, FORMATS)}", hint=f"known: {', '.join(FORMATS)}"
        )
    return FORMATS[name]


def wanted_by_workload(
    workload: Workload, source: Source, library: Library, only: Sequence[str], today: dt.date
) -> Wanted:
    """The names of all targets, or of those named; where traffic starts is said by where the filter stands.

    Raises AllowlistError for a target the workload does not have.
    """
    known = [spec.name for spec in workload.targets]
    for name in only:
        if name not in known:
            raise AllowlistError(
                f"there is no target '{name}'{near_miss(name, known)}", hint=f"targets: {', '.join(known)}"
            )
    specs = [spec for spec in workload.targets if not only or spec.name in only]
    title = f"workload {workload.name}" + (f", target {', '.join(only)}" if only else "")
    policy = policy_from_workload(workload.approval, Path(source.file))
    return _resolved(title, workload, policy, source, library, specs, today)


def wanted_by_catalog(
    library: Library,
    name: str,
    version: str,
    *,
    scenarios: Sequence[str] = (),
    needs: Sequence[str] = (),
    parameters: Mapping[str, str],
    cloud: str,
    today: dt.date,
) -> Wanted:
    """One catalog, as a workload that pins it would need it. Raises CatalogError or InvalidInput."""
    release = library.get(name).resolve(version)
    use = {"name": name, "version": release, "scenarios": list(scenarios)} | (
        {"needs": list(needs)} if needs else {}
    )
    body = {
        "schema": SCHEMA,
        "name": f"catalog-{name}",
        "cloud": cloud,
        "catalogs": [use],
        "parameters": dict(parameters),
    }
    workload = msgspec.convert(body, Workload)
    spec = TargetSpec(
        name="export", surface="", resource="", delete="add-only", consumers=[item.value for item in Consumer]
    )
    source = parse_source("{}", f"catalog {name}@{release}")
    policy = PolicyInForce(rule=workload.approval, origin="no workload file")
    return _resolved(f"catalog {name}@{release}", workload, policy, source, library, [spec], today)


def is_plan_file(path: Path) -> bool:
    """Does ``path`` hold a plan of ours? Only its beginning is looked at."""
    try:
        refuse_pipes_and_devices(path)
        with path.open("rb") as stream:
            return path.suffix == ".json" and PLAN_SCHEMA.encode() in stream.read(_HEAD)
    except OSError:
        return False


_HEAD: Final = 4096


def wanted_by_plan(plan: Plan, only: Sequence[str], workload_path: Path) -> Wanted:
    """What the changes of ``plan`` are for, those of all targets or of those named.

    The approval policy is that of its workload file where that stands at ``workload_path``, else the one it was made under.

    Raises AllowlistError for a target the plan does not have, and for a plan that adds nothing.
    """
    known = [target.name for target in plan.targets]
    for name in only:
        if name not in known:
            raise AllowlistError(
                f"the plan has no target '{name}'{near_miss(name, known)}",
                hint=f"targets: {', '.join(known)}",
            )
    refs = {
        (ref.pattern, ref.protocol, ref.ports): ref
        for change in plan.changes
        if change.operation.action != "remove" and (not only or change.target in only)
        for ref in change.requirements
    }
    if not refs:
        raise AllowlistError(
            "the plan lets nothing through that is not through already", hint="export the workload"
        )
    return Wanted(
        f"plan {plan.digest.removeprefix('sha256:')[:12]} of {plan.workload}",
        tuple(map(_requirement, refs.values())),
        (),
        plan.workload,
        plan.cloud,
        _policy_of(plan, workload_path),
    )


def _policy_of(plan: Plan, workload_path: Path) -> PolicyInForce:
    if workload_path.is_file():
        workload, _ = read_workload(workload_path)
        if workload.name == plan.workload:
            return policy_from_workload(workload.approval, workload_path)
    return PolicyInForce(rule=rule_of_plan(plan), origin="the plan")


def _requirement(ref: RequirementRef) -> Requirement:
    """Tags of Azure have capitals; names are kept in lower case."""
    low, _, high = ref.ports.partition("-")
    origin = Origin(catalog=ref.catalog, version=ref.version, entry=ref.entry)
    by_name = ref.pattern == ref.pattern.lower()
    return Requirement(
        origin=origin,
        sources=EVERYWHERE,
        protocol=ref.protocol,
        ports=(int(low), int(high or low)),
        pattern=ref.pattern if by_name else "",
        service_tag="" if by_name else ref.pattern,
    )


def _resolved(
    title: str,
    workload: Workload,
    policy: PolicyInForce,
    source: Source,
    library: Library,
    specs: Iterable[TargetSpec],
    today: dt.date,
) -> Wanted:
    requirements: dict[tuple[str, str, tuple[int, int]], Requirement] = {}
    notes: dict[str, None] = {}
    for spec in specs:
        consumers = spec.consumers or _all_consumers()
        found = resolve_requirements(workload, source, library, spec, consumers, _anywhere, today)
        notes.update(dict.fromkeys(found.notes))
        for item in found.requirements:
            requirements.setdefault((item.destination, item.protocol, item.ports), item)
    if not requirements:
        raise AllowlistError(
            f"{title} asks for nothing here, so there is nothing to prove", hint=_choices(workload, library)
        )
    return Wanted(title, tuple(requirements.values()), tuple(notes), workload.name, workload.cloud, policy)


def _choices(workload: Workload, library: Library) -> str:
    """What would make catalogs ask for something: their scenarios, and needs beyond the required ones."""
    names = [f"{use.name} has {', '.join(library.get(use.name).scenarios)}" for use in workload.catalogs]
    if not names:
        return "name catalogs or requirements"
    return f"ask for more (--need conditional; 'needs:' in a workload) or for other scenarios: {'; '.join(names)}"


def _all_consumers() -> list[str]:
    return [item.value for item in Consumer]


def _anywhere(resource: str) -> AddressSet:
    del resource
    return EVERYWHERE


def exported(wanted: Wanted, engine: Format) -> Export:
    """The files for ``engine``. Raises AllowlistError where its own proof fails or the engine takes less: nothing is written then."""
    found = export(engine, wanted.requirements, wanted.title)
    if found.wrong:
        raise AllowlistError(
            f"the export for {engine.name} does not mean the list: {found.wrong[0]}",
            hint="nothing was written; please report the list and the format",
        )
    for size in found.sizes:
        if size.exceeded:
            raise AllowlistError(
                f"{engine.title} does not take this list: {size}",
                hint="nothing was written; export less (--target, --scenario), or choose another format",
            )
    return found


def write_folder(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write each file in one step. Raises AllowlistError where one cannot be written."""
    return list(_written(folder, files))


def _written(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    for name, text in files.items():
        path = folder / name
        write_bytes(path, text.encode())
        yield path
