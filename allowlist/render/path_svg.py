"""The path of a subnet's traffic as an inline SVG: source → security group → route → DNS → firewall → service."""

from __future__ import annotations

from html import escape

from allowlist.network.path import Course, Stage, Step
from allowlist.network.posture import SubnetPath
from allowlist.render.posture import COURSE_GLYPHS

_TITLES = {
    Stage.SECURITY_GROUP: "Security group",
    Stage.ROUTE: "Route",
    Stage.DNS: "DNS",
    Stage.FIREWALL: "Firewall",
    Stage.SERVICE: "Service",
}
_WORDS = {
    Course.PASSES: "passes",
    Course.PARTLY: "partly",
    Course.BLOCKED: "blocked",
    Course.AROUND: "goes around",
    Course.ASIDE: "not on the way",
    Course.UNKNOWN: "unknown",
}
_WIDTH, _GAP, _HEIGHT, _TOP, _LEFT = 148, 28, 96, 40, 4


def path_svg(path: SubnetPath) -> str:
    """One diagram; colours come from the page's style sheet, words and glyphs say the same without colour."""
    boxes = [_source(path), *(_box(number, step) for number, step in enumerate(path.steps, 1))]
    arrows = [_arrow(number, step) for number, step in enumerate(path.steps, 1)]
    detour = _detour(path.steps)
    width = _x(len(path.steps)) + _WIDTH + _LEFT
    label = f"Path of {path.subnet}: " + ", ".join(
        f"{_TITLES[step.stage]} {_WORDS[step.course]}" for step in path.steps
    )
    above = 0 if detour else _TOP - 4
    return (
        f'<svg class="path" viewBox="0 {above} {width} {_TOP + _HEIGHT + 4 - above}" role="img" '
        f'aria-label="{escape(label, quote=True)}">{"".join([*arrows, *detour, *boxes])}</svg>'
    )


def _x(number: int) -> int:
    return _LEFT + number * (_WIDTH + _GAP)


def _source(path: SubnetPath) -> str:
    return _drawn(0, "source", "Source", "▣", path.subnet, path.addresses, f"{path.subnet} {path.addresses}")


def _box(number: int, step: Step) -> str:
    title = f"{_TITLES[step.stage]}: {step.says}"
    return _drawn(
        number,
        step.course.value,
        _TITLES[step.stage],
        COURSE_GLYPHS[step.course],
        step.name,
        _WORDS[step.course],
        title,
    )


def _drawn(number: int, kind: str, title: str, glyph: str, name: str, word: str, tip: str) -> str:
    x, middle = _x(number), _x(number) + _WIDTH // 2
    return (
        f'<g class="stop {kind}"><title>{escape(tip)}</title>'
        f'<rect x="{x}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" rx="12"/>'
        f'<text class="stage" x="{middle}" y="{_TOP + 24}">{escape(title)}</text>'
        f'<text class="name" x="{middle}" y="{_TOP + 50}">{escape(_short(name))}</text>'
        f'<text class="word" x="{middle}" y="{_TOP + 76}">{glyph} {escape(_short(word))}</text></g>'
    )


def _short(text: str) -> str:
    return text if len(text) <= 17 else text[:16] + "…"


def _arrow(number: int, step: Step) -> str:
    """The line into a box; dashed where the flow does not come there."""
    start, end, y = _x(number) - _GAP + 3, _x(number) - 4, _TOP + _HEIGHT // 2
    quiet = " quiet" if step.course in (Course.ASIDE, Course.BLOCKED) else ""
    return (
        f'<path class="arrow{quiet}" d="M{start} {y}H{end - 6}"/>'
        f'<path class="head{quiet}" d="M{end - 7} {y - 5}L{end} {y}L{end - 7} {y + 5}Z"/>'
    )


def _detour(steps: tuple[Step, ...]) -> list[str]:
    """A flow that goes around the firewall is drawn around it."""
    route = next((n for n, step in enumerate(steps, 1) if step.course is Course.AROUND), None)
    service = next((n for n, step in enumerate(steps, 1) if step.stage is Stage.SERVICE), None)
    if route is None or service is None:
        return []
    start, end = _x(route) + _WIDTH // 2, _x(service) + _WIDTH // 2
    line = f"M{start} {_TOP}C{start} 4 {end} 4 {end} {_TOP - 7}"
    head = f"M{end - 5} {_TOP - 8}L{end} {_TOP - 1}L{end + 5} {_TOP - 8}Z"
    word = f'<text class="detour-word" x="{(start + end) // 2}" y="28">around the firewall</text>'
    return [f'<path class="detour" d="{line}"/>', f'<path class="detour-head" d="{head}"/>', word]
