"""Reading in columns against a plain reading line by line, over folders in which every kind of log is mixed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.helpers.laws import SHARE
from tests.helpers.many_logs import some_folder
from tests.helpers.plain_logs import read_plainly
from tests.helpers.traffic import counted, reading


@pytest.mark.parametrize("seed", range(round(24 * SHARE)))
def test_a_folder_of_everything_says_what_a_plain_reading_says(tmp_path: Path, seed: int) -> None:
    folder = some_folder(tmp_path / "logs", Random(seed))
    plain = read_plainly(folder)
    with reading([folder], tmp_path) as traffic:
        account = traffic.account
        assert dict(counted(traffic)) == dict(plain.flows)
        assert (account.understood, account.beside, account.missed, len(account.unread)) == (
            plain.understood, plain.beside, plain.broken, plain.unread,
        )  # fmt: skip


_FIELDS = '"SourceIp": "10.0.0.4", "DestinationPort": "443", "Protocol": "HTTPS", "Fqdn": "first.example", "Action": "Deny"'
_HEAD = '"time": "2026-11-23T09:10:00Z", "category": "AZFWApplicationRule", "properties": {' + _FIELDS
TWICE = ["{" + _HEAD + end for end in (
    ', "Fqdn": "second.example"}}',
    ', "Fqdn": null}}',
    ', "Action": "Allow"}}',
    '}, "time": "2026-11-25T09:10:00Z"}',
    '}, "category": "AZFWNatRule"}',
    '}, "properties": {"SourceIp": "10.0.0.5", "Fqdn": "third.example", "Action": "Allow"}}',
)]  # fmt: skip


def test_a_member_that_stands_twice_counts_as_it_stands_first(tmp_path: Path) -> None:
    """At every depth, also before a null and where a whole object stands twice."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "lines.json").write_text("".join(f"{line}\n" for line in TWICE))
    first = ("application", "10.0.0.4", "first.example", "", 443, "https", "deny", "", "2026-11-23")
    with reading([folder], tmp_path) as traffic:
        assert counted(traffic) == read_plainly(folder).flows == {first: len(TWICE)}
        assert not traffic.account.missed
