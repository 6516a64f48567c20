"""Which workload files, and which of their targets, a run takes care of: an index first, the files in their turn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from allowlist.catalog import Library
from allowlist.documents.reader import near_miss
from allowlist.errors import AllowlistError, InvalidInput, TargetDenied
from allowlist.points.point import ArmWriter
from allowlist.rules.flow import Facts
from allowlist.workflow.discovering import with_discovered
from allowlist.workflow.project import Project, with_pinned
from allowlist.workflow.workloads import read_workload, refuse_wrong_options
from allowlist.workload import TargetSpec, Workload

FILE_NAME = "allowlist.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One workload of a fleet, as much of it as is needed to choose and to share out; ``targets`` are
    (name, resource) pairs."""

    workload: str
    file: Path
    cloud: str
    tenant: str
    targets: tuple[tuple[str, str], ...]
    discovers: bool = False
    discovered: tuple[TargetSpec, ...] = ()

    @classmethod
    def of(cls, workload: Workload, file: Path) -> Member:
        targets = tuple((spec.name, spec.resource) for spec in workload.targets)
        return cls(
            workload=workload.name,
            file=file,
            cloud=workload.cloud,
            tenant=workload.tenant,
            targets=targets,
            discovers=bool(workload.discover),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Everything the files describe; ``broken`` are files with mistakes, which do not keep the others back."""

    members: Sequence[Member]
    broken: Sequence[tuple[Path, InvalidInput]] = field(default=())

    def chosen(self, only: Sequence[str], exclude: Sequence[str]) -> Iterator[Member]:
        """Members with the targets asked for, by ``TARGET`` or ``WORKLOAD/TARGET``; none without a target.

        Raises AllowlistError for a name nobody has.
        """
        known = [name for member in self.members for target, _ in member.targets for name in (target, f"{member.workload}/{target}")]  # fmt: skip
        for name in (*only, *exclude):
            if name not in known:
                raise AllowlistError(f"there is no target '{name}'{near_miss(name, known)}")
        for member in self.members:
            yield from _narrowed(member, (target for target in member.targets if _is_chosen(member, target[0], only, exclude)))  # fmt: skip


def read_fleet(paths: Sequence[Path]) -> Fleet:
    """The index of every workload file named or below a folder named.

    A folder stands for all ``allowlist.yaml`` and ``*.allowlist.yaml`` below it. Raises InvalidInput when a folder
    holds none, or when two files describe one workload.
    """
    members: list[Member] = []
    broken: list[tuple[Path, InvalidInput]] = []
    for path in workload_files(paths):
        try:
            workload, _ = read_workload(path)
        except InvalidInput as error:
            broken.append((path, error))
        else:
            members.append(Member.of(workload, path))
    _refuse_twins(members)
    return Fleet(members=members, broken=broken)


def located(
    fleet: Fleet, arm_of: Callable[[Member], ArmWriter]
) -> tuple[Fleet, list[tuple[Member, AllowlistError]]]:
    """The fleet with what its members discover, and the members for which that did not work, or not whole."""
    members: list[Member] = []
    lost: list[tuple[Member, AllowlistError]] = []
    for member in fleet.members:
        try:
            denied: list[TargetDenied] = []
            members.append(_looked_up(member, arm_of, denied.append) if member.discovers else member)
            lost += [(member, error) for error in denied]
        except AllowlistError as error:
            lost.append((member, error))
            if member.targets:
                members.append(member)
    return replace(fleet, members=members), lost


def _looked_up(
    member: Member, arm_of: Callable[[Member], ArmWriter], denied: Callable[[TargetDenied], None]
) -> Member:
    workload, _ = read_workload(member.file)
    whole = with_discovered(workload, arm_of(member), denied)
    fresh = tuple(whole.targets[len(workload.targets) :])
    return replace(Member.of(whole, member.file), discovered=fresh)


def load_member(member: Member, library: Library, facts: Facts, now: dt.datetime) -> Project:
    """The whole of a member. Raises InvalidInput when its file was broken meanwhile."""
    workload, source = read_workload(member.file)
    refuse_wrong_options(workload, source)
    workload = msgspec.structs.replace(workload, targets=[*workload.targets, *member.discovered])
    pinned = with_pinned(library, workload, source)
    return Project(workload=workload, source=source, library=pinned, facts=facts, now=now)


def workload_files(paths: Iterable[Path]) -> list[Path]:
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


def _refuse_twins(members: Sequence[Member]) -> None:
    seen: dict[str, Path] = {}
    for member in members:
        if member.workload in seen:
            raise InvalidInput.of(
                member.file,
                f"describes the workload '{member.workload}', and so does {seen[member.workload]}",
            )
        seen[member.workload] = member.file


def _is_chosen(member: Member, target: str, only: Sequence[str], exclude: Sequence[str]) -> bool:
    names = {target, f"{member.workload}/{target}"}
    return (not only or not names.isdisjoint(only)) and names.isdisjoint(exclude)


def _narrowed(member: Member, targets: Iterable[tuple[str, str]]) -> Iterator[Member]:
    kept = tuple(targets)
    if kept:
        yield replace(member, targets=kept)
