"""Which rights a client used, by the requests the simulator saw while everything was done that the product can do."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.foundry import POLICY, account, policy
from tests.helpers.hub import HUB, intent, secured_hub
from tests.helpers.perimeter import PROFILE, perimeter
from tests.helpers.shared import REPOSITORY
from tests.helpers.world import OURS

EXAMPLES = REPOSITORY / "examples"
NET = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu/providers/Microsoft.Network"


@dataclass
class Rights:
    """Actions used for looking (snapshot, check, plan) and, on top, for changing (apply, sync, rollback)."""

    reading: set[str] = field(default_factory=set)
    changing: set[str] = field(default_factory=set)


def used_rights(workplace: Path) -> Rights:
    """Go through the whole loop on every surface. Must be run in ``workplace``."""
    rights = Rights()
    contoso = (CONTOSO / "allowlist.yaml").read_text()
    drafted = contoso.replace("    delete: sync\n", "    delete: sync\n    via: draft\n")
    smaller = contoso.replace("  - {name: vscode, version: 2.0.0}\n", "")
    _loop(rights, str(CONTOSO), smaller, workplace / "contoso", then=drafted)
    for name in ("account", "hub", "speech-dlp"):
        workload = (EXAMPLES / name / "allowlist.yaml").read_text()
        _loop(rights, str(EXAMPLES / name / "estate"), workload, workplace / name)
    _loop(rights, [_CLASSIC], _workload("azure-firewall", _CLASSIC["id"]), workplace / "classic")
    _loop(rights, [account(), policy()], _workload("agent-egress", POLICY), workplace / "egress")
    _loop(rights, secured_hub(intent()), _workload("secured-hub", HUB), workplace / "hub-wan")
    enforcing = "{access_mode: Enforced}"
    wanted = _workload("security-perimeter", PROFILE).replace(
        "delete: sync}", f"delete: sync, options: {enforcing}}}"
    )
    _loop(rights, perimeter("Learning"), wanted, workplace / "perimeter")
    rights.changing -= rights.reading
    return rights


_CLASSIC: dict[str, Any] = {
    "id": f"{NET}/azureFirewalls/afw-classic",
    "name": "afw-classic",
    "type": "Microsoft.Network/azureFirewalls",
    "location": "westeurope",
    "properties": {
        "provisioningState": "Succeeded",
        "sku": {"name": "AZFW_VNet", "tier": "Standard"},
        "threatIntelMode": "Alert",
        "additionalProperties": {},
        "applicationRuleCollections": [],
        "networkRuleCollections": [],
        "natRuleCollections": [],
        "ipConfigurations": [],
    },
}


def _workload(surface: str, resource: str) -> str:
    return (
        "schema: allowlist/workload/v1\nname: rights\nsources: {lab: {addresses: [10.70.0.0/24]}}\n"
        "requirements:\n  - {id: one, pattern: one.contoso.example, ports: ['https:443'], owner: a, reason: b, "
        "expires: '2099-01-01'}\n"
        f"targets:\n  - {{name: target, surface: {surface}, resource: {resource}, delete: sync}}\n"
    )


def _loop(rights: Rights, estate: Any, workload: str, folder: Path, then: str = "") -> None:
    """Look, change, go back, and be a scheduled run; with ``then``, change again in another way."""
    folder.mkdir()
    simulator = Simulator()
    simulator.seed(estate)
    with serve(simulator) as running, contextlib.chdir(folder):
        azure = ("--arm-endpoint", running.url, "--credential", "none")
        Path("allowlist.yaml").write_text(workload)
        _do("snapshot", "-o", "state", *azure)
        _do("check", *azure)
        _do("plan", *azure)
        rights.reading |= _actions(simulator)
        runs = [_apply(azure)]
        if then:  # a draft adds to a group that is there, so something has to be left to add
            Path("allowlist.yaml").write_text(then)
            runs.append(_apply(azure))
        for run in reversed(runs):
            undone = allowlist("rollback", run, *azure)
            assert undone.code == 0 or "cannot" in undone.err, undone.err
        _do("sync", *azure)
        if then:  # somebody changes a rule of ours, and the activity log is asked who it was
            _apply(azure)
            _do("sync", *azure)
            simulator.edit(OURS, lambda body: body["properties"]["ruleCollections"][0]["rules"].pop())
            _do("sync", *azure)
        rights.changing |= _actions(simulator)


def _actions(simulator: Simulator) -> set[str]:
    """As Azure writes them; requests may write resource types in any case, and rights are compared without it."""
    return {_WRITTEN.get(action.lower(), action) for action in simulator.requests.actions()}


_WRITTEN = {
    action.lower(): action
    for action in (
        "Microsoft.Network/firewallPolicies/firewallPolicyDrafts/read",
        "Microsoft.Network/firewallPolicies/firewallPolicyDrafts/write",
        "Microsoft.Network/firewallPolicies/firewallPolicyDrafts/delete",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups/ruleCollectionGroupDrafts/read",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups/ruleCollectionGroupDrafts/write",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups/ruleCollectionGroupDrafts/delete",
    )
}


def _apply(azure: tuple[str, ...]) -> str:
    planned = allowlist("plan", "-o", "plan.json", "--json", *azure)
    gates = [word for gate in planned.json.get("gates", ()) for word in ("--accept", gate["id"])]
    _do("approve", "plan.json", "--all", "--reason", "test", *gates)
    applied = allowlist("apply", "plan.json", "--json", *azure)
    assert applied.code == 0, applied.err
    return str(applied.json["run"])


def _do(*words: object) -> None:
    result = allowlist(*words)
    assert result.code == 0, (words, result.err)
