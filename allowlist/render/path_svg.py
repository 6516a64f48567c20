"""Where everything stands in the drawing of a subnet's path: source → security group → route → DNS → firewall → service.

The template draws it; colours come from the page's style sheet, words and glyphs say the same without colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from allowlist.network.observation import State
from allowlist.network.path import Disposition, Stage, Step
from allowlist.network.posture import Finding, SubnetPath
from allowlist.render.posture import is_worse, stage_glyph

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
_BAD = Disposition.BLOCKED.value
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
    def of(cls, path: SubnetPath, worst_at: Callable[[Step], Finding | None] = lambda _: None) -> Drawing:
        """``worst_at`` gives the gravest finding about a stage: a stage that passes is then no better than that."""
        boxes = tuple(_box(number, step, worst_at(step)) for number, step in enumerate(path.steps, 1))
        said = ", ".join(f"{box.title} {box.word}" for box in boxes)
        return cls(
            label=f"Path of {path.subnet}: {said}",
            width=_x(len(path.steps)) + _WIDTH + _LEFT,
            boxes=(_source(path), *boxes),
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


def _box(number: int, step: Step, worst: Finding | None) -> Box:
    kind, word = step.disposition.value, _WORDS[step.disposition]
    if worst is not None and is_worse(worst, step):
        is_bad = worst.observation.state is State.NOT_MET
        kind, word = (_BAD, "not as it should be") if is_bad else (Disposition.UNKNOWN.value, "not known")
    found = f"; {worst.id}: {worst.observation.says}" if worst else ""
    return Box(
        x=_x(number),
        kind=kind,
        title=_TITLES[step.stage],
        glyph=stage_glyph(step, worst),
        name=step.name,
        word=word,
        tip=f"{_TITLES[step.stage]}: {step.says}{found}",
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
