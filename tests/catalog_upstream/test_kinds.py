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


NOTED = "# P\n\n## Outbound\n\n| Host | Port | Notes |\n| --- | --- | --- |\n"


def noted(notes: dict[str, str]) -> str:
    return NOTED + "".join(
        f"| `{host}` | 443 | {notes.get(host, 'Required for sign-in.')} |\n" for host in HOSTS
    )


def changes(report: WatchReport) -> list[tuple[str, str]]:
    return [(one.delta.change.value, one.delta.place.subject.value) for one in report.findings]


@pytest.mark.parametrize("before", [noted({}), HEAD + ROWS])
def test_a_need_that_changed_is_a_finding_and_left_to_a_person(tmp_path: Path, before: str) -> None:
    made = Project(tmp_path)
    made.catalog(*(entry(host) for host in HOSTS))
    made.page(before)
    made.run()

    report = later(made, noted({"a1.contoso.com": "Optional. Only needed if you use GPU nodes."}))

    assert ready(report) == [("need", "a1.contoso.com")]
    assert report.findings[0].delta.said == ("required", "optional")
    assert "GPU nodes" in report.findings[0].delta.rows[0].quote
    proposal = write_proposal(report.findings, made.catalogs, {})
    assert not proposal.changed
    assert "'required'" in proposal.refused[0][1]


def test_a_need_is_no_news_once_a_catalog_says_the_same(project: Project) -> None:
    page = noted({"a1.contoso.com": "Optional. Only needed if you use GPU nodes."})
    assert changes(later(project, page)) == [("need", "a1.contoso.com")]

    project.catalog(
        *(entry(host, need="optional" if host.startswith("a1.") else "required") for host in HOSTS)
    )

    assert changes(project.run(days=1)) == []
    assert changes(project.run(days=1)) == []


def test_another_condition_is_a_finding(tmp_path: Path) -> None:
    made = Project(tmp_path)
    made.catalog(entry(HOSTS[0], need="optional"), *(entry(host) for host in HOSTS[1:]))
    made.page(noted({"a1.contoso.com": "Only needed if you use GPU nodes."}))
    made.run()

    report = later(made, noted({"a1.contoso.com": "Only needed if you use Windows nodes."}))

    assert ready(report) == [("need", "a1.contoso.com")]


def test_a_name_that_moves_to_another_section_is_a_finding_and_a_new_title_is_none(project: Project) -> None:
    renamed = (HEAD + ROWS).replace("## Outbound", "## Outbound access")
    assert changes(later(project, renamed)) == []

    moved = (
        without("a1.")
        + "\n## Evaluations, outbound\n\n| Host | Port |\n| --- | --- |\n| `a1.contoso.com` | 443 |\n"
    )
    project.page(HEAD + ROWS)
    project.run(days=1)
    assert ready(later(project, moved)) == [("scenario", "a1.contoso.com")]


def test_a_second_cloud_of_a_known_name_is_an_addition(project: Project) -> None:
    page = (
        HEAD
        + ROWS
        + "\n## Azure Government outbound\n\n| Host | Port |\n| --- | --- |\n| `a2.contoso.com` | 443 |\n"
    )

    report = later(project, page)

    assert [(one.delta.change.value, one.delta.place.cloud) for one in report.ready] == [("added", "usgov")]
    write_proposal(report.ready, project.catalogs, {})
    live = read_catalog(project.catalogs / "contoso.yaml").entries_at("next")
    assert sorted(str(cloud) for one in live if one.value == "a2.contoso.com" for cloud in one.clouds) == [
        "public",
        "usgov",
    ]
    assert ready(project.run(days=1)) == []


