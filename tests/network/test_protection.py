"""Threat intelligence, intrusion detection and what passes both unseen."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.network.checks.protection import protections
from allowlist.network.observation import State
from allowlist.network.scene import Scene
from allowlist.rules.addresses import NOWHERE

POLICY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p"


def seen(**properties: Any) -> dict[str, State]:
    estate = Estate.of(
        [{"id": POLICY, "name": "p", "type": "Microsoft.Network/firewallPolicies", "properties": properties}]
    )
    return {
        item.code: item.state
        for item in protections(
            Scene(estate=estate, cloud="public", targets=(POLICY,), named=(), addresses=NOWHERE)
        )
    }


@pytest.mark.parametrize(
    ("mode", "state"),
    [("Off", State.NOT_MET), ("Alert", State.NOTE), ("Deny", State.MET), ("off", State.NOT_MET)],
)
def test_threat_intelligence_is_judged_by_what_it_does(mode: str, state: State) -> None:
    assert seen(threatIntelMode=mode) == {"threat-intelligence": state}


def test_what_does_not_stand_there_is_not_judged() -> None:
    assert seen() == {}


@pytest.mark.parametrize(
    ("mode", "state"),
    [(None, State.NOT_MET), ("Off", State.NOT_MET), ("Alert", State.NOTE), ("Deny", State.MET)],
)
def test_a_premium_policy_uses_its_intrusion_detection(mode: str | None, state: State) -> None:
    found = {"intrusionDetection": {"mode": mode}} if mode else {}

    assert seen(sku={"tier": "Premium"}, **found) == {"intrusion-detection": state}
    assert seen(sku={"tier": "Standard"}, **found) == {}


def test_what_passes_unseen_is_told() -> None:
    assert seen(threatIntelWhitelist={"fqdns": ["*.contoso.com"], "ipAddresses": []}) == {
        "protection-bypass": State.NOTE
    }
    around = {"configuration": {"bypassTrafficSettings": [{"name": "all"}]}}
    assert seen(intrusionDetection=around) == {"protection-bypass": State.NOTE}
    assert seen(threatIntelWhitelist={"fqdns": [], "ipAddresses": []}) == {}
