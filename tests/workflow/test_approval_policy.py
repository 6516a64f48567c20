"""The approval policy comes from where whoever runs says, and nothing is applied under another than the ledger's."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import AllowlistError, InvalidInput, NotApproved, PlanRefused
from allowlist.plan.model import Plan
from allowlist.render.plan import plan_text
from allowlist.workflow.applying import ApplyOptions, apply_plan
from allowlist.workflow.approval_policy import (
    PolicyInForce,
    keep_policy,
    policy_from_ledger,
    policy_from_workload,
    read_policy,
)
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import read_estate
from allowlist.workload.document import ApprovalRule
from tests.helpers.small_world import OURS, WORKLOAD, small_world
from tests.helpers.world import ALICE, World

STRICT = "schema: allowlist/approval-policy/v1\nquorum: {wildcard: 2, low: 2}\napprovers: [carol@contoso.example]\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_world(tmp_path) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "approval.yaml").write_text(STRICT)
    return tmp_path / "approval.yaml"


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plan_under(world: World, policy: PolicyInForce) -> Plan:
    project = replace(world.project, policy=policy)
    specs = project.targets()
    return make_plan(project, read_estate(project, specs, world.arm), specs)


def _apply_under(world: World, policy: PolicyInForce, plan: Plan) -> Any:
    project = replace(world.project, policy=policy)
    return apply_plan(project, plan, world.arm, world.context(), ApplyOptions())


def test_a_file_says_who_may_approve_and_the_plan_shows_it(world: World, file: Path) -> None:
    policy = read_policy(str(file))

    plan = _plan_under(world, policy)

    (line,) = [text for text in plan_text(plan) if text.startswith("approval policy in force")]
    assert str(file) in line
    assert _digest(STRICT) in line
    assert "2 for wildcard; by carol@contoso.example" in line


def test_what_the_workload_file_says_counts_for_nothing_then(world: World, file: Path) -> None:
    """Its author may not approve their own change by editing it."""
    world.workload.write_text(WORKLOAD + f"approval: {{approvers: [{ALICE.who}]}}\n")
    policy = read_policy(str(file))
    plan = _plan_under(world, policy)
    world.approve(plan)

    with pytest.raises(NotApproved):
        _apply_under(world, policy, plan)
    assert world.body(OURS) is None


def test_a_plan_made_under_the_workload_file_is_not_applied_under_another_policy(
    world: World, file: Path
) -> None:
    plan = world.plan()
    world.approve(plan)

    with pytest.raises(PlanRefused):
        _apply_under(world, read_policy(str(file)), plan)
    assert world.body(OURS) is None


def test_a_pinned_file_that_was_edited_is_refused(file: Path) -> None:
    pinned = f"{file}@{_digest(STRICT)}"
    assert read_policy(pinned).rule.approvers == ["carol@contoso.example"]

    file.write_text(STRICT.replace("carol", "mallory"))

    with pytest.raises(AllowlistError, match="not the one that was pinned"):
        read_policy(pinned)


@pytest.mark.parametrize(
    "text", ["{}", "schema: allowlist/approval-policy/v1\nquorom: {}\n", "[]", "a: b: c"]
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(InvalidInput):
        read_policy(str(tmp_path / "p.yaml"))


def test_an_address_has_to_be_pinned_and_to_hold_what_it_was_pinned_to() -> None:
    with _served(STRICT) as url:
        assert read_policy(f"{url}@{_digest(STRICT)}").rule.quorum == {"wildcard": 2, "low": 2}
        with pytest.raises(AllowlistError, match="nothing says what it must hold"):
            read_policy(url)
        with pytest.raises(AllowlistError, match="not the one that was pinned"):
            read_policy(f"{url}@{_digest('other')}")


def test_an_address_that_leads_elsewhere_is_not_followed() -> None:
    with (
        _served(STRICT) as there,
        _served(STRICT, status=302, location=there) as url,
        pytest.raises(AllowlistError),
    ):
        read_policy(f"{url}@{_digest(STRICT)}")


def test_the_policy_of_the_ledger_is_in_force_whatever_else_is_named(world: World, file: Path) -> None:
    name = world.project.workload.name
    with pytest.raises(AllowlistError, match="holds no approval policy"):
        policy_from_ledger(world.ledger, name)
    keep_policy(world.ledger, name, read_policy(str(file)), ALICE.who)
    lax = policy_from_workload(ApprovalRule(), world.workload)
    plan = _plan_under(world, lax)
    world.approve(plan)

    with pytest.raises(PlanRefused, match="not the one the ledger holds"):
        _apply_under(world, lax, plan)
    with pytest.raises(PlanRefused):
        _apply_under(world, policy_from_ledger(world.ledger, name), plan)

    assert world.body(OURS) is None
    assert policy_from_ledger(world.ledger, name).told.digest == read_policy(str(file)).told.digest


@contextmanager
def _served(text: str, status: int = 200, location: str = "") -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/policy.yaml"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
