"""Findings about very many requirements, each made when somebody asks for it.

Most requirements of a steady estate are let through by certain allows. That they are is found for all of them over
columns (:mod:`allowlist.rules.columns.allows`); the sentence that names rules and sources is made for who reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from allowlist.plan.findings import Finding, Status, find_by_partition, find_requirement_finding
from allowlist.rules.columns.allows import ALLOWED
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement


class Findings(Sequence[Finding]):
    """One finding for each of ``requirements``, in their order: what ``find_requirement_findings`` says, said later."""

    def __init__(self, engine: CoverageEngine, requirements: Sequence[Requirement], target: str) -> None:
        self.requirements = requirements
        self._engine = engine
        self._target = target
        self.fates = engine.allows.fates(requirements)
        """What certain allows make of each."""
        self._made: dict[int, Finding] = {
            number: self._make(number) for number, fate in enumerate(self.fates) if fate != ALLOWED
        }

    def __len__(self) -> int:
        return len(self.requirements)

    @overload
    def __getitem__(self, number: int) -> Finding: ...
    @overload
    def __getitem__(self, number: slice) -> list[Finding]: ...
    def __getitem__(self, number: int | slice) -> Finding | list[Finding]:
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        at = range(len(self))[number]
        found = self._made.get(at)
        if found is None:
            found = self._made[at] = self._make(at)
        return found

    def _make(self, number: int) -> Finding:
        find = find_requirement_finding if self.fates[number] == ALLOWED else find_by_partition
        return find(self._engine, self.requirements[number], self._target)

    def looked_at(self) -> Iterator[Finding]:
        """The findings of which more is to be told than that certain allows let all of it through."""
        return (self[number] for number, fate in enumerate(self.fates) if fate != ALLOWED)

    def covered(self) -> list[bool]:
        """Of each requirement whether it is covered."""
        return [
            fate == ALLOWED or self[number].status is Status.COVERED for number, fate in enumerate(self.fates)
        ]


class ByKey(Mapping[str, Finding]):
    """Findings by the key of their requirement; of two with one key the later counts."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._numbers = {item.key: number for number, item in enumerate(findings.requirements)}

    def __getitem__(self, key: str) -> Finding:
        return self._findings[self._numbers[key]]

    def __contains__(self, key: object) -> bool:
        return key in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)


def covered_column(findings: Sequence[Finding]) -> list[bool]:
    """Of each finding whether it says covered."""
    if isinstance(findings, Findings):
        return findings.covered()
    return [finding.status is Status.COVERED for finding in findings]


def telling(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings but for those that only say that certain allows let something through: no assumption, no witness."""
    return findings.looked_at() if isinstance(findings, Findings) else iter(findings)
