"""Finding one's way: filter, order, marks, the outline, tabs, the mouse."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.catalog import load_library
from allowlist.plan.model import Change, Cost, RequirementRef, Risk
from allowlist.workflow.upgrades import compare_pins
from allowlist.workflow.workloads import read_workload
from allowlist.workload import CatalogUse
from allowlist_tui.explore import pin_lines, pin_row
from allowlist_tui.filtering import ChangeIndex, parse_filter
from allowlist_tui.look import text_of
from allowlist_tui.widgets.lines import PlainTable
from tests.helpers.cli import CONTOSO
from tests.helpers.laws import examples
from tests.helpers.many import many_changes
from tests.helpers.plans import a_change, a_plan
from tests.helpers.screen import SMALL, Person, drive
from tests.helpers.sessions import contoso_plan, offline_session, planning_session


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("vscode", 12),
        ("risk:wildcard", 9),
        ("!risk:wildcard", 26),
        ("risk:wildcard catalog:vscode", 4),
        ("risk:wildcard !catalog:vscode", 5),
        ("state:pending", 35),
        ("!state:pending", 0),
        ("name:azurecr.io", 2),
        ("action:remove", 0),
        ("nothing-like-this", 0),
    ],
)
def test_the_filter_keeps_what_it_says(tmp_path: Path, query: str, kept: int) -> None:
    del tmp_path
    plan = contoso_plan()
    index = ChangeIndex(plan.changes, dict)
    assert len(index.select(parse_filter(query), range(len(plan.changes)))) == kept


@given(st.text(max_size=30))
def test_a_word_and_its_inverse_part_the_changes(query: str) -> None:
    plan = contoso_plan()
    index = ChangeIndex(plan.changes, dict)
    everything = range(len(plan.changes))
    for word in query.split():
        if parse_filter(word) and not word.startswith("!"):
            kept = set(index.select(parse_filter(word), everything))
            rest = set(index.select(parse_filter(f"!{word}"), everything))
            assert kept | rest == set(everything)
            assert not kept & rest


def test_the_filter_works_while_it_is_typed_and_escape_clears_it(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("slash", *"vscode")
        assert person.table.count == 12
        assert "12 of 35" in person.screen_text
        await person.press("enter", "escape")
        assert person.table.count == 35

    drive(offline_session(tmp_path), work, size=SMALL)


def test_what_does_not_fit_the_filter_is_never_decided(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("m", "down", "m")
        await person.press("slash", *"risk:low", "enter")
        await person.press("space")
        assert person.review.progress().ready == 1
        (decided,) = [item.risk for item in person.review.plan.changes if person.state(item.id) == "approved"]
        assert decided == "low"

    drive(offline_session(tmp_path), work)


def test_the_order_follows_every_column_both_ways(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("greater_than_sign", "greater_than_sign")
        assert "by risk ↑" in person.screen_text
        assert "low" in person.screen_text.splitlines()[4]
        await person.press("I")
        assert "by risk ↓" in person.screen_text
        assert "wildcard" in person.screen_text.splitlines()[4]
        await person.press("less_than_sign", "less_than_sign")
        assert " by " not in person.screen_text.splitlines()[2]

    drive(offline_session(tmp_path), work)


def test_a_branch_of_the_outline_narrows_the_table_and_can_be_approved(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("shift+tab")
        assert person.outline.has_focus
        await person.press("end")
        assert person.table.count == 1
        await person.press("space")
        assert person.review.progress().ready == 1
        await person.press("home", "space")
        assert "one tier at a time" in person.toasts

    drive(offline_session(tmp_path), work)


def test_the_mouse_points_sorts_and_presses(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.pilot.click("#changes", offset=(20, 5))
        await person.rest()
        assert person.table.cursor == 3
        await person.pilot.click("#changes", offset=(16, 1))
        await person.rest()
        assert "by risk" in person.screen_text
        await person.pilot.click("HintBar", offset=(3, 0))
        await person.rest()
        assert person.review.progress().ready == 1
        await person.pilot.click("#tab-estate")
        await person.rest()
        assert "rules in effective order" in person.screen_text

    drive(offline_session(tmp_path), work)


def test_the_estate_tells_ours_from_foreign_and_findings_need_no_plan(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("2")
        table = person.main.query_one("#estate").query_one(PlainTable)
        await person.until(lambda: table.count > 100)
        await person.press("down")
        text = person.screen_text
        assert "○ foreign" in text
        assert "✗ deny" in text
        assert "deny-telnet" in text
        await person.press("3")
        findings = person.main.query_one("#findings").query_one(PlainTable)
        await person.until(lambda: findings.count == 43)
        assert "without it" in person.screen_text
        await person.press("4")
        await person.until(lambda: "no run yet" in person.screen_text)
        await person.press("5")
        await person.until(lambda: "up to date" in person.screen_text)

    drive(planning_session(tmp_path), work)


NAMES = (
    "cas-bridge.xethub.hf.co",
    "cas-server.xethub.hf.co",
    f"a-name-of-forty-letters.{'b' * 4}.example.com",
    f"{'a' * 50}.{'b' * 50}.{'c' * 50}.example.com",
)


def a_billed_wildcard() -> Change:
    cost = Cost(minutes=10, billed="the first FQDN rule creates an Azure Firewall")
    wish = RequirementRef(
        catalog="own", version="1", entry="w", pattern="*.billed.example", protocol="https", ports="443"
    )
    change = a_change("*.billed.example", risk=Risk.BILLED, cost=cost)
    return msgspec.structs.replace(change, requirements=(wish,))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_no_name_is_cut_while_there_is_room_and_all_risks_are_told(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def look(person: Person) -> None:
        text = person.screen_text
        assert all(name in text for name in NAMES[:3])
        header = next(line for line in text.splitlines() if " change " in line and "│" in line)
        assert ("target" in header) == (size[0] > 80), "what else there is comes where every name is whole"
        words = "$ billed * wildcard" if size[0] > 80 else "$*"
        assert words in text
        person.table.filter("risk:wildcard", parse_filter("risk:wildcard"))
        assert [person.table.count, person.table.total] == [1, 4]

    drive(offline_session(tmp_path, a_plan(*map(a_change, NAMES[:3]), a_billed_wildcard())), look, size=size)


def test_what_is_wider_than_the_screen_is_reached_sideways(tmp_path: Path) -> None:
    async def look(person: Person) -> None:
        assert "c.example.com" not in person.screen_text.partition("why")[0]
        await person.press(*["right"] * 30)
        shown = person.screen_text.partition("why")[0]
        assert "c.example.com" in shown
        assert NAMES[0] in shown, "a name that fits stays where it is"
        await person.press(*["left"] * 30)
        assert person.table.shift == 0

    drive(offline_session(tmp_path, a_plan(*map(a_change, NAMES))), look, size=SMALL)


@settings(max_examples=examples(60))
@given(st.sets(st.integers(0, 34)), st.sampled_from(["pending", "approved", "p", "x"]), st.booleans())
def test_the_filter_by_state_asks_every_change(decided: set[int], text: str, inverse: bool) -> None:
    plan = contoso_plan()
    states = {plan.changes[place].id: "approved" for place in decided}
    found = ChangeIndex(plan.changes, lambda: states).select(
        parse_filter(f"{'!' if inverse else ''}state:{text}"), range(35)
    )
    slow = [n for n, item in enumerate(plan.changes) if (text in states.get(item.id, "pending")) != inverse]
    assert list(found) == slow


def test_every_tab_is_filtered_and_q_leaves(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("2")
        table = person.main.query_one("#estate").query_one(PlainTable)
        await person.until(lambda: table.count > 100)
        assert "snapshot contoso, not Azure" in person.screen_text
        await person.press("slash", *"telnet", "enter")
        assert table.count == 1
        assert "deny-telnet" in person.screen_text
        await person.press("escape")
        assert table.count > 100
        await person.press("3")
        findings = person.main.query_one("#findings").query_one(PlainTable)
        await person.until(lambda: findings.count == 43)
        await person.press("slash", *"*.login.microsoftonline", "enter")
        await person.until(lambda: "near miss" in person.screen_text)
        await person.press("escape", "slash", *"!hugging no-such-word", "enter")
        assert findings.count == 0
        assert "no line fits the filter" in person.screen_text
        await person.press("q")
        assert not person.app.is_running or person.app.return_code == 0

    drive(planning_session(tmp_path), work)


def test_any_name_can_be_explained(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("e")
        await person.press("ctrl+u", *"huggingface.co", "enter")
        await person.until(lambda: "deny" in person.screen_text)
        text = person.screen_text
        assert "no rule matches; the default is deny" in text
        assert "hugging-face@2.0.0#huggingface-co" in text
        assert "this plan" in text
        await person.press("escape", "e", "ctrl+u", "-", "enter")
        await person.until(lambda: "is not a host name" in person.toasts)

    drive(offline_session(tmp_path), work)


def test_what_the_plan_cannot_do_is_told_with_its_cause(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        await person.press("n")
        assert "cas-server.xethub.hf.co" in person.screen_text
        assert "deny-hf-datasets" in person.screen_text

    drive(offline_session(tmp_path), work)


def test_an_upgrade_is_told_by_what_it_changes() -> None:
    library = load_library(None)
    workload, _ = read_workload(CONTOSO / "allowlist.yaml")
    behind = msgspec.structs.replace(
        workload,
        catalogs=[
            CatalogUse(name="hugging-face", version="1.0.0"),
            CatalogUse(name="vscode", version=library.get("vscode").latest),
        ],
    )
    old, current = compare_pins(behind, library)
    assert pin_row(old)[3][0].startswith("▲")
    assert pin_row(current)[3] == ("✓ up to date", "good")
    told = text_of(pin_lines(old))
    assert f"1.0.0 → {library.get('hugging-face').latest}" in told
    assert "added" in told


def test_thousands_of_changes_scroll_filter_and_sort(tmp_path: Path) -> None:
    async def work(person: Person) -> None:
        assert person.table.total == 2000
        await person.press("end", "pageup", "home", "pagedown")
        await person.press("slash", *"tenant1999", "enter")
        assert person.table.count == 1
        assert "tenant1999" in person.why
        await person.press("escape", "shift+tab", "down", "right", "down", "right", "down")
        assert "svc" in person.screen_text

    drive(offline_session(tmp_path, many_changes(2000)), work)
