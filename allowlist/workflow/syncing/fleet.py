"""Which workload files, and which of their targets, a run takes care of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from allowlist.catalog import load_library
from allowlist.documents.reader import near_miss
from allowlist.errors import AllowlistError, InvalidInput
from allowlist.rules.flow import Facts
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec, read_workload

FILE_NAME = "allowlist.yaml"


def load_projects(
    paths: Sequence[Path], *, catalogs: Path | None, facts: Facts, now: dt.datetime
) -> tuple[list[tuple[Path, Project]], list[tuple[Path, InvalidInput]]]:
    """Every workload file that reads, and every one that does not with its mistakes; one library for all.

    A folder stands for all ``allowlist.yaml`` and ``*.allowlist.yaml`` below it. Raises InvalidInput when a folder
    holds none, or when two files describe one workload.
    """
    library = load_library(catalogs)
    good: list[tuple[Path, Project]] = []
    bad: list[tuple[Path, InvalidInput]] = []
    for path in workload_files(paths):
        try:
            workload, source = read_workload(path)
        except InvalidInput as error:
            bad.append((path, error))
            continue
        good.append((path, Project(workload=workload, source=source, library=library, facts=facts, now=now)))
    _refuse_twins(good)
    return good, bad


def workload_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those below the folders named, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted({*path.rglob(FILE_NAME), *path.rglob(f"*.{FILE_NAME}")})
            if not files:
                raise InvalidInput.of(path, f"holds no {FILE_NAME}", hint="write one with: allowlist init")
        found |= dict.fromkeys(files)
    return list(found)


def _refuse_twins(projects: Sequence[tuple[Path, Project]]) -> None:
    seen: dict[str, Path] = {}
    for path, project in projects:
        name = project.workload.name
        if name in seen:
            raise InvalidInput.of(path, f"describes the workload '{name}', and so does {seen[name]}")
        seen[name] = path


def chosen_targets(
    projects: Sequence[Project], only: Sequence[str], exclude: Sequence[str]
) -> Iterator[tuple[Project, tuple[TargetSpec, ...]]]:
    """The targets asked for, by ``TARGET`` or ``WORKLOAD/TARGET``. Raises AllowlistError for a name nobody has."""
    known = [
        name for project in projects for spec in project.workload.targets for name in _names(project, spec)
    ]
    for name in (*only, *exclude):
        if name not in known:
            raise AllowlistError(f"there is no target '{name}'{near_miss(name, known)}")
    for project in projects:
        yield (
            project,
            tuple(
                spec
                for spec in project.workload.targets
                if (not only or _is_named(project, spec, only)) and not _is_named(project, spec, exclude)
            ),
        )


def _is_named(project: Project, spec: TargetSpec, names: Sequence[str]) -> bool:
    return any(name in names for name in _names(project, spec))


def _names(project: Project, spec: TargetSpec) -> tuple[str, str]:
    return spec.name, f"{project.workload.name}/{spec.name}"
