"""What every enforcement surface offers. Translation, drafting and composing are pure; reading and writing are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from allowlist.apply.unmet import Unmet
from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.errors import TargetNotFound
from allowlist.estate.bodies import Body, Estate, fingerprint
from allowlist.plan.drafts import NO_COST, Draft, Drafted, LimitFinding
from allowlist.plan.findings import Finding
from allowlist.plan.model import Operation
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement
from allowlist.workload.document import Price, TargetSpec, Workload

__all__ = [
    "NO_COST",
    "ArmReader",
    "ArmWriter",
    "Draft",
    "Drafted",
    "LimitFinding",
    "Surface",
    "SurfaceBase",
    "Target",
    "Write",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One enforcement point of a workload, as written in its file."""

    name: str
    workload: str
    surface: str
    resource: str
    delete: str
    group: str = ""
    priority: int = 0
    collection: str = ""
    options: dict[str, Any]
    prices: tuple[Price, ...] = ()
    remembered: frozenset[str] = frozenset()
    """Entries of a list without room for marks that the ledger remembers as ours."""

    @classmethod
    def of(cls, workload: Workload, spec: TargetSpec, remembered: frozenset[str] = frozenset()) -> Target:
        return cls(
            name=spec.name,
            workload=workload.name,
            surface=spec.surface,
            resource=spec.resource.rstrip("/"),
            delete=spec.delete,
            group=spec.group,
            priority=spec.priority,
            collection=spec.collection,
            options={**spec.options, "via": spec.via},
            prices=tuple(workload.prices),
            remembered=remembered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that changes Azure: ``body`` None means DELETE."""

    resource: str
    method: str
    body: Body | None
    api_version: str
    operations: tuple[Operation, ...]


class ArmReader(Protocol):
    """Reads raw JSON; pages are followed. Raises the TargetError tree."""

    def get(self, resource_id: str, api_version: str) -> Body: ...

    def list(self, path: str, api_version: str) -> Iterator[Body]: ...

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]: ...


class ArmWriter(ArmReader, Protocol):
    """Writes and waits for the long operation; returns when ARM says it ended. Raises the TargetError tree."""

    def put(self, resource_id: str, body: Body, api_version: str) -> Body: ...

    def patch(self, resource_id: str, body: Body, api_version: str) -> Body: ...

    def post(self, path: str, body: Body, api_version: str) -> Body: ...

    def delete(self, resource_id: str, api_version: str) -> None: ...


class Surface(Protocol):
    """The one interface behind which all surfaces stand."""

    def find_option_faults(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(option, what is wrong with it) for the ``options`` of a target."""
        ...

    def read(self, arm: ArmReader, target: Target) -> list[Body]:
        """Everything that decides for ``target``, raw."""
        ...

    def ruleset(self, estate: Estate, target: Target) -> Ruleset:
        """The rules in evaluation order. Raises InvalidInput where the estate lacks the target."""
        ...

    def refine(
        self, estate: Estate, target: Target, findings: Sequence[tuple[Requirement, Finding]]
    ) -> list[Finding]:
        """The findings as this surface sees them: an approval may be there and not be in force."""
        ...

    def posture(self, estate: Estate, target: Target) -> list[Finding]:
        """What the target shows by itself, whatever is required of it."""
        ...

    def draft(
        self, estate: Estate, target: Target, needed: Sequence[Requirement], kept: Sequence[Requirement]
    ) -> Draft:
        """Operations that satisfy ``needed``; ``kept`` are satisfied already, so rules of ours for them stay."""
        ...

    def compose(self, estate: Estate, target: Target, operations: Sequence[Operation]) -> list[Write]:
        """The fewest writes that carry out ``operations``; foreign parts go back as they came. Pure."""
        ...

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        """The estate as it would be after ``writes``. Pure."""
        ...

    def fingerprint(self, estate: Estate, target: Target) -> str:
        """Digest of everything of the target that a plan relies on."""
        ...

    def digest(self, estate: Estate, target: Target, resource: str) -> str:
        """Digest of what is configured at ``resource``, the place of a write of this target."""
        ...

    def reread(self, arm: ArmReader, target: Target, resource: str) -> list[Body]:
        """As much of the target, read again, as the digest of ``resource`` takes."""
        ...

    def limits(self, estate: Estate, target: Target) -> list[LimitFinding]: ...

    def family(self, estate: Estate, target: Target) -> str:
        """Targets with the same family are written one after the other."""
        ...

    def write(self, arm: ArmWriter, write: Write) -> None:
        """Send one write and wait for it to end."""
        ...

    def verify(self, arm: ArmReader, target: Target, expected: Sequence[Write]) -> list[Unmet]:
        """Read back; everything that keeps the change from being called done. Empty means done."""
        ...


class NoOptions(msgspec.Struct, frozen=True):
    """For surfaces whose targets have nothing to choose."""


class SurfaceBase:
    """What most surfaces do alike; each overrides what it does otherwise."""

    options_type: type[msgspec.Struct] = NoOptions

    def find_option_faults(self, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        known = self.options_type.__struct_fields__
        for name, value in options.items():
            if name not in known:
                yield name, f"is no option of this surface{near_miss(name, known)}"
                continue
            try:
                msgspec.convert({name: value}, prepared(self.options_type))
            except msgspec.ValidationError as error:
                yield name, str(error).partition(" - at ")[0].lower()

    def refine(
        self, estate: Estate, target: Target, findings: Sequence[tuple[Requirement, Finding]]
    ) -> list[Finding]:
        del estate, target
        return [finding for _, finding in findings]

    def posture(self, estate: Estate, target: Target) -> list[Finding]:
        del estate, target
        return []

    def digest(self, estate: Estate, target: Target, resource: str) -> str:
        del target
        return fingerprint(estate.get(resource))

    def reread(self, arm: ArmReader, target: Target, resource: str) -> list[Body]:
        del target
        try:
            return [arm.get(resource, self.api_version)]
        except TargetNotFound:
            return []

    api_version: str
