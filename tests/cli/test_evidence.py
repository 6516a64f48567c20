"""``allowlist evidence``: what traffic says about the example company, with flows that were planted in it."""

from __future__ import annotations

import datetime as dt
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from allowlist.simulator.traffic import Event, decided
from allowlist.workflow.rolling import days_of
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, Result, allowlist, on_contoso
from tests.helpers.ledgers import opened
from tests.helpers.traffic import bodies_in, event, lines, reading, write

HOURS = 3
AGENT, NOTEBOOK, STRANGER = "10.40.0.4", "10.40.3.9", "10.77.0.1"


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _bodies() -> list[dict[str, Any]]:
    return bodies_in(CONTOSO)


def _flows() -> Iterator[Event]:
    """An hour after the other, so that no hour is missing."""
    for minute in range(0, HOURS * 60, 20):
        yield event(minute, "packages.example", source=AGENT)
        yield event(minute + 1, "models.research.contoso.com", source=AGENT)
        yield event(minute + 2, "www.hugg1ngface.co", source=NOTEBOOK)
        yield event(minute + 3, "telemetry.example.net", source=STRANGER)


def _logs(folder: Path, flows: Iterator[Event] | None = None) -> Path:
    bodies = _bodies()
    return write(folder / "logs", [decided(one, bodies) for one in flows or _flows()])


def _denied(result: Result) -> dict[str, Any]:
    return {item["name"]: item for item in result.json["denied"]}


def test_denied_names_are_told_with_who_wants_them(tmp_path: Path) -> None:
    result = on_contoso("evidence", _logs(tmp_path), "--json")
    assert result.code == 0, result.err
    denied = _denied(result)
    wanted = denied["models.research.contoso.com"]
    assert wanted["wanted_by"] == ["own@research-agents#model-registry"]
    assert (wanted["count"], wanted["sources"], wanted["now"], wanted["by"]) == (
        9,
        [AGENT],
        "deny",
        "Default Action",
    )
    assert denied["telemetry.example.net"]["from_this_workload"] is False


def test_what_two_targets_were_seen_by_is_counted_once_and_required_if_either_requires_it(
    tmp_path: Path,
) -> None:
    """A row without a rule may be of either: the log of a default names no policy."""
    both = tmp_path / "both.yaml"
    target = (
        "  - name: account\n    surface: account-network\n    delete: add-only\n"
        "    resource: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-research-weu"
        "/providers/Microsoft.CognitiveServices/accounts/contoso-research\n"
    )
    both.write_text(FIREWALL_ONLY.read_text().replace("\napproval:", target + "\napproval:"))
    flows = [event(0, "models.research.contoso.com", source=AGENT), event(1, "a.example.net", source=AGENT)]
    logs = write(tmp_path / "logs", flows)
    denied = _denied(on_contoso("evidence", logs, "--json", workload=both))
    assert {name: item["count"] for name, item in denied.items()} == {
        "models.research.contoso.com": 1,
        "a.example.net": 1,
    }
    wanted = event(0, "models.research.contoso.com", source=AGENT, action="Allow")
    seen = on_contoso("evidence", write(tmp_path / "allowed", [wanted]), "--json", workload=both).json
    assert seen["not_required"] == []


def test_an_unknown_name_that_looks_like_a_known_one_is_warned_of(tmp_path: Path) -> None:
    result = on_contoso("evidence", _logs(tmp_path), "--json")
    strange = _denied(result)["www.hugg1ngface.co"]
    assert (strange["known_by"], strange["looks_like"]) == ([], "huggingface.co")
    assert (
        "nobody knows this name; it looks like huggingface.co" in on_contoso("evidence", _logs(tmp_path)).out
    )


def test_unused_is_said_of_a_whole_window_only(tmp_path: Path) -> None:
    folder = _logs(tmp_path)
    whole = on_contoso("evidence", folder, "--json").json
    assert whole["read"]["is_whole"]
    requirements = {item["subject"] for item in whole["unused"] if item["kind"] == "requirement"}
    rules = {item["subject"] for item in whole["unused"] if item["kind"] == "rule"}
    assert requirements
    assert rules
    assert (whole["read"]["window_hours"], whole["read"]["is_short"]) == (3, True)
    assert all(item["short"] for item in (*whole["unused"], *whole["redundant"]))
    only = "in 3 hours only (what runs once a week or month may need it)"
    assert all(only in item["text"] for item in (*whole["unused"], *whole["redundant"]))
    assert f"unused: {len(whole['unused'])} {only}" in on_contoso("evidence", folder).out
    enough = on_contoso("evidence", folder, "--json", "--min-days", "0").json
    assert not any(item["short"] for item in (*enough["unused"], *enough["redundant"]))
    assert all(item["text"].endswith("in 3 hours") for item in enough["unused"])
    (folder / "broken.json").write_text(
        lines({"time": "2026-11-23T09:00:00Z", "category": "AZFWApplicationRule", "properties": {}}, "{")
    )
    doubtful = on_contoso("evidence", folder)
    assert "unused: not said, because 2 of 38 lines left out" in doubtful.out
    assert f"{folder}/broken.json:2 is no event of a shape that is known" in doubtful.out
    assert on_contoso("evidence", folder, "--json").json["unused"] is None


