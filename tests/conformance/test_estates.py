"""Small estates of kinds that were met in public files and reports: what is right of each, one test per folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import SHARED, absent

_FOLDER = SHARED / "cases" / "estates"


class Case:
    """Commands on one estate."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch = folder, scratch

    def run(self, command: str, *arguments: object) -> Result:
        files = ("--workload", self.folder / "allowlist.yaml", "--snapshot", self.folder / "estate")
        return allowlist(command, *arguments, *files)

    def verdict(self, host: str, *arguments: object, source: str = "10.0.0.5") -> str:
        return str(self.run("explain", host, "--from", source, "--json", *arguments).json["verdict"])

    def counts(self) -> dict[str, int]:
        summary: dict[str, int] = self.run("check", "--all", "--json").json["summary"]
        return {status: count for status, count in summary.items() if count}


def _condition(case: Case) -> None:
    assert case.verdict("huggingface.co") == "unknown"


def _groups_not_saved(case: Case) -> None:
    assert case.verdict("huggingface.co") == "unknown"
    assert case.counts() == {"unknown": 1}
    assert "rule-collection-group list" in case.run("explain", "huggingface.co", "--from", "10.0.0.5").out


def _account_rules(case: Case) -> None:
    assert case.counts() == {"covered": 1}
    assert "0 changes" in case.run("plan").out


def _two_exports(case: Case) -> None:
    result = case.run("explain", "huggingface.co", "--from", "10.0.0.5")
    assert result.code == 1
    assert "old-backup.json" in result.err
    assert "2026-11-live.json" in result.err


def _nothing_to_check(case: Case) -> None:
    assert case.run("check", "--exit-code").code == 2


def _requirement_dropped(case: Case) -> None:
    assert case.counts().get("missing", 0) >= 3


def _injections(case: Case) -> None:
    result = allowlist(
        *("init", "--name", "trial", "--catalog", "foundry-agents", "--source", "10.0.0.0/24"),
        *("--snapshot", case.folder / "estate", "-o", case.scratch / "new.yaml"),
    )
    assert "the injections cannot be worked out" in result.err
    assert "defect" not in result.err


def _failed_group(case: Case) -> None:
    assert case.counts() != {"covered": 1}


def _near_miss(case: Case) -> None:
    result = case.run("explain", "login.crm.example", "--from", "10.0.0.5", "--protocol", "http")
    assert "saas/crm" in result.out


def _next_promises(case: Case) -> None:
    assert "a rule for exactly this" not in case.run("check", "--all").out


def _wildcard_in_network_rule(case: Case) -> None:
    host = "stacme.blob.core.windows.net"
    assert case.verdict(host, "--protocol", "tcp", "--port", "443") == "deny"


def _dash_wildcard(case: Case) -> None:
    assert "invalid" not in case.counts()


def _open_mode(case: Case) -> None:
    assert case.counts().get("invalid")


def _parameter_file(case: Case) -> None:
    assert case.verdict("huggingface.co") == "deny"
    assert case.verdict("login.microsoftonline.com") == "allow"


def _untaken_branch(case: Case) -> None:
    assert case.verdict("huggingface.co") == "allow"


def _fqdn_tag(case: Case) -> None:
    assert case.counts().get("missing") == 1


def _list_entry(case: Case) -> None:
    counts = case.counts()
    assert counts.get("unknown") == 1
    assert counts.get("invalid") == 1


def _any_any(case: Case) -> None:
    assert case.counts().get("widens")


def _formats(case: Case) -> None:
    assert case.verdict("huggingface.co") == "allow"


def _empty_parameter(case: Case) -> None:
    result = case.run("check", "--all")
    assert "is empty" in result.err
    assert "did you mean 'region'" not in result.err


def _address_rule(case: Case) -> None:
    assert "unknown" not in case.counts()


def _validators(case: Case) -> None:
    assert case.counts() == {"unknown": 1}


def _one_statement(case: Case) -> None:
    out = case.run("explain", "huggingface.co", "--from", "10.0.0.5").out
    assert "the plan fixes it" not in out
    assert out.count("the plan can") == 1


_CHECKS: dict[str, tuple[Callable[[Case], None], str]] = {
    "03": (_condition, ""),
    "04": (_groups_not_saved, ""),
    "05": (_account_rules, ""),
    "08": (_two_exports, ""),
    "10": (_nothing_to_check, ""),
    "11": (_requirement_dropped, ""),
    "14": (_injections, ""),
    "16": (_failed_group, ""),
    "17": (_near_miss, ""),
    "18": (_next_promises, ""),
    "19": (_wildcard_in_network_rule, ""),
    "20": (_dash_wildcard, ""),
    "21": (_open_mode, ""),
    "23": (_parameter_file, ""),
    "24": (_untaken_branch, ""),
    "25": (_fqdn_tag, ""),
    "26": (_list_entry, ""),
    "28": (_any_any, ""),
    "29": (_formats, ""),
    "30": (_empty_parameter, ""),
    "31": (_address_rule, ""),
    "32": (_validators, ""),
    "33": (_one_statement, ""),
}
"""By number: what is right, and why it is not so yet where it is not."""


def _cases() -> list[object]:
    folders = sorted(_FOLDER.iterdir()) if _FOLDER.is_dir() else []
    if not folders:
        return [absent(_FOLDER)]
    return [pytest.param(folder, marks=_marks(folder.name[:2]), id=folder.name) for folder in folders]


def _marks(number: str) -> list[pytest.MarkDecorator]:
    why = _CHECKS[number][1]
    return [pytest.mark.xfail(reason=why, strict=True)] if why else []


@pytest.mark.parametrize("folder", _cases())
def test_what_is_right_of_an_estate_is_said(folder: Path, tmp_path: Path) -> None:
    _CHECKS[folder.name[:2]][0](Case(folder, tmp_path))
