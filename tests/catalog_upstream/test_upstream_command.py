"""``allowlist catalog upstream`` as people and workflows call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from allowlist.cli.upstream import upstream
from allowlist.errors import CatalogError
from tests.helpers.schemas import fits
from tests.helpers.upstream import Project, entry


def call(project: Project, *arguments: str) -> Result:
    fixed = ["--pages", str(project.pages), "--catalogs", str(project.catalogs)]
    return CliRunner().invoke(upstream, [*arguments, *fixed], catch_exceptions=False)


def test_json_goes_to_stdout_and_narration_to_stderr(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")

    result = call(project, "contoso", "--json", "--as-of", "2026-01-01")

    assert json.loads(result.stdout)["findings"][0]["ready_on"] == "2026-01-15"
    fits("catalog-upstream", json.loads(result.stdout))
    assert "reading contoso/docs:docs/page.md" in result.stderr


def test_the_state_file_makes_findings_ready_and_write_prepares_the_pull_request(
    project: Project, tmp_path: Path
) -> None:
    project.catalog(entry("a.contoso.com"))
    project.hosts("a.contoso.com", "new.contoso.com")
    state, body = tmp_path / "state.json", tmp_path / "body.md"
    always = ("--state", str(state), "--write", "--pull-request", str(body), "--exit-code")

    first = call(project, *always, "--as-of", "2026-01-01")
    untouched = (project.catalogs / "contoso.yaml").read_text(encoding="utf-8")
    second = call(project, *always, "--as-of", "2026-01-15")

    assert (first.exit_code, second.exit_code) == (0, 2)
    assert "new.contoso.com" not in untouched
    assert "pattern: new.contoso.com" in (project.catalogs / "contoso.yaml").read_text(encoding="utf-8")
    assert body.read_text(encoding="utf-8").startswith("Catalogs follow the documentation: contoso")


def test_a_parameter_that_is_no_pair_is_refused(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))

    result = call(project, "--parameter", "python_index")

    assert result.exit_code == 2
    assert "'python_index' is not NAME=HOST" in result.stderr


def test_pages_that_nobody_answers_for_are_a_failure_and_not_a_look_at_them(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.catalog(entry("a.contoso.com"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    state = tmp_path / "state.json"
    asked = ("--catalogs", str(project.catalogs), "--state", str(state), "--cache", str(tmp_path / "cache"))

    with pytest.raises(CatalogError, match=r"the page could not be read: .* cannot be reached") as caught:
        CliRunner().invoke(upstream, ["contoso", "--no-discover", *asked], catch_exceptions=False)

    assert caught.value.hint
    assert not state.exists()


def test_pages_that_could_not_be_read_are_not_counted_as_read(project: Project) -> None:
    project.catalog(entry("a.contoso.com"))

    result = call(project, "contoso", "--no-discover")

    assert "0 pages read, 1 not, 0 of them in doubt" in result.stdout