def test_a_missing_hour_makes_unused_unsayable(tmp_path: Path) -> None:
    flows = (one for one in _flows() if not one.time.startswith("2026-11-23T10"))
    result = on_contoso("evidence", _logs(tmp_path, flows), "--exit-code")
    assert (
        "1 hour is missing, first fw application log: nothing from 2026-11-23 10:00 to 2026-11-23 11:00 UTC"
        in result.out
    )
    assert result.code == 2


def test_what_is_let_through_and_not_required_names_its_rule(tmp_path: Path) -> None:
    flows = [
        event(
            minute,
            "login.microsoftonline.com",
            source=AGENT,
            action="Allow",
            policy="afwp-weu",
            group="g",
            collection="c",
            rule="planted",
        )
        for minute in range(0, 60, 10)
    ] + [
        event(
            5,
            "paste.example.org",
            source=AGENT,
            action="Allow",
            policy="afwp-weu",
            group="g",
            collection="c",
            rule="planted",
        )
    ]
    result = on_contoso("evidence", write(tmp_path / "logs", flows), "--json").json
    excess = {item["name"]: item["by"] for item in result["not_required"]}
    assert excess["paste.example.org"] == "afwp-weu/g/c/planted"


def test_a_plan_is_replayed_over_the_traffic(tmp_path: Path) -> None:
    assert on_contoso("plan", "-o", tmp_path / "plan.json").code == 0
    result = on_contoso("evidence", _logs(tmp_path), "--what-if", tmp_path / "plan.json", "--json").json
    opened = {item["end"] for item in result["effects"] if item["effect"] == "opens"}
    assert "models.research.contoso.com https:443" in opened
    assert not [item for item in result["effects"] if item["effect"] == "closes"]


def test_traffic_is_replayed_without_a_rule_and_over_another_state(tmp_path: Path) -> None:
    bodies = _bodies()
    asked = (decided(event(0, name, source=AGENT), bodies) for name in ("packages.example", "pypi.example", "login.microsoftonline.com", "mcr.microsoft.com"))  # fmt: skip
    let_through = [one for one in asked if one.action == "Allow"]
    assert let_through
    logs, rule = write(tmp_path / "logs", let_through[:1]), let_through[0].rule
    closed = on_contoso("evidence", logs, "--without", rule, "--json").json["effects"]
    assert [(item["effect"], item["end"]) for item in closed] == [
        ("closes", f"{let_through[0].name} https:443")
    ]
    assert on_contoso("evidence", logs, "--what-if", CONTOSO, "--json").json["effects"] == []
    other = [_without(body, rule) for body in bodies]
    (tmp_path / "other.json").write_text(json.dumps(other))
    replayed = on_contoso("evidence", logs, "--what-if", tmp_path / "other.json", "--json").json["effects"]
    assert [item["effect"] for item in replayed] == ["closes"]


def _without(body: dict[str, Any], rule: str) -> dict[str, Any]:
    for collection in body.get("properties", {}).get("ruleCollections", ()):
        collection["rules"] = [one for one in collection.get("rules", ()) if one["name"] != rule]
    return body


def test_logs_alone_say_which_catalog_has_a_denied_name(tmp_path: Path) -> None:
    result = allowlist(
        "evidence",
        write(tmp_path / "logs", [event(0, "huggingface.co"), event(1, "us.gcp.cdn.hf.co")]),
        "--logs-only",
    )
    assert result.code == 0, result.err
    assert "catalog hugging-face#" in result.out
    assert "unused: not said, because without a workload" in result.out


def test_what_a_security_group_denied_is_told_beside(tmp_path: Path) -> None:
    flows = [{"rule": "DenyAllOutBound", "flows": [{"mac": "0", "flowTuples": ["1795424400,10.40.0.4,192.0.2.9,4711,443,T,O,D,B,,,,", "1795424401,10.40.0.4,192.0.2.8,4711,443,T,O,A,B,,,,"]}]}]  # fmt: skip
    record = {
        "time": "2026-11-23T09:10:00Z",
        "category": "NetworkSecurityGroupFlowEvent",
        "resourceId": "n",
        "properties": {"Version": 2, "flows": flows},
    }
    (tmp_path / "PT1H.json").write_text(lines({"records": [record]}))
    result = on_contoso("evidence", tmp_path / "PT1H.json", "--json")
    assert [(item["end"], item["by"]) for item in result.json["denied"]] == [
        ("192.0.2.9 tcp:443", "network security group rule DenyAllOutBound")
    ]
    assert result.json["not_required"] == []