@pytest.mark.parametrize(
    ("page", "ports"),
    [
        ("## Outbound\n\nAllow outbound traffic over __ANY port 443__ to:\n\n* `a.contoso.com`\n", "any:443"),
        ("## Outbound\n\nAllow outbound traffic over **ANY port 443** to the following hosts:\n\n- `a.contoso.com`\n", "any:443"),
        ("## Outbound\n\n| Host | Port | Notes |\n| --- | --- | --- |\n| `a.contoso.com` | 123 | Needs an outbound connection on UDP. |\n", "udp:123"),
        ("## Outbound\n\n| Host | Port | Notes |\n| --- | --- | --- |\n| `a.contoso.com` | 443 | Over TCP, never UDP. |\n", "443"),
    ],
)  # fmt: skip
def test_a_protocol_outside_the_port_cell_is_read(page: str, ports: str) -> None:
    (row,) = rows(page)

    assert [str(port) for port in parse_ports(row.ports)] == [ports]


RULES = "## Required ports\n\n| Direction | Source service tag | Source port ranges | Destination service tag | Destination port ranges | Protocol | Action |\n| --- | --- | --- | --- | --- | --- | --- |\n"  # fmt: skip


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("| Inbound | AzureLoadBalancer | * | VirtualNetwork 6391 | TCP | Allow |\n", ("AzureLoadBalancer", "tcp:6391")),
        ("| Outbound | VirtualNetwork | * | Storage 443 | TCP | Allow |\n", ("Storage", "tcp:443")),
        ("| Outbound | VirtualNetwork | * | Sql | 1433 | TCP | Allow |\n", ("Sql", "tcp:1433")),
    ],
)  # fmt: skip
def test_a_row_that_lost_a_mark_between_two_cells_is_read(line: str, row: tuple[str, str]) -> None:
    whole = "| Outbound | VirtualNetwork | * | AzureKeyVault | 443 | TCP | Allow |\n"

    found = {one.value: [str(port) for port in parse_ports(one.ports)] for one in rows(RULES + whole + line)}

    assert found[row[0]] == [row[1]]


@pytest.mark.parametrize(
    ("sentence", "port"),
    [
        ("Access to port `53` is required for communication with DNS servers.", "53"),
        ("Outbound access on port `53` is needed to talk to name servers.", "53"),
        ("Make sure to let port `1688` out.", "1688"),
        ("You must allow outbound traffic on port `1688` so that Windows can be activated.", "1688"),
        ("TCP port 1688 must be open.", "1688"),
    ],
)
def test_a_sentence_that_asks_for_a_port_is_a_row(sentence: str, port: str) -> None:
    assert [(row.kind, row.value) for row in rows(f"## Outbound connectivity\n\n{sentence}\n")] == [
        ("port_only", port)
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Do not allow outbound traffic on port `1688`.",
        "Inbound access on port `53` is needed.",
        "The service listens on port 8080.",
        "For example, allow outbound traffic on port `1688`.",
        "Access on port `53` is no longer required.",
        "If an app talks to it, you must add a rule to allow TCP to port 443 of the server's IP.",
    ],
)
def test_a_sentence_that_asks_for_no_port_out_is_none(sentence: str) -> None:
    assert rows(f"## Outbound connectivity\n\n{sentence}\n") == []


def test_an_address_pattern_that_has_to_be_let_through_is_a_range() -> None:
    page = "## Outbound\n\nAllow traffic to `10.x.x.x` or `100.x.x.x` through your firewall.\n"

    assert [(row.kind, row.value) for row in rows(page)] == [
        ("ip_range", "10.x.x.x"),
        ("ip_range", "100.x.x.x"),
    ]


def test_rows_that_only_another_catalog_holds_are_owed_to_the_one_the_page_describes(tmp_path: Path) -> None:
    made = Project(tmp_path)
    path = "docs/fabrikam-network.md"
    made.catalog(entry(HOSTS[0], path=path), name="fabrikam")
    made.catalog(*(entry(host, path=path) for host in HOSTS[:3]), name="contoso")
    made.hosts(*HOSTS[:3], path=path)

    for report in (made.run(), made.run(only=("fabrikam",))):
        (owed,) = report.owed
        assert owed.catalog == "fabrikam"
        assert [place.subject.value for place in owed.places] == HOSTS[1:3]
        assert owed.held_by == ("contoso",)


