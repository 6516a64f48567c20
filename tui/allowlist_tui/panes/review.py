"""Review: targets on the left, changes in the middle, the answer to "why" on the right; deciding is staging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from allowlist.render.plan import summary_text
from allowlist.workflow.explaining import Explanation
from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.answers import explanation_lines
from allowlist_tui.filtering import ChangeIndex, parse_filter
from allowlist_tui.host import Host, host_of
from allowlist_tui.look import text_of
from allowlist_tui.panes import Stands
from allowlist_tui.screens.applying import ApplyScreen
from allowlist_tui.screens.dialogs import Count, Prompt, Reading, Typed, parse_date
from allowlist_tui.slow import DECIDING
from allowlist_tui.staging import apply_lines, count_lines, why_no_date
from allowlist_tui.text import counted, safe
from allowlist_tui.why import unsettled_lines, why
from allowlist_tui.widgets.changes import COLUMNS, ChangeTable
from allowlist_tui.widgets.lines import Lines
from allowlist_tui.widgets.outline import Node, Outline
from allowlist_tui.widgets.why_pane import WhyPane

_CALM_SECONDS = 0.04


class ReviewPane(Container):
    """Everything about deciding. The rules of deciding are those of :class:`allowlist.workflow.review.Review`."""

    DEFAULT_CSS = """
    ReviewPane {
        layout: grid;
        grid-size: 3 1;
        grid-columns: 29 4fr 3fr;
        & Outline, & ChangeTable, & WhyPane {
            border: round $line;
            border-title-color: $quiet;
            border-subtitle-color: $quiet;
        }
        & Outline:focus, & ChangeTable:focus, & WhyPane:focus {
            border: round $primary;
            border-title-color: $text-primary;
            border-title-style: bold;
        }
        & #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        & #filter.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "approve",
            "approve",
            id="approve",
            tooltip="approve the line, the range, the marks or the branch",
        ),
        Binding("x", "reject", "reject", id="reject", tooltip="reject, with a reason"),
        Binding(
            "A",
            "apply",
            "apply",
            id="apply",
            tooltip="apply what is approved; asks for the name of the target",
        ),
        Binding(
            "u",
            "undo",
            "undo",
            id="undo",
            tooltip="take back the last approval, rejection or deferral of this sitting",
        ),
        Binding(
            "slash",
            "filter",
            "filter",
            key_display="/",
            id="filter",
            tooltip="words; !word; name: catalog: scenario: risk: state: target: action: evidence:",
        ),
        Binding("v", "range", "range", show=False, id="range", tooltip="begin or end a range of lines"),
        Binding("m", "mark", "mark", show=False, id="mark", tooltip="mark single lines"),
        Binding("s", "defer", "defer", show=False, id="defer", tooltip="set aside until a date"),
        Binding("c", "comment", "comment", show=False, id="comment", tooltip="put a comment on record"),
        Binding(
            "a",
            "accept_gate",
            "accept gate",
            show=False,
            id="accept-gate",
            tooltip="answer for an open gate, by its id and with a reason",
        ),
        Binding("e", "explain", "explain", show=False, id="explain", tooltip="ask what becomes of any name"),
        Binding(
            "o",
            "open_source",
            "source",
            show=False,
            id="source",
            tooltip="open the page that documents the requirement",
        ),
        Binding("y", "copy", "copy", show=False, id="copy", tooltip="copy what is said about this change"),
        Binding(
            "n",
            "gaps",
            "gaps",
            show=False,
            id="gaps",
            tooltip="what the plan cannot satisfy, and what it leaves alone",
        ),
        Binding(
            "greater_than_sign",
            "sort(1)",
            "sort",
            key_display=">",
            show=False,
            id="sort",
            tooltip="sort by the next column",
        ),
        Binding(
            "less_than_sign",
            "sort(-1)",
            "sort back",
            key_display="<",
            show=False,
            id="sort-back",
            tooltip="sort by the column before",
        ),
        Binding("I", "reverse", "reverse", show=False, id="reverse", tooltip="turn the order round"),
        Binding(
            "escape",
            "let_go",
            "let go",
            show=False,
            id="let-go",
            tooltip="drop range and marks, then the filter",
        ),
    ]

    class Decided(Message):
        """Something was decided, here or elsewhere."""

    def __init__(self, session: ReviewSession, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.review: Review | None = None
        self._calm: Timer | None = None
        self._moved_at = 0.0

    @property
    def host(self) -> Host:
        return host_of(self.app)

    @property
    def table(self) -> ChangeTable:
        return self.query_one(ChangeTable)

    @property
    def outline(self) -> Outline:
        return self.query_one(Outline)

    def compose(self) -> ComposeResult:
        outline = Outline(id="outline")
        outline.border_title = "targets"
        yield outline
        with Vertical(id="middle", classes="-front"):
            table = ChangeTable(id="changes")
            table.border_title = "changes"
            yield table
            yield Input(placeholder="filter: words, !word, risk:low, state:pending, catalog:…", id="filter")
        yield WhyPane("why")

    # opening

    def focus_first(self) -> None:
        self.table.focus()

    def wait(self, text: str) -> None:
        """Say in the empty table what is being waited for."""
        self.table.tell(text)

    def open(self, review: Review, outline: Node, index: ChangeIndex) -> None:
        self.review = review
        self.outline.open(outline, review.plan.changes, review.state)
        self.table.open(review.plan.changes, review.state, index, summary_text(review.plan))
        self._title()
        self._calm_down()

    def others_decided(self, touched: frozenset[str]) -> None:
        """Decisions of other people arrived."""
        if self.review is None:
            return
        mine = self.review.who.who
        people = {
            decision.who
            for change_id in list(touched)[:200]
            for decision in self.review.standing(change_id).decisions[-1:]
            if decision.who != mine
        }
        if people:
            self.host.say(f"{', '.join(sorted(people))} decided about {counted(len(touched), 'change')}")
        self._repaint()

    # what the cursor stands on

    @on(Lines.Moved)
    def _moved(self, message: Lines.Moved) -> None:
        message.stop()
        node = self.outline.current
        if message.lines is self.outline and node is not None and self.outline.has_focus:
            self.table.narrow(node.places)
            self._title()
        self._later()

    @on(Lines.Chosen)
    def _opened(self, message: Lines.Chosen) -> None:
        message.stop()
        self.query_one(WhyPane).focus()

    @on(ChangeTable.Sorted)
    def _sorted(self) -> None:
        self._title()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for child in self.children:
            child.set_class(child in event.widget.ancestors_with_self, "-front")
        self._later()

    def _later(self) -> None:
        """Answer a cursor that rested at once, in the same picture; one on its way when it rests again."""
        now = monotonic()
        rested, self._moved_at = now - self._moved_at > _CALM_SECONDS, now
        if self._calm is not None:
            self._calm.stop()
            self._calm = None
        if rested:
            self._calm_down()
        else:
            self._calm = self.set_timer(_CALM_SECONDS, self._calm_down)

    def _calm_down(self) -> None:
        self.post_message(Stands())
        review, change = self.review, self.table.current
        if review is None:
            return
        pane = self.query_one(WhyPane)
        if change is None:
            pane.show([((self.table.empty_text, "muted"),), *unsettled_lines(review.plan)])
            return
        pane.show(tuple(why(review, change)))

    def _title(self) -> None:
        table = self.table
        shown = f"{table.count:,}" if table.count == table.total else f"{table.count:,} of {table.total:,}"
        sorting = table.sorting
        order = ""
        if sorting:
            order = f" by {COLUMNS[sorting[0]].title} {'↓' if sorting[1] else '↑'}"
        table.border_title = Content(f"changes {shown}{order}")
        table.border_subtitle = Content(safe(f"/{table.query_text}")) if table.query_text else ""

    def _repaint(self) -> None:
        self.table.repaint_rows()
        self.outline.repaint_rows()
        self.post_message(self.Decided())
        self._calm_down()

    def selection(self) -> tuple[str, ...]:
        """The changes an action is about: a branch of the outline, or what the table has chosen."""
        node = self.outline.current
        if self.outline.has_focus and node is not None and self.review is not None:
            return tuple(self.review.plan.changes[place].id for place in node.places)
        return self.table.selection

    def why_not(self, action: str) -> str:
        """Why a key does nothing here and now; empty when it does something."""
        if self.review is None:
            return "no plan is open"
        match action:
            case "approve" | "reject" | "defer" | "comment":
                return self.review.why_not(action, self.selection())
            case "undo":
                return "" if self.review.can_undo else "nothing was decided in this sitting"
            case "apply":
                return self.session.why_not_apply(self.review)
        return ""

    # filter and order

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.add_class("-open")
        box.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.table.filter(event.value, parse_filter(event.value))
        self._title()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.set_class(bool(box.value), "-open")
        self.table.focus()

    def action_let_go(self) -> None:
        box = self.query_one("#filter", Input)
        if self.table.is_choosing:
            self.table.choose_nothing()
        elif box.value:
            box.value = ""
        self._close_filter()
        self._later()

    def action_sort(self, by: int) -> None:
        self.table.sort_next(by)

    def action_reverse(self) -> None:
        self.table.turn_round()

    def action_range(self) -> None:
        self.table.focus()
        self.table.toggle_range()
        self._later()

    def action_mark(self) -> None:
        self.table.toggle_mark()
        self._later()

    # deciding

    def action_approve(self) -> None:
        review, ids = self._may("approve")
        if review is None:
            return
        wanted = review.not_yet_mine(ids)
        if not wanted:
            self.host.say("approved by you already; u takes back what was decided last")
        elif len(ids) == 1:
            self._decide("", lambda: review.approve(ids))
        else:
            self._ask_count(review, ids, wanted)

    def _ask_count(self, review: Review, ids: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.table.choose_nothing()
                text = f"approved {counted(len(wanted), 'change')}"
                self._decide(text, lambda: review.approve(ids, counted=len(wanted)))

        lines = tuple(count_lines(review, wanted, len(ids)))
        self.host.push_screen(
            Count(f"approve {counted(len(wanted), 'change')}", lines, f"Approve {len(wanted):,}"), answered
        )

    def action_reject(self) -> None:
        review, ids = self._may("reject")
        if review is not None:
            self._ask(
                f"reject {self._called(ids)}",
                "reason",
                lambda reason: review.reject(ids, reason),
                f"rejected {self._called(ids)}",
                "a rejection needs a reason",
            )

    def action_comment(self) -> None:
        review, ids = self._may("comment")
        if review is not None:
            self._ask(
                f"comment on {self._called(ids)}",
                "comment",
                lambda text: review.comment(ids, text),
                "comment is on record",
                "a comment needs words",
            )

    def action_defer(self) -> None:
        review, ids = self._may("defer")
        if review is None:
            return
        now = self.session.now()

        def answered(answer: tuple[str, ...] | None) -> None:
            until = parse_date(answer[1], now) if answer else None
            if answer and until:
                self._decide(f"deferred until {until:%Y-%m-%d}", lambda: review.defer(ids, until, answer[0]))

        fields = [("reason", ""), ("until: 2026-12-31, 10d or 2w", "1w")]
        self.host.push_screen(
            Prompt(f"defer {self._called(ids)}", fields, lambda text: why_no_date(text, now)), answered
        )

    def action_accept_gate(self) -> None:
        review = self.review
        if review is None or self._refused("read-only: " + review.read_only if review.read_only else ""):
            return
        change = self.table.current
        over = review.gates_of(change) if change else ()
        found = [item.gate for item in (*over, *review.gates()) if item.is_open]
        if self._refused("" if found else "no gate is open"):
            return

        def answered(answer: tuple[str, ...] | None) -> None:
            if answer:
                self._decide(f"accepted {answer[0]}", lambda: review.accept_gate(answer[0], answer[1]))

        fields = [(f"gate: {safe(found[0].text)}", found[0].id), ("reason", "")]
        check = lambda text: "" if text else "accepting a gate needs a reason"  # noqa: E731
        self.host.push_screen(Prompt("answer for a gate", fields, check), answered)

    def action_undo(self) -> None:
        review = self.review
        if review is None or self._refused(self.why_not("undo")):
            return

        def undone(answer: tuple[str, tuple[str, ...]]) -> None:
            verb, ids = answer
            self.host.say(f"took back: {verb} of {self._called(ids)}")
            self._repaint()

        self.host.slow(self, review.undo, undone, group=DECIDING, writes=True)

    def _may(self, verb: str) -> tuple[Review, tuple[str, ...]] | tuple[None, tuple[str, ...]]:
        """The review and the selection, or None after saying why not."""
        if self.review is None:
            return None, ()
        ids = self.selection()
        refused = self._refused(self.review.why_not(verb, ids))  # type: ignore[arg-type]
        return (None, ()) if refused else (self.review, ids)

    def _refused(self, reason: str) -> bool:
        if reason:
            self.host.refuse(reason)
        return bool(reason)

    def _ask(
        self, title: str, label: str, decide: Callable[[str], object], done: str, complaint: str
    ) -> None:
        def answered(answer: tuple[str, ...] | None) -> None:
            if answer:
                self._decide(done, lambda: decide(answer[0]))

        self.host.push_screen(Prompt(title, [(label, "")], lambda text: "" if text else complaint), answered)

    def _decide(self, done: str, work: Callable[[], object]) -> None:
        def decided(_: object) -> None:
            if done:
                self.host.say(done)
            self._repaint()

        self.host.slow(self, work, decided, group=DECIDING, writes=True)

    def _called(self, ids: Sequence[str]) -> str:
        if self.review is None or len(ids) != 1:
            return counted(len(ids), "change")
        return safe(self.review.change(ids[0]).title)

    # looking closer

    def action_explain(self) -> None:
        change = self.table.current
        first = change.requirements[0] if change and change.requirements else None
        name = first.pattern if first and "*" not in first.pattern else ""

        def answered(answer: tuple[str, ...] | None) -> None:
            if answer:
                self._explain(answer[0])

        self.host.push_screen(
            Prompt("explain a name", [("NAME or URL [from ADDRESS] [port N]", name)]), answered
        )

    def _explain(self, question: str) -> None:
        def show(found: tuple[Explanation, ...]) -> None:
            plan = self.review.plan if self.review else None
            self.host.push_screen(Reading(f"explain {question}", explanation_lines(found, plan)))

        self.host.slow(self, lambda: self.session.explain(question, lambda _: None), show, group="explain")

    def action_open_source(self) -> None:
        change = self.table.current
        links = [ref.source_url for ref in change.requirements if ref.source_url] if change else []
        if self._refused("" if links else "no source is given for this change"):
            return
        self.host.show_page(links[0])

    def action_copy(self) -> None:
        self.host.copy_to_clipboard(text_of(self.query_one(WhyPane).lines))

    def action_gaps(self) -> None:
        if self.review is None:
            return
        plan = self.review.plan
        lines = [*unsettled_lines(plan)]
        lines += [
            ((f"{safe(item.code)} ", "muted"), (safe(f"{item.subject}: {item.text}"), "plain"))
            for item in plan.skips
        ]
        self.host.push_screen(
            Reading("what the plan cannot do, and leaves alone", lines or [(("nothing", "muted"),)])
        )

    # applying

    def action_apply(self) -> None:
        review = self.review
        if review is None or self._refused(self.session.why_not_apply(review)):
            return
        targets = review.approved_plan_targets()
        name = targets[0] if len(targets) == 1 else review.plan.workload

        def answered(yes: bool | None) -> None:
            if yes:
                self.host.push_screen(ApplyScreen(self.session, review), lambda _: self._applied())

        lines = tuple(apply_lines(review, targets, self.session))
        self.host.push_screen(Typed(f"apply to {name}", lines, name, "Apply"), answered)

    def _applied(self) -> None:
        self.screen.run_ended()  # type: ignore[attr-defined]
        self._repaint()
