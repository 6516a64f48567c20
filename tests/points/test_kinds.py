"""What every kind of enforcement point keeps, and that the page about adding one tells all of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from allowlist.catalog.model import Consumer
from allowlist.errors import AllowlistError
from allowlist.points.kind import Kind, kind_of, kinds
from allowlist.points.point import Point, Target

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-an-enforcement-point.md").read_text("utf-8")


def test_every_folder_with_a_kind_is_registered_under_its_own_name() -> None:
    folders = {file.parent.name for file in (ROOT / "allowlist" / "points").glob("*/kind.py")}
    assert {kind.load.__module__.split(".")[-2] for kind in kinds().values()} == folders
    assert all(name == kind.name for name, kind in kinds().items())


@pytest.mark.parametrize("name", kinds())
def test_a_kind_loads_a_point_that_says_everything(name: str) -> None:
    kind = kind_of(name)
    target = Target(name="t", workload="w", surface=name, resource="/x", delete="sync", options={})
    point = kind.bind(target)
    assert isinstance(point, Point)
    assert point.name == "t"
    assert kind.consumers <= {consumer.value for consumer in Consumer}
    assert "no_such_option" in dict(point.find_option_faults({"no_such_option": 1}))


def test_an_unknown_kind_is_told_with_the_nearest_one() -> None:
    with pytest.raises(AllowlistError, match="did you mean 'hub-network'"):
        kind_of("hub-netwerk")


def test_the_page_about_adding_a_kind_names_every_part() -> None:
    fields = [field.name for field in msgspec.structs.fields(Kind)]
    for part in (*fields, *sorted(Point.__abstractmethods__)):
        assert f"`{part}`" in PAGE, part


def test_the_readme_names_every_kind() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in kinds() if f"`{name}`" not in readme] == []
