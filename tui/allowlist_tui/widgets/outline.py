"""The left pane: targets, their scenarios, their changes, each with its count and its worst risk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual.binding import Binding, BindingType

from allowlist.plan.model import Change, Plan, Risk
from allowlist.workflow.review import State
from allowlist_tui.look import ACTIONS, RISKS, STATES, Piece
from allowlist_tui.text import safe
from allowlist_tui.why import title_of
from allowlist_tui.widgets.lines import Lines, fitted

_Scenario = tuple[str, str]
_RISK_ORDER = {risk: place for place, risk in enumerate(Risk)}


@dataclass(slots=True)
class Node:
    """One line of the outline. ``places`` are the changes below it; leaves are made when it is opened."""

    text: str
    depth: int
    places: Sequence[int]
    worst: Risk
    children: list[Node] = field(default_factory=list)
    is_open: bool = False
    change: Change | None = None


def build_outline(plan: Plan) -> Node:
    """The tree of a plan, without the changes themselves."""
    groups: dict[str, dict[_Scenario, list[int]]] = {target.name: {} for target in plan.targets}
    for place, change in enumerate(plan.changes):
        groups.setdefault(change.target, {}).setdefault(_scenario(change), []).append(place)
    risks = [change.risk for change in plan.changes]
    return Node(
        text="all changes",
        depth=0,
        places=range(len(risks)),
        worst=_worst(risks, range(len(risks))),
        children=[_target(name, scenarios, risks) for name, scenarios in groups.items()],
        is_open=True,
    )


def _scenario(change: Change) -> _Scenario:
    if not change.requirements:
        return "no longer wanted", ""
    first = change.requirements[0]
    return (first.catalog, first.scenario) if first.scenario else ("own requirements", "")


def _target(name: str, scenarios: dict[_Scenario, list[int]], risks: Sequence[Risk]) -> Node:
    alone = Counter(catalog for catalog, _ in scenarios)
    children = [
        Node(
            text=catalog if alone[catalog] == 1 else f"{scenario} · {catalog}",
            depth=2,
            places=places,
            worst=_worst(risks, places),
        )
        for (catalog, scenario), places in scenarios.items()
    ]
    places = sorted(place for child in children for place in child.places)
    return Node(
        text=name, depth=1, places=places, worst=_worst(risks, places), children=children, is_open=True
    )


def _worst(risks: Sequence[Risk], places: Sequence[int]) -> Risk:
    found = {risks[place] for place in places}
    return max(found, key=lambda risk: _RISK_ORDER[risk], default=Risk.LOW)


class Outline(Lines):
    """A tree as lines; only open branches have any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "expand", "unfold", show=False, id="unfold"),
        Binding("left,h", "collapse", "fold", show=False, id="fold"),
        Binding("enter", "fold", "fold or unfold", show=False, id="toggle-fold"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._branches: list[Node] = []
        self._root: Node | None = None
        self._changes: Sequence[Change] = ()
        self._state: Callable[[str], State] = lambda _: State.PENDING

    def open(self, root: Node, changes: Sequence[Change], state: Callable[[str], State]) -> None:
        self._root, self._changes, self._state = root, changes, state
        self._flatten()

    @property
    def count(self) -> int:
        return len(self._branches)

    @property
    def empty_text(self) -> str:
        return "…"

    @property
    def current(self) -> Node | None:
        return self._branches[self.cursor] if self._branches else None

    def action_expand(self) -> None:
        node = self.current
        if node and node.change is None and not node.is_open:
            self._toggle(node)

    def action_collapse(self) -> None:
        node = self.current
        if node and node.is_open and node.depth:
            self._toggle(node)
        elif node:
            self.cursor = self._parent_row(self.cursor)

    def action_fold(self) -> None:
        node = self.current
        if node and node.change is None and node.depth:
            self._toggle(node)

    def pieces(self, row: int, width: int) -> Iterable[Piece]:
        node = self._branches[row]
        yield (" " * (node.depth * 2), "plain")
        if node.change is not None:
            yield from self._leaf(node.change, width - node.depth * 2)
            return
        glyph, _, tone = RISKS[node.worst]
        count = f"{len(node.places):,}"
        yield ("▾ " if node.is_open else "▸ ", "muted")
        room = width - node.depth * 2 - len(count) - 6
        yield (fitted(safe(node.text), room), "title" if node.depth < 2 else "plain")
        yield (f" {count} ", "accent")
        yield (f"{glyph} ", tone)

    def _leaf(self, change: Change, width: int) -> Iterable[Piece]:
        glyph, _, tone = STATES[self._state(change.id)]
        sign, colour = ACTIONS[change.operation.action]
        yield (f"{glyph} ", tone)
        yield (f"{sign} ", colour)
        yield (fitted(safe(title_of(change)), max(1, width - 4)), "plain")

    def _toggle(self, node: Node) -> None:
        node.is_open = not node.is_open
        if node.is_open and not node.children:
            node.children = [self._leaf_node(node, place) for place in node.places]
        self._flatten()

    def _leaf_node(self, node: Node, place: int) -> Node:
        change = self._changes[place]
        return Node(
            text=change.title, depth=node.depth + 1, places=(place,), worst=change.risk, change=change
        )

    def _flatten(self) -> None:
        self._branches = list(_open_nodes(self._root)) if self._root else []
        self.rebuild()

    def _parent_row(self, row: int) -> int:
        depth = self._branches[row].depth
        return next((above for above in range(row - 1, -1, -1) if self._branches[above].depth < depth), 0)


def _open_nodes(node: Node) -> Iterable[Node]:
    yield node
    if node.is_open:
        for child in node.children:
            yield from _open_nodes(child)
