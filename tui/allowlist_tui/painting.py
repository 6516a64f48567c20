"""Painting only what is painted anew.

For two changed lines Textual asks every widget of the screen for all of its lines, those behind other widgets too, and
throws away all but two: on a large terminal that is what a key costs most.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class LineCompositor(Compositor):
    """Asks widgets only for lines of the region to paint, and none that stands wholly behind others."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        crop = crop or self.size.region
        lines = Region(0, crop.y, self.size.width, crop.height)
        covered = Covered(crop)
        for widget, (region, clip) in self.visible_widgets.items():  # from front to back
            shown = region.intersection(clip).intersection(lines)
            if covered.adds(shown):
                yield region, shown, widget.render_lines(shown.translate(-region.offset))
            if covered.is_whole:
                return


class Covered:
    """How much of a region is covered; where parts cross each other never more is said than is true."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._parts: list[Region] = []

    @property
    def is_whole(self) -> bool:
        return sum(part.area for part in self._parts) >= self._region.area

    def adds(self, other: Region) -> bool:
        """Whether ``other`` has a part in the region, which it covers from now on."""
        part = other.intersection(self._region)
        if not part:
            return False
        apart = [before for before in self._parts if not part.contains_region(before)]
        if not any(part.overlaps(before) for before in apart):
            self._parts = [*apart, part]
        return True
