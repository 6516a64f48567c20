"""The JavaScript SDK against the simulator, where ``ALLOWLIST_TEST_NODE_MODULES`` names a folder that holds it (CI does).

``make clients`` installs it beside the repository's own files, which know nothing of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.arm import GROUP
from tests.helpers.shared import REPOSITORY

MODULES = os.environ.get("ALLOWLIST_TEST_NODE_MODULES", "")
NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(
    not (MODULES and NODE),
    reason="ALLOWLIST_TEST_NODE_MODULES names no folder with @azure/arm-network, or no node",
)


def test_the_javascript_sdk_writes_reads_lists_and_deletes_a_rule_collection_group(tmp_path: Path) -> None:
    simulator = Simulator()
    simulator.seed([{"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}])
    _, _, subscription, _, group = GROUP.split("/")
    script = REPOSITORY / "tests" / "clients" / "arm_network.mjs"
    with serve(simulator, tls=tmp_path / "ca.pem") as running:
        ended = subprocess.run(
            [NODE, script, Path(MODULES).resolve(), running.url, subscription, group],
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(tmp_path / "ca.pem")},
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "made": "Succeeded",
        "changed": "Succeeded",
        "listed": ["one"],
        "left": [],
        "refused": "404 ResourceNotFound",
        "all": ["js"],
        "targets": ["a.example.com", "b.example.com"],
    }
