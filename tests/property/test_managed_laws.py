"""Laws of planning on managed surfaces, over random states and wishes.

What is planned and done leaves nothing to plan; what is not ours stays as it was; nothing is ever loosened; no plan
promises an operation that the surface itself would refuse.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.points.managed.network import MODES, ManagedNetwork
from allowlist.points.managed.ownership import is_owned, rule_name
from tests.helpers import foundry
from tests.helpers.foundry import Case, fqdn
from tests.helpers.laws import among, examples

HOSTS = ["a.example", "*.b.example", "c.b.example", "login.microsoftonline.com", "d.blob.core.windows.net"]
_STATUS = st.sampled_from(["Active", "Inactive", "Provisioning", "Failed"])


def _tag(tag: str, action: str) -> dict[str, Any]:
    destination = {"serviceTag": tag, "protocol": "TCP", "portRanges": "443", "action": action}
    return {"type": "ServiceTag", "category": "UserDefined", "status": "Active", "destination": destination}


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for host in draw(st.lists(among(*HOSTS), unique=True)):
        ours = draw(st.booleans())
        name = rule_name("research", "FQDN", host) if ours else f"theirs-{len(found)}"
        found[name] = fqdn(host, draw(_STATUS))
    if draw(st.booleans()):
        found["tagged"] = _tag("AzureActiveDirectory", draw(among("Allow", "Deny")))
    return found


_WANTS = st.dictionaries(
    st.sampled_from([*HOSTS, "AzureMonitor", "e.example"]),
    st.sampled_from([["https:443"], ["http:80"], ["https:443", "http:80"], ["tcp:3306"]]),
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    mode = draw(among(*MODES))
    wish = draw(among(None, *MODES[1:]))
    return {
        "surface": draw(among("hub-network", "account-network")),
        "rules": draw(rules()) if mode == MODES[2] else {},
        "mode": mode,
        "status": draw(among("Active", "Inactive")),
        "wants": draw(_WANTS),
        "delete": draw(among("sync", "add-only")),
        "options": {"isolation_mode": wish} if wish else {},
    }


def _case(folder: str, given_: dict[str, Any]) -> Case:
    more = {"mode": given_["mode"], "status": given_["status"]}
    hub = given_["surface"] == "hub-network"
    state = [
        foundry.hub(given_["rules"], **more),
        foundry.account(),
        foundry.network(given_["rules"], **more),
    ]
    return Case(
        Path(folder),
        given_["surface"],
        given_["wants"],
        state[:1] if hub else state[1:],
        delete=given_["delete"],
        options=given_["options"],
    )


def _network(case: Case, bodies: list[dict[str, Any]]) -> ManagedNetwork:
    wanted = foundry.HUB if case.surface == "hub-network" else foundry.NETWORK
    body = next(item for item in bodies if item["id"] == wanted)
    return ManagedNetwork.of("x", "hub", body["properties"]["managedNetwork"])


@settings(max_examples=examples(40), deadline=None)
@given(cases())
def test_what_was_planned_and_done_leaves_nothing_to_plan(given_: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(folder, given_)
        case.state = case.after(case.plan())
        assert case.plan().is_empty


@settings(max_examples=examples(40), deadline=None)
@given(cases())
def test_what_is_not_ours_stays_and_no_mode_is_loosened(given_: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(folder, given_)
        before, after = _network(case, case.state), _network(case, case.after(case.plan()))

    foreign = {rule.name: rule.meaning for rule in before.rules if not is_owned("research", rule.name)}
    kept = {rule.name: rule.meaning for rule in after.rules if not is_owned("research", rule.name)}
    assert kept == foreign
    assert MODES.index(after.isolation) >= MODES.index(before.isolation)
