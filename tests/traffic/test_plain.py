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
