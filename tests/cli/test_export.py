"""``allowlist export``: proved equal, else refused; nothing wider or left out without being asked for by name."""

from __future__ import annotations

from pathlib import Path

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
    accepted = allowlist(*asked, "--allow-wider")
    assert accepted.code == 0, accepted.err
    assert (tmp_path / "out" / "allowlist.unbound.conf").is_file()


def test_an_unknown_format_is_told_with_what_was_probably_meant() -> None:
    result = allowlist("export", "hugging-face", "--to", "sqiud")
    assert result.code == 1
    assert "squid" in result.err


def test_json_carries_the_files() -> None:
    result = allowlist("export", "hugging-face", "--need", "conditional", "--to", "rpz", "--json")
    assert result.json["schema"] == "allowlist/export/v1"
    assert result.json["exact"] is True
    assert "allowlist-pass.zone" in result.json["files"]
