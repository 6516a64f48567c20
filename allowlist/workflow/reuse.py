"""What a look at a target showed, kept while nothing it depends on is another.

The key is a digest over everything that a plan is made from: the bodies that were read, the workload file, catalogs,
facts, the approval policy in force, what the ledger knows to be ours, the day (waivers, entries and evidence end by the
day) and the product itself. Decisions are no part of a plan: they are asked of the ledger every time.

What is kept is only looked at. Before anything is written the plan is made anew from what Azure says then.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

import allowlist
from allowlist.documents import canonical_json, digest_of
from allowlist.documents.compiled import cache_folder, keep
from allowlist.documents.prepared import prepared
from allowlist.estate.bodies import Estate
from allowlist.plan.digest import sealed
from allowlist.plan.model import Plan
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

if TYPE_CHECKING:
    from allowlist.store import Ledger
    from allowlist.store.records import KeptAnswer

LARGEST = 1 << 18
"""Bytes of what is kept; a plan of many changes is about to be carried out, and then another one counts."""
LARGEST_ANSWER = 1 << 25
"""Bytes of an answer in the cache of whoever asks."""

T = TypeVar("T")


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a look showed: the plan, our rules as they stand (a fingerprint by path) and where, and whose the rules are."""

    plan: Plan
    rules: Mapping[str, str]
    resource: str
    lock_group: str
    decider: str


class Kept:
    """What earlier runs over one workload left in its ledger, and what this one leaves there when it ends."""

    def __init__(self, ledger: Ledger, project: Project, asked_by: str) -> None:
        self._ledger = ledger
        self._prefix = f"{project.workload.name}/"
        self._about = _about(project, asked_by)
        self._known = ledger.kept_answers(self._prefix)
        self._new: dict[str, KeptAnswer] = {}

    def inputs(self, project: Project, spec: TargetSpec, estate: Estate) -> str:
        """A digest over all that a plan for ``spec`` is made from; empty where logs of traffic are a part of it.

        ``project`` is the one this was made with, but for what the ledger remembers to be ours.
        """
        return _inputs(self._about, project, [spec], estate)

    def find(self, spec: TargetSpec, inputs: str, now: dt.datetime) -> Looked | None:
        """What was seen when the inputs were these, as it would be said at ``now``; None where that is not known."""
        known = self._known.get(self._prefix + spec.name)
        if not inputs or known is None or known.inputs != inputs:
            return None
        try:
            found = msgspec.json.decode(known.body, type=prepared(Looked))
        except msgspec.MsgspecError:
            return None
        return msgspec.structs.replace(found, plan=_as_of(found.plan, now))

    def keep(self, spec: TargetSpec, inputs: str, looked: Looked) -> None:
        """To be written down when the run ends, if it is small."""
        from allowlist.store.records import KeptAnswer

        body = canonical_json(msgspec.structs.replace(looked, plan=_timeless(looked.plan)))
        if inputs and len(body) <= LARGEST:
            self._new[self._prefix + spec.name] = KeptAnswer(inputs, body)

    def write(self) -> None:
        """All at once: a run over a fleet waits for one write. Raises AllowlistError."""
        new, self._new = self._new, {}
        if new:
            self._ledger.keep_answers(new)


class _Answer(msgspec.Struct, frozen=True):
    """An answer as it was encoded, and the digest of all it was worked out from."""

    inputs: str
    body: bytes


class Memory:
    """The last answer to each question about a workload file, in the cache of whoever asks.

    It is for those who look: a plan that is kept to be approved is always made anew, and so is all that writes. Who can
    write in that folder can also write the compiled copies of catalogs and workloads that stand beside it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._folder = cache_folder(environ, "answers")

    def plan(self, asked: Asked, asked_by: str, make: Callable[[], Plan]) -> Plan:
        """The plan as it would be made now."""
        made = self.answer(asked, Plan, lambda: _timeless(make()), asked_by)
        return _as_of(made, asked.project.now)

    def answer(self, asked: Asked, kind: type[T], make: Callable[[], T], asked_by: str = "") -> T:
        """What is known, or what ``make`` finds out."""
        inputs = _inputs(_about(asked.project, asked_by), asked.project, asked.specs, asked.estate)
        if self._folder is None or not inputs:
            return make()
        place = self._folder / f"{digest_of(asked.name)[7:]}.msgpack"
        with suppress(OSError, msgspec.MsgspecError):
            known = msgspec.msgpack.decode(place.read_bytes(), type=prepared(_Answer))
            if known.inputs == inputs:
                return msgspec.msgpack.decode(known.body, type=prepared(kind))
        found = make()
        body = msgspec.msgpack.encode(found)
        if len(body) <= LARGEST_ANSWER:
            keep(place, _Answer(inputs, body))
        return found


class Asked(msgspec.Struct, frozen=True):
    """A question about targets in a state, in so many words: everything that is asked otherwise is another question."""

    project: Project
    specs: Sequence[TargetSpec]
    estate: Estate
    words: tuple[str, ...]

    @property
    def name(self) -> list[object]:
        path = str(Path(self.project.source.file).resolve())
        return [path, self.words, [spec.name for spec in self.specs]]


def _timeless(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, created="", digest="")


def _as_of(plan: Plan, now: dt.datetime) -> Plan:
    """``plan`` as it is when it is made at ``now``."""
    return sealed(msgspec.structs.replace(plan, created=now.isoformat(timespec="seconds")))


def _inputs(about: str, project: Project, specs: Sequence[TargetSpec], estate: Estate) -> str:
    if project.traffic is not None:
        return ""
    owned = [(spec.name, sorted(project.remembered.get(spec.name, ()))) for spec in specs]
    lost = [(item.kind, str(item)) for item in estate.unreadable]
    state = [estate.resources, lost, estate.planned, estate.origin, sorted(estate.empty)]
    return digest_of([about, owned, state])


def _about(project: Project, asked_by: str) -> str:
    """What plans for all targets of a workload have in common."""
    policy = project.approval
    return digest_of(
        [
            _product(),
            [project.source.file, project.workload, policy.told, policy.rule],
            project.library.content(),
            project.facts,
            project.now.date().isoformat(),
            asked_by,
        ]
    )


@cache
def _product() -> str:
    """The version, and which files it consists of: a checkout changes without a new version."""
    digest = hashlib.sha256(allowlist.__version__.encode())
    for path, about in sorted(_files_below(Path(allowlist.__file__).parent)):
        digest.update(f"{path}\n{about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files_below(Path(entry.path))
        else:
            yield entry.path, entry.stat()
