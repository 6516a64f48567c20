"""A scheduled run over a whole fleet, behind a Resource Manager that answers in 80 ms, beside the SDK one by one.

The simulator is a process of its own. Every figure is of whole processes of ``allowlist sync`` in the steady state:
everything was seen before, nothing is to be written.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Row
from tests.helpers.fleet import network, policy_id, seed_fleet, write_fleet

LATENCY = 0.08
POLICIES = 200
GROUPS = 10
RULES = 10
PARALLEL = 32
REPEAT = 3
LOADED = ("azure.mgmt.network", "requests", "sqlalchemy", "click", "msgspec")

Wanted = tuple[str, str]
"""A name, and the addresses that need it."""
WAITING: Wanted = ("needed.example.com", "10.40.0.0/23")
IN_PLACE: Wanted = ("host0-0.example.org", "10.9.0.0/24")


@dataclass(frozen=True)
class Measured:
    """One process: ``wall`` and ``cpu`` in seconds, ``memory`` in bytes at its peak, ``requests`` to ARM."""

    wall: float
    cpu: float
    memory: float
    requests: int


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="allowlist-bench-") as name:
        folder = Path(name)
        with simulated(POLICIES) as url:
            one = steady(folder / "waiting", POLICIES, url, f"sqlite:///{folder}/waiting.db")
            yield from _beside_sdk(one, url)
            yield from _unchanged(folder / "unchanged", url)
            yield from _shards(folder, url)
        with simulated(POLICIES // 4) as url:
            quarter = steady(folder, POLICIES // 4, url, f"sqlite:///{folder}/quarter.db")
        yield Row(
            "fleet: peak memory of 200 policies",
            one.memory / 1e6,
            quarter.memory / 1e6,
            "50 policies",
            "1",
            unit="MB",
        )


def _beside_sdk(one: Measured, url: str) -> Iterator[Row]:
    what = f"fleet of {POLICIES} policies x {GROUPS} groups"
    bound = one.requests / PARALLEL * LATENCY
    yield Row(
        f"{what}: sync",
        one.wall,
        sdk_one_after_the_other(url),
        "SDK, reading alone, one after the other",
        "<= 0.1",
    )
    yield Row(f"{what}: sync", one.wall, bound, "bound of requests x latency / 32", "")
    yield Row("fleet: ARM requests", one.requests, POLICIES, "policies", "", unit="requests")
    yield Row("fleet: CPU of the whole process", one.cpu, one.wall, "wall time", "")


def _unchanged(folder: Path, url: str) -> Iterator[Row]:
    """Every requirement is covered and nothing waits, beside what is loaded to ask Azure and the ledger at all."""
    found = steady(folder, POLICIES, url, f"sqlite:///{folder}/ledger.db", IN_PLACE)
    loaded = statistics.median(_loading() for _ in range(REPEAT))
    what = f"fleet of {POLICIES} policies, nothing to do"
    yield Row(f"{what}: CPU", found.cpu, loaded, f"loading {', '.join(LOADED)}", "")
    yield Row(f"{what}: peak memory", found.memory / 1e6, 100, "goal", "<= 1", unit="MB")


def _loading() -> float:
    process = subprocess.Popen([sys.executable, "-c", f"import {', '.join(LOADED)}"])
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime


def _shards(folder: Path, url: str) -> Iterator[Row]:
    from tests.helpers.postgresql import empty_database, postgresql

    with tempfile.TemporaryDirectory(prefix="allowlist-bench-") as name, postgresql(Path(name)) as server:
        ledger = empty_database(server)
        alone = steady(folder, POLICIES, url, ledger)
        times = [_both_shards(folder, url, ledger) for _ in range(REPEAT)]
        yield Row(
            "fleet: two shards on PostgreSQL",
            statistics.median(times),
            alone.wall,
            "one worker on PostgreSQL",
            "",
        )


def _both_shards(folder: Path, url: str, ledger: str) -> float:
    begun = time.perf_counter()
    workers = [start(folder, POLICIES, url, ledger, WAITING, "--shard", f"{index}/2") for index in (1, 2)]
    for worker in workers:
        worker.communicate()
    return time.perf_counter() - begun


def steady(folder: Path, policies: int, url: str, ledger: str, wanted: Wanted = WAITING) -> Measured:
    """The median process after one that has seen everything."""
    folder.mkdir(exist_ok=True)
    measured(folder, policies, url, ledger, wanted)
    found = [measured(folder, policies, url, ledger, wanted) for _ in range(REPEAT)]
    return sorted(found, key=lambda item: item.wall)[REPEAT // 2]


def measured(folder: Path, policies: int, url: str, ledger: str, wanted: Wanted = WAITING) -> Measured:
    begun = time.perf_counter()
    process = start(folder, policies, url, ledger, wanted)
    assert process.stdout is not None
    document = json.loads(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = 0
    assert document["summary"]["failed"] == 0, document
    requests = sum(document["arm_requests"].values())
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, requests)


def start(
    folder: Path, policies: int, url: str, ledger: str, wanted: Wanted, *more: str
) -> subprocess.Popen[str]:
    name, source = wanted
    (file,) = write_fleet(
        folder / str(policies), policies, automation="apply: nothing", names=[name], source=source
    )
    where: Sequence[str] = (
        "--workload",
        str(file),
        "--arm-endpoint",
        url,
        "--credential",
        "none",
        "--ledger",
        ledger,
    )
    command = [
        sys.executable,
        "-m",
        "allowlist",
        "sync",
        *where,
        "--parallel",
        str(PARALLEL),
        "--json",
        *more,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def sdk_one_after_the_other(url: str) -> float:
    """What a script with azure-mgmt-network takes to read every rule of every policy."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.mgmt.network import NetworkManagementClient

    subscription = network().split("/")[2]
    client = NetworkManagementClient(
        object(),  # type: ignore[arg-type]  # never asked: the policy beside it signs nothing
        subscription,
        base_url=url,
        authentication_policy=SansIOHTTPPolicy(),
        credential_scopes=[url],
    )
    begun = time.perf_counter()
    for number in range(POLICIES):
        name = policy_id(number).rpartition("/")[2]
        for group in client.firewall_policy_rule_collection_groups.list("rg-hub", name):
            for collection in group.rule_collections:
                for rule in collection.rules:
                    assert rule.name
    return time.perf_counter() - begun


@contextmanager
def simulated(policies: int) -> Iterator[str]:
    """The URL of a simulator in a process of its own that answers every request late."""
    command = [sys.executable, "-m", "tests.bench.fleet", str(policies)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def serve_until_told(policies: int) -> None:
    """Print the URL; stop when standard input ends."""
    from allowlist.simulator import Simulator, serve

    simulator = Simulator(require_token=False, faults=[f"*:*:delay={LATENCY}"])
    seed_fleet(simulator, policies, GROUPS, RULES)
    with serve(simulator) as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    serve_until_told(int(sys.argv[1]))
