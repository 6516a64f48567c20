"""The main screen: a line that says where we are, tabs, the panes of a tab, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from allowlist.documents.words import counted
from allowlist.plan.model import Plan
from allowlist.store import PlanRecord
from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.filtering import ChangeIndex
from allowlist_tui.host import Host, host_of
from allowlist_tui.panes import Stands
from allowlist_tui.panes.explore import (
    CatalogPane,
    EstatePane,
    EvidencePane,
    ExplorePane,
    FindingPane,
    HistoryPane,
)
from allowlist_tui.panes.review import ReviewPane
from allowlist_tui.screens.choosing import PlanChooser
from allowlist_tui.widgets.bars import GateBar, HintBar, Tab, TabLine, TopBar, hints_of
from allowlist_tui.widgets.outline import Node, build_outline

TABS = ("review", "estate", "findings", "history", "catalogs", "evidence")
_POLL_SECONDS = 2.0
Opened = tuple[Review, Node, ChangeIndex]


class MainScreen(Screen[None]):
    """Opens the plan, keeps the bars true, and looks every other moment what others decided."""

    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        & ContentSwitcher { height: 1fr; }
        & ContentSwitcher > Container { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"tab('{name}')", name, show=False, id=f"tab-{name}")
            for number, name in enumerate(TABS, 1)
        ),
        Binding("q", "app.quit", "quit", id="leave", tooltip="leave; what was decided is kept"),
        Binding(
            "ctrl+r",
            "again",
            "read again",
            show=False,
            id="again",
            tooltip="read Azure again; on the review: make a new plan",
        ),
        Binding(
            "P",
            "choose_plan",
            "plans",
            show=False,
            id="plans",
            tooltip="open another pending plan of the ledger",
        ),
    ]

    class Told(Message):
        """A worker says what it is doing."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, session: ReviewSession) -> None:
        super().__init__()
        self.session = session
        self.review: Review | None = None
        self._polling = False
        self._poll_failed = False

    @property
    def host(self) -> Host:
        return host_of(self.app)

    @property
    def _tabs(self) -> tuple[str, ...]:
        """Evidence is about a workload and its rules: without them there is none."""
        return TABS if self.session.can_plan else TABS[:-1]

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield TabLine(self._tabs)
        with ContentSwitcher(initial="review"):
            yield ReviewPane(self.session, id="review")
            yield EstatePane(self.session, id="estate")
            yield FindingPane(self.session, id="findings")
            yield HistoryPane(self.session, id="history")
            yield CatalogPane(self.session, id="catalogs")
            yield EvidencePane(self.session, id="evidence")
        yield GateBar()
        yield HintBar()

    def on_mount(self) -> None:
        self.query_one(TabLine).activate("review")
        self.query_one(TopBar).tell("opening")
        self.query_one(ReviewPane).focus_first()
        self.show_hints()
        self.set_interval(_POLL_SECONDS, self._poll)
        self.call_after_refresh(self._open_first)

    # opening a plan

    def _open_first(self) -> None:
        if self.session.names_a_plan:
            self._open(self.session.named_plan)
        elif self.session.makes_first:
            self._open(self._make)
        else:
            self._offer_pending()

    def _offer_pending(self) -> None:
        self.host.slow(self, self.session.pending_plans, self._choose, failed=self._nothing_to_show)

    def _choose(self, pending: tuple[PlanRecord, ...]) -> None:
        if not pending and self.session.can_plan:
            self._open(self._make)
        elif not pending:
            self._nothing_to_show(
                "no plan is pending in the ledger\ngive PLAN, or run where an allowlist.yaml is"
            )
        else:
            self.host.push_screen(PlanChooser(pending, self.session.can_plan), self._chosen)

    def _chosen(self, plan_id: str | None) -> None:
        if plan_id is None:
            if self.review is None:
                self._nothing_to_show("no plan is open; P chooses one")
        elif plan_id:
            self._open(lambda: self.session.stored_plan(plan_id))
        else:
            self._open(self._make)

    def _make(self) -> Plan:
        return self.session.make_plan(self.tell)

    def tell(self, text: str) -> None:
        """From any thread: say what is being done."""
        self.post_message(self.Told(text))

    @on(Told)
    def _told(self, message: Told) -> None:
        self.query_one(TopBar).tell(f"{message.text} …")
        if self.review is None:
            self.query_one(ReviewPane).wait(f"{message.text} …")

    def _open(self, plan: Callable[[], Plan]) -> None:
        self.tell("reading the plan")
        self.host.slow(
            self,
            lambda: self._opened(plan()),
            self._show,
            failed=self._nothing_to_show,
            group="open",
            exclusive=True,
        )

    def _opened(self, plan: Plan) -> Opened:
        """Everything that takes time with a large plan, made aside."""
        self.tell(f"opening {counted(len(plan.changes), 'change')}")
        review = self.session.review(plan)
        index = ChangeIndex(plan.changes, review.states)
        index.warm()
        return review, build_outline(plan), index

    def _show(self, opened: Opened) -> None:
        self.review, outline, index = opened
        self.query_one(ReviewPane).open(self.review, outline, index)
        self.show_bars()
        if self.review.read_only:
            self.host.refuse(f"read-only: {self.review.read_only}")

    def _nothing_to_show(self, reason: str) -> None:
        self.host.complain(reason)
        first = reason.splitlines()[0]
        self.query_one(TopBar).tell(first if self.review is None else "")
        if self.review is None:
            self.query_one(ReviewPane).wait(first)
        else:
            self.show_bars()

    # what others decide meanwhile

    def _poll(self) -> None:
        if self.review is None or self._polling:
            return
        self._polling = True
        review = self.review
        self.host.slow(
            self, lambda: (review, review.refresh()), self._polled, failed=self._not_polled, group="poll"
        )

    def _polled(self, answer: tuple[Review, frozenset[str]]) -> None:
        self._polling = self._poll_failed = False
        review, touched = answer
        if review is self.review and touched:
            self.query_one(ReviewPane).others_decided(touched)
            self.show_bars()

    def _not_polled(self, reason: str) -> None:
        self._polling = False
        if not self._poll_failed:
            self.host.complain(f"the ledger cannot be read just now\n{reason}")
        self._poll_failed = True

    # bars

    def show_bars(self) -> None:
        """Counts, gates and the next step, as they are now."""
        if self.review is not None:
            progress = self.review.progress()
            self.query_one(TopBar).show(self.review, progress)
            self.query_one(GateBar).show(self.review.gates(), progress)
        self.show_hints()

    def show_hints(self) -> None:
        """Only what is possible where the focus is, and why something else is not."""
        self.query_one(HintBar).show(hints_of(self))

    def on_descendant_focus(self) -> None:
        self.call_later(self.show_hints)

    @on(Stands)
    def _stands(self, message: Stands) -> None:
        message.stop()
        self.show_hints()

    @on(ReviewPane.Decided)
    def _decided(self) -> None:
        self.show_bars()

    # tabs

    @on(Tab.Picked)
    async def _picked(self, message: Tab.Picked) -> None:
        await self.action_tab(message.tab)

    async def action_tab(self, name: str) -> None:
        if name not in self._tabs:
            self.host.refuse("evidence needs a workload file and the state of its targets")
            return
        self.query_one(ContentSwitcher).current = name
        self.query_one(TabLine).activate(name)
        pane = self.query_one(f"#{name}")
        if isinstance(pane, ExplorePane):
            await pane.look()
        elif isinstance(pane, ReviewPane):
            pane.focus_first()

    def action_again(self) -> None:
        pane = self.query_one(f"#{self.query_one(ContentSwitcher).current}")
        if isinstance(pane, ExplorePane):
            pane.load(again=True)
        elif self.session.can_plan:
            self._open(self._make)
        else:
            self.host.refuse("no workload file says what to plan for")

    def action_choose_plan(self) -> None:
        self._offer_pending()

    def run_ended(self) -> None:
        """A run ended: what was read before is old, and so is the plan."""
        for pane in self.query(ExplorePane):
            pane.forget()
        if self.session.can_plan:
            self._open(self._make)
        else:
            self.host.say("this plan is history now; make a new one")
