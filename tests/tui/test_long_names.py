"""Names that are longer than any name may be."""

from __future__ import annotations

from pathlib import Path

import msgspec

from allowlist_tui.explore import FINDING_COLUMNS
from allowlist_tui.widgets.lines import PlainTable
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


def test_of_a_line_of_findings_the_name_is_whole_before_target_and_reason_get_any_room() -> None:
    table = PlainTable(FINDING_COLUMNS)
    name = "contoso-research.cognitiveservices.azure.com"
    table.show(
        [(("✗ missing", "bad"), ("hub-firewall", "plain"), (name, "plain"), ("no rule matches", "muted"))]
    )
    for width, shown in ((60, {name}), (120, {name, "hub-firewall", "no rule matches"})):
        pieces = [text.strip() for text, _ in table.pieces(0, width)]
        assert name in pieces
        assert sum(len(text) for text, _ in table.pieces(0, width)) <= width
        assert shown <= set(pieces)
