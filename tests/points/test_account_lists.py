"""Outbound lists of accounts and egress policies of agents: what is found and planned, from raw ARM JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import PlanRefused
from allowlist.plan.findings import Status
from allowlist.points.managed.ownership import rule_name
from tests.helpers.foundry import Case, policy, speech

HTTPS = ["https:443"]
NAME = {"a.example": HTTPS}


def _rule(host: str, action: str = "Allow", name: str = "theirs") -> dict[str, Any]:
    return {"name": name, "ruleType": "Fqdn", "match": {"host": host}, "action": {"actionType": action}}


def _statuses(case: Case) -> list[Status]:
    return [item.status for item in case.check() if item.requirement]


def test_an_entry_is_added_to_the_whole_list_as_it_stands(tmp_path: Path) -> None:
    case = Case(tmp_path, "account-allow-list", NAME, [speech(["B.example", "203.0.113.7"])])
    plan = case.plan()

    assert [change.operation.path[1] for change in plan.changes] == ["a.example"]
    assert plan.minutes == 15
    after = next(body for body in case.after(plan))
    assert after["properties"]["allowedFqdnList"] == ["B.example", "203.0.113.7", "a.example"]


def test_a_list_that_is_switched_off_decides_nothing_until_the_switch_is_asked_for(tmp_path: Path) -> None:
    case = Case(tmp_path, "account-allow-list", NAME, [speech(["b.example"], restricted=False)])
    assert case.plan().is_empty
    assert "allowlist_present_but_not_enforced" in {item.code for item in case.check()}

    case.options = {"restrict": True}
    plan = case.plan()
    assert [change.operation.action for change in plan.changes] == ["add", "update"]
    assert len(plan.targets[0].writes) == 1


def test_wildcards_are_refused_unless_somebody_takes_the_risk(tmp_path: Path) -> None:
    case = Case(tmp_path, "account-allow-list", {"*.b.example": HTTPS}, [speech([])])
    assert "not documented" in case.plan().gaps[0].cause

    case.options = {"unverified_wildcards": True}
    assert [change.operation.path[1] for change in case.plan().changes] == ["*.b.example"]


def test_a_kind_that_no_document_names_gets_no_list(tmp_path: Path) -> None:
    case = Case(tmp_path, "account-allow-list", NAME, [speech([], kind="TextTranslation")])

    assert case.plan().is_empty
    assert _statuses(case) == [Status.BLOCKED]


@pytest.mark.parametrize(
    ("count", "gates"),
    [(899, []), (905, ["near-limit-maximum-1000-entries"]), (1000, ["limit-maximum-1000-entries"])],
)
def test_a_list_near_its_cap_is_told_and_one_past_it_is_refused(
    tmp_path: Path, count: int, gates: list[str]
) -> None:
    entries = [f"n{number}.example" for number in range(count)]
    plan = Case(tmp_path, "account-allow-list", NAME, [speech(entries)]).plan()

    assert [gate.id for gate in plan.gates] == gates
    assert all(f"{count + 1} entries of 1000" in gate.text for gate in plan.gates)


def test_only_entries_the_ledger_remembers_are_removed(tmp_path: Path) -> None:
    case = Case(tmp_path, "account-allow-list", {}, [speech(["a.example", "b.example"])], delete="sync")
    assert case.plan().is_empty

    case.remembered = frozenset({"a.example"})
    (change,) = case.plan().changes
    assert (change.operation.action, change.operation.path[1]) == ("remove", "a.example")


def test_rules_go_to_the_end_of_a_policy_and_its_filters_stay(tmp_path: Path) -> None:
    case = Case(tmp_path, "agent-egress", NAME, [policy([_rule("*.contoso.example")])])
    plan = case.plan()

    (after,) = case.after(plan)
    assert [rule["name"] for rule in after["properties"]["egressPolicy"]["rules"]] == [
        "theirs",
        rule_name("research", "Fqdn", "a.example"),
    ]
    assert after["properties"]["contentFilters"] == policy()["properties"]["contentFilters"]


def test_a_deny_that_comes_first_cannot_be_overruled(tmp_path: Path) -> None:
    case = Case(tmp_path, "agent-egress", NAME, [policy([_rule("*.example", "Deny")])])

    assert case.plan().is_empty
    assert _statuses(case) == [Status.BLOCKED]


def test_an_audited_policy_is_open_and_can_be_enforced_with_all_its_rules(tmp_path: Path) -> None:
    case = Case(tmp_path, "agent-egress", NAME, [policy(mode="Audit")])
    assert case.plan().is_empty
    assert "policy_in_audit_mode" in {item.code for item in case.check()}

    case.options = {"mode": "Enforced", "attached": True}
    plan = case.plan()
    assert [change.operation.path[1] for change in plan.changes] == [
        rule_name("research", "Fqdn", "a.example"),
        "mode",
    ]
    case.state = case.after(plan)
    assert case.plan().is_empty
    assert _statuses(case) == [Status.COVERED]


def test_a_policy_that_no_agent_names_is_told_and_one_that_nobody_knows_of_is_unknown(tmp_path: Path) -> None:
    case = Case(tmp_path, "agent-egress", NAME, [policy()])
    assert "attachment_not_known" in {item.code for item in case.check()}

    case.options = {"attached": False}
    assert "policy_not_attached" in {item.code for item in case.check()}


def test_a_policy_without_egress_rules_restricts_nothing(tmp_path: Path) -> None:
    bare = policy()
    del bare["properties"]["egressPolicy"]
    case = Case(tmp_path, "agent-egress", NAME, [bare])

    assert "no_egress_policy" in {item.code for item in case.check()}
    assert case.plan().is_empty


def test_a_policy_of_the_service_is_not_written(tmp_path: Path) -> None:
    system = policy()
    system["properties"]["type"] = "SystemManaged"

    with pytest.raises(PlanRefused, match="policy of the service"):
        Case(tmp_path, "agent-egress", NAME, [system]).plan()


def test_481_rules_are_refused(tmp_path: Path) -> None:
    rules = [_rule(f"n{number}.example", name=f"r{number}") for number in range(480)]
    plan = Case(tmp_path, "agent-egress", NAME, [policy(rules)]).plan()

    assert any("481 rules of 480" in gate.text for gate in plan.gates)


def test_header_values_that_cannot_be_read_back_make_no_difference(tmp_path: Path) -> None:
    def with_header(**value: str) -> dict[str, Any]:
        rule = _rule("*.contoso.example", "Transform")
        rule["action"]["headers"] = [{"operation": "Set", "name": "X-Key", **value}]
        return policy([rule])

    one = Case(tmp_path, "agent-egress", NAME, [with_header(value="secret")]).plan()
    other = Case(tmp_path, "agent-egress", NAME, [with_header()]).plan()
    assert one.targets[0].fingerprint == other.targets[0].fingerprint
