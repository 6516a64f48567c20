"""Applying from the page, against the simulator: who may, what has to be typed, and what everybody sees of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from oidc_provider_mock import User, run_server_in_thread

from allowlist_tui.review_page import ReviewSite
from allowlist_tui.review_page.applying import Applying
from allowlist_tui.review_page.oidc import Client, Provider
from tests.helpers.review_site import Desk, Time, by_link, signed_in, site_of, sites
from tests.helpers.served import wait_until
from tests.helpers.sessions import offline_session
from tests.helpers.world import World, contoso_world, session_of

pytestmark = pytest.mark.filterwarnings("ignore")
TARGET = "hub-firewall"


@pytest.fixture(autouse=True)
def servers() -> Iterator[None]:
    with sites():
        yield


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


@pytest.fixture
def people() -> Iterator[str]:
    found = [
        User(
            sub="1", claims={"preferred_username": "ann@contoso.example", "roles": ["approver", "operator"]}
        ),
        User(sub="2", claims={"preferred_username": "bob@contoso.example", "roles": ["approver"]}),
    ]
    with ExitStack() as stack:
        server = stack.enter_context(run_server_in_thread(user_claims=found))
        yield f"http://localhost:{server.server_port}"


def page_of(
    world: World, issuer: str = "", apply_roles: tuple[str, ...] = (), **session: Any
) -> tuple[ReviewSite, Applying]:
    opened = session_of(world, **session)
    plan, applying = opened.make_plan(lambda _: None), Applying(opened)
    client = Client(
        issuer=issuer, client_id="allowlist", secret="s", roles=("approver",), apply_roles=apply_roles
    )
    site = site_of(
        plan,
        world.ledger,
        Time(),
        Provider(client) if issuer else None,
        review=lambda who, read_only: opened.review_as(plan, who, read_only),
        applying=applying,
    )
    return site, applying


def over(desk: Desk) -> Any:
    wait_until(lambda: desk.state()["run"]["over"], "the run has ended")
    return desk.state()["run"]


def test_who_may_apply_types_the_target_and_everybody_sees_the_run(world: World, people: str) -> None:
    site, _ = page_of(world, people, ("operator",))
    ann, bob = signed_in(site, "1"), signed_in(site, "2")
    first = ann.state()
    assert "nothing is approved" in first["apply"]["why_not"]
    assert ann.post("apply", {"name": first["apply"]["name"]}).status_code == 409
    change = site.plan.changes[0]
    ann.decide(verdict="approve", changes=[change.id])
    asked = ann.state()["apply"]
    assert (asked["name"], asked["why_not"]) == (TARGET, "")
    assert asked["what"] == f"1 approved change to {TARGET}"
    assert bob.state()["apply"]["why_not"] == "none of the roles operator is yours"
    assert bob.post("apply", {"name": TARGET}).status_code == 409
    assert ann.post("apply", {"name": "hub"}).json()["hint"] == f"type {TARGET}"
    assert ann.client.post("/apply", json={"name": TARGET}).status_code == 403, "no token of the page"
    assert world.rules() == []
    assert ann.post("apply", {"name": TARGET}).status_code == 200
    seen = over(bob)
    assert seen["by"] == "ann@contoso.example"
    assert "applied and verified" in seen["text"]
    assert "allowlist rollback" in seen["text"]
    assert [step["state"] for step in seen["steps"]] == ["verified"]
    assert len(world.rules()) == 1
    assert world.ledger.runs(1)[0].who == "ann@contoso.example"
    assert "make a new one" in ann.state()["apply"]["why_not"]
    assert ann.post("apply", {"name": TARGET}).status_code == 409, "a plan is applied once"


def test_nobody_who_signed_in_applies_unless_a_role_was_named_for_it(world: World, people: str) -> None:
    site, _ = page_of(world, people)
    ann = signed_in(site, "1")
    ann.decide(verdict="approve", changes=[site.plan.changes[0].id])
    assert "--oidc-apply-role" in ann.state()["apply"]["why_not"]
    refused = ann.post("apply", {"name": TARGET})
    assert (refused.status_code, refused.json()["hint"]) == (409, "nothing was written")
    assert world.rules() == []


def test_on_a_laptop_who_started_it_applies_and_stops(world: World) -> None:
    hold = threading.Event()

    @contextmanager
    def held(narrate: object, sleep: object) -> Iterator[Any]:
        hold.wait()
        yield world.arm

    site, applying = page_of(world, azure=held)
    desk = by_link(site)
    assert desk.post("stop", {}).json()["error"] == "nothing is being applied"
    desk.decide(verdict="approve", changes=[site.plan.changes[0].id])
    assert desk.post("apply", {"name": TARGET}).status_code == 200
    again = desk.post("apply", {"name": TARGET})
    assert again.json()["error"].endswith("is applying")
    assert desk.post("stop", {}).json()["run"]["text"] == "stopping after the step in flight"
    hold.set()
    assert over(desk)["text"] == applying.finish() != ""
    assert world.rules() == [], "it was asked to stop before its first step"


def test_of_a_snapshot_nothing_is_applied(tmp_path: Path) -> None:
    session = offline_session(tmp_path)
    plan = session.named_plan()
    site = site_of(
        plan,
        session.ledger(),
        Time(),
        review=lambda who, read_only: session.review_as(plan, who, read_only),
        applying=Applying(session),
    )
    desk = by_link(site)
    desk.decide(verdict="approve", changes=[plan.changes[0].id])
    assert "snapshot" in desk.state()["apply"]["why_not"]
    session.close()
