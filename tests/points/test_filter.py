"""Other filters as enforcement points: read, explained, compared with the firewall, and never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

SQUID = """acl web port 443 80
acl listed dstdomain "names.txt"
http_access deny !web
http_access allow listed
http_access deny all
"""
NAMES = """.pypi.example
*.dead.example
huggingface.co
openaicontoso.example
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example company's workload with a proxy beside its firewall."""
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "squid.conf").write_text(SQUID)
    (tmp_path / "proxy" / "names.txt").write_text(NAMES)
    target = (
        "  - name: proxy\n    surface: filter\n    resource: proxy/squid.conf\n    delete: add-only\n"
        "    options: {format: squid}\n"
    )
    (tmp_path / "allowlist.yaml").write_text(
        FIREWALL_ONLY.read_text().replace("targets:\n", f"targets:\n{target}")
    )
    return tmp_path


def run(folder: Path, command: str, *arguments: object) -> tuple[int, str]:
    found = allowlist(command, *arguments, "--workload", folder / "allowlist.yaml")
    return found.code, found.out + found.err


def test_what_the_proxy_lacks_is_missing_and_the_way_out_is_an_export(folder: Path) -> None:
    asked = ("--only", "proxy", "--snapshot", CONTOSO, "--json", "--workload", folder / "allowlist.yaml")
    missing = [item for item in allowlist("check", *asked).json["findings"] if item["status"] == "missing"]
    assert missing
    here = f"--snapshot {CONTOSO} --workload {folder / 'allowlist.yaml'}"
    assert {item["remedy"] for item in missing} == {f"allowlist export --to squid -o FOLDER {here}"}


def test_a_dead_entry_is_a_finding_with_its_file_and_line(folder: Path) -> None:
    _, text = run(folder, "check", "--only", "proxy", "--snapshot", CONTOSO)
    assert "invalid  proxy/names.txt/2 *.dead.example" in text


def test_explain_names_the_entry_that_decides(folder: Path) -> None:
    _, text = run(
        folder, "explain", "x.pypi.example", "--from", "10.40.0.4", "--only", "proxy", "--snapshot", CONTOSO
    )
    assert "rule proxy/names.txt/1 .pypi.example allows it" in text


def test_the_proxy_is_compared_with_the_firewall_with_witnesses(folder: Path) -> None:
    code, text = run(folder, "compare", CONTOSO, "--between", "hub-firewall", "proxy", "--exit-code")
    assert code == 2
    assert "proxy against hub-firewall" in text
    assert "opens " in text
    assert "closes " in text
    assert "x.pypi.example https:443" in text or "pypi.example https:443" in text


def test_two_states_of_one_list_are_compared(folder: Path, tmp_path: Path) -> None:
    after = tmp_path / "after" / "proxy"
    after.mkdir(parents=True)
    (after / "squid.conf").write_text(SQUID)
    (after / "names.txt").write_text(NAMES + "added.example\n")
    before = tmp_path / "before" / "proxy"
    before.mkdir(parents=True)
    (before / "squid.conf").write_text(SQUID)
    (before / "names.txt").write_text(NAMES)
    _, text = run(folder, "compare", tmp_path / "before", tmp_path / "after", "--only", "proxy")
    assert "the second lets more through" in text
    assert "added.example https:443" in text


def test_the_same_files_twice_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (folder / "allowlist.yaml").write_text(
        (folder / "allowlist.yaml").read_text().replace("proxy/squid.conf", "./proxy/squid.conf")
    )
    _, text = run(folder, "compare", CONTOSO, CONTOSO)
    assert "neither state holds ./proxy/squid.conf" in text


def test_a_plan_writes_nothing_there_and_says_what_stays_open(folder: Path, tmp_path: Path) -> None:
    code, text = run(folder, "plan", "--only", "proxy", "--snapshot", CONTOSO, "-o", tmp_path / "plan.json")
    assert code in (0, 2, 3), text
    assert "a filter is not written by allowlist" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("options: {format: squit}", "did you mean 'squid'"),
        ("options: {}", "is missing"),
        ("options: {format: squid, services: ['443']}", "expected https:443"),
        ("options: {format: squid, addresses: [proxy]}", "proxy"),
    ],
)
def test_options_that_make_no_sense_are_told_with_their_place(folder: Path, line: str, message: str) -> None:
    path = folder / "allowlist.yaml"
    path.write_text(path.read_text().replace("options: {format: squid}", line))
    code, text = run(folder, "check", "--snapshot", CONTOSO)
    assert code != 0
    assert message in text
    assert "allowlist.yaml:" in text


def test_a_path_that_is_not_there_is_told(folder: Path) -> None:
    (folder / "proxy" / "squid.conf").unlink()
    code, text = run(folder, "check", "--only", "proxy", "--snapshot", CONTOSO)
    assert code != 0
    assert "squid.conf" in text
    assert "is neither a file nor a folder" in text


def test_a_list_that_does_not_load_decides_nothing_for_certain(folder: Path) -> None:
    (folder / "proxy" / "names.txt").write_text("www.pypi.example\n.pypi.example\n")
    _, text = run(
        folder, "explain", "x.pypi.example", "--from", "10.40.0.4", "--only", "proxy", "--snapshot", CONTOSO
    )
    assert "unknown" in text
    assert "with which the engine does not start" in text


def test_a_dns_filter_says_that_it_knows_names_only(folder: Path) -> None:
    (folder / "proxy" / "dnsmasq.conf").write_text("local=/#/\nserver=/huggingface.co/168.63.129.16\n")
    path = folder / "allowlist.yaml"
    path.write_text(
        path.read_text()
        .replace("proxy/squid.conf", "proxy/dnsmasq.conf")
        .replace("format: squid", "format: dnsmasq")
    )
    _, text = run(folder, "check", "--only", "proxy", "--snapshot", CONTOSO)
    assert "knows names only" in text
    assert "service tag" not in text or "knows names, and" in text


def test_a_snapshot_keeps_the_files_and_is_read_again(folder: Path) -> None:
    """What is saved of a filter is read from the snapshot, not from the files of today."""
    from allowlist.estate.bodies import Estate
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.snapshotting import save_snapshot
    from tests.helpers.filters import project_in

    project = project_in(folder)
    specs = project.targets(["proxy"])
    estate = read_estate(project, specs, CONTOSO)
    save_snapshot(Estate.of([estate.resources["/filters/proxy/squid.conf"]]), folder / "state", project.now)
    (folder / "proxy" / "names.txt").write_text("changed.example\n")
    again = read_estate(project, project.targets(), folder / "state")
    assert again.get("/filters/proxy/squid.conf") == estate.get("/filters/proxy/squid.conf")
