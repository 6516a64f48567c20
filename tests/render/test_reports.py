"""Reports other tools read: valid in their formats, within the limits of their readers, inert whatever they quote."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from allowlist.catalog.library import shipped_catalogs
from allowlist.render.annotations import MOST_OF_A_KIND
from allowlist.render.formats import FORMATS, REPORTS
from allowlist.render.markdown import COMMENT_CHARACTERS, STEP_SUMMARY_BYTES, escaped, marker_of
from allowlist.render.notices import Notice, Report
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist, on_contoso

# Parts of the OASIS schema of SARIF 2.1.0 that a report of ours touches, and what GitHub asks for on top.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "automationDetails": {"type": "object", "required": ["id"]},
                    "invocations": {"type": "array"},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string", "minLength": 1},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string", "minLength": 1},
                                                "shortDescription": {"type": "object", "required": ["text"]},
                                                "defaultConfiguration": {
                                                    "properties": {
                                                        "level": {
                                                            "enum": ["none", "note", "warning", "error"]
                                                        }
                                                    }
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "level", "message", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {
                                    "type": "object",
                                    "required": ["text"],
                                    "properties": {"text": {"type": "string", "minLength": 1}},
                                },
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                        "properties": {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": r"^[^\s\\]+$",
                                                            }
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1}
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}

COMMANDS = ("check", "plan")


def notice(**changes: Any) -> Notice:
    values: dict[str, Any] = {
        "rule": "missing", "level": "error", "target": "hub", "subject": "a.example https:443",
        "text": "no rule matches", "remedy": "allowlist plan", "fate": "failed",
    }  # fmt: skip
    return Notice(**values | changes)


def rendered(form: str, *notices: Notice, **changes: Any) -> str:
    values: dict[str, Any] = {
        "title": "allowlist check", "name": "check agents", "summary": "1 missing",
        "file": "fleet/allowlist.yaml", "notices": notices, "lines": {"hub": 7},
    }  # fmt: skip
    return REPORTS[form](Report(**values | changes))


def hostile() -> st.SearchStrategy[Notice]:
    """Text as an attacker would put it into a rule name."""
    words = st.text(max_size=40) | st.sampled_from(
        ["@everyone", "--> <script>", "| a | b |", "](javascript:x)", "`$(id)`", "\n::error::x", "%0A::stop", "a\x00\x1b[31m\ud800"]
    )  # fmt: skip
    fates = st.sampled_from(["failed", "waits", ""])
    return st.builds(notice, target=words, subject=words, text=words, remedy=words, fate=fates)


@pytest.mark.parametrize("command", COMMANDS)
def test_sarif_is_sarif(command: str) -> None:
    import jsonschema

    log = on_contoso(command, "--format", "sarif").json
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["results"]
    assert {result["ruleId"] for result in run["results"]} <= known
    assert {
        place["physicalLocation"]["region"]["startLine"]
        for item in run["results"]
        for place in item["locations"]
    }


def test_lint_and_findings_share_one_sarif(tmp_path: Path) -> None:
    import jsonschema

    (tmp_path / "bad.yaml").write_text("schema: allowlist/catalog/v1\nname: bad\n")
    log = allowlist("catalog", "lint", "--catalogs", tmp_path, "--format", "sarif").json
    jsonschema.validate(log, SARIF)
    assert log["runs"][0]["results"]


def test_a_result_is_known_again_in_the_next_run() -> None:
    def prints() -> list[str]:
        log = on_contoso("check", "--format", "sarif").json
        return [item["partialFingerprints"]["allowlist/v1"] for item in log["runs"][0]["results"]]

    assert prints() == prints()


@pytest.mark.parametrize("command", COMMANDS)
def test_junit_counts_what_it_holds(command: str) -> None:
    root = ET.fromstring(on_contoso(command, "--format", "junit").out)
    assert root.tag == "testsuites"
    for element in (root, *root.findall("testsuite")):
        assert int(element.get("tests", "")) == len(element.findall(".//testcase")) > 0
        assert int(element.get("failures", "")) == len(element.findall(".//failure"))
        assert int(element.get("skipped", "")) == len(element.findall(".//skipped"))
    assert all(case.get("name") and case.get("classname") for case in root.iter("testcase"))


def test_a_closed_gate_fails_and_a_waived_one_passes(tmp_path: Path) -> None:
    from tests.helpers.cli import FIREWALL_ONLY

    text = (FIREWALL_ONLY).read_text().replace("10.40.0.0/23, 10.40.2.0/24", '"*"')
    waiver = "waivers: [{id: open-source, owner: net, reason: lab, expires: '2999-01-01'}]\n"
    for waived in (False, True):
        (tmp_path / "allowlist.yaml").write_text(text + waiver * waived)
        workload = tmp_path / "allowlist.yaml"
        root = ET.fromstring(on_contoso("plan", "--format", "junit", workload=workload).out)
        (gate,) = [case for case in root.iter("testcase") if case.get("name") == "gate open-source"]
        assert (gate.find("failure") is None) is waived


@pytest.mark.parametrize("command", COMMANDS)
def test_one_run_writes_every_form_at_once(command: str, workplace: Path) -> None:
    wanted = [f"--report={form}=out/{form}.txt" for form in REPORTS]
    result = on_contoso(command, "--json", *wanted)
    assert result.code == 0, result.err
    assert result.json
    for form in REPORTS:
        alone = on_contoso(command, "--format", form).out
        written = (workplace / "out" / f"{form}.txt").read_text("utf-8")
        assert written.splitlines()[:1] == alone.splitlines()[:1]


@pytest.mark.parametrize("text", ["pdf=x", "sarif", "sarif=", "=x"])
def test_a_report_that_cannot_be_meant_is_refused(text: str) -> None:
    result = on_contoso("check", "--report", text)
    assert result.code == 1
    assert "FORM=FILE" in result.err


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = on_contoso("check", "--report", f"sarif={tmp_path}")
    assert result.code == 1
    assert "is a folder" in result.err
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in on_contoso("check", "--report", f"sarif={tmp_path}/file/x").err


@pytest.mark.parametrize(
    ("form", "limit", "measure"),
    [
        ("comment", COMMENT_CHARACTERS, len),
        ("markdown", STEP_SUMMARY_BYTES, lambda text: len(text.encode())),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 150, 20_000])
def test_markdown_stays_within_its_limit_and_says_what_it_left_out(
    form: str, limit: int, measure: Any, count: int
) -> None:
    many = [notice(subject=f"name-{number}.example", text="ü" * 200) for number in range(count)]
    text = rendered(form, *many)
    assert measure(text) <= limit
    shown = (
        sum(f"name-{number}.example" in text for number in range(count))
        if count < 200
        else text.count("| missing |")
    )
    told = re.search(r"and (\d+) more, left out here", text)
    assert shown + (int(told.group(1)) if told else 0) == count
    if told:
        assert measure(text) > limit - 2_000


def test_a_comment_is_found_again_by_its_first_line() -> None:
    first, *_ = rendered("comment", notice()).splitlines()
    assert first == marker_of("check agents") == "<!-- allowlist: check agents -->"
    assert marker_of("evil --> @all <b>").count("-->") == 1
    assert marker_of("plan agents") != marker_of("check agents")


@given(st.lists(hostile(), min_size=1, max_size=5))
def test_nothing_quoted_becomes_markup(notices: list[Notice]) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(rendered("comment", *notices))
    html = html.replace("<!-- allowlist: check agents -->", "")
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {"h2", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert html.count("<tr>") == len(notices) + 1
    assert "@" not in rendered("comment", *notices)


@given(st.text())
def test_escaped_text_shows_as_itself(text: str) -> None:
    shown = unescape(escaped(text))
    spelt = (item if item.isprintable() else f"\\u{ord(item):04x}" for item in " ".join(text.split()))
    flat = "".join(spelt)
    assert shown == flat or (shown.endswith("…") and flat.startswith(shown[:-1]))


@given(st.lists(hostile(), min_size=1, max_size=5))
def test_junit_and_sarif_hold_whatever_is_quoted(notices: list[Notice]) -> None:
    import jsonschema

    ET.fromstring(rendered("junit", *notices).partition("\n")[2])
    jsonschema.validate(json.loads(rendered("sarif", *notices)), SARIF)


@given(st.lists(hostile(), min_size=1, max_size=40))
def test_annotations_are_one_line_each_and_no_more_than_are_shown(notices: list[Notice]) -> None:
    lines = rendered("github", *notices).split("\n")
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert not any("\r" in line for line in lines)
    assert len(lines) == min(len(notices), MOST_OF_A_KIND)


def test_annotations_stand_at_their_target_and_count_what_is_left_out() -> None:
    many = [notice(level=level) for level in ("error", "warning", "note") for _ in range(25)]
    lines = rendered("github", *many).split("\n")
    assert len(lines) == 30
    assert lines[0].startswith("::error file=fleet/allowlist.yaml,line=7,title=missing::")
    assert sum("and 16 more" in line for line in lines) == 3


def test_what_is_fine_is_not_reported() -> None:
    fine = notice(rule="covered", level="note", fate="passed")
    assert rendered("github", fine) == ""
    assert json.loads(rendered("sarif", fine))["runs"][0]["results"] == []
    assert "|" not in rendered("comment", fine)
    assert 'tests="1" failures="0"' in rendered("junit", fine)


ASKED = {"check": ["check"], "plan": ["plan"], "posture": ["posture"], "catalog lint": ["catalog", "lint"], "sync": ["sync"]}  # fmt: skip


@pytest.mark.parametrize("command", ASKED)
def test_every_command_that_prints_findings_takes_every_format(command: str) -> None:
    shown = "".join(allowlist(*ASKED[command], "--help").out.split())
    assert f"--format[{'|'.join(FORMATS)}]" in shown


def test_posture_and_lint_are_rendered_like_everything_else(tmp_path: Path) -> None:
    shutil.copy(shipped_catalogs() / "vscode.yaml", tmp_path)
    for form in REPORTS:
        for made in (
            allowlist("posture", "--workload", FIREWALL_ONLY, "--snapshot", CONTOSO, "--format", form),
            allowlist("catalog", "lint", "--catalogs", tmp_path, "--format", form),
        ):
            assert made.code == 0, made.err


def test_what_somebody_answers_for_keeps_its_suppression() -> None:
    held = notice(fate="waits", suppressed="ann until 2999")
    (result,) = json.loads(rendered("sarif", held))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "ann until 2999"}]
    assert "ann until 2999" in rendered("html", held)


def test_html_quotes_what_it_shows() -> None:
    page = rendered("html", notice(subject="<script>", text="&"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
