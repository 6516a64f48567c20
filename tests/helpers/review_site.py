"""The page of a review, served on loopback, and the browsers of the people at it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import uvicorn

from allowlist.plan.model import Plan
from allowlist.store import Ledger
from allowlist.store.identity import Identity
from allowlist.workflow.approval_policy import rule_of_plan
from allowlist.workflow.review import Review
from allowlist_tui.review_page import ReviewSite, make_app
from allowlist_tui.review_page.oidc import Provider
from tests.helpers.plans import NOW
from tests.helpers.served import wait_until

GUEST = Identity(who="os:ann@laptop", kind="unverified")
PREFIX = "/tools/allowlist"

_servers: ExitStack = ExitStack()


@contextmanager
def sites() -> Iterator[None]:
    """Whatever is served and opened inside ends with it."""
    global _servers
    with ExitStack() as _servers:
        yield


@contextmanager
def serving(site: ReviewSite, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(make_app(site), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the site is served")
    yield
    server.should_exit = True
    thread.join()


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def address_of(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def serve_here(site: ReviewSite) -> str:
    """Serve a site whose address is another one, and give the address it really has."""
    listening = socket.create_server(("127.0.0.1", 0))
    _servers.enter_context(serving(site, listening))
    return address_of(listening)


def site_of(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider | None = None, prefix: str = "", **more: Any
) -> ReviewSite:
    ledger.save_plan(
        plan.digest, msgspec.json.encode(plan), workload=plan.workload, created=NOW, who=plan.asked_by
    )

    def open_review(who: Identity, read_only: str) -> Review:
        return Review(plan, ledger, who=who, clock=lambda: NOW, rule=rule_of_plan(plan), read_only=read_only)

    listening = socket.create_server(("127.0.0.1", 0))
    opens = more.pop("review", open_review)
    site = ReviewSite.of(plan, opens, GUEST, address_of(listening) + prefix, provider, time, **more)
    _servers.enter_context(serving(site, listening))
    return site


def browser(site: ReviewSite) -> httpx.Client:
    parts = urlsplit(site.address)
    client = httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", follow_redirects=True, timeout=30)
    return _servers.enter_context(client)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}"


class Desk:
    """One person's browser with the page open."""

    def __init__(self, client: httpx.Client, prefix: str = "") -> None:
        self.client = client
        answer = client.get(f"{prefix}/")
        assert answer.status_code == 200, answer.text
        self.page = answer.text
        found = re.search(r'data-csrf="([^"]+)" data-base="([^"]+)"', self.page)
        assert found
        self.csrf, self.base = found[1], found[2]

    def post(self, path: str, asked: Any) -> httpx.Response:
        """As the script of the page does."""
        return self.client.post(
            self.base + path,
            json=asked,
            headers={"X-CSRF-Token": self.csrf, "Origin": str(self.client.base_url).rstrip("/")},
        )

    def decide(self, **asked: Any) -> httpx.Response:
        return self.post("decide", asked)

    def state(self) -> Any:
        return self.client.get(f"{self.base}state").json()


def by_link(site: ReviewSite) -> Desk:
    """Whoever has the one-time link."""
    client = browser(site)
    client.get(path_of(site.link))
    return Desk(client, site.prefix)


def signed_in(site: ReviewSite, sub: str) -> Desk:
    """Walk through the sign-in as a browser does, at the real provider."""
    client = browser(site)
    away = client.get(f"{site.prefix}/sign-in", follow_redirects=False).headers["location"]
    asked = parse_qs(urlsplit(away).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = httpx.post(away, data={"sub": sub}, follow_redirects=False).headers["location"]
    answer = client.get(path_of(back))
    assert answer.status_code == 200, answer.text
    return Desk(client, site.prefix)
