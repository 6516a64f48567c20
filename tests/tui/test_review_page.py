"""The review page: who may come in, two people at once, and what a strange page, host or token gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import msgspec
import pytest
from oidc_provider_mock import User, run_server_in_thread

from allowlist.plan.digest import require_intact
from allowlist.plan.model import ApprovalInForce, Plan
from allowlist.store import Ledger
from allowlist_tui.review_page import ReviewSite
from allowlist_tui.review_page.oidc import Client, Provider
from allowlist_tui.review_page.sittings import IDLE_SECONDS, LONGEST_SECONDS, Limit
from tests.helpers.ledgers import opened
from tests.helpers.plans import resealed
from tests.helpers.review_plan import review_plan
from tests.helpers.review_site import (
    GUEST,
    PREFIX,
    Desk,
    Time,
    browser,
    by_link,
    path_of,
    serve_here,
    signed_in,
    site_of,
    sites,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def servers() -> Iterator[None]:
    """Every site that a test opens is served on loopback, until the test ends."""
    with sites():
        yield


@pytest.fixture
def ledger(tmp_path: Any) -> Iterator[Ledger]:
    with opened(f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def plan() -> Plan:
    """A plan under four eyes, with two approvals for whatever is low."""
    made = review_plan()
    rule = ApprovalInForce(origin="the workload file", digest="sha256:x", four_eyes=True, quorum={"low": 2})
    return require_intact(resealed(msgspec.structs.replace(made, approval=rule)), "plan")


def test_the_one_time_link_lets_one_browser_in_and_marks_decisions_unverified(
    plan: Plan, ledger: Ledger, time: Time
) -> None:
    site = site_of(plan, ledger, time)
    link = site.link
    first, second = browser(site), browser(site)
    assert first.get("/").status_code == 401
    assert first.get(path_of(link)).status_code == 200
    assert second.get(path_of(link)).status_code == 403
    desk = Desk(first)
    assert "marked unverified" in desk.page
    change = plan.changes[0].id
    assert desk.decide(verdict="approve", changes=[change], reason="fine").status_code == 200
    (said,) = ledger.decisions([plan.changes[0].digest])
    assert (said.who, said.identity, said.reason) == (GUEST.who, "unverified", "fine")
    assert desk.state()["changes"][change]["state"] == "pending", "four eyes count verified names only"


@pytest.fixture
def provider() -> Iterator[Provider]:
    people = [
        User(
            sub="1",
            claims={"preferred_username": "Alice@Contoso.example", "roles": ["approver"], "name": "Alice"},
        ),
        User(sub="2", claims={"preferred_username": "bob@contoso.example", "roles": ["approver"]}),
        User(sub="3", claims={"preferred_username": "eve@contoso.example", "roles": ["reader"]}),
        User(sub="4", claims={"preferred_username": "carol@contoso.example", "roles": ["approver"]}),
    ]
    with ExitStack() as stack:
        server = stack.enter_context(run_server_in_thread(user_claims=people))
        issuer = f"http://localhost:{server.server_port}"
        yield Provider(Client(issuer=issuer, client_id="allowlist", secret="s", roles=("approver",)))


def test_two_people_decide_as_themselves_and_see_each_other(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    alice, bob = signed_in(site, "1"), signed_in(site, "2")
    change = plan.changes[0].id
    assert "alice@contoso.example, verified" in alice.page
    assert alice.decide(verdict="approve", changes=[change], reason="seen").status_code == 200
    assert bob.state()["changes"][change]["state"] == "pending"
    assert "alice@contoso.example (verified): approve, seen" in bob.state()["changes"][change]["said"][0]
    assert bob.decide(verdict="approve", changes=[change]).status_code == 200
    assert alice.state()["changes"][change]["state"] == "approved", "a quorum of two verified people"
    kinds = {(item.who, item.identity) for item in ledger.decisions([plan.changes[0].digest])}
    assert kinds == {("alice@contoso.example", "verified"), ("bob@contoso.example", "verified")}


def test_who_asked_cannot_approve_and_who_lacks_the_role_may_only_look(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    asker, reader = signed_in(site, "4"), signed_in(site, "3")
    refused = asker.decide(verdict="approve", changes=[plan.changes[0].id])
    assert refused.status_code == 409
    assert "four eyes" in refused.json()["error"]
    assert "none of the roles approver is yours" in reader.page
    assert 'class="decide"' not in reader.page
    assert reader.decide(verdict="reject", changes=[plan.changes[0].id], reason="no").status_code == 409
    assert ledger.decisions([plan.changes[0].digest]) == ()


def test_a_sign_in_that_was_begun_elsewhere_or_is_used_twice_ends_nothing(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    mine, other = browser(site), browser(site)
    away = mine.get("/sign-in", follow_redirects=False).headers["location"]
    back = httpx.post(away, data={"sub": "1"}, follow_redirects=False).headers["location"]
    back = path_of(back)
    assert other.get(back).status_code == 403
    assert mine.get(back).status_code == 200
    assert mine.get(back).status_code == 403, "a state works once"
    assert mine.get("/callback?code=x&state=y").status_code == 403
    assert other.get("/", follow_redirects=False).headers["location"] == "/sign-in"


def test_a_gate_is_accepted_and_a_decision_taken_back(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    alice, bob = signed_in(site, "1"), signed_in(site, "2")
    assert alice.decide(verdict="accept-gate", gate="removals", reason="agreed").status_code == 200
    gate = bob.state()["gates"]["removals"]
    assert (gate["open"], gate["by"], gate["reason"]) == (False, "alice@contoso.example", "agreed")
    assert alice.decide(verdict="accept-gate", gate="widening", reason=" ").status_code == 409
    change = plan.changes[0].id
    alice.decide(verdict="reject", changes=[change], reason="not yet")
    assert bob.state()["changes"][change]["state"] == "rejected"
    assert alice.decide(verdict="undo").status_code == 200
    assert bob.state()["changes"][change]["state"] != "rejected"


def test_strange_pages_hosts_tokens_and_bodies_decide_nothing(plan: Plan, ledger: Ledger, time: Time) -> None:
    site = site_of(plan, ledger, time)
    client = browser(site)
    client.get(path_of(site.link))
    desk = Desk(client)
    asked = {"verdict": "approve", "changes": [plan.changes[0].id]}
    right = {"X-CSRF-Token": desk.csrf}
    assert client.post("/decide", json=asked).status_code == 403
    assert client.post("/decide", json=asked, headers={"X-CSRF-Token": "x"}).status_code == 403
    assert (
        client.post("/decide", json=asked, headers=right | {"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert client.post("/decide", json=asked, headers=right | {"Host": "evil.example"}).status_code == 421
    assert client.post("/decide", content=b"{" * 70_000, headers=right).status_code == 400
    assert desk.decide(verdict="dance").status_code == 409
    assert desk.decide(verdict="approve", changes=["nothing"]).status_code == 409
    assert ledger.decisions([plan.changes[0].digest]) == ()
    answer = client.get("/")
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "nonce-" in answer.headers["Content-Security-Policy"]


def test_sessions_end(plan: Plan, ledger: Ledger, time: Time) -> None:
    site = site_of(plan, ledger, time)
    client = browser(site)
    client.get(path_of(site.link))
    desk = Desk(client)
    time.seconds += IDLE_SECONDS + 1
    assert desk.decide(verdict="undo").status_code == 401
    client.get(path_of(site.link))
    for _ in range(int(LONGEST_SECONDS // (IDLE_SECONDS / 2)) + 2):
        time.seconds += IDLE_SECONDS / 2
        client.get("/state")
    assert client.get("/state").status_code == 401, "nobody sits for ever"
    client.get(path_of(site.link))
    again = Desk(client)
    client.post("/sign-out", headers={"X-CSRF-Token": again.csrf})
    assert client.get("/").status_code == 401


def test_too_many_attempts_wait(plan: Plan, ledger: Ledger, time: Time) -> None:
    site = site_of(plan, ledger, time)
    client = browser(site)
    answers = [client.get("/?token=wrong").text for _ in range(31)]
    assert "wait a minute" in answers[-1]
    time.seconds += 61
    assert client.get(path_of(site.link)).status_code == 200
    limit = Limit(2, 10, time)
    assert [limit.lets("a"), limit.lets("a"), limit.lets("a"), limit.lets("b")] == [True, True, False, True]


def test_behind_a_proxy_the_public_address_counts(plan: Plan, ledger: Ledger, time: Time) -> None:
    inner = site_of(plan, ledger, time)
    site = ReviewSite.of(plan, inner.review, GUEST, "https://review.contoso.example")
    with httpx.Client(base_url=serve_here(site)) as proxy:
        answer = proxy.get(path_of(site.link), headers={"Host": "review.contoso.example"})
        assert "Secure" in answer.headers["set-cookie"]
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "Strict-Transport-Security" in answer.headers
        assert proxy.get("/").status_code == 421


def test_under_a_prefix_everything_stays_there_whether_or_not_the_proxy_takes_it_off(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider, PREFIX)
    bare = browser(site).get(PREFIX, follow_redirects=False)
    assert bare.headers["location"] == f"{PREFIX}/sign-in"
    alice = signed_in(site, "1")
    assert alice.base == f"{PREFIX}/"
    assert {cookie.path for cookie in alice.client.cookies.jar} == {f"{PREFIX}/"}
    change = plan.changes[0].id
    assert alice.decide(verdict="approve", changes=[change]).status_code == 200
    key = alice.client.cookies["allowlist_page"]
    with httpx.Client(
        base_url=alice.client.base_url, headers={"Cookie": f"allowlist_page={key}"}
    ) as stripped:
        assert stripped.get("/state").json()["changes"][change]["mine"] == "approve"
    other = site_of(plan, ledger, time, provider)
    assert browser(other).get(f"{PREFIX}/state").status_code == 404, "a prefix nobody named is no page"


def test_what_one_decides_comes_to_the_other_by_itself(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    alice, bob = signed_in(site, "1"), signed_in(site, "2")
    change = plan.changes[0].id
    with bob.client.stream("GET", "/events") as events:
        lines = (line.removeprefix("data: ") for line in events.iter_lines() if line.startswith("data: "))
        assert change not in json.loads(next(lines))["changes"]
        alice.decide(verdict="reject", changes=[change], reason="not ours")
        assert json.loads(next(lines))["changes"][change]["state"] == "rejected"


def test_a_page_left_open_does_not_keep_a_session_alive(plan: Plan, ledger: Ledger, time: Time) -> None:
    desk = by_link(site_of(plan, ledger, time))
    with desk.client.stream("GET", "/events") as events:
        lines = events.iter_lines()
        assert next(lines).startswith("data: ")
        time.seconds += IDLE_SECONDS + 1
        assert "event: ended" in (line for line in lines)
    assert desk.client.get("/state").status_code == 401


def test_decisions_and_sign_ins_are_limited_each_person_alone(
    plan: Plan, ledger: Ledger, time: Time, provider: Provider
) -> None:
    site = site_of(plan, ledger, time, provider)
    alice, bob = signed_in(site, "1"), signed_in(site, "2")
    refused = [alice.decide(verdict="undo").status_code for _ in range(121)]
    assert (set(refused[:120]), refused[120]) == ({409}, 429)
    assert bob.decide(verdict="undo").status_code == 409
    time.seconds += 61
    assert alice.decide(verdict="undo").status_code == 409
    tries = [browser(site).get("/sign-in", follow_redirects=False).status_code for _ in range(31)]
    assert (set(tries[:30]), tries[30]) == ({303}, 429)
