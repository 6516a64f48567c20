"""Names that are longer than any name may be."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.helpers.plans import a_change, a_plan
from tests.helpers.screen import Person, drive
from tests.helpers.sessions import offline_session

LONG = "n" * 10_000 + ".example"


def test_a_name_of_ten_thousand_letters_leaves_room_for_the_rest(tmp_path: Path) -> None:
    change = msgspec.structs.replace(a_change("h.example"), title=f"add {LONG}", reason=LONG)

    async def look(person: Person) -> None:
        assert "What it does" in person.screen_text
        assert LONG in person.why, "what is copied is whole"

    drive(offline_session(tmp_path, a_plan(change)), look)
