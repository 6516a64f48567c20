"""The examples of managed networks and account lists, applied to the simulator: approved, verified, converged."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import allowlist
from tests.helpers.shared import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
LEFT_TO_SOMEBODY = {"hub"}
"""A rule of somebody else is Failed there: no change of ours helps, so it stays a gap and is never called fine."""


@pytest.mark.parametrize("name", ["account", "speech-dlp", "hub"])
def test_an_example_is_applied_and_then_nothing_is_left_to_do(name: str, workplace: Path) -> None:
    (workplace / "allowlist.yaml").write_text((EXAMPLES / name / "allowlist.yaml").read_text())
    simulator = Simulator()
    simulator.seed(EXAMPLES / name / "estate")
    with serve(simulator) as running:
        azure = ("--arm-endpoint", running.url, "--credential", "none")
        planned = allowlist("plan", "-o", "plan.json", "--json", *azure)
        gates = [gate["id"] for gate in planned.json.get("gates", ()) if not gate.get("passed")]
        accepted = [word for gate in gates for word in ("--accept", gate)]

        assert allowlist("approve", "plan.json", "--all", "--reason", "ticket 1", *accepted).code == 0
        applied = allowlist("apply", "plan.json", "--json", *azure)

        assert applied.code == 0, applied.err
        assert applied.json["converged"] is (None if name in LEFT_TO_SOMEBODY else True)
        assert bool(applied.json["open"]) is (name in LEFT_TO_SOMEBODY)
        again = allowlist("plan", "--exit-code", "--json", *azure)
        assert again.json["changes"] == []
        assert again.code == (2 if name in LEFT_TO_SOMEBODY else 0)
