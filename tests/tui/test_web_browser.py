"""A served screen in a real browser: what it loads, what it may not load, and what ends with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog

from tests.helpers.browser import Visit, chromium, needs_chromium
from tests.helpers.served import SMALL_APP, Served, running, served, wait_until
from tests.helpers.world import World, contoso_world

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Visit]:
    link = server.link()
    context = browser.new_context(accept_downloads=True)
    visit = Visit(context.new_page())
    visit.watch(f"http://{urlsplit(link).netloc}")
    visit.open(link)
    yield visit
    context.close()


def test_the_screen_is_shown_without_asking_any_outside_host(visit: Visit) -> None:
    assert any("textual.js" in url for url in visit.asked)
    assert any("RobotoMono" in url for url in visit.asked), "the font comes from the own server"
    assert visit.outside == []
    assert visit.complaints == []


def test_the_token_is_not_in_the_address_bar(visit: Visit) -> None:
    assert "token" not in visit.page.url
    assert visit.page.evaluate("document.cookie") == "", "no script can read the cookie"


def test_keys_reach_the_screen_and_quitting_is_told(visit: Visit, server: Served) -> None:
    assert len(server.children()) == 1
    visit.press("Control+q")
    visit.page.wait_for_selector("text=The session has ended")
    wait_until(lambda: not server.children(), "the session ends")
    visit.page.click("text=Open again")
    visit.page.wait_for_selector("body.-first-byte")
    wait_until(lambda: len(server.children()) == 1, "a new session begins")


@pytest.mark.parametrize("way", ["close", "leave"])
def test_the_process_ends_with_the_page(visit: Visit, server: Served, way: str) -> None:
    wait_until(lambda: len(server.children()) == 1, "the session runs")
    if way == "close":
        visit.page.close()
    else:
        visit.page.once("dialog", lambda dialog: dialog.accept())
        visit.page.goto("about:blank")
    wait_until(lambda: not server.children(), "the session ends")


def test_leaving_asks_first_because_a_terminal_key_closes_pages(visit: Visit, server: Served) -> None:
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    visit.page.once("dialog", refuse)
    visit.press("x")
    visit.page.close(run_before_unload=True)
    visit.until(lambda: asked, "the page asks")
    assert asked == ["beforeunload"]
    assert len(server.children()) == 1


def test_the_screen_opens_web_pages_and_no_scripts(visit: Visit) -> None:
    context = visit.page.context
    visit.press("j", "o")
    visit.until(lambda: len(context.pages) > 1, "a tab opens")
    visit.until(lambda: visit.outside, "the tab asks for its page")
    assert visit.outside == ["https://source.example/page"]
    assert len(context.pages) == 2, "the script link opened nothing"


def test_another_page_can_neither_embed_nor_drive_the_screen(visit: Visit, browser: Browser) -> None:
    ours = visit.page.url
    evil = visit.page.context.new_page()
    evil.goto("about:blank")
    evil.set_content(f"<iframe src='{ours}'></iframe>")
    socket = ours.replace("http", "ws") + "ws"
    outcome = evil.evaluate(
        "url => new Promise(done => { const s = new WebSocket(url);"
        " s.onopen = () => done('open'); s.onerror = () => done('refused'); })",
        socket,
    )
    assert outcome == "refused"
    assert evil.frames[1].url in ("", "about:blank", "chrome-error://chromewebdata/")


def test_a_change_is_approved_in_the_browser_applied_and_verified(browser: Browser, tmp_path: Path) -> None:
    with contoso_world(tmp_path) as world, review_in_a_browser(browser, world) as visit:
        begin = len(world.rules())
        visit.reads("0 approved")
        visit.press("Space", "A", *"hub-firewall", "Enter")
        visit.reads("applied and verified")
        assert len(world.rules()) == begin + 1
        (run,) = world.ledger.runs(1)
        assert run.state == "succeeded"
        assert visit.outside == []


@contextmanager
def review_in_a_browser(browser: Browser, world: World) -> Iterator[Visit]:
    """``allowlist review --web --screen`` at a world, opened in a page."""
    command = [
        *(
            sys.executable,
            "-m",
            "allowlist",
            "review",
            "--web",
            "--screen",
            "--port=0",
            "--credential=none",
            "--only=hub-firewall",
        ),
        *("--workload", str(world.workload), "--arm-endpoint", world.running.url),
        *("--ledger", f"sqlite:///{world.workload.parent}/ledger.db"),
    ]
    with running(command) as server:
        link = server.link()
        visit = Visit(browser.new_page(viewport={"width": 1600, "height": 900}))
        visit.watch(f"http://{urlsplit(link).netloc}")
        visit.open(link)
        yield visit
        visit.page.close()
        wait_until(lambda: not server.children(), "the session ends")


def test_a_command_that_fails_is_shown_in_the_page_with_its_words_made_harmless(browser: Browser) -> None:
    with served([sys.executable, str(SMALL_APP), "--fail"]) as server:
        link = server.link()
        page = browser.new_page()
        page.goto(link)
        page.wait_for_selector("body.-first-byte")
        page.wait_for_selector("text=The session has ended")
        assert "is no plan \\x1b[2J" in server.hear("error: .*")
        page.close()
