"""What every enforcement point offers, and what is read and written through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.errors import TargetNotFound, TargetUnavailable
from allowlist.estate.bodies import Body, Estate, fingerprint, meaning
from allowlist.plan.model import Change, Operation
from allowlist.workload.document import Price, TargetSpec, Workload

if TYPE_CHECKING:
    from allowlist.plan.drafts import Draft, LimitFinding
    from allowlist.plan.findings import Finding
    from allowlist.points.unmet import Unmet
    from allowlist.rules.addresses import AddressSet
    from allowlist.rules.model import Ruleset
    from allowlist.rules.requirement import Requirement

__all__ = [
    "ArmReader",
    "ArmWriter",
    "OnDisk",
    "Point",
    "Target",
    "Write",
]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One enforcement point of a workload, as written in its file."""

    name: str
    workload: str
    surface: str
    resource: str
    delete: str
    cloud: str = "public"
    group: str = ""
    priority: int = 0
    collection: str = ""
    options: dict[str, Any]
    prices: tuple[Price, ...] = ()
    folder: str = ""
    """Where the workload file is: a path of ``resource`` starts there."""
    remembered: frozenset[str] = frozenset()
    """Entries of a list without room for marks that the ledger remembers as ours."""

    @classmethod
    def of(
        cls, workload: Workload, spec: TargetSpec, remembered: frozenset[str] = frozenset(), folder: str = ""
    ) -> Target:
        return cls(
            name=spec.name,
            workload=workload.name,
            surface=spec.surface,
            resource=spec.resource.rstrip("/"),
            delete=spec.delete,
            cloud=workload.cloud,
            group=spec.group,
            priority=spec.priority,
            collection=spec.collection,
            options={**spec.options, "via": spec.via},
            prices=tuple(workload.prices),
            folder=folder,
            remembered=remembered,
        )


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One request that changes Azure: ``body`` None means DELETE."""

    resource: str
    method: str
    body: Body | None
    api_version: str
    operations: tuple[Operation, ...]

    @property
    def removes_only(self) -> bool:
        return all(operation.action == "remove" for operation in self.operations)

    def ids(self, changes: Iterable[Change]) -> tuple[str, ...]:
        """The ids of those of ``changes`` that this write carries out."""
        return tuple(change.id for change in changes if change.operation in self.operations)


class ArmReader(Protocol):
    """Reads raw JSON; pages are followed. Raises the TargetError tree."""

    def get(self, resource_id: str, api_version: str) -> Body: ...

    def list(self, path: str, api_version: str) -> Iterator[Body]: ...

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]: ...


def name_in(listed: Body) -> str:
    """The name of a listed child whose id is not to be had. Raises TargetUnavailable where it has none."""
    name = listed.get("name")
    if isinstance(name, str) and name:
        return name
    raise TargetUnavailable(
        "a list was answered with a resource without a name: that says nothing about what is there",
        status=200,
    )


def whole(answered: Body) -> Body:
    """``answered``, which says more than that the resource is there. A template may leave all its properties out;
    Azure answers at least its state. Raises TargetUnavailable.
    """
    if answered["properties"]:
        return answered
    raise TargetUnavailable(
        f"{answered.get('id')} was answered without any property: that says nothing about what is there",
        status=200,
    )


class ArmWriter(ArmReader, Protocol):
    """Writes and waits for the long operation; returns when ARM says it ended. Raises the TargetError tree."""

    def put(self, resource_id: str, body: Body, api_version: str) -> Body: ...

    def patch(self, resource_id: str, body: Body, api_version: str) -> Body: ...

    def post(self, path: str, body: Body, api_version: str) -> Body: ...

    def delete(self, resource_id: str, api_version: str) -> None: ...


@runtime_checkable
class OnDisk(Protocol):
    """A point whose state is in files of this machine."""

    @property
    def id(self) -> str: ...

    def body_at(self, path: Path) -> Body:
        """Its state, if its files were at ``path``. Raises InvalidInput."""
        ...


class NoOptions(msgspec.Struct, frozen=True):
    """For kinds whose targets have nothing to choose."""


class Point(ABC):
    """An enforcement point: one kind bound to one target. Pure but for ``read``, ``reread``, ``write``, ``verify``."""

    options_type: ClassVar[type[msgspec.Struct]] = NoOptions
    api_version: str

    def __init__(self, target: Target) -> None:
        self.target = target

    @property
    def name(self) -> str:
        return self.target.name

    @abstractmethod
    def read(self, arm: ArmReader) -> list[Body]:
        """Everything that decides for the target, raw."""

    @abstractmethod
    def ruleset(self, estate: Estate) -> Ruleset:
        """The rules in evaluation order. Raises InvalidInput where the estate lacks the target."""

    @abstractmethod
    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        """Operations that satisfy ``needed``; ``kept`` are satisfied already, so rules of ours for them stay."""

    @abstractmethod
    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        """The fewest writes that carry out ``operations``; foreign parts go back as they came."""

    @abstractmethod
    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        """The estate as it would be after ``writes``."""

    @abstractmethod
    def fingerprint(self, estate: Estate) -> str:
        """Digest of everything of the target that a plan relies on."""

    @abstractmethod
    def limits(self, estate: Estate) -> list[LimitFinding]:
        """What of the published maxima the target is near or past."""

    @abstractmethod
    def lock_group(self, estate: Estate) -> str:
        """Targets of the same write lock group are written one after the other."""

    @abstractmethod
    def write(self, arm: ArmWriter, write: Write) -> None:
        """Send one write and wait for it to end."""

    @abstractmethod
    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read back; everything that keeps ``write`` from being called done. Empty means done."""

    def decider(self, estate: Estate) -> str:
        """The resource whose rules decide, as the network around it and its writes know it."""
        del estate
        return self.target.resource

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        """The findings as this kind sees them: an approval may be there and not be in force."""
        del estate
        return [finding for _, finding in findings]

    def refined(
        self, estate: Estate, requirements: Sequence[Requirement], findings: Sequence[Finding]
    ) -> Sequence[Finding]:
        """What ``refine`` says of each requirement and its finding; ``findings`` where a kind has nothing to add to any."""
        if type(self).refine is Point.refine:
            return findings
        return self.refine(estate, list(zip(requirements, findings, strict=True)))

    def posture(self, estate: Estate) -> list[Finding]:
        """What the target shows by itself, whatever is required of it."""
        return [*self.states(estate), *self.faults(estate)]

    def states(self, estate: Estate) -> list[Finding]:
        """What of the target is not in force, or not as it should be: no command calls it fine."""
        del estate
        return []

    def faults(self, estate: Estate) -> list[Finding]:
        """What is configured that the service would refuse, or take and not do: told where rules are looked at."""
        del estate
        return []

    @property
    def goes_on_as(self) -> AddressSet | None:
        """Under which addresses flows go on to the next filter of a path: None as they came, empty under unknown ones."""
        return None

    def looks_at(self, protocol: str, pattern: str) -> bool:
        """Does it decide about such flows at all? ``pattern`` is empty for what has no name."""
        del protocol, pattern
        return True

    def notes(self, estate: Estate) -> tuple[str, ...]:
        """What this kind cannot tell, whatever is asked of it."""
        del estate
        return ()

    def idle(self, estate: Estate) -> str:
        """Why nothing carries out the rules of the target, though they may be written; empty where something does,
        or where nobody says.
        """
        del estate
        return ""

    def logged_at(self, estate: Estate) -> frozenset[str]:
        """Ids, normalised, of all firewalls whose logs tell what its rules let through; empty where that is not known."""
        del estate
        return frozenset()

    def digest(self, estate: Estate, resource: str) -> str:
        """Digest of what is configured at ``resource``, the place of a write of this target."""
        return meaning(estate.get(resource))

    def holds(self, estate: Estate, operations: Sequence[Operation]) -> bool:
        """Do the places of ``operations`` read in ``estate`` as they would after them?"""
        return all(
            self.digest_after(estate, operations, resource) == self.digest(estate, resource)
            for resource in dict.fromkeys(operation.resource for operation in operations)
        )

    def digest_after(self, estate: Estate, operations: Sequence[Operation], resource: str) -> str:
        """Digest of what would be configured at ``resource`` once ``operations`` had succeeded on ``estate``."""
        mine = [operation for operation in operations if operation.resource == resource]
        return self.digest(self.after(estate, self.compose(estate, mine)), resource)

    def reread(self, arm: ArmReader, resource: str) -> list[Body]:
        """As much of the target, read again, as the digest of ``resource`` takes."""
        try:
            return [arm.get(resource, self.api_version)]
        except TargetNotFound:
            return []

    def exact(self, estate: Estate, resource: str) -> str:
        """Digest of all that a write of ``resource`` replaces, to the letter: what another hand wrote with the same
        meaning (other letters, another order, a group without rules) would be lost all the same."""
        return fingerprint(estate.get(resource))

    def is_unchanged(self, arm: ArmReader, estate: Estate, resource: str) -> bool:
        """Does ``resource`` still read, letter by letter, as it does in ``estate``?"""
        again = Estate.of(self.reread(arm, resource))
        return self.exact(estate, resource) == self.exact(again, resource)

    @classmethod
    def find_option_faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(option, what is wrong with it) for the ``options`` of a target."""
        known = cls.options_type.__struct_fields__
        for name, value in options.items():
            if name not in known:
                yield name, f"is no option of this surface{near_miss(name, known)}"
                continue
            try:
                msgspec.convert({name: value}, prepared(cls.options_type))
            except msgspec.ValidationError as error:
                yield name, str(error).partition(" - at ")[0].lower()
