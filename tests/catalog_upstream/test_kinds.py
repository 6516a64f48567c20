"""Kinds of page that were read wrong: each is right now, or proposes nothing; no false end, no forbidden name."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.catalog import read_catalog
from allowlist.catalog.upstream.extract import extract_rows
from allowlist.catalog.upstream.findings import Standing, WatchReport
from allowlist.catalog.upstream.ports import parse_ports
from allowlist.catalog.upstream.propose import write_proposal
from allowlist.catalog.upstream.row import Row
from tests.helpers.upstream import Project, entry

HOSTS = [f"a{number}.contoso.com" for number in range(1, 9)]
HEAD = "# P\n\n## Outbound\n\n| Host | Port |\n| --- | --- |\n"
ROWS = "".join(f"| `{host}` | 443 |\n" for host in HOSTS)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.catalog(*(entry(host) for host in HOSTS))
    made.page(HEAD + ROWS)
    made.run()
    return made


def later(project: Project, page: str) -> WatchReport:
    """The page changes, and stays so for a month."""
    project.page(page)
    project.run(days=1)
    return project.run(days=31)


def ready(report: WatchReport) -> list[tuple[str, str]]:
    found = [one for one in report.findings if one.standing is Standing.READY]
    return [(one.delta.change.value, one.delta.place.subject.value) for one in found]


def rows(text: str) -> list[Row]:
    return list(extract_rows(text, "articles/p.md"))


def without(*hosts: str) -> str:
    return HEAD + "".join(
        line for line in ROWS.splitlines(keepends=True) if not any(host in line for host in hosts)
    )


@pytest.mark.parametrize(
    "section",
    [
        "> Do not allow the following hosts:\n>\n> - `evil.contoso.com`\n",
        "Never add these hosts to your allowlist:\n\n- `evil.contoso.com`\n",
        "The following endpoints should not be allowed:\n\n- `evil.contoso.com`\n",
        "## Hosts to block\n\n- `evil.contoso.com`\n",
        "### Retired endpoints\n\nAllow outbound access to these hosts:\n\n- `evil.contoso.com`\n",
        "No longer required since May:\n\n- `evil.contoso.com`\n",
        "Allow these hosts:\n\n- ~~`evil.contoso.com`~~\n",
        "Allow these hosts:\n\n- <del>`evil.contoso.com`</del>\n",
        "Allow these hosts:\n\n- `evil.contoso.com`: no longer used\n",
    ],
)
def test_a_forbidden_or_retired_name_is_never_proposed(project: Project, section: str) -> None:
    assert ready(later(project, HEAD + ROWS + "\n" + section)) == []


@pytest.mark.parametrize(
    "written",
    ["443<sup>1</sup>", "443 [1]", "443[2]", "443 (HTTP/2)", "443 (IPv4)", "443 (see note 2)", "443 (v2)"],
)
def test_footnotes_and_versions_are_no_ports(project: Project, written: str) -> None:
    page = HEAD + ROWS.replace("`a1.contoso.com` | 443", f"`a1.contoso.com` | {written}")

    assert ready(later(project, page)) == []


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("443, 12000 (v2)", [443, 12000]),
        ("HTTPS:443 (2 hosts)", [443]),
        ("443 (TCP)", [443]),
        ("80 (http), 443 (https)", [80, 443]),
    ],
)
def test_a_remark_beside_ports_is_told_from_ports(written: str, numbers: list[int]) -> None:
    assert sorted(port.first for port in parse_ports(written)) == numbers


@pytest.mark.parametrize("target", ["~/reusable-content/more.md", "../../../../more.md"])
def test_rows_that_moved_into_an_include_nobody_can_read_end_nothing(project: Project, target: str) -> None:
    page = without("a1.", "a2.") + f"\n[!INCLUDE [more]({target})]\n"

    assert ready(later(project, page)) == []


@pytest.mark.parametrize(
    "prose",
    [
        "The agent contacts a1.contoso.com and a2.contoso.com over HTTPS; make sure these are reachable.",
        "<table>\n<tr><td>a1.contoso.com</td>\n<td>443</td></tr>\n<tr><td>a2.contoso.com</td></tr>\n</table>",
        "See [the list](https://a1.contoso.com) and `a2.contoso.com`.",
    ],
)
def test_what_the_page_still_names_in_another_form_is_no_end(project: Project, prose: str) -> None:
    report = later(project, without("a1.", "a2.") + "\n" + prose + "\n")

    assert ready(report) == []
    assert any("still stands at" in one.withheld for one in report.findings)


def test_what_stands_nowhere_any_more_is_proposed_to_end(project: Project) -> None:
    assert ready(later(project, without("a1."))) == [("ended", "a1.contoso.com")]


@pytest.mark.parametrize(
    "written",
    ["`\\<region\\>.api.contoso.com`", "`&lt;region&gt;.api.contoso.com`", "`{{region}}.api.contoso.com`", "`$(region).api.contoso.com`", "`${region}.api.contoso.com`", "`{region}.api.contoso.com`"],
)  # fmt: skip
def test_a_placeholder_is_read_in_every_spelling(tmp_path: Path, written: str) -> None:
    made = Project(tmp_path)
    made.catalog(*(entry(host) for host in HOSTS), entry("{region}.api.contoso.com"))
    made.page(HEAD + ROWS + "| `<region>.api.contoso.com` | 443 |\n")
    made.run()

    assert ready(later(made, HEAD + ROWS + f"| {written} | 443 |\n")) == []


def test_an_end_is_not_written_without_what_takes_its_place(tmp_path: Path) -> None:
    made = Project(tmp_path)
    made.catalog(*(entry(host) for host in HOSTS))
    made.page(HEAD + ROWS)
    made.run()
    page = without("a1.") + "| `<cluster>.a1new.contoso.com` | 443 |\n"
    report = later(made, page)

    findings = [one for one in report.findings if one.standing is Standing.READY]
    proposal = write_proposal(findings, made.catalogs, {})

    assert {str(one.delta.change) for one, _ in proposal.refused} == {"added", "ended"}
    live = read_catalog(made.catalogs / "contoso.yaml").entries_at("next")
    assert "a1.contoso.com" in {one.value for one in live}


def test_each_token_of_a_mixed_column_is_judged_by_its_shape() -> None:
    page = (
        "## Outbound rules\n\n| Scenario | FQDNs, service tags | Description |\n| --- | --- | --- |\n"
        "| Agents | `*.a.contoso.com`, `b.contoso.com` | to run |\n"
        "| Traces | `c.contoso.com`, AzureMachineLearning service tag | to see |\n"
    )

    assert {(row.kind, row.value) for row in rows(page)} == {
        ("fqdn", "*.a.contoso.com"),
        ("fqdn", "b.contoso.com"),
        ("fqdn", "c.contoso.com"),
        ("service_tag", "AzureMachineLearning"),
    }


def test_a_bracket_with_the_name_of_another_cloud_is_a_row_of_that_cloud() -> None:
    page = "## Outbound\n\nAllow these hosts:\n\n* `a.contoso.com` (Azure Government: `a.contoso.us`)\n"

    assert {(row.value, row.cloud) for row in rows(page)} == {
        ("a.contoso.com", "public"),
        ("a.contoso.us", "usgov"),
    }


def test_a_short_label_in_a_cell_names_the_cloud() -> None:
    page = "## Outbound\n\n| Host | Port |\n| --- | --- |\n| **Public**: `a.contoso.com`<br>**Gov**: `a.contoso.us` | 443 |\n"

    assert {(row.value, row.cloud) for row in rows(page)} == {
        ("a.contoso.com", "public"),
        ("a.contoso.us", "usgov"),
    }


@pytest.mark.parametrize(
    ("cell", "need"),
    [
        ("Yes", "required"),
        ("No", "optional"),
        ("Optional. Not used in private mode", "optional"),
        ("Only at installation time", "conditional"),
        ("If you use GPU nodes", "conditional"),
    ],
)
def test_a_column_that_says_whether_it_is_needed_is_believed(cell: str, need: str) -> None:
    page = f"## Outbound\n\n| Host | Port | Required |\n| --- | --- | --- |\n| `a.contoso.com` | 443 | {cell} |\n"

    assert [row.need for row in rows(page)] == [need]


def test_a_walk_through_asks_for_nothing(project: Project) -> None:
    prose = "In this example, the two sample rules allow access to `ghcr.io` and `docker.io`."

    assert ready(later(project, HEAD + ROWS + "\n" + prose + "\n")) == []
