"""After an operation that ended Failed, what is printed as the next step works, on every kind of enforcement point."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from allowlist.errors import AppliedInPart
from allowlist.workflow.applying import raise_if_incomplete
from tests.helpers.cli import allowlist
from tests.helpers.foundry_world import RESOURCES, estate
from tests.helpers.hub import HUB, intent, secured_hub
from tests.helpers.kinds import kind_world, workload_for
from tests.helpers.small_world import NETWORK
from tests.helpers.small_world import POLICY as PLAIN_POLICY
from tests.helpers.small_world import estate as plain_estate
from tests.helpers.world import World

CLASSIC = f"{NETWORK}/azureFirewalls/classic"
AT_ONCE = "agent-egress"
"""What writes without a long operation (it and perimeters) has none that could end Failed."""
KINDS = {
    **{kind: resource for kind, resource in RESOURCES.items() if kind != AT_ONCE},
    "secured-hub": HUB,
    "firewall-policy": PLAIN_POLICY,
    "azure-firewall": CLASSIC,
}


def _classic() -> dict[str, Any]:
    properties = {"sku": {"name": "AZFW_VNet", "tier": "Standard"}, "applicationRuleCollections": []}
    return {
        "id": CLASSIC, "name": "classic", "location": "westeurope",
        "type": "Microsoft.Network/azureFirewalls", "properties": properties,
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every kind once, in one Azure."""
    bodies = [*estate(), *secured_hub(intent()), *plain_estate(), _classic()]
    folder = tmp_path_factory.mktemp("kinds")
    with kind_world(folder, workload_for("secured-hub", HUB, []), bodies) as found:
        yield found


def _asks_for(world: World, kind: str, names: list[str]) -> None:
    document = workload_for(kind, KINDS[kind], names)
    world.workload.write_text(json.dumps(document | {"name": f"w-{kind}"}))


def _apply_while_everything_fails(world: World) -> list[list[str]]:
    """The commands that are printed when the run is told."""
    plan = world.plan()
    assert plan.changes
    world.approve(plan)
    world.fault(*(f"{method}:*:operation-fails" for method in ("PUT", "PATCH", "POST", "DELETE")))
    result = world.apply(plan)
    world.simulator.faults.clear()
    with pytest.raises(AppliedInPart) as told:
        raise_if_incomplete(result)
    return [shlex.split(text) for text in re.findall(r"allowlist (.*)", told.value.hint)]


def _run(world: World, words: list[str]) -> Any:
    given = ["--workload", world.workload, "--ledger", f"sqlite:///{world.workload.parent}/ledger.db"]
    if words[0] != "history":
        given += ["--catalogs", world.catalogs, "--arm-endpoint", world.running.url, "--credential", "none"]
    else:
        given = given[2:]
    return allowlist(*words, *given)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_printed_after_a_failed_operation_works(world: World, kind: str) -> None:
    _asks_for(world, kind, ["needed.example.com"])
    first, *_ = _apply_while_everything_fails(world)

    done = _run(world, first)

    assert done.code == 0, done.err
    assert world.plan().is_empty
    assert not world.ledger.unfinished_runs()
