"""What is painted anew is what a whole picture shows there, whatever part of the screen it is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from textual._compositor import Compositor
from textual.geometry import Region

from allowlist_tui.painting import Covered, LineCompositor
from tests.helpers.laws import examples
from tests.helpers.screen import Person, drive
from tests.helpers.sessions import offline_session

_PARTS = (
    Region(0, 0, 200, 50),
    Region(0, 0, 1, 1),
    Region(30, 4, 95, 2),
    Region(20, 10, 120, 1),
    Region(126, 3, 74, 30),
    Region(29, 46, 171, 4),
    Region(150, 30, 50, 20),
    Region(0, 48, 200, 1),
)


def _painted(compositor: Compositor, part: Region) -> list[list[Segment]]:
    lines = compositor._render_chops(part, part.line_range.__contains__)
    found = []
    for y in part.line_range:
        ends = compositor.cuts[y][1:]
        for (x, strip), end in zip(lines[y].items(), ends, strict=True):
            if x < part.right and end > part.x:
                found.append(list(strip))
    return found


def test_a_part_is_painted_as_in_the_whole_picture_also_under_messages(tmp_path: Path) -> None:
    async def compare(person: Person) -> None:
        ours = person.main._compositor
        assert isinstance(ours, LineCompositor)
        for keys in (("down", "down"), ("m", "end"), ("tab",)):
            await person.press(*keys)
            person.app.say("something was said")
            await person.rest()
            theirs = Compositor()
            vars(theirs).update(vars(ours))
            for part in _PARTS:
                assert _painted(ours, part) == _painted(theirs, part), part

    drive(offline_session(tmp_path), compare)


def test_for_two_lines_of_the_table_only_its_two_lines_are_asked_for(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        region = person.table.content_region
        part = Region(region.x, region.y + 2, region.width - 1, 2)
        asked = [(whole, len(strips)) for whole, _, strips in person.main._compositor._get_renders(part)]
        assert asked == [(person.table.region, 2)]

    drive(offline_session(tmp_path), look)


_REGIONS = st.builds(Region, *(st.integers(0, 5),) * 2, *(st.integers(0, 6),) * 2)


@settings(max_examples=examples(200))
@given(
    st.builds(Region, st.just(1), st.just(1), st.integers(1, 4), st.integers(1, 4)),
    st.lists(_REGIONS, max_size=6),
)
def test_nothing_is_called_covered_that_is_not(region: Region, parts: list[Region]) -> None:
    covered = Covered(region)
    left = {(x, y) for x in region.column_range for y in region.line_range}
    for part in parts:
        inside = {(x, y) for x in part.column_range for y in part.line_range} & {
            (x, y) for x in region.column_range for y in region.line_range
        }
        assert covered.adds(part) == bool(inside)
        left -= inside
        assert not (covered.is_whole and left)


def test_a_region_is_covered_by_parts_beside_and_behind_each_other() -> None:
    covered = Covered(Region(0, 0, 10, 2))
    for part in (Region(4, 0, 1, 1), Region(0, 0, 5, 2)):
        assert covered.adds(part)
        assert not covered.is_whole
    assert covered.adds(Region(5, 0, 9, 9))
    assert covered.is_whole
