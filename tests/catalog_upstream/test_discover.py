"""Pages that nobody cites: found beside cited ones and behind their links, told and never written from."""

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from allowlist.catalog.upstream.discover import Discovered, discover, is_sample_of, links_of
from allowlist.catalog.upstream.folder import FolderPages
from allowlist.catalog.upstream.pages import PageRef, read_page
from allowlist.catalog.upstream.web import WebPages
from allowlist.cli.upstream import upstream
from tests.helpers.schemas import fits
from tests.helpers.upstream import Project, entry

TABLE = "## Outbound\n\n| Host | Port |\n|---|---|\n"


def asking(*hosts: str, date: str = "") -> str:
    front = f"---\ntitle: x\nms.date: {date}\n---\n" if date else ""
    return front + TABLE + "".join(f"| `{host}` | 443 |\n" for host in hosts)


def found(project: Project) -> tuple[Discovered, ...]:
    return project.run(discover=True).discovered.pages


def paths(project: Project) -> list[str]:
    return [page.page.path for page in found(project)]


@pytest.fixture
def cited(project: Project) -> Project:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com")
    return project


def test_a_page_beside_a_cited_one_is_told_with_its_new_names(cited: Project) -> None:
    cited.page(asking("a.contoso.com", "new.contoso.com"), "docs/beside.md")

    (page,) = found(cited)

    assert (page.page.path, page.because) == ("docs/beside.md", "beside contoso/docs:docs/page.md")
    assert page.names == ("a.contoso.com", "new.contoso.com")
    assert [(row.value, row.line) for row in page.unknown] == [("new.contoso.com", 6)]
    assert page.catalogs == ("contoso",)


@pytest.mark.parametrize(
    "link",
    [
        "[requirements](../other/far.md)",
        "[requirements](../other/far.md#outbound)",
        "[requirements](~/other/far.md)",
        "[requirements][1]\n\n[1]: ../other/far.md",
        '<a href="../other/far.md">requirements</a>',
    ],
)
def test_a_page_that_a_cited_page_links_to_is_told_with_the_line_of_the_link(
    cited: Project, link: str
) -> None:
    cited.page(f"{asking('a.contoso.com')}\nSee {link}\n")
    cited.page(asking("far.contoso.com"), "other/far.md")

    (page,) = found(cited)

    assert page.page.path == "other/far.md"
    assert page.because.startswith("linked from contoso/docs:docs/page.md:")


@pytest.mark.parametrize(
    "address", ["/azure/ml/far", "https://learn.microsoft.com/en-us/azure/ml/far?view=x", "/azure/ml/far#tab"]
)
def test_an_address_of_learn_is_the_page_below_the_folder_that_cited_pages_stand_in(
    project: Project, address: str
) -> None:
    project.catalog(entry("a.contoso.com", path="articles/ml/how/page.md"))
    project.page(f"{asking('a.contoso.com')}\nSee [x]({address}).\n", "articles/ml/how/page.md")
    project.page(asking("far.contoso.com"), "articles/ml/far.md")

    assert paths(project) == ["articles/ml/far.md"]


def test_the_newest_page_comes_first_and_one_without_a_date_last(cited: Project) -> None:
    cited.page(asking("one.contoso.com", date="01/31/2025"), "docs/one.md")
    cited.page(asking("two.contoso.com", date="2026-03-01"), "docs/two.md")
    cited.page(asking("three.contoso.com"), "docs/three.md")

    assert [(page.page.path, page.date) for page in found(cited)] == [
        ("docs/two.md", "2026-03-01"),
        ("docs/one.md", "2025-01-31"),
        ("docs/three.md", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# Story\n\nNothing about names.\n",
        "## Hosts to block\n\n- evil.contoso.com\n",
        "> Do not allow the following hosts:\n\n- evil.contoso.com\n",
        "Open the `main.tf` file.\n",
    ],
)
def test_a_page_that_asks_for_no_name_is_not_told(cited: Project, text: str) -> None:
    cited.page(text, "docs/beside.md")

    assert found(cited) == ()


def test_cited_pages_and_what_they_include_are_no_discovery(project: Project) -> None:
    project.catalog(entry("a.contoso.com"), entry("b.contoso.com", path="docs/second.md"))
    project.page("[!INCLUDE [x](part.md)]\n\nSee [the second](second.md).\n")
    project.page(asking("a.contoso.com"), "docs/part.md")
    project.page(asking("b.contoso.com"), "docs/second.md")

    assert found(project) == ()


