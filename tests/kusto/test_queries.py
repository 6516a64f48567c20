"""What log services are asked, judged by Kusto's own language service (@kusto/language-service-next). Run by ``make kusto``."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from allowlist.traffic.kql import COUNTS, LEGACY, TABLES, how_many, question
from allowlist.traffic.shapes import MEMBERS, Shape

MODULES = os.environ.get("ALLOWLIST_KUSTO", "")
pytestmark = pytest.mark.skipif(not MODULES, reason="run by make kusto")

START = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
# Columns as Azure Monitor's reference of each table has them; a table need not have them all.
ENDS = "TimeGenerated: datetime, _ResourceId: string, SourceIp: string, SourcePort: int, Protocol: string, Action: string"
RULE = (
    "Policy: string, RuleCollectionGroup: string, RuleCollection: string, Rule: string, ActionReason: string"
)
SCHEMAS = {
    "AZFWApplicationRule": f"({ENDS}, {RULE}, Fqdn: string, DestinationPort: int)",
    "AZFWNetworkRule": f"({ENDS}, {RULE}, DestinationIp: string, DestinationPort: int)",
    "AZFWNatRule": f"({ENDS}, {RULE}, DestinationIp: string, DestinationPort: int)",
    "AZFWThreatIntel": f"({ENDS}, Fqdn: string, DestinationPort: int, ThreatDescription: string)",
    "AZFWDnsQuery": "(TimeGenerated: datetime, _ResourceId: string, SourceIp: string, SourcePort: int, QueryName: string)",
    LEGACY: "(TimeGenerated: datetime, ResourceId: string, _ResourceId: string, Category: string, msg_s: string, SourceIP: string, "
    "DestinationPort_d: real, Protocol_s: string, Fqdn_s: string, Action_s: string, Rule_s: string)",
}


def _judged(*queries: str) -> list[dict[str, Any]]:
    given = json.dumps({"tables": SCHEMAS, "queries": queries})
    command = ["node", str(Path(__file__).with_name("validate.cjs")), str(Path(MODULES).resolve())]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("table", TABLES)
def test_every_question_is_valid_and_brings_the_columns_that_are_read(table: str) -> None:
    asked, counted = _judged(question(table, START, START + DAY), how_many(table, START, START + DAY))
    assert (asked["complaints"], counted["complaints"]) == ([], [])
    assert counted["columns"] == {"n": "long"}
    assert asked["columns"].keys() - {"Resource"} <= MEMBERS[Shape.COUNTED].keys()
    assert asked["columns"].keys() >= {*COUNTS, "Type", "Resource"}
    assert {kind for name, kind in asked["columns"].items() if name not in ("n", "hours")} == {"string"}
    assert (asked["columns"]["n"], asked["columns"]["hours"]) == ("long", "long")


def test_what_is_wrong_is_complained_of() -> None:
    strange, wrong = _judged("AZFWOther | count", "AZFWNatRule | where Nope == 1")
    assert "AZFWOther" in strange["complaints"][0]
    assert "Nope" in wrong["complaints"][0]
