"""The one-line bars: what is open, the tabs, the gates, and the keys that do something now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from allowlist.plan.model import Plan
from allowlist.workflow.review import GateStanding, Progress, Review, State
from allowlist_tui.look import STATES, STYLES, Piece
from allowlist_tui.text import safe


def line(pieces: Iterable[Piece]) -> Content:
    """Pieces as one line of content; nothing in them is read as markup."""
    return Content.assemble(*((text, STYLES[tone]) if STYLES[tone] else text for text, tone in pieces))


class Bar(Static):
    """One line that never wraps."""

    DEFAULT_CSS = "Bar { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }"

    def put(self, pieces: Iterable[Piece]) -> None:
        self.update(line(pieces), layout=False)


class TopBar(Bar):
    """Which plan, whose review, how far."""

    DEFAULT_CSS = "TopBar { background: $panel; }"

    def tell(self, text: str) -> None:
        """Say one thing, such as what is being read."""
        self.put([("allowlist  ", "title"), (safe(text), "muted")])

    def show(self, review: Review, progress: Progress) -> None:
        plan = review.plan
        pieces: list[Piece] = [("READ-ONLY  ", "warn")] if review.read_only else []
        pieces += [(f"{safe(plan.workload)} ", "head"), (f"{plan.id[:8]}   ", "muted")]
        pieces += _counts(progress)
        pieces += [
            (f"~{plan.minutes:g} min  ", "muted"),
            (_price(plan), "bad"),
            (safe(review.who.who), "muted"),
        ]
        if review.who.kind == "unverified":
            pieces.append((" (unverified)", "warn"))
        self.put(pieces)


def _counts(progress: Progress) -> list[Piece]:
    found: list[Piece] = []
    for state in State:
        count = progress.counts[state]
        if count or state in (State.PENDING, State.APPROVED):
            glyph, word, tone = STATES[state]
            found.append((f"{glyph} {count:,} {word}   ", tone))
    return found


def _price(plan: Plan) -> str:
    priced = [target for target in plan.targets if target.monthly]
    total = sum(target.monthly or 0 for target in priced)
    return f"+{total:,.2f} {priced[0].currency}/month  " if priced else ""


class Tab(Static):
    """One title of the tab line."""

    DEFAULT_CSS = """
    Tab { width: auto; padding: 0 1; color: $quiet; }
    Tab:hover { color: $text; background: $panel; }
    Tab.-active { color: $text-primary; text-style: bold underline; }
    """

    class Picked(Message):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.tab = name

    def __init__(self, number: int, name: str) -> None:
        super().__init__(Content(f"{number} {name}"), id=f"tab-{name}")
        self.tab = name

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Picked(self.tab))


class TabLine(Horizontal):
    """All tabs in one line."""

    DEFAULT_CSS = "TabLine { height: 1; }"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(*(Tab(number, name) for number, name in enumerate(names, 1)))

    def activate(self, name: str) -> None:
        for tab in self.query(Tab):
            tab.set_class(tab.tab == name, "-active")


class GateBar(Bar):
    """The missing step, and gates with pass or fail."""

    def show(self, gates: Sequence[GateStanding], progress: Progress) -> None:
        closed = sum(1 for item in gates if not item.is_open)
        pieces: list[Piece] = [("next ", "muted"), (f"{safe(progress.next_step)}   ", "accent")]
        names = ", ".join(safe(gate.id) for gate in progress.open_gates)
        if names:
            pieces.append((f"gates ✗ {len(progress.open_gates)} open: {names}  ", "bad"))
        if closed:
            pieces.append((f"{'' if names else 'gates '}✓ {closed} pass", "good"))
        if not gates:
            pieces.append(("no gate stands in the way", "muted"))
        self.put(pieces)


@dataclass(frozen=True, slots=True)
class Hint:
    """A key, what it does, and why not if it cannot be done now."""

    key: str
    word: str
    action: str = ""
    why_not: str = ""


def hints_of(screen: Screen[None]) -> Iterator[Hint]:
    """A hint for every binding that is to be shown where the focus is; owners of actions tell ``why_not``."""
    told: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and binding.description and not binding.system and binding.action not in told:
            told.add(binding.action)
            ask = getattr(active.node, "why_not", None)
            reason = ask(binding.action) if ask else ""
            yield Hint(screen.app.get_key_display(binding), binding.description, binding.action, reason)


class HintBar(Bar):
    """The keys that do something now, then the first reason why another one does not. Each can be clicked."""

    DEFAULT_CSS = "HintBar { background: $panel; }"

    class Clicked(Message):
        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, str]] = []
        self._shown: tuple[Hint, ...] = ()

    def show(self, hints: Iterable[Hint]) -> None:
        found = tuple(hints)
        if found == self._shown:
            return
        self._shown = found
        pieces: list[Piece] = []
        self._spans, left = [], 1
        for hint in found:
            if hint.why_not:
                continue
            pieces += [(hint.key, "accent"), (f" {hint.word}  ", "plain")]
            width = len(hint.key) + len(hint.word) + 1
            self._spans.append((left, left + width, hint.action))
            left += width + 2
        refused = next((hint for hint in found if hint.why_not), None)
        if refused:
            pieces += [(f" {refused.key} no {refused.word}: {safe(refused.why_not)}", "muted")]
        self.put(pieces)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        action = next((name for low, high, name in self._spans if low <= event.x < high), "")
        if action:
            self.post_message(self.Clicked(action))