def test_a_link_in_a_comment_or_out_of_the_repository_leads_nowhere(cited: Project) -> None:
    cited.page(f"{asking('a.contoso.com')}\n<!-- [x](../other/far.md) -->\n[y](../../../far.md)\n")
    cited.page(asking("far.contoso.com"), "other/far.md")

    assert found(cited) == ()


def test_a_page_with_only_known_names_is_counted_and_its_names_are_listed_in_json(cited: Project) -> None:
    cited.page(asking("a.contoso.com"), "docs/beside.md")
    where = ["--pages", str(cited.pages), "--catalogs", str(cited.catalogs)]

    text = CliRunner().invoke(upstream, where, catch_exceptions=False).stdout
    told = json.loads(CliRunner().invoke(upstream, [*where, "--json"]).stdout)
    fits("catalog-upstream", told)
    (listed,) = told["discovered"]

    assert "pages    1 more that nobody cites name only what catalogs hold" in text
    assert (listed["names"], listed["unknown"]) == (["a.contoso.com"], [])


def test_nothing_is_written_from_a_discovery_and_the_pull_request_tells_it(
    cited: Project, tmp_path: Path
) -> None:
    cited.page(asking("new.contoso.com"), "docs/beside.md")
    before = (cited.catalogs / "contoso.yaml").read_bytes()
    body = tmp_path / "body.md"
    where = ["--pages", str(cited.pages), "--catalogs", str(cited.catalogs), "--quarantine-days", "0"]

    CliRunner().invoke(upstream, [*where, "--write", "--pull-request", str(body)], catch_exceptions=False)

    assert (cited.catalogs / "contoso.yaml").read_bytes() == before
    assert "### Pages that nobody cites" in body.read_text(encoding="utf-8")
    assert "new.contoso.com" in body.read_text(encoding="utf-8")


def test_no_discover_looks_nowhere(cited: Project) -> None:
    cited.page(asking("new.contoso.com"), "docs/beside.md")
    where = ["--pages", str(cited.pages), "--catalogs", str(cited.catalogs), "--no-discover", "--json"]

    assert json.loads(CliRunner().invoke(upstream, where).stdout)["discovered"] == []


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("myregistry.azurecr.io", True),
        ("<name>.azurecr.io", True),
        ("eastus.azurecr.io", False),
        ("my.azure.io", False),
    ],
)
def test_a_sample_of_a_pattern_is_not_news(value: str, is_one: bool) -> None:
    assert is_sample_of(value, {"{}.azurecr.io"}) is is_one


def test_what_goes_beyond_the_number_of_pages_is_counted_and_pages_about_networks_come_first(
    tmp_path: Path,
) -> None:
    made = Project(root=tmp_path)
    made.hosts("a.contoso.com")
    for name in ("aaa", "bbb", "firewall"):
        made.page(asking(f"{name}.contoso.com"), f"docs/{name}.md")
    source = FolderPages(made.pages, most_glances=1)
    ref = PageRef("contoso/docs", "docs/page.md")
    reading = read_page(ref, source)
    assert reading

    seen = discover({ref: reading}, {ref: ["contoso"]}, source, lambda row: False)

    assert ([page.page.path for page in seen.pages], seen.unread) == (["docs/firewall.md"], 2)


def test_the_web_lists_a_folder_once_and_asks_for_no_commit_of_pages_it_only_glances_at(
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/repos/contoso/docs/contents/docs":
            rows = [
                {"type": "file", "path": "docs/page.md"},
                {"type": "file", "path": "docs/beside.md"},
                {"type": "dir", "path": "docs/media.md"},
                {"type": "file", "path": "docs/toc.yml"},
            ]
            return httpx.Response(200, json=rows)
        return (
            httpx.Response(200, text=asking("new.contoso.com"))
            if request.url.path.endswith("beside.md")
            else httpx.Response(404)
        )

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        source = WebPages(
            client=client,
            cache=tmp_path,
            sleep=lambda seconds: None,
            pages_url="http://raw",
            commits_url="http://api",
        )
        assert source.pages_in("contoso/docs", "docs") == ["docs/beside.md", "docs/page.md"]
        assert source.glance(PageRef("contoso/docs", "docs/gone.md")) is None
        text, _ = source.glance(PageRef("contoso/docs", "docs/beside.md")) or ("", "")

    assert "new.contoso.com" in text
    assert not [path for path in asked if "commits" in path]


def test_every_form_of_link_is_seen_with_its_line() -> None:
    assert list(links_of("a [x](one.md)\n<!-- [y](two.md)\n-->\n[z]: three.md\n")) == [
        (1, "one.md"),
        (4, "three.md"),
    ]
