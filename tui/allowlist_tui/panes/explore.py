"""Explore: lists that are only read, each with the details of the line the cursor stands on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input

from allowlist.plan.findings import Finding
from allowlist.store import Run
from allowlist.workflow.review_session import ReviewSession
from allowlist.workflow.upgrades import Upgrade
from allowlist_tui.evidence import EVIDENCE_COLUMNS, Told, evidence_lines, evidence_rows
from allowlist_tui.explore import (
    CATALOG_COLUMNS,
    ESTATE_COLUMNS,
    FINDING_COLUMNS,
    HISTORY_COLUMNS,
    EstateRow,
    Row,
    estate_lines,
    finding_lines,
    finding_row,
    pin_lines,
    pin_row,
    rule_lines,
    run_lines,
    run_row,
    sorted_findings,
)
from allowlist_tui.filtering import rows_with
from allowlist_tui.host import Host, host_of
from allowlist_tui.look import Line, text_of
from allowlist_tui.panes import Stands
from allowlist_tui.screens.applying import RollbackScreen
from allowlist_tui.screens.dialogs import Typed
from allowlist_tui.text import safe
from allowlist_tui.widgets.lines import Lines, PlainTable
from allowlist_tui.widgets.why_pane import WhyPane

Listed = Sequence[tuple[Row, Any]]


class ExplorePane(Container):
    """A table that is there and read from when it is first looked at on, and the details of one line.

    Most sittings look at one tab or two, and every widget that stands somewhere is styled again with each change of focus.
    """

    DEFAULT_CSS = """
    ExplorePane {
        layout: grid;
        grid-size: 2 1;
        grid-columns: 3fr 2fr;
        & .filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        & .filter.-open { display: block; }
        & PlainTable, & WhyPane {
            border: round $line;
            border-title-color: $quiet;
        }
        & PlainTable:focus, & WhyPane:focus {
            border: round $primary;
            border-title-color: $text-primary;
            border-title-style: bold;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "filter",
            key_display="/",
            id="filter-rows",
            tooltip="words that must all stand on a line; !word",
        ),
        Binding("escape", "let_go", "let go", show=False, id="clear-filter", tooltip="drop the filter"),
        Binding("y", "copy", "copy", id="copy-details", tooltip="copy the details"),
        Binding("ctrl+r", "screen.again", "read again", id="read-again", tooltip="read it anew"),
    ]
    COLUMNS: ClassVar[tuple[tuple[str, int], ...]] = ()
    WORD = ""
    NOTHING = "nothing here"

    def __init__(self, session: ReviewSession, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.listed: Listed = ()
        self._texts: Sequence[str] = ()
        self._seen: Sequence[int] = ()
        self._state = "fresh"

    @property
    def host(self) -> Host:
        return host_of(self.app)

    # what a subclass gives

    def read(self, again: bool) -> Listed:
        """The rows, each with what it is about. May be slow; runs in a worker."""
        raise NotImplementedError

    def details(self, item: Any) -> Iterable[Line]:
        """What to say about one line. Runs in a worker."""
        raise NotImplementedError

    # what happens inside

    async def look(self) -> None:
        """Somebody looks here."""
        if not self.children:
            table = PlainTable(self.COLUMNS, empty="…")
            table.border_title = self.WORD
            box = Input(placeholder="filter: words, !word", classes="filter")
            await self.mount(Vertical(table, box), WhyPane("details"))
        self.focus_first()
        self.load()

    def focus_first(self) -> None:
        self.query_one(PlainTable).focus()

    def forget(self) -> None:
        """What was read is old: read again when somebody looks."""
        self._state = "fresh"

    def load(self, *, again: bool = False) -> None:
        """Read if that was not done yet, or ``again``."""
        if self._state == "reading" or (self._state == "read" and not again):
            return
        self._state = "reading"
        if not self.listed:
            self.query_one(PlainTable).show([], "reading …")
        self.host.slow(self, lambda: self.read(again), self._show, failed=self._failed, group="read")

    def _show(self, listed: Listed) -> None:
        self._state, self.listed = "read", listed
        self._texts = [" ".join(text for text, _ in row).lower() for row, _ in listed]
        self._select()

    def _select(self) -> None:
        """Show the lines that the filter lets through."""
        query = self.query_one(Input).value
        self._seen = rows_with(query, self._texts) if query else range(len(self.listed))
        table = self.query_one(PlainTable)
        table.show(
            [self.listed[place][0] for place in self._seen],
            "no line fits the filter; Esc clears it" if query else self.NOTHING,
        )
        count, total = len(self._seen), len(self.listed)
        shown = f"{count:,}" if count == total else f"{count:,} of {total:,}"
        table.border_title = Content(f"{self.WORD} {shown}{self.source()}")
        table.border_subtitle = Content(safe(f"/{query}")) if query else ""
        self._details()

    def source(self) -> str:
        """Where what is shown was read, where that is not plain."""
        return ""

    def _failed(self, reason: str) -> None:
        self._state = "fresh"
        self.query_one(PlainTable).show([], " – ".join(reason.splitlines()))
        self.host.complain(reason)

    @property
    def current(self) -> Any | None:
        row = self.query_one(PlainTable).cursor
        return self.listed[self._seen[row]][1] if row < len(self._seen) else None

    @on(Lines.Moved)
    def _moved(self, message: Lines.Moved) -> None:
        message.stop()
        self._details()

    @on(Lines.Chosen)
    def _opened(self, message: Lines.Chosen) -> None:
        message.stop()
        self.query_one(WhyPane).focus()

    def _details(self) -> None:
        self.post_message(Stands())
        item, pane = self.current, self.query_one(WhyPane)
        if item is None:
            pane.show(())
            return
        self.host.slow(self, lambda: tuple(self.details(item)), pane.show, group="details", exclusive=True)

    # filter

    def action_filter(self) -> None:
        box = self.query_one(Input)
        box.add_class("-open")
        box.focus()

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._select()

    @on(Input.Submitted)
    def _filter_done(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_filter()

    def _close_filter(self) -> None:
        box = self.query_one(Input)
        box.set_class(bool(box.value), "-open")
        self.focus_first()

    def action_let_go(self) -> None:
        self.query_one(Input).value = ""
        self._close_filter()

    def action_copy(self) -> None:
        self.host.copy_to_clipboard(text_of(self.query_one(WhyPane).lines))


class EstatePane(ExplorePane):
    """The rules as Azure evaluates them."""

    COLUMNS = ESTATE_COLUMNS
    WORD = "rules in effective order"

    def read(self, again: bool) -> Listed:
        if again:
            self.session.estate(lambda _: None, again=True)
        return estate_lines(self.session.rules(lambda _: None))

    def source(self) -> str:
        return self.session.estate_source()

    def details(self, item: EstateRow) -> Iterable[Line]:
        return rule_lines(item)


class FindingPane(ExplorePane):
    """What a check says, without a plan."""

    COLUMNS = FINDING_COLUMNS
    WORD = "findings"
    NOTHING = "nothing to report"

    def read(self, again: bool) -> Listed:
        if again:
            self.session.estate(lambda _: None, again=True)
        return [(finding_row(item), item) for item in sorted_findings(self.session.findings(lambda _: None))]

    def source(self) -> str:
        return self.session.estate_source()

    def details(self, item: Finding) -> Iterable[Line]:
        return finding_lines(item)


class HistoryPane(ExplorePane):
    """Runs, the latest first."""

    COLUMNS = HISTORY_COLUMNS
    WORD = "runs"
    NOTHING = "no run yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "r", "roll_back", "roll back", id="roll-back", tooltip="undo this run, verified; asks for its id"
        )
    ]

    def read(self, again: bool) -> Listed:
        del again
        return [(run_row(run), run) for run in self.session.runs()]

    def details(self, item: Run) -> Iterable[Line]:
        return run_lines(self.session.story(item))

    def why_not(self, action: str) -> str:
        if action != "roll_back":
            return ""
        run: Run | None = self.current
        if run is None:
            return "there is no run"
        return "it is itself a rollback" if run.kind == "rollback" else self.session.why_not_write()

    def action_roll_back(self) -> None:
        run: Run | None = self.current
        reason = self.why_not("roll_back")
        if run is None or reason:
            self.host.refuse(reason)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.host.push_screen(
                    RollbackScreen(self.session, run.run_id),
                    lambda _: self.screen.run_ended(),  # type: ignore[attr-defined]
                )

        word = run.run_id.rpartition("-")[2]
        lines: tuple[Line, ...] = (
            (("what this run wrote is undone and verified; ", "plain"), (run.run_id, "title")),
            (("it is refused when somebody changed the same target since", "muted"),),
        )
        self.host.push_screen(Typed("roll back", lines, word, "Roll back"), answered)


class EvidencePane(ExplorePane):
    """What traffic says: of the logs that were named, or of what sync remembers in the ledger."""

    COLUMNS = EVIDENCE_COLUMNS
    WORD = "evidence"
    NOTHING = "no traffic"

    def read(self, again: bool) -> Listed:
        return evidence_rows(self.session.evidence(lambda _: None, again=again))

    def source(self) -> str:
        return self.session.estate_source()

    def details(self, item: Told) -> Iterable[Line]:
        return evidence_lines(item)


class CatalogPane(ExplorePane):
    """Pinned catalogs and what an upgrade would bring."""

    COLUMNS = CATALOG_COLUMNS
    WORD = "catalogs"

    def read(self, again: bool) -> Listed:
        del again
        return [(pin_row(item), item) for item in self.session.pins()]

    def details(self, item: Upgrade) -> Iterable[Line]:
        return pin_lines(item)
