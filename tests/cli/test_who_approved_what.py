"""history answers who decided about which name, when, why, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist


@pytest.fixture
def applied(workplace: Path) -> Iterator[str]:
    """A run that applied a plan in which one change was rejected by somebody."""
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        azure = ("--workload", FIREWALL_ONLY, "--arm-endpoint", running.url, "--credential", "none")
        plan = allowlist("plan", *azure, "-o", "plan.json", "--json").json
        refused = next(item["id"] for item in plan["changes"] if "huggingface.co" in item["title"])
        others = [item["id"] for item in plan["changes"] if item["id"] != refused]
        assert allowlist("reject", "plan.json", refused, "--reason", "ask legal").code == 0
        assert allowlist("approve", "plan.json", *others, "--reason", "ticket 4711").code == 0
        made = allowlist("apply", "plan.json", *azure, "--approved-only", "--json")
        assert made.code == 0, made.err
        yield made.json["run"]
    del workplace


def test_decisions_are_found_by_name_person_run_and_time(applied: str) -> None:
    def decisions(*words: str) -> list[dict[str, object]]:
        answer = allowlist("history", *words, "--limit", "500", "--json")
        assert answer.json["schema"] == "allowlist/history/v1"
        return list(answer.json["decisions"])

    (rejected,) = decisions("--name", "huggingface.co")
    assert (rejected["verdict"], rejected["reason"], rejected["runs"]) == ("reject", "ask legal", [])
    assert rejected["names"] == ["huggingface.co"]
    (approved,) = decisions("--name", "marketplace.visualstudio.com")
    assert approved["runs"] == [{"run": applied, "state": "verified"}]
    assert approved["identity"] == "unverified"
    everything = decisions("--decisions")
    assert len(decisions(applied, "--decisions")) == len(everything)
    assert decisions("--who", str(approved["who"])) == everything
    assert decisions("--who", "nobody") == decisions("--until", "2020-01-01") == []
    assert decisions("--since", "2020-01-01") == everything


def test_the_text_says_when_who_why_and_what_became_of_it(applied: str) -> None:
    text = allowlist("history", "--name", "marketplace.visualstudio.com").out
    first, second, third = text.splitlines()
    assert "approve" in first
    assert "marketplace.visualstudio.com https:443 [hub-firewall], risk low" in first
    assert second.endswith("(unverified): ticket 4711")
    assert third == f"    verified in run {applied}"
    nothing = allowlist("history", "--name", "nobody.example")
    assert nothing.out == ""
    assert "no decision like that is on record" in nothing.err
