"""Commands through a proxy that counts, projects by api-version and redirects, written without code of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist
from tests.helpers.plain_proxy import Passing, plain_proxy
from tests.helpers.world import OURS

READING = (
    ("check",),
    ("plan", "-o", "plan.json"),
    ("explain", "download.pytorch.org", "--from", "10.40.0.4"),
    ("simplify",),
    ("posture",),
    ("snapshot", "-o", "state"),
    ("init", "--subscription", "00000000-0000-0000-0000-000000000001", "--name", "x", "--catalog", "vscode",
     "--source", "10.0.0.0/8", "-o", "new.yaml"),
)  # fmt: skip


@pytest.fixture
def simulator() -> Simulator:
    made = Simulator()
    made.seed(CONTOSO)
    return made


@pytest.fixture
def proxy(simulator: Simulator, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Passing]:
    shutil.copy(FIREWALL_ONLY, workplace / "allowlist.yaml")
    with serve(simulator) as running, plain_proxy(running.url) as passing:
        monkeypatch.setenv("ALLOWLIST_ARM_ENDPOINT", passing.url)
        monkeypatch.setenv("ALLOWLIST_CREDENTIAL", "none")
        yield passing


def _condition(simulator: Simulator) -> Any:
    """What the rule of somebody else is narrowed to, as it is stored."""
    group = next(item for item in simulator.resources() if str(item.get("id", "")).lower() == OURS.lower())
    rules = [rule for part in group["properties"]["ruleCollections"] for rule in part["rules"]]
    return next(rule for rule in rules if rule["name"] == "narrow")["sourceKubeSelectorGroups"]


def test_reading_commands_send_nothing_but_questions(proxy: Passing) -> None:
    for command in READING:
        before = len(proxy.asked)
        result = allowlist(*command)
        assert result.code == 0, result.err
        assert len(proxy.asked) > before
    asked = {(method, path) for method, path in proxy.asked if method not in ("GET", "HEAD")}
    assert all(
        method == "POST" and path.lower().endswith("/microsoft.resourcegraph/resources")
        for method, path in asked
    ), asked


def test_fields_of_new_versions_survive_apply_and_rollback(proxy: Passing, simulator: Simulator) -> None:
    """The rule of somebody else in our own group is narrowed to some pods, and the policy has an add-on."""
    theirs: dict[str, Any] = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "pods",
        "priority": 900,
        "action": {"type": "Allow"},
        "rules": [
            {
                "ruleType": "ApplicationRule",
                "name": "narrow",
                "protocols": [{"protocolType": "Https", "port": 443}],
                "targetFqdns": ["pods.example.com"],
                "sourceAddresses": ["10.40.0.0/24"],
                "sourceKubeSelectorGroups": ["/subscriptions/s/selectors/x"],
            }
        ],
    }
    simulator.seed(
        {
            "id": OURS,
            "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
            "properties": {"priority": 3000, "ruleCollections": [theirs], "provisioningState": "Succeeded"},
        }
    )
    assert allowlist("plan", "-o", "plan.json").code == 0
    assert allowlist("approve", "plan.json", "--all", "--reason", "t").code == 0
    applied = allowlist("apply", "plan.json", "--json")
    assert applied.code == 0, applied.err
    assert _condition(simulator) == theirs["rules"][0]["sourceKubeSelectorGroups"]
    undone = allowlist("rollback", applied.json["run"])
    assert undone.code == 0, undone.err
    assert _condition(simulator) == theirs["rules"][0]["sourceKubeSelectorGroups"]


@pytest.mark.parametrize("status", [303, 307])
def test_a_redirected_write_is_not_followed_and_the_run_tells_the_truth(
    proxy: Passing, simulator: Simulator, status: int
) -> None:
    assert allowlist("plan", "-o", "plan.json").code == 0
    assert allowlist("approve", "plan.json", "--all", "--reason", "t").code == 0
    proxy.redirects = ("PUT", "/ruleCollectionGroups/", status)
    refused = allowlist("apply", "plan.json")
    assert refused.code != 0
    assert "unexpected" not in refused.err
    assert proxy.url.removeprefix("http://") in refused.err
    assert proxy.strayed == []
    assert not simulator.exists(OURS)
    proxy.redirects = ("", "", 307)
    (run,) = json.loads(allowlist("history", "--json").out)
    assert run["state"] in ("failed", "partial", "interrupted")
    again = (
        allowlist("apply", "--resume", run["run"])
        if run["state"] != "failed"
        else allowlist("apply", "plan.json")
    )
    assert again.code == 0, again.err
    assert simulator.exists(OURS)


def test_a_redirected_read_is_no_answer(proxy: Passing) -> None:
    proxy.redirects = ("GET", "/firewallPolicies/", 302)
    told = allowlist("check")
    assert told.code != 0
    assert proxy.url.removeprefix("http://") in told.err
    assert proxy.strayed == []
