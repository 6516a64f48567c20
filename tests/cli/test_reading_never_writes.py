"""Promise 1: whatever reads sends Resource Manager nothing but GET, and the one POST that asks Resource Graph.

Every command is listed here as reading or writing, so that a new one has to take sides. The subscription has a
resource provider that is not registered: Azure's SDK would register it on a GET.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.cli.main import COMMANDS
from allowlist.simulator import Running, Simulator, parse_fault, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, Result, allowlist

WRITING = {"apply", "demo", "rollback", "review", "sync", "simulate", "watch"}
OFFLINE = {
    "approve",
    "reject",
    "confirm",
    "unlock",
    "history",
    "recommend",
    "compare",
    "simplify",
    "completion",
    "export",
    "policy",
    "schema",
}
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)
ON_FIREWALL = ("--workload", FIREWALL_ONLY)
MORE = {
    "init": (
        *("--subscription", SUBSCRIPTION, "--name", "n", "--catalog", "foundry-hub"),
        *("--source", "10.0.0.0/24"),
    ),
    "explain": ("pypi.example", "--from", "10.20.1.4", *ON_FIREWALL),
    "evidence": (CONTOSO / "allowlist.yaml", *ON_FIREWALL),
    "posture": ON_FIREWALL,
    "snapshot": ("-o", "saved", *ON_FIREWALL),
    "plan": ("-o", "plan.json", *ON_FIREWALL),
    "check": ON_FIREWALL,
    "catalog": ("live", WORKSPACE, "--against", "foundry-hub"),
}
NOT_REGISTERED = "GET:*:status=409,code=MissingSubscriptionRegistration"


@pytest.fixture
def running() -> Iterator[tuple[Simulator, Running]]:
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as server:
        yield simulator, server


def _run(command: str, server: Running) -> Result:
    return allowlist(command, *MORE[command], "--arm-endpoint", server.url, "--credential", "none")


def test_every_command_takes_sides() -> None:
    assert WRITING | OFFLINE | MORE.keys() == COMMANDS.keys()


@pytest.mark.parametrize("fault", ["", NOT_REGISTERED])
@pytest.mark.parametrize("command", MORE)
def test_a_reading_command_only_reads(
    command: str, fault: str, running: tuple[Simulator, Running], workplace: Path
) -> None:
    simulator, server = running
    if fault:
        simulator.faults.add(parse_fault(fault))
    _run(command, server)
    sent = {(item.method, item.path) for item in simulator.requests}
    assert sent
    assert {
        method for method, path in sent if not path.lower().endswith("microsoft.resourcegraph/resources")
    } == {"GET"}


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_provider_that_is_not_registered_is_the_answer(
    command: str, running: tuple[Simulator, Running], workplace: Path
) -> None:
    simulator, server = running
    simulator.faults.add(parse_fault(NOT_REGISTERED))
    result = _run(command, server)
    assert result.code == 1
    assert f"Microsoft.Network is not registered in subscription {SUBSCRIPTION}" in result.err


def test_init_says_which_providers_are_not_registered(
    running: tuple[Simulator, Running], workplace: Path
) -> None:
    simulator, server = running
    simulator.faults.add(parse_fault(f"{NOT_REGISTERED},contains=CognitiveServices"))
    result = _run("init", server)
    assert result.code == 0
    assert f"Microsoft.CognitiveServices is not registered in subscription {SUBSCRIPTION}" in result.err
