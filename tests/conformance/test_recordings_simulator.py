"""The same requests as in a recording of real Azure get the same statuses, headers, bodies and stages."""

import json
from pathlib import Path

import pytest

from tests.helpers.replay import Replay
from tests.helpers.shared import files_of


@pytest.mark.parametrize("file", files_of("recordings/azure-firewall"))
def test_the_simulator_answers_as_the_service_did(file: Path) -> None:
    exchanges = json.loads(file.read_text(encoding="utf-8"))

    assert list(Replay().run(exchanges)) == []
