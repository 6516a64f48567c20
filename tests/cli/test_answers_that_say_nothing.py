"""The absence of an answer is not an answer of absence: every command that reads says who answered what, and claims nothing.

Each request that a command makes is answered once with each body that says nothing. The suite tries a few of them;
``make answers`` tries all.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from allowlist.simulator import Running, Simulator, parse_fault, serve
from tests.helpers.cli import Result, allowlist
from tests.helpers.foundry_world import RESOURCES, estate
from tests.helpers.hub import HUB, intent, secured_hub
from tests.helpers.kinds import workload_for
from tests.helpers.small_world import POLICY
from tests.helpers.small_world import estate as small_estate

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
BODIES = (
    "body=null",
    "body=another",
    "body=empty",
    "status=404,envelope=page",
    "body=no-id",
    "body=link-elsewhere",
    "redirect",
    "body=object",
    "body=no-properties",
    "body=html",
    "body=link-again",
    "status=403,envelope=page",
    "body=array",
    "body=error",
    "body=no-value",
    "body=no-content",
    "body=cut",
    "status=304,envelope=empty",
    "status=401,envelope=page",
)
SAID_BY_NAME = ("managednetworks/default", "outboundrules", "outboundnetworkdependenciesendpoints")
"""What Azure itself answers without an id."""
WHOLE_TABLE = bool(os.environ.get("ALLOWLIST_EVERY_ANSWER"))
COMMANDS = {
    "check": ("check",),
    "plan": ("plan",),
    "explain": ("explain", "theirs.example", "--from", "10.40.0.4"),
    "snapshot": ("snapshot", "-o", "saved"),
    "posture": ("posture",),
    "sync": ("sync", "--plan-only"),
    "init": (
        *("init", "--subscription", SUBSCRIPTION, "--name", "n", "--catalog", "foundry-hub"),
        *("--source", "10.0.0.0/24", "-o", "first.yaml", "--force"),
    ),
    "catalog live": ("catalog", "live", RESOURCES["hub-network"], "--against", "foundry-hub"),
}


@dataclass(frozen=True)
class Place:
    simulator: Simulator
    server: Running
    ledger: str

    def run(self, command: str) -> Result:
        ledger = ("--ledger", self.ledger) if command == "sync" else ()
        return allowlist(
            *COMMANDS[command], *ledger, "--arm-endpoint", self.server.url, "--credential", "none"
        )

    def asked(self, command: str) -> dict[str, bool]:
        """The paths that the command asks for when all is well, and whether there is something in the answer."""
        begun = len(self.simulator.requests)
        self.run(command)
        sent = [*self.simulator.requests][begun:]
        return {item.path: self._is_full(f"{item.path}?{item.query}") for item in sent}

    def _is_full(self, path: str) -> bool:
        request = urllib.request.Request(f"{self.server.url}{path}", headers={"Authorization": "Bearer none"})
        try:
            with urllib.request.urlopen(request) as answer:
                return bool(json.load(answer).get("value", True))
        except urllib.error.HTTPError:
            return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    simulator = Simulator()
    simulator.seed([*estate(), *secured_hub(intent()), *small_estate()])
    folder = tmp_path_factory.mktemp("answers")
    document = workload_for("firewall-policy", POLICY, ["theirs.example"])
    named = {**RESOURCES, "secured-hub": HUB}
    targets = [{**document["targets"][0], "name": kind, "surface": kind, "resource": resource, "options": {}} for kind, resource in named.items()]  # fmt: skip
    (folder / "allowlist.yaml").write_text(
        json.dumps({**document, "targets": [*document["targets"], *targets]})
    )
    with serve(simulator) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Place(simulator, server, f"sqlite:///{folder}/ledger.db")


def _says_nothing(body: str, path: str, *, is_full: bool) -> bool:
    """Whether such a body is none of Azure's at this path; of an empty list no item is wrong."""
    last = path.rstrip("/").lower()
    is_list = len(last.rpartition("/providers/")[2].split("/")) % 2 == 0
    if "link" in body:
        return is_list
    if body in ("body=no-id", "body=another"):
        return is_full and not last.endswith(SAID_BY_NAME) and "/microsoft.insights/" not in last
    if body == "body=no-properties":
        return is_full and "/microsoft.insights/" not in last and not last.endswith("/resources")
    return True


@pytest.mark.parametrize("command", COMMANDS)
def test_a_body_that_says_nothing_is_told_with_host_and_request(place: Place, command: str) -> None:
    asked = place.asked(command)
    assert asked
    host = place.server.url.removeprefix("http://")
    tried = [(path, body) for path in asked for body in BODIES] if WHOLE_TABLE else _some([*asked])
    untold = []
    for path, body in tried:
        if not _says_nothing(body, path, is_full=asked[path]):
            continue
        place.simulator.faults.add(parse_fault(f"*:*:contains={path},{body}"))
        try:
            result = place.run(command)
        finally:
            place.simulator.faults.clear()
        said = result.out + result.err
        is_told = f"by {host}" in said and any(method in said for method in ("GET ", "POST "))
        is_claimed = result.code != 1 and "not readable" not in said and "not read" not in said
        if not is_told or is_claimed or "Traceback" in said or "defect" in said:
            untold.append((path, body, result.code, result.err[-300:]))
    assert not untold


def _some(asked: list[str]) -> list[tuple[str, str]]:
    """Three requests of a command, first and last among them, each with bodies of its own."""
    chosen = list(dict.fromkeys((asked[0], asked[len(asked) // 2], asked[-1])))
    return [
        (path, body) for number, path in enumerate(chosen) for body in BODIES[number * 2 : number * 2 + 2]
    ]
