"""Sources read by ``@cdktf/hcl2json`` beside the plan that Terraform makes of them: what is said for certain is the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread
from tests.terraform.started import BINARY, ROOT, Terraform
from tests.terraform.test_plans import BASE, UNKNOWN, collection, group

pytestmark = pytest.mark.skipif(
    not (ROOT and BINARY and os.environ.get("NODE_PATH")),
    reason="run by make terraform, where node is installed",
)
VARIABLES = """
variable "host" {
  default = "from-variable.example"
}
locals {
  hosts = ["l1.example", "l2.example"]
  yes   = true
}
"""
HEREDOC = """<<-EOT
    heredoc.example
  EOT"""
SOURCES = {
    "plain": group("g", collection('"a.example"', '"b.example"')),
    "a variable": group("g", collection('"a.example"', "var.host")),
    "a local as the whole list": group("g", collection().replace("[]", "local.hosts")),
    "a list put together": group("g", collection().replace("[]", 'concat(local.hosts, ["a.example"])')),
    "a template": group("g", collection('"x-${var.host}"', '"%{ if local.yes }if.example%{ endif }"')),
    "an escaped template": group("g", collection('"a.example"', '"$${literal}"', '"%%{literal}"')),
    "escapes": group("g", collection('"\\u0061.example"', '"q\\"uote"')),
    "a heredoc": f"locals {{\n  long = {HEREDOC}\n}}\n" + group("g", collection("chomp(local.long)")),
    "a condition": group("g", collection('local.yes ? "yes.example" : "no.example"')),
    "a for": group("g", collection().replace("[]", '[for one in local.hosts : "w-${one}"]')),
    "unset": group("g", collection('"a.example"').replace("source_addresses", "terminate_tls = null\n source_addresses")),
    "counted": group("g", collection('"a.example"'), more="count = 1"),
    "counted to nothing": group("g", collection('"a.example"'), more="count = 0"),
    "for each": group("g", collection('"a.example"'), called="each.key", more='for_each = toset(["k"])'),
    "a name made of parts": group("g", collection('"a.example"'), called='"n-${var.host}"'),
    "dynamic beside a block": group(
        "g",
        collection('"a.example"'),
        """
  dynamic "application_rule_collection" {
    for_each = { d1 = "dynamic.example" }
    content {
      name     = application_rule_collection.key
      priority = 300
      action   = "Deny"
      rule {
        name              = "d"
        source_addresses  = ["*"]
        destination_fqdns = [application_rule_collection.value]
      }
    }
  }
""",
    ),
    "a number as text": group("g", collection('"a.example"').replace("port = 443", 'port = "443"')),
    "known after apply": UNKNOWN + group("g", collection('"a.example"', "terraform_data.later.output")),
    "decoded": group("g", collection().replace("[]", 'jsondecode("[\\"j.example\\"]")')),
    "comments": "# one\n// two\n/* three */\n" + group("g", collection('"a.example"')),
}  # fmt: skip


def _rules(file: Path) -> dict[str, Any] | None:
    """The collections of every group by its name; None where a group is not read. Sources do not know the policy's group."""
    found: dict[str, Any] = {}
    estate = read_snapshot(file)
    for body in estate.of_type("Microsoft.Network/firewallPolicies/ruleCollectionGroups"):
        if is_unread(body):
            return None
        found[str(body["name"])] = body["properties"].get("ruleCollections")
    return None if any(True for _ in estate.unreadable) and not found else found


def _agrees(said: Any, true: Any) -> bool:
    """Is everything that is said for certain so? An unknown list may be any."""
    if isinstance(said, str) and said.startswith("["):
        return True
    if isinstance(said, dict):
        return isinstance(true, dict) and all(
            _agrees(item, true.get(key)) for key, item in said.items() if item not in (None, [], "")
        )
    if isinstance(said, list):
        return isinstance(true, list) and (
            any(isinstance(item, str) and item.startswith("[") for item in said)
            or (len(said) == len(true) and all(map(_agrees, said, true)))
        )
    return str(said).lower() == str(true).lower()


@pytest.mark.parametrize("name", SOURCES)
def test_sources_say_nothing_for_certain_that_the_plan_does_not_say(name: str, tmp_path: Path) -> None:
    text = VARIABLES + BASE + SOURCES[name]
    terraform = Terraform(tmp_path)
    true = _rules(terraform.plan(text))
    assert true is not None
    said = _rules(tmp_path / "main.tf")
    if said is None:
        return
    for known, collections in said.items():
        assert "known-after-apply" in known or known in true, (known, true)
        assert known not in true or _agrees(collections, true[known]), (collections, true[known])
    assert said.keys() >= true.keys() or any("known-after-apply" in known for known in said), (said, true)


def test_another_file_that_overrides_a_resource_is_not_a_second_resource(tmp_path: Path) -> None:
    terraform = Terraform(tmp_path)
    terraform.write(
        'resource "azurerm_firewall_policy_rule_collection_group" "g" {\n  priority = 999\n}\n',
        "main_override.tf",
    )
    terraform.plan(BASE + SOURCES["plain"])
    said = _rules(terraform.folder)
    assert said is None or "g" not in said or "priority" in str(said)
