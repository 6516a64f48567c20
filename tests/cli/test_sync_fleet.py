"""Many targets in one run, from the command line: what fails stays alone, and Azure is asked as little as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from allowlist.render.sync import sync_text
from allowlist.simulator import Simulator, serve
from allowlist.workflow.syncing.outcome import Outcome
from tests.helpers.cli import Result, allowlist
from tests.helpers.fleet import network, policy_id, seed_fleet, write_fleet
from tests.helpers.schemas import fits


@dataclass
class Estate:
    simulator: Simulator
    url: str
    folder: Path

    def sync(self, *arguments: object) -> Result:
        base = ("--workload", self.folder, "--arm-endpoint", self.url, "--credential", "none", "--json")
        return allowlist("sync", *base, "--exit-code", *arguments)

    def asked(self) -> Counter[str]:
        """Requests so far by method and path, operations left out."""
        found = ((request.method, request.path) for request in self.simulator.requests)
        return Counter(f"{method} {path}" for method, path in found if "perations/" not in path)

    def names(self, number: int, subscription: int = 0) -> list[str]:
        group = f"{policy_id(number, subscription)}/ruleCollectionGroups/allowlist-team-000"
        if not self.simulator.exists(group):
            return []
        collections = self.simulator.resource(group)["properties"]["ruleCollections"]
        return [name for item in collections for rule in item["rules"] for name in rule["targetFqdns"]]


@pytest.fixture
def estate(workplace: Path) -> Iterator[Estate]:
    simulator = Simulator()
    seed_fleet(simulator, 8, subscriptions=2)
    with serve(simulator) as running:
        yield Estate(simulator, running.url, workplace / "fleet")


def states(result: Result) -> dict[str, str]:
    return {f"{item['workload']}/{item['target']}": item["state"] for item in result.json["targets"]}


def test_a_fleet_is_brought_in_line_and_the_second_run_has_nothing_to_do(estate: Estate) -> None:
    write_fleet(estate.folder, 8, subscriptions=2)
    first = estate.sync()
    assert first.code == 0, first.out
    assert set(states(first).values()) == {"applied"}
    assert all(estate.names(number, number % 2) == ["needed.example.com"] for number in range(8))
    second = estate.sync()
    assert (second.code, set(states(second).values())) == (0, {"in sync"})
    assert second.json["summary"]["applied_changes"] == 0
    fits("sync", second.json)
    assert second.err.splitlines()[-1].endswith("ARM requests")


def test_nothing_is_read_twice_and_what_stands_in_a_list_is_not_asked_for_one_by_one(estate: Estate) -> None:
    write_fleet(estate.folder, 8, subscriptions=2, automation="apply: nothing")
    result = estate.sync()
    asked = estate.asked()
    assert max(asked.values()) == 1, asked.most_common(3)
    per_policy = [path for path in asked if "/firewallPolicies/policy-" in path]
    assert len(per_policy) == 8
    assert len(asked) == sum(result.json["arm_requests"].values()) == 8 + 2 * len(("policies", "firewalls", "base groups", "IP groups", "private endpoints"))  # fmt: skip


def test_where_the_list_of_a_subscription_is_not_permitted_policies_are_asked_for_one_by_one(
    estate: Estate,
) -> None:
    write_fleet(estate.folder, 8, subscriptions=2)
    for kind in ("firewallPolicies", "azureFirewalls"):
        estate.simulator.inject(f"GET:{kind}:contains=000001/providers/Microsoft.Network/{kind},status=403")
    result = estate.sync()
    assert set(states(result).values()) == {"applied"}, result.out


def test_a_list_that_is_not_permitted_is_asked_for_once(estate: Estate) -> None:
    write_fleet(estate.folder, 8, subscriptions=2, automation="apply: nothing")
    estate.simulator.inject("GET:privateEndpoints:status=403")
    result = estate.sync()
    assert set(states(result).values()) == {"pending"}, result.out
    assert max(estate.asked().values()) == 1, estate.asked().most_common(3)


def test_a_failing_target_is_told_and_the_others_get_their_turn(estate: Estate) -> None:
    write_fleet(estate.folder, 8, files=4, subscriptions=2)
    estate.simulator.inject("GET:ruleCollectionGroups:contains=policy-003,status=403")
    estate.simulator.remove(policy_id(5, 1))
    (estate.folder / "team-002.allowlist.yaml").write_text("schema: allowlist/workload/v1\nnam: x\n")
    result = estate.sync()
    found = states(result)
    assert result.code == 1
    assert found["team-003/policy-003"] == "failed"
    assert found["team-001/policy-005"] == "failed"
    assert sorted(found.values()) == ["applied"] * 4 + ["failed"] * 3
    texts = {item["target"]: item["text"] for item in result.json["targets"]}
    assert "Microsoft.Network/firewallPolicies/ruleCollectionGroups/read" in texts["policy-003"]
    assert "did you mean 'name'" in texts["all targets"]


def test_targets_of_one_family_are_written_one_after_the_other(estate: Estate) -> None:
    write_fleet(estate.folder, 8, files=8, subscriptions=2)
    result = estate.sync("--parallel", "8")
    assert result.code == 0, result.out
    sent = [request for request in estate.simulator.requests if request.method == "PUT"]
    assert len({request.path for request in sent}) == len(sent) == 8
    assert {request.status for request in sent} == {201}


def test_one_target_can_be_chosen_or_left_out(estate: Estate) -> None:
    write_fleet(estate.folder, 8, files=2, subscriptions=2, automation="apply: nothing")
    assert states(estate.sync("--only", "policy-002", "--only", "team-001/policy-003")).keys() == {"team-000/policy-002", "team-001/policy-003"}  # fmt: skip
    assert len(states(estate.sync("--exclude", "policy-002"))) == 7
    missing = estate.sync("--exclude", "policy-02")
    assert missing.code == 1
    assert "did you mean 'policy-002'" in missing.err


def test_a_throttled_subscription_slows_only_itself_down(estate: Estate) -> None:
    write_fleet(estate.folder, 8, subscriptions=2)
    estate.simulator.inject("GET:*:contains=000000000001/,times=3:throttled")
    result = estate.sync()
    assert result.code == 0, result.out
    assert set(states(result).values()) == {"applied"}


def test_the_summary_is_bounded_however_many_targets_wait(estate: Estate) -> None:
    write_fleet(estate.folder, 8, subscriptions=2, automation="apply: nothing", names=[f"h{number}.example.com" for number in range(40)])  # fmt: skip
    result = allowlist(
        "sync", "--workload", estate.folder, "--arm-endpoint", estate.url, "--credential", "none"
    )
    assert result.code == 0
    assert len(result.out.splitlines()) < 8 * 15
    assert result.out.splitlines()[-1] == "8 pending; 320 changes wait"
    assert network() not in result.err


def test_workloads_of_several_clouds_and_tenants_go_in_one_run(estate: Estate) -> None:
    files = write_fleet(estate.folder, 8, files=4, subscriptions=2, automation="apply: nothing")
    for file, place in zip(
        files, ("public", "usgov", "china", "public\ntenant: contoso.example"), strict=True
    ):
        file.write_text(f"{file.read_text()}cloud: {place}\n")
    result = estate.sync()
    assert set(states(result).values()) == {"pending"}
    assert len(states(result)) == 8
    assert sum(result.json["arm_requests"].values()) == len([*estate.simulator.requests])


def test_the_summary_of_a_large_fleet_begins_with_what_failed_and_stays_short() -> None:
    many = [
        Outcome(
            workload="w", target=f"t{number:03}", state="pending", waiting=3, text="3 wait", lines=("a",) * 12
        )
        for number in range(400)
    ]
    lines = list(sync_text([*many, Outcome(workload="w", target="x", state="failed", code=1, text="gone")]))
    assert lines[0] == "✗ w/x: failed: gone"
    assert lines[-2:] == [
        "… and 351 more targets; everything with --json",
        "400 pending, 1 failed; 1,200 changes wait",
    ]
    assert len(lines) < 200
