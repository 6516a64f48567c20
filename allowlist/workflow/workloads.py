"""Read workload files with everything they may name: the kinds of enforcement points and their options."""

from __future__ import annotations

from pathlib import Path

from allowlist import workload as documents
from allowlist.documents.source import Source
from allowlist.errors import InvalidInput
from allowlist.points.kind import kind_of, kinds
from allowlist.workload import LOCAL_SURFACES, Workload


def read_workload(path: Path) -> tuple[Workload, Source]:
    """Read and check a workload file. Raises InvalidInput with every mistake but those of options."""
    return documents.read_workload(path, kinds())


def refuse_wrong_options(workload: Workload, source: Source) -> None:
    """Raises InvalidInput with the place of every option that a surface does not know or cannot read.

    What is in Azure needs none, so where none is given its kind is not loaded; a filter needs its format.
    """
    problems = [
        source.problem(("targets", index, "options", name), f"'{name}' {text}")
        for index, spec in enumerate(workload.targets)
        if spec.options or spec.surface in LOCAL_SURFACES
        for name, text in kind_of(spec.surface).load().find_option_faults(spec.options)
    ]
    if problems:
        raise InvalidInput(problems)
