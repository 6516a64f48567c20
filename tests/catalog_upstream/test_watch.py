"""What the watch proposes, what waits, and what it never proposes by itself."""

from tests.helpers.upstream import Project, entry, only_finding, told


def test_a_page_that_says_what_the_catalog_says_is_no_finding(project: Project) -> None:
    project.catalog(entry("a.contoso.com"), entry("*.b.contoso.com"), entry("{python_index}"))
    project.hosts("A.contoso.com", "*.b.contoso.com", "index.example")

    report = project.run()

    assert (report.findings, report.gaps, report.unseen) == ((), (), ())


def test_placeholders_are_compared_by_place_and_not_by_spelling(project: Project) -> None:
    project.catalog(
        entry("{region}.contoso.com", id="regional"),
        entry("Storage.{region}", kind="service_tag", ports="tcp:443", id="tag-storage"),
    )
    project.page(
        "| FQDN |\n| --- |\n| `<your region>.contoso.com` |\n\n| Service tag |\n| --- |\n| `Storage.region` |\n"
    )

    assert project.run().findings == ()


def test_a_new_name_waits_and_becomes_ready_when_it_stays(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")

    standings = [told(project.run(days=days)) for days in (0, 13, 1)]

    assert standings == [
        [("added", "new.contoso.com", "waiting")],
        [("added", "new.contoso.com", "waiting")],
        [("added", "new.contoso.com", "ready")],
    ]


def test_a_name_that_is_withdrawn_while_it_waits_starts_again_from_the_beginning(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")
    project.run()
    project.hosts("a.contoso.com")
    assert project.run(days=8).findings == ()

    project.hosts("a.contoso.com", "new.contoso.com")

    assert only_finding(project.run(days=8)).first_seen == project.day


def test_a_finding_tells_its_page_its_line_and_what_stands_there(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")

    finding = only_finding(project.run())

    assert str(finding.page) == "contoso/docs:docs/page.md"
    assert [(row.line, row.quote) for row in finding.delta.rows] == [(6, "| `new.contoso.com` |")]


def test_a_name_that_leaves_its_page_is_proposed_after_the_waiting_time(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts(*(f"{name}.contoso.com" for name in "abc"))

    standings = [told(project.run(days=days)) for days in (1, 13, 1)]

    assert standings == [
        [("ended", "d.contoso.com", "waiting")],
        [("ended", "d.contoso.com", "waiting")],
        [("ended", "d.contoso.com", "ready")],
    ]


def test_a_name_that_comes_back_is_no_finding_any_more(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts(*(f"{name}.contoso.com" for name in "abc"))
    project.run(days=5)
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))

    report = project.run(days=5)

    assert (report.findings, report.state.findings) == ((), {})


def test_a_page_that_names_nothing_any_more_proposes_no_removal(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.page("## Hosts\n\nThis article has moved.\n")

    for _ in range(3):
        report = project.run(days=30)
        assert {standing for _, _, standing in told(report)} == {"withheld"}
        assert report.pages[0].trouble == "names nothing any more"
        assert report.ready == ()


def test_a_page_that_shrinks_at_once_proposes_no_removal(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts("a.contoso.com", "b.contoso.com")

    report = project.run(days=30)

    assert [finding.withheld for finding in report.findings] == ["the page lost 2 of 4 rows at once"] * 2
    assert report.ready == ()


def test_a_page_in_doubt_may_still_add(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts("a.contoso.com", "new.contoso.com")

    added = [finding for finding in project.run(days=30).findings if not finding.withheld]

    assert [finding.delta.place.subject.value for finding in added] == ["new.contoso.com"]


def test_content_that_moves_into_an_include_is_followed_there(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.page("## Hosts\n\n[!INCLUDE [hosts](../includes/hosts.md)]\n")
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"), path="includes/hosts.md")

    report = project.run(days=30)

    assert (report.findings, report.pages[0].rows, report.pages[0].trouble) == ((), 4, "")


def test_content_that_moves_into_an_include_nobody_has_proposes_no_removal(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    rows = "".join(f"| `{name}.contoso.com` |\n" for name in "abc")
    project.page(f"| Host name |\n| --- |\n{rows}\n[!INCLUDE [d](../includes/d.md)]\n")

    finding = only_finding(project.run(days=30))

    assert finding.withheld == "the page moved content into includes/d.md, which could not be read"


def test_a_page_that_cannot_be_read_proposes_nothing(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))

    report = project.run()

    assert (report.findings, report.pages[0].trouble) == ((), "was not found")


def test_what_another_page_of_the_catalog_still_names_does_not_end(project: Project) -> None:
    names = "abcd"
    project.catalog(
        *(entry(f"{name}.contoso.com") for name in names), entry("e.contoso.com", path="docs/two.md")
    )
    project.hosts(*(f"{name}.contoso.com" for name in names))
    project.hosts("e.contoso.com", "d.contoso.com", path="docs/two.md")
    project.run()
    project.hosts("a.contoso.com", "b.contoso.com", "c.contoso.com")

    assert project.run(days=30).findings == ()


def test_an_entry_its_page_never_showed_is_told_apart_from_drift(project: Project) -> None:
    project.catalog(entry("a.contoso.com"), entry("b.contoso.com"), entry("only-in-a-picture.contoso.com"))
    project.hosts("a.contoso.com", "b.contoso.com")

    for _ in range(2):
        report = project.run(days=30)
        assert report.findings == ()
        assert [unseen.entries for unseen in report.unseen] == [("only-in-a-picture-contoso-com",)]


def test_other_ports_are_a_finding_and_ports_in_another_spelling_are_not(project: Project) -> None:
    project.catalog(entry("a.contoso.com", ports="tcp:443"), entry("b.contoso.com"))
    project.hosts("a.contoso.com:443", "b.contoso.com:443")
    assert project.run().findings == ()
    project.hosts("a.contoso.com:8443", "b.contoso.com:443")

    finding = only_finding(project.run(days=1))

    assert told(project.run()) == [("ports", "a.contoso.com", "waiting")]
    assert ({str(port) for port in finding.delta.before}, {str(port) for port in finding.delta.after}) == (
        {"443"},
        {"8443"},
    )


def test_a_name_for_one_more_cloud_is_an_addition(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    hosts = "Hosts to allow:\n\n* `a.contoso.com`\n\n"
    project.page(f"## Azure public cloud\n\n{hosts}## Azure Government\n\n{hosts}")

    finding = only_finding(project.run())

    assert (finding.delta.change.value, finding.delta.place.cloud) == ("added", "usgov")


def test_a_run_for_one_catalog_keeps_what_waits_in_the_others(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.catalog(entry("b.contoso.com", path="docs/two.md"), name="fabrikam")
    project.hosts("a.contoso.com", "new.contoso.com")
    project.hosts("b.contoso.com", "other.contoso.com", path="docs/two.md")
    project.run()

    project.run(days=14, only=("fabrikam",))
    report = project.run()

    assert {standing for _, _, standing in told(report)} == {"ready"}


def test_what_a_page_named_at_the_commit_the_entry_cites_is_its_past(project: Project) -> None:
    """A first run knows the past without a state, where the old version can be had."""
    project.catalog(
        *(
            entry(f"{name}.contoso.com").replace("docs/page.md}", 'docs/page.md, commit: "abc1"}')
            for name in ("a", "b", "c", "d")
        )
    )
    for file, names in (("old.md", "abcde"), ("new.md", "abcef")):
        project.hosts(*(f"{name}.contoso.com" for name in names), path="x.md")
        (project.pages / "contoso/docs/x.md").rename(project.pages / file)
    project.pages.joinpath("manifest.yaml").write_text(
        "snapshots:\n"
        "  - {file: old.md, repo: contoso/docs, path: docs/page.md, commit: abc1, commit_date: '2026-01-01'}\n"
        "  - {file: new.md, repo: contoso/docs, path: docs/page.md, commit: def2, commit_date: '2026-02-01'}\n",
        encoding="utf-8",
    )

    report = project.run()

    assert told(report) == [("ended", "d.contoso.com", "waiting"), ("added", "f.contoso.com", "waiting")]
    assert [gap.place.subject.value for gap in report.gaps] == ["e.contoso.com"]
    assert report.findings[0].commit == "def2"


def test_risk_grows_with_what_a_name_lets_in(project: Project) -> None:
    project.catalog(entry("cdn.contoso.com"), entry("a.contoso.com"))
    project.hosts(
        "cdn.contoso.com",
        "a.contoso.com",
        "cnd.contoso.com",
        "more.contoso.com",
        "*.more.contoso.com",
        "*.blob.core.windows.net",
        "fabrikam.com",
    )

    risks = {finding.delta.place.subject.value: finding.risk.value for finding in project.run().findings}

    assert risks == {
        "cnd.contoso.com": "mistake",
        "more.contoso.com": "low",
        "*.more.contoso.com": "medium",
        "*.blob.core.windows.net": "high",
        "fabrikam.com": "high",
    }


def test_a_misspelt_tag_is_a_mistake_of_the_page(project: Project) -> None:
    project.catalog(entry("AzureMonitor", kind="service_tag", ports="tcp:443"))
    project.page("| Service tag |\n| --- |\n| `AzureMonitor` |\n| `Azure Machine Learning` |\n")

    finding = only_finding(project.run())

    assert (finding.risk.value, finding.delta.rows[0].value) == ("mistake", "Azure Machine Learning")
