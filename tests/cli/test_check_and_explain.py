"""check and explain on the example company: the contract's JSON, exit codes, and the traps it holds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.cli import CONTOSO, allowlist, on_contoso


def test_check_prints_the_contract_json() -> None:
    result = on_contoso("check", "--json")
    assert result.code == 0
    document = result.json
    assert document["schema"] == "allowlist/findings/v1"
    assert set(document["summary"]) == {
        "covered", "missing", "blocked", "partial", "excess", "redundant", "widens", "invalid", "unknown",
    }  # fmt: skip
    assert sum(document["summary"].values()) == len(document["findings"])
    missing = next(item for item in document["findings"] if item["status"] == "missing")
    assert missing["target"] == "hub-firewall"
    assert missing["severity"] in ("error", "warning")
    assert {"catalog", "version", "entry", "pattern", "protocol", "port"} <= set(missing["requirement"])
    assert missing["witness"]["source"] == "10.40.0.4"


def test_the_exit_code_follows_from_what_was_found() -> None:
    assert on_contoso("check", "--exit-code").code == 2
    assert on_contoso("check").code == 0


def test_the_traps_of_the_example_company_are_found() -> None:
    findings = on_contoso("check", "--json").json["findings"]
    by_rule = {item["rule"]: item for item in findings if item["rule"]}
    assert by_rule["afwp-weu/rcg-avd/avd-names/avd-microsoft"]["witness"]["fqdn"] == "xmicrosoft.com"
    assert "every source" in by_rule["afwp-weu/rcg-build/build-names/open-monitoring"]["because"]
    assert (
        "before all application rules"
        in by_rule["afwp-weu/rcg-build/build-network/plain-http-anywhere"]["because"]
    )
    assert by_rule["afwp-weu/rcg-web/web-names/maps-duplicate"]["status"] == "redundant"
    blocked = [item for item in findings if item["status"] == "blocked"]
    assert {item["requirement"]["pattern"] for item in blocked} == {
        "cas-server.xethub.hf.co",
        "transfer.xethub.hf.co",
    }
    assert all("deny-hf-datasets" in item["because"] for item in blocked)


def test_findings_are_offered_as_sarif_and_junit() -> None:
    sarif = json.loads(on_contoso("check", "--format", "sarif").out)
    assert sarif["version"] == "2.1.0"
    assert {item["ruleId"] for item in sarif["runs"][0]["results"]} >= {"missing", "blocked", "widens"}
    junit = on_contoso("check", "--format", "junit").out
    assert junit.startswith("<?xml")
    assert "<failure" in junit


def test_explain_names_the_rule_and_who_wants_the_name() -> None:
    result = on_contoso("explain", "cas-server.xethub.hf.co", "--from", "10.40.0.4", "--json")
    answer = result.json
    assert answer["schema"] == "allowlist/explain/v1"
    assert answer["verdict"] == "deny"
    assert answer["decided_by"] == {
        "stage": "application",
        "policy": "afwp-global",
        "group": "rcg-global-deny",
        "collection": "deny-file-sharing",
        "rule": "deny-hf-datasets",
    }
    assert answer["wanted_by"][0]["catalog"] == "hugging-face"


def test_many_flows_are_answered_in_their_order(workplace: Path) -> None:
    flows = [
        {"source": "10.40.0.4", "fqdn": "huggingface.co"},
        {"source": "10.12.0.4", "fqdn": "evilmicrosoft.com", "port": 80, "protocol": "http"},
        {"source": "10.28.0.4", "fqdn": "stlandingweu.blob.core.windows.net"},
    ]
    (workplace / "flows.jsonl").write_text("\n".join(map(json.dumps, flows)))
    result = on_contoso("explain", "--flows", workplace / "flows.jsonl")
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [item["flow"]["fqdn"] for item in answers] == [item["fqdn"] for item in flows]
    assert [item["verdict"] for item in answers] == ["deny", "allow", "allow"]


def test_what_arm_cannot_tell_is_unknown_until_facts_are_given(workplace: Path) -> None:
    arguments = ("evil.example", "--from", "10.28.0.4", "--json")
    unknown = on_contoso("explain", *arguments).json
    assert unknown["verdict"] == "unknown"
    assert "service tag Storage.WestEurope" in " ".join(unknown["unknowns"])
    facts = workplace / "facts.yaml"
    facts.write_text(
        "schema: allowlist/facts/v1\n"
        "dns: {evil.example: [198.51.100.7]}\n"
        "service_tags: {Storage.WestEurope: [20.150.0.0/16]}\n"
    )
    assert on_contoso("explain", *arguments, "--facts", facts).json["verdict"] == "deny"


def test_bad_flows_are_told_with_their_lines(workplace: Path) -> None:
    (workplace / "flows.jsonl").write_text(
        '{"source": "10.0.0.1", "fqdn": "a.example"}\n{"source": "x"}\n{"sorce": 1}\n'
    )
    result = on_contoso("explain", "--flows", workplace / "flows.jsonl")
    assert result.code == 1
    assert "flows.jsonl:2:1" in result.err
    assert "flows.jsonl:3:1" in result.err
    assert not result.out


def test_a_missing_workload_file_says_what_to_do(workplace: Path) -> None:
    result = allowlist("check", "--snapshot", CONTOSO)
    assert result.code == 1
    assert "allowlist.yaml does not exist" in result.err
    assert "allowlist init" in result.err
