"""What is refused is refused with advice that fits it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.yaml_files import refuse_yaml

FORM_OF_ML = """\
# a hub
$schema: https://azuremlschemas.azureedge.net/latest/workspace.schema.json
name: hub
managed_network:
  isolation_mode: allow_only_approved_outbound
"""
COPIES = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "copy": {"name": "many", "count": 100_000_000},
            "type": "Microsoft.Network/ipGroups",
            "apiVersion": "2024-05-01",
            "name": "[format('g{0}', copyIndex())]",
            "properties": {"ipAddresses": []},
        }
    ],
}

REFUSED = {
    "a form of az ml": ("hub.yml", FORM_OF_ML, "is YAML", "az ml workspace show"),
    "a form of az ml by another ending": ("hub.json", FORM_OF_ML, "is YAML", "az ml workspace show"),
    "a form of az ml without its schema": (
        "w.yaml", "name: w\nmanaged_network:\n  isolation_mode: disabled\n", "is YAML", "az ml workspace show",
    ),
    "resources printed as YAML": (
        "all.yaml", "- id: /subscriptions/s/resourceGroups/g\n  name: g\n", "is YAML", "again with -o json",
    ),
    "other YAML": ("rules.yaml", "---\nrules:\n- a\n", "is YAML", "mapping file"),
    "half of an answer": ("a.json", '[{"id": "/subscriptions/s', "is not JSON", "save the whole answer again"),
    "a template with too many copies": ("main.json", json.dumps(COPIES), "is not worked out", "what-if"),
    "a ladder of brackets": ("deep.json", "[" * 3_000 + "]" * 3_000, "nested too deeply", "resources themselves"),
    "another snapshot": ("s.json", '{"schema": "allowlist/snapshot/v9"}', "says schema", "allowlist snapshot"),
    "properties that are a text": (
        "r.json", '{"id": "/subscriptions/s/resourceGroups/g", "properties": "x"}', "not an object", "az resource show",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_each_kind_of_refusal_has_its_own_advice(case: str, tmp_path: Path) -> None:
    name, text, problem, advice = REFUSED[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_snapshot(tmp_path / name)
    assert problem in str(refused.value)
    assert advice in refused.value.hint
    assert ("save the whole answer" in refused.value.hint) == (case == "half of an answer")


def test_blank_lines_without_an_end_are_told_at_once_to_be_no_yaml() -> None:
    refuse_yaml(" \n" * 1_900 + "!", "hub.json")