def test_addresses_of_clients_can_be_left_out(tmp_path: Path) -> None:
    folder = _logs(tmp_path)
    for form in ("text", "json", "html", "markdown"):
        result = on_contoso("evidence", folder, "--anonymise", "--format", form, "--all")
        assert result.code == 0, result.err
        assert not {AGENT, NOTEBOOK, STRANGER} & set(result.out.replace('"', " ").replace(",", " ").split())
        assert "client-" in result.out


@pytest.mark.parametrize("form", ["text", "json", "html", "markdown", "sarif", "github"])
def test_nothing_that_is_anonymised_tells_of_people(tmp_path: Path, form: str) -> None:
    """Addresses of clients, machines of the own network, names of files and what broken lines hold."""
    secret = ("alice", "10.40.9.77", "bobs-laptop", "printer.corp", "fd00::77", "192.168.7.7")
    flows = [
        event(0, "bobs-laptop", source=AGENT), event(1, "printer.corp", source=AGENT), event(2, "", protocol="tcp", destination="192.168.7.7", source="10.40.9.77"),
        event(3, "public.example.net", source="fd00::77"), event(4, "printer.corp", source=NOTEBOOK, action="Allow", policy="afwp-weu", group="g", collection="c", rule="r"),
    ]  # fmt: skip
    folder = write(tmp_path / "home-alice" / "logs", flows)
    lost = {"time": "2026-11-23T09:00:00Z", "category": "alice", "properties": {"SourceIp": "10.40.9.77"}}
    (folder / "alice.json").write_text(
        lines(lost, "alice {", {**lost, "category": "AZFWApplicationRule", "properties": {}})
    )
    (folder / "alice.txt").write_text("alice was here\n")
    (folder / "copy-alice.txt").write_bytes(next(folder.rglob("PT1H.json")).read_bytes())
    result = on_contoso("evidence", folder, "--anonymise", "--format", form, "--all")
    assert result.code == 0, result.err
    assert "public.example.net" in result.out
    assert not [word for word in secret if word in result.out + result.err]


