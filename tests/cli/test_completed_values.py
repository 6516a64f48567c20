"""Values that Tab offers: what the catalogs, the workload, the plan and the ledger at hand hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from allowlist.cli.main import main
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist


def offered(*words: str) -> list[str]:
    """What is offered for the last of ``words``."""
    complete = ShellComplete(main, {}, "allowlist", "_ALLOWLIST_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def test_catalogs_and_their_versions_are_offered() -> None:
    assert offered("catalog", "show", "foundry-h") == ["foundry-hub"]
    assert "foundry-hub@1.0.0" in offered("catalog", "show", "foundry-hub@1.0")
    assert offered("catalog", "diff", "vscode@") == ["vscode@1.0.0.."]
    assert offered("catalog", "diff", "vscode@1.0.0..l") == ["vscode@1.0.0..latest"]
    assert offered("catalog", "release", "hugging") == ["hugging-face"]
    assert offered("init", "--catalog", "azure-sp") == ["azure-speech"]


def test_scenarios_are_those_of_the_catalog_on_the_line() -> None:
    assert offered("catalog", "show", "azure-container-registry", "--scenario", "m") == ["microsoft-registry"]
    assert "vscode" in offered("export", "--scenario", "vs")


def test_parameters_are_offered_with_the_sign_that_follows() -> None:
    assert "region=" in offered("catalog", "find", "--parameter", "reg")


def test_targets_are_those_of_the_workload_on_the_line(workplace: Path) -> None:
    assert offered("check", "--workload", str(FIREWALL_ONLY), "--only", "") == ["hub-firewall"]
    assert offered("check", "--only", "") == []
    del workplace


def test_changes_gates_and_runs_are_offered(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    plan = allowlist("plan", *where, "-o", "plan.json", "--json").json
    first, *others = (change["id"] for change in plan["changes"])

    assert first in offered("approve", "plan.json", "")
    assert set(offered("approve", "plan.json", first, "")) == set(others)
    closed = {gate["id"] for gate in plan["gates"] if not gate["passed"]}
    assert set(offered("approve", "plan.json", "--accept", "")) == closed
    assert offered("history", "") == offered("apply", "--resume", "") == []
    del workplace


@pytest.mark.parametrize("words", [("approve", "nowhere.json", ""), ("catalog", "diff", "nothing@")])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(
    words: tuple[str, ...], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(*words) == []
    assert capsys.readouterr() == ("", "")
    del workplace


def test_kinds_read_from_azure_are_offered_with_the_versions_that_are_known() -> None:
    assert "firewall-policy=" in offered("check", "--api-version", "")
    assert "filter=" not in offered("check", "--api-version", "")
    assert offered("check", "--api-version", "security-perimeter=") == ["security-perimeter=2024-10-01"]
    assert offered("check", "--api-version", "nonsense=") == []


def test_a_kind_that_is_not_read_from_azure_has_no_api_version(workplace: Path) -> None:
    told = allowlist("check", "--workload", FIREWALL_ONLY, "--api-version", "filter=2024-05-01")
    assert told.code == 1
    assert "not read from Azure" in told.err
