"""``allowlist export``: proved equal, else refused; nothing wider or left out without being asked for by name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from allowlist.cli.common import read_plan
from allowlist.errors import PlanRefused
from allowlist.workflow.facts import read_facts
from allowlist.workflow.meaning import refuse_other_project
from allowlist.workflow.project import load_project
from tests.helpers.cli import FIREWALL_ONLY, allowlist


def test_the_formats_are_listed_with_what_they_are() -> None:
    result = allowlist("export", "--list")
    assert result.code == 0
    assert "squid" in result.out


def test_a_workload_is_written_for_squid(tmp_path: Path) -> None:
    result = allowlist("export", "--to", "squid", "--workload", FIREWALL_ONLY, "--leave-out", "-o", tmp_path)
    assert result.code == 0, result.err
    assert "http_access deny all" in (tmp_path / "allowlist.conf").read_text()


def test_a_catalog_is_named_with_its_version_and_scenario() -> None:
    result = allowlist("export", "hugging-face@2.0.0", "--need", "conditional", "--to", "envoy-sni")
    assert result.code == 0, result.err
    assert "huggingface.co" in result.out
    assert "proved equal" in result.err


def test_a_list_that_asks_for_nothing_is_no_success() -> None:
    result = allowlist("export", "hugging-face", "--to", "squid")
    assert result.code == 1
    assert "--need conditional" in result.err


def test_what_would_open_more_is_refused_with_a_witness_until_it_is_accepted(tmp_path: Path) -> None:
    asked = ("export", "hugging-face", "--need", "conditional", "--to", "unbound", "-o", tmp_path / "out")
    refused = allowlist(*asked)
    assert refused.code == 3
    assert "witness" in refused.err
    assert not (tmp_path / "out").exists()
    unapproved = allowlist(*asked, "--allow-wider")
    assert unapproved.code == 5, unapproved.err
    assert "--propose FILE" in unapproved.err
    assert not (tmp_path / "out").exists()


def proposed(file: Path, *more: object, subject: object = "hugging-face") -> tuple[object, ...]:
    """What is asked of Unbound, whose widenings were written to ``file``."""
    asked = ("export", subject, "--need", "conditional", "--to", "unbound", *more)
    result = allowlist(*asked, "--propose", file)
    assert result.code == 0, result.err
    return asked


def test_a_widening_that_is_approved_is_written_and_one_that_is_not_is_named(tmp_path: Path) -> None:
    plan = tmp_path / "wider.json"
    asked = proposed(plan)
    first, second = [change["id"] for change in json.loads(plan.read_text())["changes"]][:2]
    assert allowlist("approve", plan, first, "--reason", "ticket 1").code == 0
    refused = allowlist(*asked, "--allow-wider", "-o", tmp_path / "out")
    assert refused.code == 5
    assert not (tmp_path / "out").exists()
    assert allowlist("approve", plan, "--all", "--reason", "ticket 2").code == 0
    accepted = allowlist(*asked, "--allow-wider", "-o", tmp_path / "out")
    assert accepted.code == 0, accepted.err
    assert "approved by" in accepted.err
    assert (tmp_path / "out" / "allowlist.unbound.conf").is_file()
    assert allowlist("reject", plan, second, "--reason", "no").code == 0
    again = allowlist(*asked, "--allow-wider", "-o", tmp_path / "again")
    assert again.code == 5
    assert "rejected" in again.err or "no" in again.err


def test_an_approval_counts_for_the_engine_and_the_entry_it_was_given_for(tmp_path: Path) -> None:
    plan = tmp_path / "wider.json"
    proposed(plan)
    assert allowlist("approve", plan, "--all", "--reason", "ticket").code == 0
    other = ("export", "hugging-face@1.0.0", "--need", "conditional", "--to", "unbound", "--allow-wider")
    assert allowlist(*other).code in (1, 5)


def test_decisions_out_of_a_file_count(tmp_path: Path) -> None:
    plan, decisions = tmp_path / "wider.json", tmp_path / "decisions.json"
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    asked = proposed(plan)
    made = allowlist("approve", plan, "--all", "--reason", "t", "-o", decisions, "--ledger", elsewhere)
    assert made.code == 0, made.err
    assert allowlist(*asked, "--allow-wider").code == 5
    assert allowlist(*asked, "--allow-wider", "--approvals", decisions).code == 0


def test_what_opens_beyond_is_no_plan_that_can_be_applied(tmp_path: Path) -> None:
    plan = tmp_path / "wider.json"
    proposed(plan)
    assert allowlist("approve", plan, "--all", "--reason", "t").code == 0
    project = load_project(FIREWALL_ONLY, catalogs=None, facts=read_facts(None), now=dt.datetime.now(dt.UTC))
    with pytest.raises(PlanRefused, match="made for"):
        refuse_other_project(project, read_plan(plan))


def test_four_eyes_of_the_workload_hold_for_its_export(tmp_path: Path) -> None:
    """Whoever asks for the widening may not approve it, and an unverified name is nobody's."""
    workload = tmp_path / "w.yaml"
    workload.write_text(FIREWALL_ONLY.read_text().replace("{valid_days: 14}", "{four_eyes: true}"))
    plan = tmp_path / "wider.json"
    asked = ("export", workload, "--to", "unbound", "--leave-out")
    assert allowlist(*asked, "--propose", plan).code == 0
    assert allowlist("approve", plan, "--all", "--reason", "mine").code == 0
    result = allowlist(*asked, "--allow-wider", "-o", tmp_path / "out")
    assert result.code == 5
    assert "does not count" in result.err


def test_an_exact_export_has_nothing_to_propose(tmp_path: Path) -> None:
    plan = tmp_path / "wider.json"
    result = allowlist("export", "hugging-face", "--need", "conditional", "--to", "squid", "--propose", plan)
    assert result.code == 0
    assert not plan.exists()


def test_an_unknown_format_is_told_with_what_was_probably_meant() -> None:
    result = allowlist("export", "hugging-face", "--to", "sqiud")
    assert result.code == 1
    assert "squid" in result.err


def test_json_carries_the_files() -> None:
    result = allowlist("export", "hugging-face", "--need", "conditional", "--to", "rpz", "--json")
    assert result.json["schema"] == "allowlist/export/v1"
    assert result.json["exact"] is True
    assert "allowlist-pass.zone" in result.json["files"]