def test_errors_under_anonymise_name_nobody_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that is not there, and a defect whose text holds a line of a log, also with its traceback."""
    gone = tmp_path / "home-alice" / "logs"
    result = on_contoso("evidence", gone, "--anonymise")
    assert result.code == 1
    assert "place 1" in result.err
    assert "alice" not in result.err
    folder = write(tmp_path / "logs", [event(0, "printer.corp")])

    held = "cannot read 'alice asked for printer.corp'"

    def fails(*_: object) -> None:
        raise ValueError(held)

    monkeypatch.setattr("allowlist.workflow.logs.read_traffic", fails)
    result = on_contoso("evidence", folder, "--anonymise")
    assert result.code == 1
    assert "ValueError" in result.err
    assert "alice" not in result.err
    monkeypatch.setenv("ALLOWLIST_DEBUG", "1")
    with pytest.raises(RuntimeError, match="ValueError") as caught:
        on_contoso("evidence", folder, "--anonymise")
    assert "alice" not in "".join(traceback.format_exception(caught.value))


def test_a_draft_holds_no_pattern_that_a_log_made_up_and_none_over_strangers(tmp_path: Path) -> None:
    names = ["*.example.com", 'a" ports: x', *(f"{one}.blob.core.windows.net" for one in "abcd"), *(f"{one}.openai.azure.com" for one in "abc")]  # fmt: skip
    flows = [
        event(n, name, action="Allow", policy="p", group="g", collection="c", rule="r")
        for n, name in enumerate(names)
    ]
    text = allowlist("evidence", write(tmp_path / "logs", flows), "--learn", "--wildcards").out
    patterns = [item["pattern"] for item in yaml.safe_load(text)["requirements"]]
    assert patterns == sorted(names[2:])


def test_the_page_stands_alone_and_escapes_what_logs_say(tmp_path: Path) -> None:
    flows = [
        event(
            0,
            "a.example",
            action="Allow",
            policy="afwp-weu",
            group="g",
            collection="c",
            rule="<script>x</script>",
            source=AGENT,
        )
    ]
    result = on_contoso("evidence", write(tmp_path / "logs", flows), "-o", tmp_path / "page.html")
    assert result.code == 0, result.err
    page = (tmp_path / "page.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert not any(mark in page for mark in ("http:", "src=", "href=", "url("))


def test_a_draft_is_never_broader_than_seen_unless_asked_for(tmp_path: Path) -> None:
    names = ["a.x.example.com", "b.x.example.com", "c.x.example.com", "lone.example.org"]
    flows = [
        event(n, name, action="Allow", policy="p", group="g", collection="c", rule="r")
        for n, name in enumerate(names)
    ]
    folder = write(tmp_path / "logs", flows)
    narrow = allowlist("evidence", folder, "--learn").out
    assert [line.split('"')[1] for line in narrow.splitlines() if "pattern:" in line] == names
    wide = allowlist("evidence", folder, "--learn", "--wildcards").out
    assert [line.split('"')[1] for line in wide.splitlines() if "pattern:" in line] == [
        "*.x.example.com",
        "lone.example.org",
    ]
    assert "stands for a.x.example.com, b.x.example.com, c.x.example.com" in wide


def test_a_window_counts_its_own_days_only(tmp_path: Path) -> None:
    flows = [event(0, "packages.example"), event(24 * 60, "github.com")]
    folder = write(tmp_path / "logs", flows)
    result = allowlist("evidence", folder, "--logs-only", "--since", "2026-11-24", "--json")
    assert list(_denied(result)) == ["github.com"]


@pytest.mark.parametrize(("arguments", "says"), [
    (("nowhere",), "nowhere is not there"),
    ((".", "--zone", "CET"), "neither UTC nor an offset"),
])  # fmt: skip
def test_mistakes_are_told(arguments: tuple[str, ...], says: str) -> None:
    result = allowlist("evidence", *arguments, "--logs-only")
    assert result.code == 1
    assert says in result.err


def test_the_simulator_writes_the_logs_that_evidence_reads(tmp_path: Path) -> None:
    flows = [
        {
            "source": AGENT,
            "fqdn": "models.research.contoso.com",
            "count": 4,
            "time": "2026-11-23T09:00:00+00:00",
        },
        {"source": AGENT, "fqdn": "nowhere.example", "time": "2026-11-23T09:30:00+00:00"},
    ]
    (tmp_path / "flows.jsonl").write_text(lines(*flows))
    written = allowlist(
        "simulate",
        "--seed",
        CONTOSO,
        "--traffic",
        tmp_path / "flows.jsonl",
        "--logs",
        tmp_path / "logs",
        "--log-shape",
        "legacy",
    )
    assert (written.code, written.err) == (0, f"5 flows in 1 file below {tmp_path}/logs\n")
    denied = _denied(on_contoso("evidence", tmp_path / "logs", "--json"))
    assert {name: item["count"] for name, item in denied.items()} == {
        "models.research.contoso.com": 4,
        "nowhere.example": 1,
    }


@pytest.mark.parametrize(
    "flow", ['{"source": "10.0.0.4", "time": "2026-11-23T09:00:00"}', '{"fqdn": "a.b"}', "[]"]
)
def test_a_flow_that_is_none_is_told_with_its_line(tmp_path: Path, flow: str) -> None:
    (tmp_path / "flows.jsonl").write_text(f"\n{flow}\n")
    result = allowlist("simulate", "--traffic", tmp_path / "flows.jsonl", "--logs", tmp_path / "logs")
    assert result.code == 1
    assert f"{tmp_path}/flows.jsonl:2" in result.err


def test_without_logs_the_ledger_is_asked_for_what_sync_remembers(tmp_path: Path) -> None:
    ledger = ("--ledger", f"sqlite:///{tmp_path}/ledger.db")
    nothing = on_contoso("evidence", *ledger)
    assert nothing.code == 1
    assert "the ledger remembers no traffic of research-agents" in nothing.err
    with opened(ledger[1]) as kept, reading([_logs(tmp_path)], tmp_path) as traffic:
        kept.keep_traffic("research-agents", days_of(traffic, dt.date(2026, 1, 1)), dt.date(2026, 1, 1))
    found = on_contoso("evidence", *ledger, "--json")
    told = _denied(found)["models.research.contoso.com"]
    assert (told["count"], told["wanted_by"]) == (9, ["own@research-agents#model-registry"])
    assert found.json["unused"] is not None


def test_redundant_rules_are_told_of_a_whole_window_only(tmp_path: Path) -> None:
    folder = _logs(tmp_path)
    assert on_contoso("evidence", folder, "--json").json["redundant"] is not None
    (folder / "broken.json").write_text("{\n")
    assert on_contoso("evidence", folder, "--json").json["redundant"] is None
