"""Every error the product raises on purpose.

An error knows its exit code (see :mod:`allowlist.cli.exits`) and, where there is one, the next step as a
``hint``. Anything else that escapes is a defect of the product and is reported as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class AllowlistError(Exception):
    """Base of all deliberate errors. ``hint`` is the next step a person can take."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one document; ``line`` and ``column`` count from 1, 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place} {self.message}"


class InvalidInput(AllowlistError):
    """A document or argument is wrong; carries every mistake found in it."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem], *, hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), hint=hint)

    @classmethod
    def of(
        cls, file: str | Path, message: str, *, line: int = 0, column: int = 0, hint: str = ""
    ) -> InvalidInput:
        return cls((Problem(str(file), line, column, message),), hint=hint)


class CatalogError(AllowlistError):
    """A catalog, release or entry that was asked for does not exist or cannot be trusted."""


class PlanRefused(AllowlistError):
    """A plan may not be applied; the children say why."""


class BlockedByGate(PlanRefused):
    exit_code = 3


class StalePlan(PlanRefused):
    exit_code = 4


class NotApproved(PlanRefused):
    exit_code = 5


class LockHeld(AllowlistError):
    exit_code = 6


class AppliedInPart(AllowlistError):
    """Some changes are done, others not or unknown; the run can be resumed or rolled back."""

    exit_code = 7


class Interrupted(AllowlistError):
    """Somebody asked twice for the end of a run: it left while Azure was still at work."""

    exit_code = 130


class TargetError(AllowlistError):
    """Azure, or what stands in for it, refused or failed. ``status`` is the HTTP status, 0 if none came."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class TargetDenied(TargetError):
    """401 or 403: the identity lacks a right."""


class TargetNotFound(TargetError):
    """404: the resource is not there."""


class ProviderNotRegistered(TargetNotFound):
    """The subscription does not use the resource provider, so nothing of it can be there; never registered by us."""


class TargetConflict(TargetError):
    """409 or 412, or one of the codes that mean "busy": somebody else is writing.

    ``is_busy`` says that the same request is welcome once the other operation has ended.
    """

    def __init__(
        self, message: str, *, hint: str = "", status: int = 0, code: str = "", is_busy: bool = False
    ) -> None:
        super().__init__(message, hint=hint, status=status, code=code)
        self.is_busy = is_busy


class TargetThrottled(TargetError):
    """429: too many requests. ``retry_after`` is in seconds, None if the service did not say."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 429,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status=status, code=code)
        self.retry_after = retry_after


class TargetUnavailable(TargetError):
    """5xx, a lost connection or a timeout: nothing is known about what happened."""


class TargetUntrusted(TargetUnavailable):
    """The certificate that was shown is not trusted: nothing was sent, and asking again changes nothing."""
