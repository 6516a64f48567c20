"""init and snapshot find what a subscription has: firewalls, managed networks, lists, egress policies, agents."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, Result, allowlist
from tests.helpers.foundry import ACCOUNT, HUB, SPEECH, account, fqdn, hub, network, policy, speech

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
SUBNET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/agents"


@pytest.fixture
def azure() -> Iterator[tuple[str, ...]]:
    """The example company, a hub, two Foundry accounts (one with agents in a subnet of the customer), and speech."""
    injected = copy.deepcopy(account([{"scenario": "agent", "subnetArmId": SUBNET}]))
    injected |= {"id": f"{ACCOUNT}-own", "name": "foundry-own"}
    simulator = Simulator()
    simulator.seed(CONTOSO)
    simulator.seed([hub({"mine": fqdn("a.example")}), account(), network(), policy(), speech([]), injected])
    with serve(simulator) as running:
        yield "--arm-endpoint", running.url, "--credential", "none"


def test_init_proposes_a_target_for_every_enforcement_point(azure: tuple[str, ...], workplace: Path) -> None:
    asked = ("--subscription", SUBSCRIPTION, "--name", "everything", "--catalog", "vscode")

    made = allowlist("init", *asked, *azure)

    assert made.code == 0, made.err
    written = yaml.safe_load((workplace / "allowlist.yaml").read_text())
    found = {(target["surface"], target["resource"].rpartition("/")[2]) for target in written["targets"]}
    assert found >= {
        ("firewall-policy", "afwp-weu"),
        ("hub-network", "hub-research"),
        ("account-network", "foundry-research"),
        ("account-network", "contoso-research"),
        ("account-allow-list", "speech-callcenter"),
        ("agent-egress", "egress-baseline"),
    }
    assert "foundry-own" not in {name for _, name in found}
    assert written["sources"]["agents"]["subnets"] == [SUBNET]
    assert "the firewall of that network decides" in made.err


def test_a_snapshot_of_a_subscription_answers_offline_like_azure(
    azure: tuple[str, ...], workplace: Path
) -> None:
    assert allowlist("snapshot", "--subscription", SUBSCRIPTION, "-o", "state", *azure).code == 0

    saved = " ".join(path.read_text() for path in (workplace / "state").glob("*.json"))

    assert all(
        part in saved for part in (HUB, f"{ACCOUNT}/managedNetworks/default", SPEECH, "egress-baseline")
    )
    assert allowlist("init", "--snapshot", "state", "--name", "x", "--catalog", "vscode").code == 0
    (workplace / "contoso.yaml").write_text((CONTOSO / "allowlist.yaml").read_text())
    online = allowlist("check", "--workload", "contoso.yaml", "--json", *azure)
    offline = allowlist("check", "--workload", "contoso.yaml", "--json", "--snapshot", "state")
    assert _findings(offline, "--snapshot", "state") == _findings(online, *azure)


def _findings(checked: Result, *given: str) -> Any:
    """What was found; a next step names in each answer the state it was given."""
    return json.loads(checked.out.replace(f" {shlex.join(given)}", ""))
