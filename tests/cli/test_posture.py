"""posture on the command line: formats, exit codes, suppressions with owner and expiry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allowlist.estate.snapshot import read_snapshot
from allowlist.network.observation import Service
from tests.helpers.cli import Result, allowlist
from tests.helpers.posture import EXAMPLE, PLANTS, estate_with

WORKLOAD = EXAMPLE / "allowlist.yaml"


def saved(folder: Path, *names: str) -> Path:
    """The example network with planted faults, as files."""
    estate = estate_with(*(plant for plant in PLANTS if plant.name in names))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all.json").write_text(json.dumps({"value": list(estate.resources.values())}))
    return folder


def posture(snapshot: Path, *arguments: object, workload: Path = WORKLOAD) -> Result:
    return allowlist("posture", "--workload", workload, "--snapshot", snapshot, *arguments)


def with_suppression(folder: Path, identity: str, expires: str) -> Path:
    text = WORKLOAD.read_text() + (
        "\nsuppressions:\n"
        f"  - {{id: '{identity}', owner: net@contoso.example, reason: known, expires: '{expires}'}}\n"
    )
    path = folder / "allowlist.yaml"
    path.write_text(text)
    return path


def test_every_service_has_a_row_that_says_what_it_needs_itself(tmp_path: Path) -> None:
    document: Any = posture(EXAMPLE / "estate", "--json").json
    rows = {row["service"]: row for row in document["services"]}
    assert list(rows) == [service.value for service in Service]
    for name in ("Virtual Network", "Private Link", "Bastion", "Private DNS", "API Management"):
        assert rows[name]["state"] == "met"
        assert rows[name]["needs_outbound"]["source"].startswith("https://")
    assert "needs no egress" in rows["Front Door"]["needs_outbound"]["says"]


def test_nothing_is_claimed_about_a_service_nobody_read(tmp_path: Path) -> None:
    bodies = [
        body
        for body in read_snapshot(EXAMPLE / "estate").resources.values()
        if "Microsoft.ApiManagement" not in body["id"]
    ]
    (tmp_path / "all.json").write_text(json.dumps(bodies))
    document: Any = posture(tmp_path, "--json").json
    row = next(item for item in document["services"] if item["service"] == "API Management")
    assert row["state"] == "not-in-use"


def test_a_finding_shows_what_is_so_where_and_what_next(tmp_path: Path) -> None:
    document: Any = posture(saved(tmp_path, "route around"), "--json").json
    (finding,) = document["findings"]
    assert finding["code"] == "route-bypass"
    assert "13.64.0.0/11" in finding["because"]
    place = finding["evidence"][0]
    assert place["resource"].endswith("/routeTables/rt-ai")
    assert place["path"] == "$.properties.routes[2].properties"
    assert place["value"] == {"addressPrefix": "13.64.0.0/11", "nextHopType": "Internet"}
    assert "quick-fix" in finding["remedy"]


def test_the_exit_code_follows_from_what_is_pending(tmp_path: Path) -> None:
    assert posture(EXAMPLE / "estate", "--exit-code").code == 0
    assert posture(saved(tmp_path, "open account")).code == 0
    assert posture(tmp_path, "--exit-code").code == 2


def test_a_suppression_hides_its_finding_until_it_expires(tmp_path: Path) -> None:
    state = saved(tmp_path / "state", "open account")
    current = with_suppression(tmp_path, "account-public-access:contoso-speech", "2099-01-01")
    result = posture(state, "--json", "--exit-code", workload=current)
    assert result.code == 0
    assert result.json["summary"]["suppressed"] == 1
    assert result.json["findings"][0]["suppressed_by"]["owner"] == "net@contoso.example"
    expired = with_suppression(tmp_path, "account-public-access:contoso-speech", "2020-01-01")
    result = posture(state, "--json", "--exit-code", workload=expired)
    assert result.code == 2
    assert result.json["expired_suppressions"][0]["id"] == "account-public-access:contoso-speech"


def test_a_suppression_that_hides_nothing_is_told(tmp_path: Path) -> None:
    workload = with_suppression(tmp_path, "nat-gateway:snet-agents", "2099-01-01")
    assert "hides nothing" in posture(EXAMPLE / "estate", workload=workload).out


def test_text_markdown_and_sarif_tell_the_same_finding(tmp_path: Path) -> None:
    state = saved(tmp_path / "state", "zone without link")
    says = "privatelink.openai.azure.com is not linked to network vnet-hub"
    assert says in posture(state).out
    assert says in posture(state, "--format", "markdown").out
    sarif = json.loads(posture(state, "--format", "sarif").out)
    (result,) = sarif["runs"][0]["results"]
    assert result["ruleId"] == "dns-link"
    assert says in result["message"]["text"]


def test_the_ending_of_the_output_chooses_the_format(tmp_path: Path) -> None:
    report = tmp_path / "posture.md"
    assert posture(EXAMPLE / "estate", "-o", report).code == 0
    assert report.read_text().startswith("# Network posture of contoso-ai")


def test_the_mistakes_of_the_example_are_all_found(tmp_path: Path) -> None:
    document: Any = posture(EXAMPLE / "mistakes", "--json").json
    assert sorted(item["id"] for item in document["findings"]) == [
        "account-public-access:contoso-speech",
        "apim-nsg:nsg-apim",
        "dns-link:privatelink.openai.azure.com",
        "dns-record:privatelink.blob.core.windows.net",
        "endpoint-approved:pe-vault",
        "nat-gateway:snet-agents",
        "route-bypass:rt-ai",
    ]


def test_the_html_report_is_one_file_that_asks_nobody(tmp_path: Path) -> None:
    report = tmp_path / "posture.html"
    assert posture(EXAMPLE / "mistakes", "-o", report).code == 0
    page = report.read_text()
    assert page.count("<svg") == 2
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    for outside in ("<script", "<link", "<img", "src=", "@import", "url("):
        assert outside not in page
    assert "zone privatelink.openai.azure.com is not linked to network vnet-hub" in page


def test_names_from_azure_cannot_become_markup(tmp_path: Path) -> None:
    estate = estate_with()
    for body in estate.resources.values():
        if body["id"].endswith("/accounts/contoso-speech"):
            body["name"] = "<script>alert(1)</script>"
            body["properties"]["publicNetworkAccess"] = "Enabled"
            body["properties"]["networkAcls"] = {"defaultAction": "Allow"}
    (tmp_path / "all.json").write_text(json.dumps(list(estate.resources.values())))
    page = posture(tmp_path, "--format", "html").out
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_flow_that_goes_around_is_drawn_around(tmp_path: Path) -> None:
    estate = estate_with()
    for body in estate.resources.values():
        if body["name"] == "rt-ai":
            body["properties"]["routes"][0]["properties"] = {
                "addressPrefix": "0.0.0.0/0",
                "nextHopType": "Internet",
            }
    (tmp_path / "all.json").write_text(json.dumps(list(estate.resources.values())))
    page = posture(tmp_path, "--format", "html").out
    assert "around the firewall</text>" in page
