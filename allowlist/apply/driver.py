"""What the executor needs of an enforcement point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from allowlist.apply.unmet import Unmet
from allowlist.plan.model import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The actual state of a target, read at one moment: its fingerprint and the raw bodies behind it."""

    fingerprint: str
    bodies: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWrite:
    """One write about to be sent: what it touches, which changes it carries, and the surface's own form of it."""

    resource: str
    change_ids: tuple[str, ...]
    operations: tuple[Operation, ...]
    payload: Any = field(repr=False)

    @property
    def removes_only(self) -> bool:
        return all(operation.action == "remove" for operation in self.operations)


class TargetDriver(Protocol):
    """One target, ready to be read and written. Methods raise the TargetError tree."""

    @property
    def name(self) -> str: ...

    @property
    def family(self) -> str:
        """Targets of one family are written one after the other."""
        ...

    def read(self) -> State: ...

    def compose(self, state: State, operations: Sequence[tuple[str, Operation]]) -> list[PlannedWrite]:
        """The fewest writes for (change id, operation) pairs on top of ``state``."""
        ...

    def send(self, write: PlannedWrite) -> None:
        """Send one write and wait until Azure says it ended."""
        ...

    def verify(self, write: PlannedWrite) -> list[Unmet]:
        """Read back; what keeps it from being called done."""
        ...

    def is_unchanged(self, state: State, write: PlannedWrite) -> bool:
        """Does the resource of ``write`` still read as it did in ``state``?"""
        ...
