"""What keeps a write from being called done, as values: nothing is decided by the wording of a message."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class UnmetKind(StrEnum):
    ABSENT = "absent"
    """What was written is not there."""
    PRESENT = "present"
    """What was removed is still there."""
    DIFFERENT = "different"
    """It is there, and reads back different from what was written."""
    MOVING = "moving"
    """It reads as planned, and an operation on it is still running."""
    FAILED = "failed"
    """It reads as planned, and the service says that it did not take effect; sending it again usually heals it."""
    UNSETTLED = "unsettled"
    """It reads as planned, in a state that is neither final nor known to move by itself."""


_OF_STATE = frozenset({UnmetKind.MOVING, UnmetKind.FAILED, UnmetKind.UNSETTLED})
# Provisioning states and rule states of the network, machine learning and cognitive services providers.
_KINDS = {
    "Failed": UnmetKind.FAILED,
    **dict.fromkeys(
        ("Updating", "Accepted", "Creating", "Provisioning", "Deleting", "Moving"), UnmetKind.MOVING
    ),
}


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a write cannot be called done: of which kind, about what, and a sentence for people."""

    kind: UnmetKind
    resource: str
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def absent(cls, resource: str) -> Unmet:
        return cls(kind=UnmetKind.ABSENT, resource=resource, text=f"{resource} is not there")

    @classmethod
    def present(cls, resource: str) -> Unmet:
        return cls(kind=UnmetKind.PRESENT, resource=resource, text=f"{resource} is still there")

    @classmethod
    def different(cls, resource: str, text: str = "") -> Unmet:
        text = text or f"{resource} reads back different from what was written"
        return cls(kind=UnmetKind.DIFFERENT, resource=resource, text=text)

    @classmethod
    def of_state(cls, resource: str, state: str, error: str = "") -> Unmet:
        """``state`` is Azure's own word; ``error`` what the service says about it."""
        text = f"{resource} is in state {state}" + (f": {error}" if error else "")
        return cls(kind=_KINDS.get(state, UnmetKind.UNSETTLED), resource=resource, text=text)


def is_moving(found: Iterable[Unmet]) -> bool:
    """Will waiting help?"""
    return any(item.kind is UnmetKind.MOVING for item in found)


def is_failed(found: Iterable[Unmet]) -> bool:
    return any(item.kind is UnmetKind.FAILED for item in found)


def is_of_state(found: Iterable[Unmet]) -> bool:
    """Does everything read as planned, and only states are not final yet?"""
    return all(item.kind in _OF_STATE for item in found)
