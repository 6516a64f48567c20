"""Where everything stands in the drawing of a subnet's path: source → security group → route → DNS → firewall → service.

The template draws it; colours come from the page's style sheet, words and glyphs say the same without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from allowlist.network.path import Disposition, Stage, Step
from allowlist.network.posture import SubnetPath
from allowlist.render.posture import DISPOSITION_GLYPHS

_TITLES = {
    Stage.SECURITY_GROUP: "Security group",
    Stage.ROUTE: "Route",
    Stage.DNS: "DNS",
    Stage.FIREWALL: "Firewall",
    Stage.SERVICE: "Service",
}
_WORDS = {
    Disposition.PASSES: "passes",
    Disposition.PARTLY: "partly",
    Disposition.BLOCKED: "blocked",
    Disposition.AROUND: "goes around",
    Disposition.ASIDE: "not on the way",
    Disposition.UNKNOWN: "unknown",
}
_WIDTH, _GAP, _HEIGHT, _TOP, _LEFT = 148, 28, 96, 40, 4
BOX: Final = {"box_width": _WIDTH, "box_height": _HEIGHT, "top": _TOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    x: int
    kind: str
    title: str
    glyph: str
    name: str
    word: str
    tip: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """The line into a box; ``quiet`` where the flow does not come there."""

    start: int
    end: int
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """``detour`` is from where to where a flow goes around the firewall, None where it does not."""

    label: str
    width: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    detour: tuple[int, int] | None
    middle: int = _TOP + _HEIGHT // 2

    @classmethod
    def of(cls, path: SubnetPath) -> Drawing:
        said = ", ".join(f"{_TITLES[step.stage]} {_WORDS[step.disposition]}" for step in path.steps)
        return cls(
            label=f"Path of {path.subnet}: {said}",
            width=_x(len(path.steps)) + _WIDTH + _LEFT,
            boxes=(_source(path), *(_box(number, step) for number, step in enumerate(path.steps, 1))),
            arrows=tuple(_arrow(number, step) for number, step in enumerate(path.steps, 1)),
            detour=_detour(path.steps),
        )

    @property
    def above(self) -> int:
        """Where the picture begins: a detour needs room over the boxes."""
        return 0 if self.detour else _TOP - 4

    @property
    def height(self) -> int:
        return _TOP + _HEIGHT + 4 - self.above


def _x(number: int) -> int:
    return _LEFT + number * (_WIDTH + _GAP)


def _source(path: SubnetPath) -> Box:
    tip = f"{path.subnet} {path.addresses}"
    return Box(
        x=_x(0), kind="source", title="Source", glyph="▣", name=path.subnet, word=path.addresses, tip=tip
    )


def _box(number: int, step: Step) -> Box:
    return Box(
        x=_x(number),
        kind=step.disposition.value,
        title=_TITLES[step.stage],
        glyph=DISPOSITION_GLYPHS[step.disposition],
        name=step.name,
        word=_WORDS[step.disposition],
        tip=f"{_TITLES[step.stage]}: {step.says}",
    )


def _arrow(number: int, step: Step) -> Arrow:
    return Arrow(
        _x(number) - _GAP + 3, _x(number) - 4, step.disposition in (Disposition.ASIDE, Disposition.BLOCKED)
    )


def _detour(steps: tuple[Step, ...]) -> tuple[int, int] | None:
    """A flow that goes around the firewall is drawn around it."""
    route = next((n for n, step in enumerate(steps, 1) if step.disposition is Disposition.AROUND), None)
    service = next((n for n, step in enumerate(steps, 1) if step.stage is Stage.SERVICE), None)
    if route is None or service is None:
        return None
    return _x(route) + _WIDTH // 2, _x(service) + _WIDTH // 2
