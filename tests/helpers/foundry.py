"""A small Foundry estate as raw ARM JSON: a hub, an account with a network, a speech account, an egress policy."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allowlist.catalog.library import shipped_catalogs
from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.plan.model import Plan
from allowlist.workflow.checking import check_targets
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, load_project, read_estate

Body = dict[str, Any]
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ai/providers"
HUB = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/hub-research"
ACCOUNT = f"{GROUP}/Microsoft.CognitiveServices/accounts/foundry-research"
NETWORK = f"{ACCOUNT}/managedNetworks/default"
SPEECH = f"{GROUP}/Microsoft.CognitiveServices/accounts/speech-callcenter"
POLICY = f"{ACCOUNT}/raiPolicies/egress-baseline"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/stresearch"

SIGN_IN: Body = {
    "type": "ServiceTag",
    "category": "Required",
    "status": "Active",
    "destination": {
        "serviceTag": "AzureActiveDirectory",
        "protocol": "TCP",
        "portRanges": "80, 443",
        "action": "Allow",
        "addressPrefixes": [],
    },
}


MACHINE_LEARNING: Body = {
    **SIGN_IN,
    "destination": {**SIGN_IN["destination"], "serviceTag": "AzureMachineLearning"},
}


def fqdn(destination: str, status: str = "Active", **more: Any) -> Body:
    return {
        "type": "FQDN",
        "category": "UserDefined",
        "status": status,
        "destination": destination,
        "errorInformation": None,
        "parentRuleNames": None,
        **more,
    }


def hub(
    rules: Body | None = None, mode: str = "AllowOnlyApprovedOutbound", status: str = "Active", **more: Any
) -> Body:
    network = {
        "isolationMode": mode,
        "networkId": "c0ffee00-0000-0000-0000-000000000001",
        "outboundRules": {"__SYS_ST_AzureActiveDirectory_TCP": SIGN_IN, **(rules or {})},
        "status": {"status": status, "sparkReady": False},
        **more,
    }
    return {
        "id": HUB,
        "name": "hub-research",
        "type": "Microsoft.MachineLearningServices/workspaces",
        "kind": "Hub",
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded", "managedNetwork": network},
    }


def account(injections: list[Body] | None = None, kind: str = "AIServices") -> Body:
    managed = [{"scenario": "agent", "subnetArmId": "", "useMicrosoftManagedNetwork": True}]
    return {
        "id": ACCOUNT,
        "name": "foundry-research",
        "type": "Microsoft.CognitiveServices/accounts",
        "kind": kind,
        "location": "westeurope",
        "sku": {"name": "S0"},
        "properties": {
            "provisioningState": "Succeeded",
            "networkInjections": managed if injections is None else injections,
        },
    }


def network(
    rules: Body | None = None, mode: str = "AllowOnlyApprovedOutbound", status: str = "Active", **more: Any
) -> Body:
    """As recorded: no id, name or type on the wire; a saved snapshot has an id, or nobody knew whose it is."""
    settings = {
        "isolationMode": mode,
        "networkId": "c0ffee00-0000-0000-0000-000000000002",
        "outboundRules": {
            "__SYS_ST_AzureActiveDirectory_TCP": SIGN_IN,
            "__SYS_ST_AzureMachineLearning_TCP": MACHINE_LEARNING,
            **(rules or {}),
        },
        "status": {"status": status},
        "firewallSku": "Standard",
        "enableFirewallLog": False,
        **more,
    }
    return {
        "id": NETWORK,
        "name": "default",
        "properties": {"provisioningState": "Succeeded", "managedNetwork": settings},
    }


def speech(entries: list[str], restricted: bool = True, kind: str = "SpeechServices") -> Body:
    return {
        "id": SPEECH,
        "name": "speech-callcenter",
        "type": "Microsoft.CognitiveServices/accounts",
        "kind": kind,
        "location": "westeurope",
        "sku": {"name": "S0"},
        "properties": {
            "provisioningState": "Succeeded",
            "restrictOutboundNetworkAccess": restricted,
            "allowedFqdnList": entries,
        },
    }


def policy(rules: list[Body] | None = None, **more: Any) -> Body:
    egress = {"mode": "Enforced", "defaultAction": "Deny", "rules": rules or [], **more}
    return {
        "id": POLICY,
        "name": "egress-baseline",
        "properties": {
            "type": "UserManaged",
            "basePolicyName": "Microsoft.Default",
            "contentFilters": [{"name": "Hate", "blocking": True, "enabled": True, "source": "Prompt"}],
            "egressPolicy": egress,
        },
    }


_RESOURCES = {
    "hub-network": HUB,
    "account-network": ACCOUNT,
    "account-allow-list": SPEECH,
    "agent-egress": POLICY,
}


@dataclass
class Case:
    """One workload with one target, and the state it is held against."""

    folder: Path
    surface: str
    wants: dict[str, list[str]]
    state: list[Body]
    delete: str = "add-only"
    resource: str = ""
    options: Body = field(default_factory=dict)
    more: Body = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()

    def workload(self) -> Path:
        document = {
            "schema": "allowlist/workload/v1",
            "name": "research",
            "sources": {"lab": {"addresses": ["10.40.0.0/24"]}},
            "targets": [
                {
                    "name": "target",
                    "surface": self.surface,
                    "resource": self.resource or _RESOURCES[self.surface],
                    "delete": self.delete,
                    "options": self.options,
                }
            ],
            "requirements": [
                {
                    "id": f"r{number}",
                    **_wanted(name),
                    "ports": ports,
                    "owner": "team",
                    "reason": "needed",
                    "expires": "2999-01-01",
                }
                for number, (name, ports) in enumerate(self.wants.items())
            ],
            **self.more,
        }
        path = self.folder / "allowlist.yaml"
        path.write_text(json.dumps(document), "utf-8")
        return path

    def project(self) -> Project:
        catalogs = self.folder / "catalogs"
        catalogs.mkdir(exist_ok=True)
        shutil.copy(shipped_catalogs() / "vscode.yaml", catalogs)
        project = load_project(
            self.workload(), catalogs=catalogs, now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
        )
        return dataclasses.replace(project, remembered={"target": self.remembered})

    def estate(self) -> Estate:
        """Read from disk, as the command line does with --snapshot."""
        folder = self.folder / "state"
        folder.mkdir(exist_ok=True)
        (folder / "state.json").write_text(json.dumps({"value": copy.deepcopy(self.state)}), "utf-8")
        project = self.project()
        return read_estate(project, project.targets(), folder)

    def plan(self) -> Plan:
        project = self.project()
        return make_plan(project, self.estate(), project.targets())

    def check(self) -> list[Finding]:
        project = self.project()
        return list(check_targets(project, self.estate(), project.targets())[0].findings)

    def after(self, plan: Plan) -> list[Body]:
        """The state once the whole plan has been applied, as the surface itself foresees it."""
        project = self.project()
        spec = project.targets()[0]
        point = project.point(spec)
        estate = self.estate()
        writes = point.compose(estate, [change.operation for change in plan.changes])
        return list(point.after(estate, writes).resources.values())


def _wanted(name: str) -> Body:
    return {"pattern": name} if "." in name else {"service_tag": name}
