"""A path of several filters: what passes all of them, which one decides, and what nobody asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

SQUID = """acl inside src 10.40.0.0/16
acl listed dstdomain "names.txt"
http_access allow inside listed
http_access deny all
"""
CLIENT = "10.40.0.4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example company with a proxy before its firewall, which sees the clients' own addresses here."""
    (tmp_path / "squid.conf").write_text(SQUID)
    (tmp_path / "names.txt").write_text(".python-index.example\nwww.elsewhere.example\n")
    (tmp_path / "allowlist.yaml").write_text(workload("addresses: [10.40.0.9]"))
    return tmp_path


def workload(option: str) -> str:
    target = (
        "  - name: proxy\n    surface: filter\n    resource: squid.conf\n    delete: add-only\n"
        f"    options: {{format: squid, {option}}}\n"
    )
    text = FIREWALL_ONLY.read_text().replace("targets:\n", f"targets:\n{target}")
    return f"{text}\npaths:\n  - name: way-out\n    filters: [proxy, hub-firewall]\n"


def run(folder: Path, command: str, *arguments: object) -> str:
    found = allowlist(command, *arguments, "--workload", folder / "allowlist.yaml", "--snapshot", CONTOSO)
    return found.out + found.err


def explained(folder: Path, name: str) -> dict[str, object]:
    """The answer of the whole path."""
    text = allowlist(
        "explain",
        name,
        "--from",
        CLIENT,
        "--json",
        "--workload",
        folder / "allowlist.yaml",
        "--snapshot",
        CONTOSO,
    ).out
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text.rstrip()):
        answer, at = decoder.raw_decode(text, at)
        found.append(answer)
        at += len(text[at:]) - len(text[at:].lstrip())
    (path,) = [item for item in found if item["target"] == "way-out"]
    return dict(path)


def decider(folder: Path, name: str) -> tuple[object, object]:
    answer = explained(folder, name)
    decided = answer["decided_by"]
    assert isinstance(decided, dict)
    return answer["verdict"], decided.get("filter")


def test_the_first_filter_that_stops_a_flow_decides(folder: Path) -> None:
    assert decider(folder, "huggingface.co") == ("deny", "proxy")


def test_what_the_proxy_lets_through_the_firewall_may_stop(folder: Path) -> None:
    assert decider(folder, "www.elsewhere.example") == ("deny", "hub-firewall")


def test_a_flow_passes_where_every_filter_lets_it_through(folder: Path) -> None:
    (folder / "names.txt").write_text("mcr.microsoft.com\n")
    verdict, name = decider(folder, "mcr.microsoft.com")
    alone = run(folder, "explain", "mcr.microsoft.com", "--from", "10.40.0.9", "--only", "hub-firewall")
    assert (verdict == "allow") == ("✓ allow" in alone)
    assert name is None or verdict != "allow"


def test_a_proxy_whose_own_address_nobody_says_leaves_the_rest_unknown(folder: Path) -> None:
    (folder / "allowlist.yaml").write_text(workload("services: []"))
    (folder / "names.txt").write_text("mcr.microsoft.com\n")
    answer = explained(folder, "mcr.microsoft.com")
    assert answer["verdict"] == "unknown"
    assert "under which address proxy goes on" in str(answer["because"])


def test_check_tells_what_is_needed_along_the_path_and_which_filter_stops_it(folder: Path) -> None:
    found = allowlist("check", "--json", "--workload", folder / "allowlist.yaml", "--snapshot", CONTOSO).json
    along = [item for item in found["findings"] if item["target"] == "way-out"]
    assert len(along) > 20
    stopped = [item["because"] for item in along if item["status"] == "missing"]
    assert any(
        "proxy decides: denied by proxy/squid.conf/4 http_access deny all" in text
        for text in stopped + [item["because"] for item in along]
    )


def test_check_names_what_passes_every_filter_and_nobody_asks_for(folder: Path) -> None:
    (folder / "second").mkdir()
    (folder / "second" / "squid.conf").write_text(
        "acl ok dstdomain .elsewhere.example\nhttp_access allow ok\n"
    )
    second = (
        "targets:\n  - name: second\n    surface: filter\n    resource: second\n    delete: add-only\n"
        "    options: {format: squid}\n"
    )
    text = (
        workload("addresses: [10.40.0.9]").replace("targets:\n", second).replace("hub-firewall]", "second]")
    )
    (folder / "allowlist.yaml").write_text(text)
    (folder / "names.txt").write_text("www.elsewhere.example\nonly.here.example\n")
    (note,) = [line for line in run(folder, "check").splitlines() if "passes every filter" in line]
    assert "www.elsewhere.example https:443" in note
    assert "only.here.example" not in note
    assert "x.elsewhere.example" not in note


def test_a_plan_says_what_the_path_would_still_lack(folder: Path, tmp_path: Path) -> None:
    run(folder, "plan", "-o", tmp_path / "plan.json")
    plan = json.loads((tmp_path / "plan.json").read_text())
    along = [item for item in plan["concerns"] if item["target"] == "way-out"]
    assert along
    assert all("proxy decides" in item["text"] for item in along if item["status"] == "missing")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("filters: [proxy, hub-firewal]", "did you mean 'hub-firewall'"),
        ("filters: [proxy, proxy]", "twice"),
    ],
)
def test_a_path_of_filters_that_are_not_there_is_refused(folder: Path, line: str, message: str) -> None:
    path = folder / "allowlist.yaml"
    path.write_text(path.read_text().replace("filters: [proxy, hub-firewall]", line))
    text = run(folder, "check")
    assert message in text
    assert "allowlist.yaml:" in text


@pytest.fixture
def three(folder: Path) -> Path:
    """A DNS filter between the proxy, which translates sources, and the firewall."""
    (folder / "dns.conf").write_text(
        "local=/#/\nserver=/python-index.example/1.1.1.1\nlocal=/bad.python-index.example/\n"
    )
    path = folder / "allowlist.yaml"
    resolver = (
        "  - name: resolver\n    surface: filter\n    resource: dns.conf\n    delete: add-only\n"
        "    options: {format: dnsmasq}\n"
    )
    text = path.read_text().replace("targets:\n", f"targets:\n{resolver}", 1)
    path.write_text(text.replace("[proxy, hub-firewall]", "[proxy, resolver, hub-firewall]"))
    return folder


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("huggingface.co", "proxy"),
        ("www.elsewhere.example", "resolver"),
        ("bad.python-index.example", "resolver"),
        ("www.python-index.example", "hub-firewall"),
    ],
)
def test_a_dns_filter_in_the_middle_of_a_path_decides_by_name(three: Path, name: str, decides: str) -> None:
    assert decider(three, name) == ("deny", decides)
