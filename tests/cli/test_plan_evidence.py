"""``plan --evidence``: which real flows each change opens or closes, and removals that nothing used."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.simulator.traffic import write_logs
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import load_project, read_estate
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist, on_contoso
from tests.helpers.traffic import FIREWALL, START, allowed, event, write

AGENT = "10.40.0.4"
WEU = f"{FIREWALL.partition('/resourceGroups/')[0]}/resourceGroups/rg-hub-weu/providers/Microsoft.Network/azureFirewalls/afw-weu"
"""The firewall that carries the policy of the example company."""


NO_LONGER = """
  - id: old
    pattern: old.example
    ports: ["https:443"]
    owner: o
    reason: r
    expires: "2030-01-01"
"""


def _applied(folder: Path) -> Path:
    """The example company after a plan that also let old.example through."""
    workload = folder / "before.yaml"
    text = FIREWALL_ONLY.read_text()
    workload.write_text(text.replace("\nrequirements:\n", f"\nrequirements:{NO_LONGER}", 1))
    project = load_project(workload, now=dt.datetime.now(dt.UTC))
    (spec,) = project.targets()
    estate = read_estate(project, [spec], CONTOSO)
    point = project.point(spec)
    changes = make_plan(project, estate, [spec]).changes
    after = point.after(estate, point.compose(estate, [one.operation for one in changes]))
    snapshot = folder / "after.json"
    snapshot.write_text(json.dumps(list(after.resources.values())))
    return snapshot


def _plan(folder: Path, *more: object, gates: str = "", snapshot: Path = CONTOSO) -> dict[str, Any]:
    workload = folder / "allowlist.yaml"
    workload.write_text(FIREWALL_ONLY.read_text() + gates)
    result = allowlist("plan", "--workload", workload, "--snapshot", snapshot, "--json", *more)
    assert result.code == 0, result.err
    found: dict[str, Any] = result.json
    return found


def _change(plan: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        one for one in plan["changes"] if any(ref["pattern"] == name for ref in one.get("requirements", ()))
    )


def _quiet(days: int) -> list[Any]:
    """A flow to a name that no change is about in every hour of the last ``days``."""
    end = int(dt.datetime.now(dt.UTC).timestamp()) * 10**7
    return [
        event(0, "elsewhere.example", ticks=end - hour * 3600 * 10**7, source="10.99.0.1")
        for hour in range(days * 24 + 1)
    ]


def test_a_change_says_which_seen_flows_it_opens(tmp_path: Path) -> None:
    flows = [event(minute, "models.research.contoso.com", source=AGENT) for minute in range(5)]
    plan = _plan(tmp_path, "--evidence", write(tmp_path / "logs", flows))
    said = _change(plan, "models.research.contoso.com")["traffic"]
    assert said == ["opens 5 flows seen: models.research.contoso.com https:443"]
    assert all(one["traffic"] for one in plan["changes"])


def test_evidence_changes_nothing_that_is_approved(tmp_path: Path) -> None:
    flows = [event(minute, "models.research.contoso.com", source=AGENT) for minute in range(5)]
    with_logs = _plan(tmp_path, "--evidence", write(tmp_path / "logs", flows))
    without = _plan(tmp_path)
    assert [one["digest"] for one in with_logs["changes"]] == [one["digest"] for one in without["changes"]]


def _logged(folder: Path, flows: list[Any], firewall: str = WEU) -> Path:
    write_logs(flows, folder, firewall=firewall, shapes=("storage",))
    return folder


def _removals(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in plan["changes"] if one["operation"]["action"] == "remove"]


def _braked(plan: dict[str, Any]) -> set[str]:
    return {
        change for gate in plan.get("gates", ()) if gate["id"] == "removals" for change in gate["changes"]
    }


def test_a_removal_without_traffic_passes_its_gate_where_the_workload_says_so(tmp_path: Path) -> None:
    logs = _logged(tmp_path / "logs", _quiet(3))
    after = _applied(tmp_path)
    plan = _plan(tmp_path, snapshot=after)
    gone = {one["id"] for one in _removals(plan)}
    assert len(gone) == 1
    assert gone <= _braked(plan)
    assert gone <= _braked(_plan(tmp_path, "--evidence", logs, snapshot=after))
    assert gone <= _braked(
        _plan(tmp_path, "--evidence", logs, snapshot=after, gates="\ngates: {unused_days: 4}\n")
    )
    assert not gone & _braked(
        _plan(tmp_path, "--evidence", logs, snapshot=after, gates="\ngates: {unused_days: 2}\n")
    )


WRITTEN_BY = {
    "another firewall's": FIREWALL,
    "one of its name elsewhere": WEU.replace("0001/", "0002/"),
    "another resource group's": WEU.replace("rg-hub-weu", "rg-hub-neu"),
}
"""Logs that are whole, and are of another estate than the plan."""

SPOILT = ("a flow", "an hour", "a line", "old", "begun late", "to come", *WRITTEN_BY)


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_removal_stays_braked_where_anything_speaks_against_it(tmp_path: Path, spoilt: str) -> None:
    after = _applied(tmp_path)
    (one,) = _removals(_plan(tmp_path, snapshot=after))
    flows = _quiet(3)
    if spoilt == "a flow":
        collection, rule = one["operation"]["path"][-2:]
        flows.append(allowed(0, "x.example", ticks=flows[5].ticks, source=AGENT, rule=rule))
        flows[-1] = type(flows[-1])(**{**_fields(flows[-1]), "collection": collection, "policy": "afwp-weu"})
    elif spoilt == "an hour":
        del flows[20:22]
    elif spoilt == "old":
        del flows[:26]
    elif spoilt == "begun late":
        del flows[40:]
        _logged(tmp_path / "logs" / "other", _quiet(3), FIREWALL)
    elif spoilt == "to come":
        del flows[:30]
        flows.append(type(flows[0])(**{**_fields(flows[0]), "ticks": flows[0].ticks + 60 * 36000000000}))
    logs = _logged(tmp_path / "logs", flows, WRITTEN_BY.get(spoilt, WEU))
    if spoilt == "a line":
        (logs / "more.json").write_text('{"time": "x", "category": "y", "properties": {}}\n')
    assert one["id"] in _braked(
        _plan(tmp_path, "--evidence", logs, snapshot=after, gates="\ngates: {unused_days: 2}\n")
    )


def _fields(one: Any) -> dict[str, Any]:
    import dataclasses

    return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}


def test_a_plan_in_words_shows_traffic_beside_the_proofs(tmp_path: Path) -> None:
    flows = [event(0, "models.research.contoso.com", source=AGENT, ticks=START)]
    logs = write(tmp_path / "logs", flows)
    out = on_contoso("plan", "--evidence", logs, "--details", "--report", f"comment={tmp_path}/c.md").out
    assert "traffic: opens 1 flow seen" in out
    assert "traffic: opens 1 flow seen" in (tmp_path / "c.md").read_text()
