"""What ``--write`` does to a catalog file, and what it leaves to a person."""

from pathlib import Path

import pytest

from allowlist.catalog import read_catalog
from allowlist.catalog.upstream.propose import Proposal, write_proposal
from allowlist.catalog.upstream.report import encode_report, pull_request_text, render_text
from tests.helpers.upstream import Project, entry

PARAMETERS = {"python_index": "index.example"}


def propose(project: Project) -> Proposal:
    return write_proposal(project.run(quarantine_days=0).ready, project.catalogs, PARAMETERS)


def catalog_text(project: Project) -> str:
    return (project.catalogs / "contoso.yaml").read_text(encoding="utf-8")


def test_a_new_name_becomes_an_entry_like_its_neighbour_and_comments_stay(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com:8443")

    proposal = propose(project)
    added = read_catalog(project.catalogs / "contoso.yaml").entries[-1]

    assert [path.name for path in proposal.changed] == ["contoso.yaml"]
    assert (added.id, added.since, added.value, [str(port) for port in added.ports]) == (
        "new-contoso-com",
        "next",
        "new.contoso.com",
        ["tcp:8443"],
    )
    assert (added.scenario, [str(one) for one in added.consumers]) == ("core", ["customer-firewall"])
    assert added.sources[0].path == "docs/page.md"
    assert "# kept by every edit" in catalog_text(project)


def test_what_was_written_is_no_finding_on_the_next_run(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts("a.contoso.com", "b.contoso.com", "c.contoso.com", "new.contoso.com")

    proposal = propose(project)

    assert sorted(finding.delta.change for finding in proposal.written) == ["added", "ended"]
    assert project.run(days=1, quarantine_days=0).findings == ()


def test_an_ended_entry_stays_in_the_file_and_says_until_next(project: Project) -> None:
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abcd"))
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts("a.contoso.com", "b.contoso.com", "c.contoso.com")

    propose(project)
    entries = read_catalog(project.catalogs / "contoso.yaml").entries

    assert [(one.value, one.until) for one in entries if one.until] == [("d.contoso.com", "next")]


def test_an_entry_that_was_never_released_is_left_to_a_person(project: Project) -> None:
    fresh = entry("d.contoso.com").replace("since: 1.0.0", "since: next")
    project.catalog(*(entry(f"{name}.contoso.com") for name in "abc"), fresh)
    project.hosts(*(f"{name}.contoso.com" for name in "abcd"))
    project.run()
    project.hosts("a.contoso.com", "b.contoso.com", "c.contoso.com")

    assert "does not come after since" in propose(project).refused[0][1]


def test_one_cloud_of_several_ends_and_the_others_go_on(project: Project) -> None:
    project.catalog(entry("a.contoso.com", clouds="public, usgov"), entry("b.contoso.com", clouds="usgov"))
    both = "## Azure public cloud\n\nHosts to allow:\n\n* `a.contoso.com`\n\n## Azure Government\n\nHosts to allow:\n\n"
    project.page(both + "* `a.contoso.com`\n* `b.contoso.com`\n* `c.contoso.com`\n")
    project.run()
    project.page(both + "* `b.contoso.com`\n* `c.contoso.com`\n")

    propose(project)
    live = read_catalog(project.catalogs / "contoso.yaml").entries_at("next")

    assert [[str(cloud) for cloud in one.clouds] for one in live if one.value == "a.contoso.com"] == [
        ["public"]
    ]


def test_ports_that_changed_end_the_entry_and_add_its_copy(project: Project) -> None:
    project.catalog(entry("a.contoso.com", ports="tcp:443"))
    project.hosts("a.contoso.com:443")
    project.run()
    project.hosts("a.contoso.com:8443")

    propose(project)
    old, new = read_catalog(project.catalogs / "contoso.yaml").entries

    assert (old.until, new.id, [str(port) for port in new.ports]) == (
        "next",
        "a-contoso-com-v2",
        ["tcp:8443"],
    )


def test_placeholders_and_registry_hosts_are_written_as_the_catalog_writes_them(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "<location>.x.contoso.com", "index.example")

    propose(project)
    values = {one.value: one.written for one in read_catalog(project.catalogs / "contoso.yaml").entries}

    assert values["{region}.x.contoso.com"] == "<location>.x.contoso.com"
    assert "{python_index}" in values


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("<tenant>.contoso.com", "declares no placeholder for '<tenant>'"),
        ("cnd.contoso.com", "one slip of the keyboard away from cdn.contoso.com"),
    ],
)
def test_what_cannot_be_written_safely_is_left_with_its_reason(
    project: Project, host: str, reason: str
) -> None:
    project.catalog(entry("cdn.contoso.com"))
    project.hosts("cdn.contoso.com", host)
    before = catalog_text(project)

    proposal = propose(project)

    assert (proposal.changed, catalog_text(project)) == ((), before)
    assert reason in proposal.refused[0][1]


def test_the_pull_request_quotes_its_evidence_in_a_fence_the_page_cannot_close(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.page(
        "## Hosts ```\n\n| Host name | Purpose |\n| --- | --- |\n| `a.contoso.com` | x |\n"
        "| `new.contoso.com` | ````` </details> @everyone \x1b[31m [x](javascript:y) |\n"
    )
    report = project.run(quarantine_days=0)
    text = pull_request_text(write_proposal(report.ready, project.catalogs, PARAMETERS), report)
    lines = text.split("\n")
    quoted = next(index for index, line in enumerate(lines) if "@everyone" in line)

    assert text.startswith("Catalogs follow the documentation: contoso\n\n")
    assert lines[quoted - 1].strip() == "``````text"
    assert lines[quoted + 1].strip() == "``````"
    assert "\x1b" not in text
    assert "contoso/docs:docs/page.md line 6" in text


def test_nothing_of_a_page_reaches_a_terminal_as_a_control_character(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.page("| Host name |\n| --- |\n| `a.contoso.com` |\n| `new.contoso.com` \x1b]0;x\x07 \u202e |\n")

    text = render_text(project.run())

    assert "new.contoso.com" in text
    assert "\\u001b" in text
    assert not any(mark in text for mark in "\x1b\x07\u202e")


def test_the_json_report_carries_every_finding_with_its_evidence(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com:22")

    data = encode_report(project.run())

    assert data["schema"] == "allowlist/catalog-upstream/v1"
    assert [page["trouble"] for page in data["pages"]] == [""]
    (finding,) = data["findings"]
    assert (finding["change"], finding["value"], finding["ports"]["after"]) == (
        "added",
        "new.contoso.com",
        ["22"],
    )
    assert finding["evidence"]["lines"][0]["line"] == 6


def test_a_file_that_is_not_there_is_told_and_breaks_nothing(project: Project, tmp_path: Path) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")

    proposal = write_proposal(project.run(quarantine_days=0).ready, tmp_path / "elsewhere", PARAMETERS)

    assert "does not exist" in proposal.refused[0][1]
