"""``allowlist simulate`` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from allowlist.cli.simulate import simulate
from tests.helpers.arm import POLICY
from tests.helpers.served import PATIENCE
from tests.helpers.shared import REPOSITORY

COMMAND = [sys.executable, "-c", "from allowlist.cli.simulate import simulate; simulate()"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def test_it_serves_a_seed_with_faults_until_interrupted(tmp_path: Path) -> None:
    seed = tmp_path / "policy.json"
    seed.write_text(json.dumps({"id": POLICY, "location": "westeurope"}))
    faults = ("--fault", "GET:firewallPolicies:nth=2:unavailable")

    with running("--seed", str(seed), *faults, "--no-auth") as (told, process):
        statuses = [httpx.get(f"{told['url']}{POLICY}?api-version=2024-05-01").status_code for _ in range(3)]

    assert statuses == [200, 503, 200]
    assert process.returncode == 0


def test_with_tls_it_says_how_clients_come_to_trust_it(tmp_path: Path) -> None:
    with running("--tls", "--ca-file", str(tmp_path / "ca.pem")) as (told, _):
        assert told["url"].startswith("https://localhost:")
        assert told["environment"]["REQUESTS_CA_BUNDLE"] == told["ca_file"] == str(tmp_path / "ca.pem")


def test_rights_can_be_taken_away_and_answers_made_late() -> None:
    options = ("--deny", "Microsoft.Network/*/read", "--latency", "1ms", "--throttle", "documented")

    with running(*options, "--no-auth") as (told, _):
        reply = httpx.get(f"{told['url']}{POLICY}?api-version=2024-05-01")

    assert reply.status_code == 403
    assert reply.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fault", "nonsense"],
        ["--seed", "nowhere"],
        ["--deny", "nonsense"],
        ["--latency", "soon"],
        ["--throttle", "some"],
    ],
)
def test_wrong_arguments_are_refused_before_anything_listens(arguments: list[str]) -> None:
    assert CliRunner().invoke(simulate, arguments).exit_code != 0
