"""Our pages in Chromium, judged by axe: WCAG 2.2 AA at three widths, dark and light, and walked by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from allowlist.render.plan_html import plan_html
from tests.helpers.browser import chromium
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.many import many_changes
from tests.helpers.review_plan import review_plan
from tests.pages.axe import AXE, WIDTHS, violations

pytestmark = [
    pytest.mark.pages,
    pytest.mark.skipif(not AXE.is_file(), reason="needs Chromium and axe-core from npm: make pages"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def pages(workplace: Path) -> dict[str, Path]:
    """Every page that the product writes, by name."""
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    found = {
        name: workplace / f"{name}.html" for name in ("plan", "every-risk", "nothing", "many", "posture")
    }
    allowlist("plan", *where, "-o", found["plan"])
    found["every-risk"].write_text(plan_html(review_plan()))
    found["nothing"].write_text(plan_html(many_changes(0)))
    found["many"].write_text(plan_html(many_changes(2000)))
    allowlist("posture", *where, "--report", f"html={found['posture']}")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plan", "every-risk", "nothing", "posture"])
def test_no_rule_of_wcag_is_broken_and_nothing_sticks_out(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(pages[name].as_uri())
        assert violations(page) == [], f"{name} at {width}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {url for url in asked if not url.startswith(("file:", "data:"))} == set()
    assert said == []
    context.close()


def test_the_page_is_walked_by_keyboard_alone(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["every-risk"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the changes"
    page.keyboard.press("Enter")
    assert page.url.endswith("#changes")
    page.wait_for_function("document.activeElement.id === 'changes'")
    page.keyboard.press("/")
    page.keyboard.type("hugging")
    assert page.inner_text("#shown") == "1 of 7 changes"
    assert page.locator("article.change:visible").count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("$")
    assert page.inner_text("#shown") == "0 of 7 changes", "hugging-face is not billed"
    page.close()


def test_a_deep_link_shows_its_change_even_where_a_filter_hides_it(
    browser: Browser, pages: dict[str, Path]
) -> None:
    plan = review_plan()
    last = plan.changes[2]
    page = browser.new_page()
    page.goto(f"{pages['every-risk'].as_uri()}#change-{last.id}")
    assert page.evaluate("document.activeElement.id") == f"change-{last.id}"
    page.fill("input[name=text]", "ml.azure.com")
    page.evaluate(f"location.hash = 'gate-removals'; location.hash = 'change-{last.id}'")
    page.wait_for_function("document.getElementById('shown').textContent.startsWith('all')")
    page.close()


def test_thousands_of_changes_are_filtered_without_a_server(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["many"].as_uri())
    assert page.inner_text("#shown") == "all 2,000 changes"
    page.select_option("select[name=target]", "firewall-07")
    assert page.inner_text("#shown") == "100 of 2,000 changes"
    page.fill("input[name=text]", "tenant27.")
    assert page.inner_text("#shown") == "1 of 2,000 changes"
    page.set_viewport_size({"width": WIDTHS[0], "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[0]
    search = page.evaluate("document.querySelector('input[name=text]').getBoundingClientRect().width")
    assert search > WIDTHS[0] * 0.7, "who looks for a name on a phone sees it whole"
    page.close()


def test_a_screen_reader_hears_headings_tables_and_states(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["every-risk"].as_uri())
    tree = page.locator("main").aria_snapshot()
    for heard in (
        'heading "Plan of chat-prod" [level=1]',
        'heading "Changes, the riskiest first" [level=2]',
        "search",
        "table",
        'columnheader "Proved"',
        "✗ does not hold",
    ):
        assert heard in tree, heard
    page.close()


def test_a_plan_is_printed_whole_in_black_on_white(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["every-risk"].as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("form#filter").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 10_000
    page.close()
