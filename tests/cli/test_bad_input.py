"""Bad input never costs data and never shows a traceback; every mistake is told with its place."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist, on_contoso


def _workload(folder: Path, *changes: tuple[str, str]) -> Path:
    text = (FIREWALL_ONLY).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "allowlist.yaml"
    path.write_text(text)
    return path


def test_every_mistake_of_a_workload_file_is_told_at_once(workplace: Path) -> None:
    path = _workload(
        workplace,
        ("delete: sync", "delet: sync"),
        ("surface: firewall-policy", "surface: firewal-policy"),
        ("priority: 1000", "priority: 99"),
    )
    result = on_contoso("check", workload=path)
    assert result.code == 1
    assert "unknown key 'delet'; did you mean 'delete'?" in result.err
    assert "lacks the key 'delete'" in result.err
    assert "expected at least 100" in result.err
    assert result.err.count("allowlist.yaml:") >= 3
    assert not result.out


def test_what_a_workload_means_is_judged_beside_keys_it_does_not_know(workplace: Path) -> None:
    text = (CONTOSO / "allowlist.yaml").read_text("utf-8").replace("10.40.0.0/23", "10.40.0.300")
    (workplace / "allowlist.yaml").write_text(f"{text}extra: 1\n", "utf-8")
    result = allowlist("check", "--snapshot", CONTOSO)
    assert result.code == 1
    assert "unknown key 'extra'" in result.err
    assert "is '10.40.0.300', expected an IPv4 address" in result.err


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("version: 1.2.0", "version: 9.9.9", "9.9.9"),
        ("name: foundry-agents", "name: foundry-agent", "did you mean 'foundry-agents'"),
        ("scenarios: [core]", "scenarios: [cor]", "did you mean 'core'"),
        ("account: contoso-research", "acount: contoso-research", "did you mean 'acount'"),
        ("10.40.0.0/23", "10.40.0.0/43", "expected an IPv4 address"),
        ('ports: ["https:443"]', 'ports: ["htps:443"]', "htps:443"),
        ("pattern: models.research.contoso.com", "pattern: models.*.contoso.com", "first character"),
        ('expires: "2027-06-30"', 'expires: "June"', "expected a date"),
        ("surface: firewall-policy", "surface: firewal-policy", "did you mean 'firewall-policy'"),
        ("firewallPolicies/afwp-weu", "firewallPolicies/afwp-eus", "policies found: afwp-global, afwp-weu"),
    ],
)
def test_a_wrong_word_is_told_with_what_was_meant(
    workplace: Path, old: str, new: str, complaint: str
) -> None:
    result = on_contoso("check", workload=_workload(workplace, (old, new)))
    assert result.code == 1
    assert complaint in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"value": [{"id": "/subscriptions/x", "prop', "is not JSON"),
        ("", "is not JSON"),
        ('{"value": [], "nextLink": "https://next"}', "one page of a longer list"),
        ('{"hello": 1}', "no ARM resource"),
        ('{"id": "/subscriptions/x", "properties": 3}', "'properties' is not an object"),
        ('{"schema": "allowlist/snapshot/v9", "resources": []}', "expected 'allowlist/snapshot/v1'"),
    ],
)
def test_a_damaged_snapshot_is_refused_never_read_as_no_rules(
    workplace: Path, content: str, complaint: str
) -> None:
    folder = workplace / "state"
    shutil.copytree(CONTOSO, folder)
    (folder / "groups-weu.json").write_text(content)
    result = allowlist("plan", "--workload", FIREWALL_ONLY, "--snapshot", folder)
    assert result.code == 1
    assert complaint in result.err
    assert "groups-weu.json" in result.err
    assert not result.out


def test_az_output_and_exported_templates_are_read_like_arm(workplace: Path) -> None:
    folder = workplace / "state"
    shutil.copytree(CONTOSO, folder)
    groups = json.loads((folder / "groups-weu.json").read_text())["value"]
    flat = [
        {key: value for key, value in group.items() if key != "properties"} | group["properties"]
        for group in groups
    ]
    (folder / "groups-weu.json").write_text(json.dumps(flat))
    policies = json.loads((folder / "policies.json").read_text())["value"]
    expected = on_contoso("check", "--json").out.replace(
        str(CONTOSO), str(folder)
    )  # a next step names where it was read
    result = allowlist("check", "--workload", FIREWALL_ONLY, "--snapshot", folder, "--json")
    assert result.json == json.loads(expected)
    assert policies


def test_an_exported_template_gives_the_same_answer(workplace: Path) -> None:
    names = {"afwp-global": "base", "afwp-weu": "child"}
    resources = []
    for file in set(CONTOSO.glob("*.json")) - {CONTOSO / "foundry.json"}:
        for body in json.loads(file.read_text())["value"]:
            text = json.dumps(body)
            for name, parameter in names.items():
                policy = f"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu/providers/Microsoft.Network/firewallPolicies/{name}"
                text = text.replace(
                    f'"{policy}"',
                    f"\"[resourceId('Microsoft.Network/firewallPolicies', parameters('{parameter}'))]\"",
                )
            item = json.loads(text)
            kind = item.pop("type")
            parents = body["id"].split("/providers/Microsoft.Network/")[1].split("/")[1::2]
            if len(parents) == 2:
                item["name"] = f"[concat(parameters('{names[parents[0]]}'), '/{parents[1]}')]"
            elif item["name"] in names:
                item["name"] = f"[parameters('{names[item['name']]}')]"
            item.pop("id")
            resources.append({"type": kind, "apiVersion": "2024-05-01", **item})
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "parameters": {
            parameter: {"type": "String", "defaultValue": name} for name, parameter in names.items()
        },
        "resources": resources,
    }
    text = json.dumps(template).replace(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu",
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template",
    )
    (workplace / "template.json").write_text(text)
    workload = _workload(
        workplace,
        (
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu",
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template",
        ),
    )
    result = allowlist("check", "--workload", workload, "--snapshot", workplace / "template.json", "--json")
    assert result.json["summary"] == on_contoso("check", "--json").json["summary"]


def test_unknown_commands_and_options_are_failures_with_a_hint() -> None:
    result = allowlist("chek")
    assert result.code == 1
    assert "did you mean 'check'" in result.err
    assert allowlist("check", "--nonsense").code == 1


def test_a_defect_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("allowlist.workflow.checking.check_targets", broken)
    result = on_contoso("check")
    assert result.code == 1
    assert "defect of allowlist" in result.err
    assert "Traceback" not in result.err
    with pytest.raises(ZeroDivisionError):
        allowlist("--debug", "check", "--workload", FIREWALL_ONLY, "--snapshot", CONTOSO)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "command", [("catalog", "list", "--json"), ("history", "--json"), ("catalog", "list")]
)
def test_a_full_standard_output_is_told_in_words(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "allowlist", *command], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 1
    assert "standard output cannot be written: No space left on device" in ended.stderr
    assert "defect" not in ended.stderr


def test_a_file_for_which_there_is_no_room_is_named_and_what_was_there_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that fills; without -B Python would cut its own compiled modules there."""
    resource = pytest.importorskip("resource")
    kept = tmp_path / "index.json"
    kept.write_text("{}")
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "allowlist", "catalog", "index", "-o", str(tmp_path)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert ended.returncode == 1
    assert f"error: {tmp_path}{os.sep}" in ended.stderr
    assert "cannot be written: File too large" in ended.stderr
    assert kept.read_text() == "{}"
    assert [file.name for file in tmp_path.iterdir()] == ["index.json"]


