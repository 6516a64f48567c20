"""Every body Azure really sent is read without loss, and written back untouched where it is not ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Estate, fingerprint
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread
from allowlist.points.classic.translate import to_ruleset as classic_ruleset
from allowlist.points.firewall.compose import compose
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.model import ApplicationRule, NetworkRule
from tests.helpers.shared import files_of


def bodies_of(file: Path) -> list[dict[str, Any]]:
    """Every resource in the answers of a recording, the last state of each, as ARM returned it."""
    return list(
        {normal_id(body["id"]): body for body in _answers(json.loads(file.read_text("utf-8")))}.values()
    )


def _answers(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _answers(item)
    elif isinstance(value, dict):
        if str(value.get("id", "")).startswith("/subscriptions/") and isinstance(
            value.get("properties"), dict
        ):
            yield value
            return
        for key, item in value.items():
            if key != "request":
                yield from _answers(item)


@pytest.mark.parametrize("file", files_of("recordings"))
def test_a_recorded_estate_is_read_and_kept_whole(file: Path, tmp_path: Path) -> None:
    bodies = bodies_of(file)
    (tmp_path / "state.json").write_text(json.dumps({"value": bodies}), "utf-8")
    if not bodies:
        assert not read_snapshot(tmp_path).resources
        return

    estate = read_snapshot(tmp_path)

    read = {key: body for key, body in estate.resources.items() if not is_unread(body)}
    assert read == {normal_id(body["id"]): body for body in bodies}
    assert all(fingerprint(body).startswith("sha256:") for body in estate.resources.values())


@pytest.mark.parametrize("file", files_of("recordings/azure-firewall"))
def test_every_recorded_rule_becomes_a_neutral_rule(file: Path) -> None:
    bodies = bodies_of(file)
    estate = Estate.of(bodies)
    for body in bodies:
        kind = ResourceId(body["id"]).type
        if kind == "microsoft.network/firewallpolicies":
            parent = (body["properties"].get("basePolicy") or {}).get("id")
            if parent and estate.get(parent) is None:
                continue
            ruleset = to_ruleset(estate, body["id"])
            wanted = sum(
                len(collection.get("rules") or ())
                for group in estate.children(body["id"], "ruleCollectionGroups")
                for collection in group["properties"].get("ruleCollections") or ()
            )
            inherited = 0
            if parent:
                above = to_ruleset(estate, parent)
                inherited = len(above.dnat) + len(above.network) + len(above.application)
            assert len(ruleset.dnat) + len(ruleset.network) + len(ruleset.application) == wanted + inherited
            assert not any(
                rule.unmodelled
                for rule in chain[NetworkRule | ApplicationRule](ruleset.network, ruleset.application)
            )
        elif kind == "microsoft.network/azurefirewalls":
            ruleset = classic_ruleset(estate, body)
            keys = ("natRuleCollections", "networkRuleCollections", "applicationRuleCollections")
            wanted = sum(
                len(item["properties"].get("rules") or ())
                for key in keys
                for item in body["properties"].get(key) or ()
            )
            assert len(ruleset.dnat) + len(ruleset.network) + len(ruleset.application) == wanted
            assert not any(
                rule.unmodelled
                for rule in chain[NetworkRule | ApplicationRule](ruleset.network, ruleset.application)
            )


@pytest.mark.parametrize("file", files_of("recordings/azure-firewall"))
def test_foreign_collections_go_back_as_they_came(file: Path) -> None:
    from allowlist.plan.model import Operation

    for body in bodies_of(file):
        if not ResourceId(body["id"]).type.endswith("/rulecollectiongroups"):
            continue
        add = Operation(
            action="add",
            surface="firewall-policy",
            resource=body["id"],
            path=("ours", "rule"),
            after={"ruleType": "ApplicationRule", "name": "rule"},
            context={"groupPriority": 100, "collectionPriority": 100, "action": "Allow"},
        )
        (write,) = compose(Estate.of([body]), [add])
        assert write.body is not None
        sent = write.body["properties"]["ruleCollections"]
        assert sent[:-1] == (body["properties"].get("ruleCollections") or [])
        assert {key for key in body["properties"] if key not in write.body["properties"]} <= {
            "provisioningState",
            "size",
        }
