"""Published example payloads are read without loss, whatever resource they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread
from allowlist.points.classic.translate import to_ruleset as classic_ruleset
from tests.helpers.shared import files_of


def _bodies(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if str(value.get("id", "")).startswith("/subscriptions/") and isinstance(
            value.get("properties"), dict
        ):
            yield value
        else:
            for item in value.values():
                yield from _bodies(item)
    elif isinstance(value, list):
        for item in value:
            yield from _bodies(item)


@pytest.mark.parametrize("file", files_of("arm-examples"))
def test_a_published_example_is_read_without_loss(file: Path, tmp_path: Path) -> None:
    bodies = list(
        {normal_id(body["id"]): body for body in _bodies(json.loads(file.read_text("utf-8")))}.values()
    )
    (tmp_path / "state.json").write_text(json.dumps(bodies), "utf-8")

    estate = read_snapshot(tmp_path)

    read = [body for body in estate.resources.values() if not is_unread(body)]
    assert read == bodies
    for body in bodies:
        if ResourceId(body["id"]).type == "microsoft.network/azurefirewalls":
            classic_ruleset(Estate.of(bodies), body)
