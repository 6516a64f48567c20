"""The page of a review as it is served: judged by axe while people decide, seen by two at once, applied by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, BrowserContext, Page, expect

from allowlist.plan.model import Plan
from allowlist.store import Ledger
from allowlist_tui.review_page import ReviewSite
from allowlist_tui.review_page.applying import Applying
from allowlist_tui.review_page.oidc import Client, Provider
from tests.helpers.browser import chromium
from tests.helpers.ledgers import opened
from tests.helpers.review_plan import review_plan
from tests.helpers.review_site import PREFIX, Time, site_of, sites
from tests.helpers.world import contoso_world, session_of
from tests.pages.axe import AXE, WIDTHS, violations

pytestmark = [
    pytest.mark.pages,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not AXE.is_file(), reason="needs Chromium and axe-core from npm: make pages"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def issuer() -> Iterator[str]:
    people = [
        User(sub=name, claims={"preferred_username": f"{name}@contoso.example", "roles": ["approver"]})
        for name in ("ann", "bob")
    ]
    with ExitStack() as stack:
        yield f"http://localhost:{stack.enter_context(run_server_in_thread(user_claims=people)).server_port}"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with sites(), opened(f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


@pytest.fixture
def plan() -> Plan:
    return review_plan()


@pytest.fixture
def site(plan: Plan, ledger: Ledger, issuer: str) -> ReviewSite:
    client = Client(issuer=issuer, client_id="allowlist", secret="s", roles=("approver",))
    return site_of(plan, ledger, Time(), Provider(client), PREFIX)


def signed_in(context: BrowserContext, site: ReviewSite, name: str) -> Page:
    """Through the provider's own page, by keyboard."""
    page = context.new_page()
    page.goto(f"{site.address}/")
    page.get_by_placeholder("sub").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("#me")).to_contain_text(f"{name}@contoso.example")
    return page


def decide(page: Page, change: str, verdict: str, reason: str) -> None:
    form = page.locator(f"form[data-change='{change}']")
    form.get_by_role("textbox").fill(reason)
    form.get_by_role("button", name=verdict, exact=True).press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_wcag_is_broken_while_people_decide(
    browser: Browser, site: ReviewSite, plan: Plan, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = signed_in(context, site, "bob")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    first, second, third = (change.id for change in plan.changes[:3])
    decide(page, first, "Approve", "seen")
    decide(page, second, "Reject", "not ours")
    decide(page, third, "Comment", "why?")
    expect(page.locator(f"[data-said-of='{third}']")).to_contain_text("why?")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], f"at {width}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.select_option("select[name=state]", "rejected")
    assert page.inner_text("#shown") == f"1 of {len(plan.changes)} changes"
    assert said == []
    assert {url for url in asked if not url.startswith(site.address)} == set()
    context.close()


def test_two_people_at_once_see_each_other_without_reloading(
    browser: Browser, site: ReviewSite, plan: Plan
) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    ann, bob = (
        signed_in(context, site, name) for context, name in zip(contexts, ("ann", "bob"), strict=True)
    )
    first, second = plan.changes[0].id, plan.changes[1].id
    decide(ann, first, "Reject", "not ours")
    decide(bob, second, "Reject", "too wide")
    expect(bob.locator(f"article [data-said-of='{first}'], [data-said-of='{first}']").first).to_contain_text(
        "ann@contoso.example (verified): reject, not ours"
    )
    expect(ann.locator(f"[data-said-of='{second}']").first).to_contain_text("bob@contoso.example")
    expect(ann.locator("#progress")).to_contain_text("2 rejected")
    ann.get_by_role("button", name="Undo my last decision").press("Enter")
    expect(bob.locator("#progress")).to_contain_text("1 rejected")
    for context in contexts:
        context.close()


def test_what_is_approved_is_applied_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    with sites(), contoso_world(tmp_path) as world:
        session = session_of(world)
        plan = session.make_plan(lambda _: None)
        site = site_of(
            plan,
            world.ledger,
            Time(),
            review=lambda who, read_only: session.review_as(plan, who, read_only),
            applying=Applying(session),
        )
        page = browser.new_page()
        page.goto(site.link)
        expect(page.locator("#apply-why")).to_contain_text("nothing is approved")
        assert violations(page) == []
        decide(page, plan.changes[0].id, "Approve", "seen")
        name = page.get_by_label("Type hub-firewall to confirm")
        name.focus()
        page.keyboard.type("hub")
        page.keyboard.press("Enter")
        expect(page.locator("#complaint")).to_contain_text("type hub-firewall")
        assert world.rules() == []
        name.fill("hub-firewall")
        page.keyboard.press("Enter")
        expect(page.locator("#run-text")).to_contain_text("applied and verified", timeout=60_000)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert violations(page) == [], f"at {width}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert len(world.rules()) == 1
        page.close()