def test_what_a_catalog_lacks_is_told_to_each_where_the_page_describes_none(tmp_path: Path) -> None:
    made = Project(tmp_path)
    made.catalog(*(entry(host) for host in HOSTS[:2]), name="demo")
    made.catalog(*(entry(host) for host in HOSTS), name="other")
    made.page(HEAD + ROWS)

    (owed,) = made.run().owed

    assert (owed.catalog, len(owed.places)) == ("demo", 6)


@pytest.mark.parametrize(
    ("file", "row"),
    [
        (".openpublishing.redirection.json", '"source_path": "docs/page.md", "redirect_url": "/contoso/docs/new"'),
        (".openpublishing.redirection.contoso.json", '"source_path_from_root": "/docs/page.md", "redirect_url": "/azure/new"'),
        (".openpublishing.redirection.json", '"source_path": "docs/page.md", "redirect_url": "docs/new.md"'),
        (".openpublishing.redirection.json", '"source_path": "docs/page.md", "redirect_url": "new#network"'),
    ],
)  # fmt: skip
def test_a_renamed_page_is_followed(project: Project, file: str, row: str) -> None:
    old = project.pages / "contoso" / "docs" / "docs" / "page.md"
    old.unlink()
    project.page(without("a1."), "docs/new.md")
    project.page('{"redirections": [{' + row + "}]}", file)
    project.run(days=1)

    report = project.run(days=31)

    assert [(page.moved_to, page.trouble) for page in report.pages] == [("contoso/docs:docs/new.md", "")]
    assert ready(report) == [("ended", "a1.contoso.com")]


@pytest.mark.parametrize("redirections", ["", "{", "[]", '{"redirections": [{"source_path": "docs/page.md", "redirect_url": "docs/page.md"}]}'])  # fmt: skip
def test_a_page_nobody_redirects_is_not_found_and_ends_nothing(project: Project, redirections: str) -> None:
    (project.pages / "contoso" / "docs" / "docs" / "page.md").unlink()
    project.page(redirections, ".openpublishing.redirection.json")

    report = project.run(days=31)

    assert [page.trouble for page in report.pages] == ["was not found"]
    assert ready(report) == []


def test_an_index_of_every_service_owes_nothing_to_anybody(tmp_path: Path) -> None:
    made = Project(tmp_path)
    for number, name in enumerate(("one", "two", "three")):
        made.catalog(entry(HOSTS[number]), name=name)
    made.page(HEAD + ROWS)

    assert made.run().owed == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "Make sure that traffic to `10.x.x.x` or `100.x.x.x` is allowed.",
        "Traffic to `10.x.x.x` and `100.x.x.x` must be let through.",
        "You might see requests to `10.x.x.x` or `100.x.x.x`; allow these addresses.",
        "Your firewall must let `10.x.x.x` and `100.x.x.x` through.",
        "The address ranges `10.x.x.x` and `100.x.x.x` need to be permitted.",
        "If the logs show denied traffic to `10.x.x.x` or `100.x.x.x`, let this traffic pass.",
        "It's expected to see traffic to `10.x.x.x` or `100.x.x.x`; don't block it.",
    ],
)
def test_however_it_is_said_that_an_address_pattern_is_let_through(sentence: str) -> None:
    assert [row.value for row in rows(f"## Firewall\n\n{sentence}\n")] == ["10.x.x.x", "100.x.x.x"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Do not allow `10.x.x.x` or `100.x.x.x`.",
        "The example uses the address range `10.x.x.x` for the virtual network.",
        "Supported ranges are `10.x.x.x` and `172.16.x.x`; choose one that doesn't overlap.",
        "Block traffic to `10.x.x.x`.",
        "Avoid `100.x.x.x`, as it is reserved.",
        "Traffic to `10.x.x.x` isn't allowed through.",
    ],
)
def test_an_address_pattern_that_nobody_lets_through_is_no_range(sentence: str) -> None:
    assert rows(f"## Firewall\n\n{sentence}\n") == []
