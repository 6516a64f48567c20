"""Real processes ended by real signals at random moments of apply, sync and rollback: ``python -m tests.soak.kills``.

Every command runs in a process of its own, forked from one that has everything loaded, so hundreds of them fit into
minutes. After each ending the next command has to tell the truth and go on; nothing foreign may be touched.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers.cli import CONTOSO

POLICY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu"
    "/providers/Microsoft.Network/firewallPolicies/afwp-weu"
)
ACCOUNT = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-research-weu"
    "/providers/Microsoft.CognitiveServices/accounts/contoso-research"
)
OURS = "allowlist-research-agents"
CATALOGS = ("azure-monitor",)
BLAMED = ("somebody", "of ours wrote")
SIGNALS = ("KILL", "KILL", "KILL", "TERM", "INT", "TWICE")


LOADED = (
    "allowlist.cli.plan",
    "allowlist.cli.approve",
    "allowlist.cli.apply",
    "allowlist.cli.rollback",
    "allowlist.cli.sync",
    "allowlist.cli.history",
    "allowlist.workflow.resuming",
    "allowlist.workflow.closing",
    "allowlist.workflow.syncing.run",
    "allowlist.points.firewall",
    "allowlist.points.account_network",
    "allowlist.render.plan",
    "azure.mgmt.network",
    "httpx",
    "sqlalchemy.dialects.sqlite",
)


class Loop:
    """One simulator, one workload, one ledger, and a generator that decides what happens when."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self.folder, self.url = folder, url
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.wanted: list[str] = []
        self.took = {"apply": 1.0, "rollback": 1.0, "sync": 1.0}
        self.foreign, self.account = self.others(), self.account_rules()

    def run(self, kills: int) -> None:
        while self.kills < kills:
            self.cycle()
        self.end()

    def end(self) -> None:
        """After all that a plan is what it was at first, and applied in peace it leaves nothing to plan."""
        self.approved_plan()
        self.drive_in_peace("apply", "plan.json")
        self.command("plan", "-o", "after.json", expect=0)
        assert not json.loads((self.folder / "after.json").read_text())["changes"], (
            "a fresh plan is not empty"
        )
        self.drive_in_peace("rollback", self.history()[-1]["run"])
        assert self.account_rules() == self.account, "the rules of the account are not what they were"
        self.command("history", "--verify", azure=False, expect=0)

    def drive_in_peace(self, *arguments: str) -> None:
        self.judge(self.command(*arguments, expect=0))

    @property
    def kills(self) -> int:
        return sum(count for word, count in self.counts.items() if word.startswith("killed"))

    def cycle(self) -> None:
        """Apply, by hand or by a scheduled run, cut off any number of times; then undo it, cut off any number of times."""
        self.approved_plan()
        if self.random.random() < 0.5:
            self.drive_sync()
        else:
            self.drive("apply", ("apply", "plan.json"))
        assert self.our_rules(), "applied, and nothing is there"
        while runs := [item["run"] for item in self.history() if item["state"] == "succeeded"]:
            self.drive("rollback", ("rollback", runs[-1]))
        assert not self.our_rules(), "rolled back, and our rules are there"
        assert self.account_rules() == self.account, "rolled back, and the rules of the account differ"
        self.counts["cycles"] += 1

    def approved_plan(self) -> None:
        """A fresh plan; after a rollback it wants exactly what the first one wanted."""
        self.command("plan", "-o", "plan.json", expect=0)
        plan = json.loads((self.folder / "plan.json").read_text())
        wanted = sorted(change["title"] for change in plan["changes"])
        self.wanted = self.wanted or wanted
        assert wanted == self.wanted, "a fresh plan wants something else than the first"
        gates = [item for gate in plan.get("gates", ()) for item in ("--accept", gate["id"])]
        self.command("approve", "plan.json", "--all", "--reason", "soak", *gates, azure=False, expect=0)

    def drive(self, kind: str, first: tuple[str, ...]) -> None:
        """Run ``first``; whatever is cut off goes on with what the history says, until it has ended."""
        command = first
        while True:
            cut = self.random.random() < 0.8
            begun = time.monotonic()
            code, text = self.killed(kind, command) if cut else self.ended(command)
            if not cut:
                self.took[kind] = 0.5 * self.took[kind] + 0.5 * (time.monotonic() - begun)
            self.judge(text)
            if code == 0:
                return
            following = self.next_command(kind)
            self.counts[f"went on with {following[0] if following else 'the same'}"] += bool(following)
            command = following or first

    def drive_sync(self) -> None:
        """A scheduled run has no memory of its own: whatever was cut off, the next one is given again and goes on."""
        while True:
            cut = self.random.random() < 0.8
            begun = time.monotonic()
            code, text = self.killed("sync", ("sync",)) if cut else self.ended(("sync",))
            if not cut:
                self.took["sync"] = 0.5 * self.took["sync"] + 0.5 * (time.monotonic() - begun)
            self.judge(text)
            history = self.history()
            assert all(item["state"] != "running" for item in history), "running after its end"
            if not cut:
                # The example has gaps that no change can close, so a run in peace ends as one with something pending.
                assert code in (0, 2), (code, text)
                assert not any(item["state"] in ("interrupted", "partial") for item in history), text
                return

    def next_command(self, kind: str) -> tuple[str, ...]:
        """The first command that ``history`` names for the run that is open, if one is."""
        open_runs = [item for item in self.history() if item["state"] in ("interrupted", "partial")]
        assert all(item["state"] != "running" for item in self.history()), "running after its end"
        if not open_runs:
            return ()
        told = self.ended(("history",), azure=False)[1]
        found = re.findall(r"(?:go on with it|or undo it): allowlist (.*)$", told, re.M)
        chosen = [line for line in found if kind == "rollback" or line.startswith("apply")]
        return tuple(chosen[0].split()) if chosen else ()

    def judge(self, text: str) -> None:
        assert not any(word in text for word in ("unexpected", "Traceback")), text
        assert not any(word in text for word in BLAMED), text
        assert self.others() == self.foreign, "something foreign was changed"
        self.counts["checks"] += 1

    # processes

    def command(self, *arguments: str, expect: int, azure: bool = True) -> str:
        code, text = self.ended(arguments, azure=azure)
        assert code == expect, (arguments, code, text)
        return text

    def ended(self, arguments: tuple[str, ...], *, azure: bool = True) -> tuple[int, str]:
        begun = time.monotonic()
        found = self.result(self.fork(arguments, azure))
        self.tell(f"{arguments[0]}: {found[0]} in {time.monotonic() - begun:.1f} s")
        return found

    def tell(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def killed(self, kind: str, arguments: tuple[str, ...]) -> tuple[int, str]:
        child = self.fork(arguments, azure=True)
        how = self.random.choice(SIGNALS)
        time.sleep(self.random.random() * self.took[kind] * 1.1)
        number = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM}.get(how, signal.SIGINT)
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            self.counts["ended before the signal"] += 1
            return os.waitstatus_to_exitcode(status), (self.folder / "out").read_text()
        os.kill(child, number)
        if how == "TWICE":
            time.sleep(self.random.random() * 0.2)
            os.kill(child, number)
        self.counts[f"killed {kind} {how}"] += 1
        found = self.result(child)
        self.tell(f"{arguments[0]}: {how}: {found[0]}")
        return found

    def fork(self, arguments: tuple[str, ...], azure: bool) -> int:
        child = os.fork()
        if child:
            return child
        try:
            os.chdir(self.folder)
            out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            from allowlist.cli.main import _lost, invoke

            sys.unraisablehook = _lost

            end = ("--arm-endpoint", self.url, "--credential", "none") if azure else ()
            code = invoke([*arguments, *end])
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        finally:
            os._exit(99)

    def result(self, child: int) -> tuple[int, str]:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code, (self.folder / "out").read_text()

    # what is there

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.command("history", "--json", azure=False, expect=0))
        return list(reversed(found))

    def get(self, place: str, version: str) -> dict[str, Any]:
        address = f"{self.url}{place}?api-version={version}"
        request = urllib.request.Request(address, headers={"Authorization": "Bearer none"})
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def groups(self) -> dict[str, Any]:
        listed = self.get(f"{POLICY}/ruleCollectionGroups", "2024-05-01")["value"]
        return {item["name"]: item["properties"] for item in listed}

    def account_rules(self) -> Any:
        return self.get(ACCOUNT, "2025-06-01")["properties"].get("networkAcls")

    def others(self) -> dict[str, Any]:
        return {name: body["ruleCollections"] for name, body in self.groups().items() if name != OURS}

    def our_rules(self) -> int:
        return sum(len(item["rules"]) for item in self.groups().get(OURS, {}).get("ruleCollections", ()))


