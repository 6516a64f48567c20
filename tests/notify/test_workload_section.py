"""Secrets of channels cannot stand in a workload file, and the file says where one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.errors import InvalidInput
from allowlist.workflow.workloads import read_workload
from tests.helpers.cli import FIREWALL_ONLY


def read(folder: Path, notification: str) -> None:
    path = folder / "allowlist.yaml"
    path.write_text((FIREWALL_ONLY).read_text() + f"\nnotifications:\n  - {notification}\n")
    read_workload(path)


@pytest.mark.parametrize(
    "notification",
    [
        "{channel: slack, url: env:SLACK_WEBHOOK}",
        "{channel: email, url: env:MAIL, events: [failed, drift]}",
        "{channel: webhook, url: https://hooks.contoso.example/allowlist, secret: env:HOOK_SECRET}",
        "{channel: webhook, url: env:HOOK, secret: env:HOOK_SECRET}",
    ],
)
def test_addresses_that_are_secrets_come_from_the_environment(tmp_path: Path, notification: str) -> None:
    read(tmp_path, notification)


@pytest.mark.parametrize(
    ("notification", "complaint"),
    [
        (
            "{channel: slack, url: 'https://hooks.slack.com/services/T/B/x'}",
            "holds the secret of a slack channel",
        ),
        ("{channel: email, url: 'mailtos://u:p@mail.example'}", "write env:NAME"),
        ("{channel: slack, url: env:SLACK, secret: env:S}", "only a webhook is signed"),
        ("{channel: webhook, url: env:HOOK}", "write secret: env:NAME"),
        ("{channel: webhook, url: env:HOOK, secret: hunter2}", "write secret: env:NAME"),
        ("{channel: webhook, url: 'https://u:p@hooks.example/', secret: env:S}", "seems to hold a secret"),
        (
            "{channel: webhook, url: 'https://hooks.example/?code=abc', secret: env:S}",
            "seems to hold a secret",
        ),
        ("{channel: webhook, url: hooks.example, secret: env:S}", "neither env:NAME nor an https address"),
        ("{channel: slack, url: 'env:'}", "write env:NAME"),
        ("{channel: pager, url: env:X}", "pager"),
        ("{channel: slack, url: env:X, events: [plan-redy]}", "plan-redy"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(
    tmp_path: Path, notification: str, complaint: str
) -> None:
    with pytest.raises(InvalidInput) as found:
        read(tmp_path, notification)
    assert complaint in str(found.value)
    assert all(problem.line for problem in found.value.problems)
    assert "hunter2" not in str(found.value)
