"""Runs command lines in this process, as a user would, with a state folder of their own."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowlist.cli.main import invoke
from tests.helpers import hints
from tests.helpers.shared import REPOSITORY

CONTOSO = REPOSITORY / "allowlist" / "simulator" / "estates" / "contoso"
FIREWALL_ONLY = Path(__file__).parent / "contoso.yaml"
"""A workload for the policy of that estate and for nothing else of it."""


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def allowlist(*arguments: object) -> Result:
    """Run ``allowlist`` with ``arguments``; what it says to run next is run too where that is asked for."""
    result = run(*arguments)
    if hints.RECORD:
        hints.follow(run, [str(argument) for argument in arguments], result.err, result.out)
    return result


def run(*arguments: object) -> Result:
    """Run ``allowlist`` with ``arguments`` and nothing else."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = invoke([str(argument) for argument in arguments])
    return Result(int(code), out.getvalue(), err.getvalue())


def on_contoso(command: str, *arguments: object, workload: Path = FIREWALL_ONLY) -> Result:
    """Run a command on the example company's snapshot."""
    return allowlist(command, "--workload", workload, "--snapshot", CONTOSO, *arguments)
