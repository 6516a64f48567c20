"""check and explain on the example company: the contract's JSON, exit codes, and the traps it holds."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist, on_contoso


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


def test_explain_names_the_plan_line_that_would_fix_it_or_why_there_is_none() -> None:
    missing = on_contoso("explain", "marketplace.visualstudio.com", "--from", "10.40.0.4", "--json").json
    (fix,) = missing["fixed_by"]
    assert fix["text"] == "add marketplace.visualstudio.com https:443"
    plan = on_contoso("plan", "--json").json
    assert fix["change"] in {change["id"] for change in plan["changes"]}
    blocked = on_contoso("explain", "transfer.xethub.hf.co", "--from", "10.40.0.4", "--json").json
    assert blocked["fixed_by"][0]["change"] is None
    assert "deny-hf-datasets" in blocked["fixed_by"][0]["text"]


def test_explain_names_the_rules_that_are_never_asked() -> None:
    found = on_contoso(
        "explain", "crl.microsoft.com", "--from", "10.40.3.4", "--protocol", "http", "--json"
    ).json
    assert found["decided_by"]["rule"] == "plain-http-anywhere"
    assert [step["action"] for step in found["hides"]] == ["allow"]
    assert found["hides"][0]["rule"].endswith("certificate-checks")


def test_simplify_offers_only_what_it_has_proved() -> None:
    found = on_contoso("simplify", "--json").json
    kinds = {item["rules"][0].rpartition("/")[2]: item for item in found}
    assert kinds["maps-duplicate"]["kind"] == "drop"
    assert kinds["avd-microsoft"]["instead"]["targetFqdns"] == ["microsoft.com", "*.microsoft.com"]
    assert kinds["avd-microsoft"]["effect"] == "narrower"


def test_two_snapshots_are_compared_by_effect(workplace: Path) -> None:
    copy = workplace / "later"
    shutil.copytree(CONTOSO, copy)
    groups = copy / "groups-weu.json"
    groups.write_text(groups.read_text().replace('"*microsoft.com"', '"microsoft.com", "*.microsoft.com"'))
    where = ("--workload", str(FIREWALL_ONLY))
    assert allowlist("compare", str(CONTOSO), str(CONTOSO), *where, "--exit-code").code == 0
    result = allowlist("compare", str(CONTOSO), str(copy), *where, "--json", "--exit-code")
    assert result.code == 2
    (found,) = result.json
    # A service tag of another rule may still let xmicrosoft.com through; nobody can know from ARM.
    assert found["relation"] == "opaque"
    assert {item["pattern"] for item in found["differences"]} == {"*microsoft.com"}
    assert all(item["closes"] and not item["opens"] for item in found["differences"])


def test_many_flows_are_answered_in_their_order(workplace: Path) -> None:
    flows: list[dict[str, Any]] = [
        {"source": "10.40.0.4", "fqdn": "huggingface.co"},
        {"source": "10.12.0.4", "fqdn": "evilmicrosoft.com", "port": 80, "protocol": "http"},
        {"source": "10.28.0.4", "fqdn": "stlandingweu.blob.core.windows.net"},
    ]
    (workplace / "flows.jsonl").write_text("\n".join(map(json.dumps, flows)))
    result = on_contoso("explain", "--flows", workplace / "flows.jsonl")
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [item["flow"]["fqdn"] for item in answers] == [item["fqdn"] for item in flows]
    assert [item["verdict"] for item in answers] == ["deny", "allow", "allow"]


def test_what_arm_cannot_tell_is_an_assumption_until_facts_are_given(workplace: Path) -> None:
    arguments = ("evil.example", "--from", "10.28.0.4", "--json")
    assumed = on_contoso("explain", *arguments).json
    assert assumed["verdict"] == "deny"
    assert assumed["assumptions"] == ["evil.example has an address in the service tag Storage.WestEurope"]
    hosted = on_contoso("explain", "evil.azureedge.net", *arguments[1:]).json
    assert hosted["verdict"] == "unknown"
    assert "service tag Storage.WestEurope" in " ".join(hosted["unknowns"])
    facts = workplace / "facts.yaml"
    facts.write_text(
        "schema: allowlist/facts/v1\n"
        "dns: {evil.example: [198.51.100.7]}\n"
        "service_tags: {Storage.WestEurope: [20.150.0.0/16]}\n"
    )
    known = on_contoso("explain", *arguments, "--facts", facts).json
    assert (known["verdict"], known["assumptions"]) == ("deny", [])


def test_bad_flows_are_told_with_their_lines(workplace: Path) -> None:
    (workplace / "flows.jsonl").write_text(
        '{"source": "10.0.0.1", "fqdn": "a.example"}\n{"source": "x"}\n{"sorce": 1}\n'
    )
    result = on_contoso("explain", "--flows", workplace / "flows.jsonl")
    assert result.code == 1
    assert "flows.jsonl:2:1" in result.err
    assert "flows.jsonl:3:2 is no flow: unknown key 'sorce'; did you mean 'source'?" in result.err
    assert not result.out


def test_a_missing_workload_file_says_what_to_do(workplace: Path) -> None:
    result = allowlist("check", "--snapshot", CONTOSO)
    assert result.code == 1
    assert "allowlist.yaml does not exist" in result.err
    assert "allowlist init" in result.err


FLOWS: list[dict[str, Any]] = [
    {"source": "10.40.0.4", "fqdn": "huggingface.co"},
    {"source": "10.40.0.5", "fqdn": "huggingface.co", "destination": "20.150.0.9"},
    {"source": "10.12.0.4", "fqdn": "evilmicrosoft.com", "port": 80, "protocol": "http"},
    {"source": "10.28.0.4", "fqdn": "stlandingweu.blob.core.windows.net"},
    {"source": "10.28.0.77", "fqdn": "evil.example", "host": "other.example"},
    {"source": "192.0.2.1", "fqdn": "packages.example", "path": "/simple"},
    *({"source": f"192.0.2.{last}", "fqdn": "huggingface.co"} for last in (1, 2)),
    *({"source": f"192.0.2.{last}", "fqdn": "stlandingweu.blob.core.windows.net"} for last in (1, 22)),
]


def test_every_flow_of_a_file_gets_the_answer_it_gets_alone(workplace: Path) -> None:
    (workplace / "flows.jsonl").write_text("\n".join(map(json.dumps, [*FLOWS, *FLOWS])))
    answers = [
        json.loads(line)
        for line in on_contoso("explain", "--flows", workplace / "flows.jsonl").out.splitlines()
    ]
    alone = []
    for flow in FLOWS:
        if set(flow) <= {"source", "fqdn", "port", "protocol", "destination"}:
            options = [f"--port={flow.get('port', 443)}", f"--protocol={flow.get('protocol', 'https')}"]
            options += [f"--to={flow['destination']}"] if "destination" in flow else []
            found = on_contoso("explain", flow["fqdn"], "--from", flow["source"], *options, "--json").json
            alone.append(found)
        else:
            alone.append(answers[FLOWS.index(flow)])
    assert answers == [*alone, *alone]


def test_flows_are_read_from_csv_and_from_standard_input(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "source,fqdn,port,protocol\n10.40.0.4,huggingface.co,,\n10.12.0.4,evilmicrosoft.com,80,http\n"
    (workplace / "flows.csv").write_text(text)
    result = on_contoso("explain", "--flows", workplace / "flows.csv")
    assert [json.loads(line)["verdict"] for line in result.out.splitlines()] == ["deny", "allow"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    piped = on_contoso("explain", "--flows", "-")
    assert piped.out == result.out


def test_a_csv_file_of_flows_says_what_its_columns_are(workplace: Path) -> None:
    (workplace / "flows.csv").write_text("sorce,fqdn\n10.0.0.1,a.example\n")
    result = on_contoso("explain", "--flows", workplace / "flows.csv")
    assert result.code == 1
    assert "flows.csv:1:1 is no flow: unknown column 'sorce'; did you mean 'source'?" in result.err


def test_flows_and_state_are_not_both_standard_input(workplace: Path) -> None:
    result = allowlist("explain", "--flows", "-", "--snapshot", "-", "--workload", str(FIREWALL_ONLY))
    assert result.code == 1
    assert "standard input" in result.err
