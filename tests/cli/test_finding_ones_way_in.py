"""From a name that was denied, or an estate, to a workload file: catalog find, init's proposals, explain of a URL."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import pytest
import yaml

from allowlist.cli import init as init_module
from tests.helpers.cli import CONTOSO, allowlist, on_contoso
from tests.helpers.foundry import account, hub, network

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers"
GROUP = {
    "id": f"{SUBSCRIPTION}/Microsoft.Network/firewallPolicies/pol/ruleCollectionGroups/g1",
    "name": "g1",
    "priority": 100,
    "ruleCollections": [
        {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": "c",
            "priority": 100,
            "action": {"type": "Allow"},
            "rules": [
                {
                    "ruleType": "ApplicationRule",
                    "name": "r",
                    "sourceAddresses": ["10.0.0.0/24"],
                    "targetFqdns": ["vscode.dev", "update.code.visualstudio.com"],
                    "protocols": [{"protocolType": "Https", "port": 443}],
                }
            ],
        }
    ],
}


def found(*words: str) -> dict[str, list[dict[str, object]]]:
    answers = allowlist("catalog", "find", *words, "--json").json["found"]
    return {answer["asked"]: answer["hits"] for answer in answers}


def test_a_host_finds_the_entries_that_allow_it_and_the_line_to_write() -> None:
    (first, *_) = found("huggingface.co")["huggingface.co"]
    assert (first["relation"], first["catalog"], first["name"]) == (
        "allows",
        "hugging-face",
        "huggingface-co",
    )
    text = allowlist("catalog", "find", "huggingface.co").out
    assert "to ask for it:  - {name: hugging-face, version: " in text


def test_a_url_asks_for_its_port_too() -> None:
    hits = found("https://huggingface.co/models", "http://huggingface.co")
    assert hits["https://huggingface.co/models"][0]["relation"] == "allows"
    assert {hit["relation"] for hit in hits["http://huggingface.co"]} >= {"other port"}
    assert "allows" not in {hit["relation"] for hit in hits["http://huggingface.co"]}


def test_a_placeholder_stands_for_one_label_and_says_for_which() -> None:
    (hit, *_) = found("crcontoso.azurecr.io")["crcontoso.azurecr.io"]
    assert hit["parameters"] == {"registry": "crcontoso"}
    assert found("a.b.azurecr.io")["a.b.azurecr.io"] == []
    assert found("nobody.example")["nobody.example"] == []
    given = allowlist(
        "catalog", "find", "x.files.example", "--parameter", "python_files=files.example", "--json"
    )
    assert given.json["found"][0]["allowed_by"] == [
        "azure-container-registry",
        "azure-machine-learning",
        "foundry-hub",
        "python-packages",
    ]


def test_a_pattern_is_allowed_only_where_all_of_it_is() -> None:
    assert {hit["relation"] for hit in found("*.vscode.dev")["*.vscode.dev"]} == {"allows"}
    assert "allows" not in {hit["relation"] for hit in found("*.hf.co")["*.hf.co"]}


def test_what_a_catalog_gave_up_is_still_found_and_says_so() -> None:
    hits = found("cdn-lfs.hf.co")["cdn-lfs.hf.co"]
    assert [hit["relation"] for hit in hits] == ["ended"]
    assert "ended until " in allowlist("catalog", "find", "cdn-lfs.hf.co").out


def test_a_word_finds_catalogs_scenarios_and_parameters_first() -> None:
    subjects = [hit["subject"] for hit in found("registry")["registry"]]
    assert subjects[0] == "catalog"
    assert set(subjects) == {"catalog", "scenario", "parameter", "entry"}
    assert "more: --all" in allowlist("catalog", "find", "registry").out
    assert "more: --all" not in allowlist("catalog", "find", "registry", "--all").out


def test_a_list_on_standard_input_is_answered_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = io.BytesIO(b"vscode.dev\n\n# a remark\nnobody.example # why?\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(asked))
    answer = allowlist("catalog", "find", "-", "--json", "--exit-code")
    assert answer.code == 2
    assert [item["asked"] for item in answer.json["found"]] == ["vscode.dev", "nobody.example"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give hosts, URLs or words"),
        (("https://",), "holds no host name"),
        (("huggingface.co:99999",), "is outside 1 to 65535"),
        (("https://a.example:port",), "is no address"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_in_words(words: tuple[str, ...], said: str) -> None:
    answer = allowlist("catalog", "find", *words)
    assert answer.code == 1
    assert said in answer.err


def test_explain_takes_a_url_from_any_source_of_the_workload() -> None:
    (answer,) = (
        json.loads(line)
        for line in [on_contoso("explain", "https://marketplace.visualstudio.com/x", "--json").out]
    )
    assert answer["verdict"] == "deny"
    assert answer["flow"] | {"source": ""} == {
        "source": "", "fqdn": "marketplace.visualstudio.com", "port": 443, "protocol": "https", "path": "/x",
        "sources": ["10.40.0.0/22"],
    }  # fmt: skip


def test_sources_that_are_treated_otherwise_get_an_answer_each() -> None:
    text = on_contoso("explain", "http://marketplace.visualstudio.com").out
    assert "✓ allow  10.40.3.0/26 → marketplace.visualstudio.com http:80" in text
    assert "✗ deny  10.40.0.0/23, 10.40.2.0/24, 10.40.3.64/26" in text


def test_explain_names_the_catalogs_outside_the_workload() -> None:
    answer = on_contoso("explain", "pytorch.org", "--json").json
    assert {item["catalog"] for item in answer["wanted_elsewhere"]} >= {"python-packages", "foundry-hub"}
    text = on_contoso("explain", "pytorch.org").out
    assert "not asked for by this workload: python-packages@" in text
    assert "to ask for it:  - {name: python-packages" in text


def test_explain_and_check_name_the_near_miss(workplace: Path) -> None:
    text = on_contoso("explain", "crl.microsoft.com", "--from", "10.40.0.4").out
    assert (
        "near miss: application rule afwp-global/rcg-global-platform/allow-entra/certificate-checks" in text
    )
    assert "it is for http:80, not for https:443" in text
    (workplace / "state.json").write_text(json.dumps([GROUP, _policy()]))
    (workplace / "allowlist.yaml").write_text(_workload("10.9.0.0/24"))
    checked = allowlist("check", "--snapshot", "state.json", "--json").json
    near = {item["requirement"]["pattern"]: item.get("near_misses") for item in checked["findings"]}
    assert near["vscode.dev"] == [
        "application rule pol/g1/c/r nearly allows it: it is for 10.0.0.0/24, not for 10.9.0.4"
    ]
    assert "near miss: application rule pol/g1/c/r" in allowlist("check", "--snapshot", "state.json").out


def test_an_unknown_scheme_names_what_to_give() -> None:
    answer = on_contoso("explain", "ftp://a.example/x")
    assert answer.code == 1
    assert "--protocol" in answer.err
    assert on_contoso("explain").code == 1


def _policy() -> dict[str, object]:
    policy = f"{SUBSCRIPTION}/Microsoft.Network/firewallPolicies/pol"
    return {
        "id": policy,
        "name": "pol",
        "type": "Microsoft.Network/firewallPolicies",
        "properties": {"sku": {"tier": "Standard"}},
    }


def _workload(source: str) -> str:
    document = {
        "schema": "allowlist/workload/v1",
        "name": "w",
        "catalogs": [{"name": "vscode", "version": "2.0.0"}],
        "sources": {"here": {"addresses": [source]}},
        "targets": [
            {
                "name": "pol",
                "surface": "firewall-policy",
                "resource": f"{SUBSCRIPTION}/Microsoft.Network/firewallPolicies/pol",
                "delete": "add-only",
            }
        ],
    }
    return yaml.safe_dump(document)


def test_init_proposes_catalogs_with_reasons_and_values(workplace: Path) -> None:
    estate = [hub({}), account(), network(), _registry()]
    (workplace / "state.json").write_text(json.dumps(estate))
    refused = allowlist("init", "--snapshot", "state.json", "--name", "x")
    assert refused.code == 1
    assert "* foundry-hub: AI Foundry hub hub-research" in refused.err
    assert "--catalog foundry-hub" in refused.err
    made = allowlist("init", "--snapshot", "state.json", "--name", "x", "--proposed")
    assert made.code == 0, made.err
    written = yaml.safe_load((workplace / "allowlist.yaml").read_text())
    names = [item["name"] for item in written["catalogs"]]
    assert {"foundry-hub", "foundry-account", "azure-container-registry"} <= set(names)
    assert written["parameters"]["registry"] == "crcontoso"
    assert "registry: crcontoso (the resource crcontoso)" in made.err
    checked = allowlist("check", "--snapshot", "state.json")
    assert checked.code == 0, checked.err


def _registry() -> dict[str, object]:
    registry = f"{SUBSCRIPTION}/Microsoft.ContainerRegistry/registries/crcontoso"
    return {"id": registry, "name": "crcontoso", "location": "West Europe", "properties": {}}


def test_init_writes_no_yaml_where_json_would_be_read(workplace: Path) -> None:
    refused = allowlist("init", "--snapshot", "state.json", "--name", "x", "-o", "first.json")
    assert (refused.code, list(workplace.iterdir())) == (1, [])
    assert "first.json would be read as JSON" in refused.err


def test_init_takes_a_bare_list_of_rule_collection_groups(workplace: Path) -> None:
    (workplace / "rcg.json").write_text(json.dumps([GROUP]))
    made = allowlist(
        "init", "--snapshot", "rcg.json", "--name", "x", "--catalog", "vscode", "--source", "10.0.0.0/24"
    )
    assert made.code == 0, made.err
    assert "az resource show --ids" in made.err
    checked = allowlist("check", "--snapshot", "rcg.json", "--json", "--exit-code")
    assert checked.code == 2
    assert {item["status"] for item in checked.json["findings"]} == {"unknown"}
    del workplace


def test_init_asks_once_and_takes_numbers(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_module, "is_interactive", lambda: True)
    asked: list[str] = []

    def answer(text: str, **_: object) -> str:
        asked.append(text)
        return "1,vscode"

    monkeypatch.setattr(click, "prompt", answer)
    made = allowlist("init", "--snapshot", CONTOSO, "--name", "x", "--source", "10.40.0.0/24")
    assert made.code == 0, made.err
    written = yaml.safe_load((workplace / "allowlist.yaml").read_text())
    assert [item["name"] for item in written["catalogs"]] == ["foundry-account", "vscode"]
    assert len([text for text in asked if text.startswith("Catalogs")]) == 1


def test_an_empty_parameter_is_named_with_its_own_line(workplace: Path) -> None:
    (workplace / "allowlist.yaml").write_text(
        _workload("10.0.0.0/24").replace("vscode", "azure-container-registry").replace("2.0.0", "latest")
        + "parameters:\n  registry: ''\n"
    )
    (workplace / "state.json").write_text(json.dumps([GROUP, _policy()]))
    checked = allowlist("check", "--snapshot", "state.json")
    line = (workplace / "allowlist.yaml").read_text().split("\n").index("  registry: ''") + 1
    assert f"allowlist.yaml:{line}:" in checked.err


def test_init_names_the_scenarios_there_are(workplace: Path) -> None:
    made = allowlist("init", "--snapshot", CONTOSO, "--name", "x", "--catalog", "vscode:nothing")
    assert made.code == 1
    assert "it has core" in made.err
    del workplace


def test_without_a_terminal_init_tells_all_that_is_open_and_one_command_answers_it(workplace: Path) -> None:
    (workplace / "state.json").write_text(json.dumps([GROUP, _policy(), _registry()]))
    asked = allowlist("init", "--snapshot", "state.json", "-o", "mine.yaml")
    assert asked.code == 1
    assert "error: 3 choices are open" in asked.err
    for told in (
        "--catalog azure-container-registry",
        "--name ",
        "where traffic starts: --source",
        "--delete add-only|no-remove|sync",
    ):
        assert told in asked.err
    command = asked.err.split("this answers all: allowlist ")[1].splitlines()[0]
    made = allowlist(*command.replace("ADDRESS", "10.0.0.0/24").split())
    assert made.code == 0, made.err
    assert yaml.safe_load((workplace / "mine.yaml").read_text())["sources"]
    nothing = allowlist("init")
    assert "--subscription ID" in nothing.err
    assert "--snapshot PATH" in nothing.err
    assert "--name " in nothing.err


def test_what_init_tells_before_it_read_anything_is_answered_by_one_command(workplace: Path) -> None:
    (workplace / "state.json").write_text(json.dumps([GROUP, _policy(), _registry()]))
    asked = allowlist("init", "-o", "mine.yaml")
    assert "error: 4 choices are open" in asked.err
    command = asked.err.split("this answers all: allowlist ")[1].splitlines()[0]
    answered = command.replace("--subscription ID", "--snapshot state.json").replace("ADDRESS", "10.0.0.0/24")
    made = allowlist(*answered.split())
    assert made.code == 0, made.err
    assert yaml.safe_load((workplace / "mine.yaml").read_text())["sources"]


def test_a_file_of_recommend_gets_targets_from_init_and_is_then_checked(workplace: Path) -> None:
    (workplace / "requirements.txt").write_text("transformers==4.50\n")
    said = allowlist("recommend", "--write").err
    assert said.splitlines()[-1].endswith("name its targets: allowlist init -o allowlist.yaml")
    assert (
        allowlist("check", "--snapshot", CONTOSO)
        .err.splitlines()[-1]
        .endswith(f"allowlist init -o allowlist.yaml --snapshot {CONTOSO}")
    )
    made = allowlist("init", "--snapshot", CONTOSO, "--source", "10.40.0.0/23", "--parameter", "python_index=i.example",
                     "--parameter", "python_files=f.example")  # fmt: skip
    assert made.code == 0, made.err
    text = (workplace / "allowlist.yaml").read_text()
    assert "# requirements.txt:1: package transformers" in text
    assert "discover" not in text
    assert allowlist("check", "--snapshot", CONTOSO, "--exit-code").code == 2
    again = allowlist("init", "--snapshot", CONTOSO)
    assert "exists already, and names targets" in again.err
