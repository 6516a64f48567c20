"""What could not be read is a value: it survives a snapshot, and nothing is concluded from its words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unreadable import Unreadable
from allowlist.workflow.snapshotting import save_snapshot

ZONES = "Microsoft.Network/privateDnsZones"


def test_it_survives_a_snapshot(tmp_path: Path) -> None:
    lost = (
        Unreadable.listed(f"{ZONES}/A", "s-1", "the right to it is missing"),
        Unreadable.listed("Microsoft.Cdn/profiles", "s-2", "500 in subscription s-3: no"),
    )
    body = {"id": "/subscriptions/s/resourceGroups/g/providers/A.B/c/d", "properties": {}}
    save_snapshot(Estate.of([body], unreadable=lost), tmp_path / "state", dt.datetime.now(dt.UTC))
    assert set(read_snapshot(tmp_path / "state").unreadable) == set(lost)


@pytest.mark.parametrize(
    ("kind", "asked", "concerns"),
    [
        (ZONES, ZONES, True),
        (f"{ZONES}/virtualNetworkLinks", ZONES, True),
        (f"{ZONES}Other", ZONES, False),
        ("", ZONES, False),
    ],
)
def test_it_concerns_a_type_and_its_children(kind: str, asked: str, concerns: bool) -> None:
    assert Unreadable(kind, f"{ZONES} in words").is_of(asked) is concerns


def test_words_about_a_template_are_of_no_type() -> None:
    assert Unreadable.parse("the module net.bicep in main.json").kind == ""