@contextlib.contextmanager
def simulated(folder: Path, pace: float, seed: Path = CONTOSO) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "allowlist", "simulate", "--seed", str(seed), "--pace", str(pace)]
    with (folder / "simulator.log").open("w") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log)
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def ledger(folder: Path, in_postgresql: bool) -> Iterator[str]:
    """The URL of an empty ledger."""
    if not in_postgresql:
        yield f"sqlite:///{folder}/ledger.db"
        return
    from tests.helpers.postgresql import empty_database, postgresql

    with postgresql(folder) as server:
        url = empty_database(server)
        importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
        yield url


def workload(text: str) -> str:
    """The example's workload with few catalogs, so that a cycle is short and still has both kinds of targets."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if "{name: " not in line or any(name in line for name in CATALOGS)]
    return "".join(kept) + "\nautomation: {apply: approved}\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=0.0005)
    parser.add_argument(
        "--postgresql", action="store_true", help="keep the ledger in a PostgreSQL of its own"
    )
    given = parser.parse_args()
    for name in LOADED:  # once, shared by every child
        importlib.import_module(name)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "allowlist.yaml").write_text(workload((CONTOSO / "allowlist.yaml").read_text()))
        with ledger(folder, given.postgresql) as kept, simulated(folder, given.pace) as url:
            os.environ["ALLOWLIST_LEDGER"] = kept
            loop = Loop(folder, url, given.seed)
            try:
                loop.run(given.kills)
            finally:
                for word, count in sorted(loop.counts.items()):
                    print(f"{count:6} {word}", flush=True)


if __name__ == "__main__":
    main()
