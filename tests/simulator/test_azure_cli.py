"""The real Azure command line deploys a template to the simulator, where ``ALLOWLIST_TEST_AZ`` names one (CI does)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.arm import GROUP, RULES
from tests.simulator.test_deployments import FIREWALL_POLICY, RULE_GROUP, _template

AZ = os.environ.get("ALLOWLIST_TEST_AZ", "")

pytestmark = pytest.mark.skipif(not AZ, reason="ALLOWLIST_TEST_AZ names no Azure command line")


def test_az_deploys_a_rule_collection_group_with_the_comments_of_its_template(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text("// by hand\n" + json.dumps(_template(RULE_GROUP, FIREWALL_POLICY), indent=1))
    simulator = Simulator()
    simulator.seed([{"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}])
    with serve(simulator, tls=tmp_path / "ca.pem") as running:
        settings = {
            "AZURE_CONFIG_DIR": str(tmp_path / "az"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        }
        environ = {**os.environ, **running.environment(), **settings}
        hosts = [
            f"--endpoint-{name}"
            for name in ("resource-manager", "active-directory", "active-directory-resource-id")
        ]
        for words in (
            ["cloud", "register", "-n", "local", *(word for host in hosts for word in (host, running.url))],
            ["cloud", "set", "-n", "local"],
            ["login", "--service-principal", "-u", "any", "-p", "any", "--tenant", "11111111-1111-1111-1111-111111111111"],
            ["deployment", "group", "create", "-g", "hub", "-n", "d", "--template-file", str(template)],
        ):  # fmt: skip
            subprocess.run([AZ, *words], env=environ, check=True, capture_output=True)
    written = next(item for item in simulator.resources() if item["id"] == RULES)
    assert written["properties"]["provisioningState"] == "Succeeded"