def test_choices_stand_beside_the_complaint(workplace: Path) -> None:
    """Whoever named a wrong one sees what there is, also where several mistakes leave no room for hints."""
    allowlist("demo", "--files", "contoso")
    where = ("--snapshot", CONTOSO)
    file = Path("contoso/allowlist.yaml")
    right = file.read_text()

    def told(old: str, new: str) -> str:
        assert old in right
        file.write_text(right.replace(old, new, 1))
        result = allowlist("check", "--workload", file, *where)
        assert result.code == 1
        return result.err

    said = told("version: 1.2.0", "version: 9.9.9")
    assert "has no version '9.9.9'; released: 1.0.0, " in said
    said = told("exclude: [addresses-10-0-0-0-8]", "exclude: [xyzzy]")
    assert "has no entry 'xyzzy'; there is addresses-10-0-0-0-8, " in said
    assert re.search(r" and \d+ more", said)
    said = told("exclude: [addresses-10-0-0-0-8]", "exclude: [adresses-10-0-0-0-8]")
    assert "did you mean 'addresses-10-0-0-0-8'?" in said
    said = told(re.search(r" *delete: .*\n", right)[0], "")  # type: ignore[index]
    assert "lacks the key 'delete', one of add-only, no-remove, sync" in said
    file.write_text(right)
    allowlist("plan", "--workload", file, *where, "-o", "plan.json")
    ledger = ("--ledger", "sqlite:///ledger.db")
    gate = allowlist("approve", "plan.json", "--accept", "removalz", "--reason", "x", *ledger)
    assert "no gate 'removalz'; there is billed-firewall-foundry-account" in gate.err
    change = allowlist("approve", "plan.json", "zzzz", "--reason", "x", *ledger)
    assert re.search(r"no single change 'zzzz'; there is [0-9a-f]{8}, .* more\n", change.err)
    run = allowlist("history", "nope", *ledger)
    assert "the ledger knows no run 'nope'\nhint: it is empty" in run.err
