"""Managed networks, account lists and egress policies over real HTTP: applied, verified, undone, under faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import PlanRefused, StalePlan
from allowlist.plan.model import Plan
from allowlist.workflow.applying import ApplyOptions, raise_if_incomplete
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import plan_way_back, roll_back
from tests.helpers import foundry
from tests.helpers.foundry_world import SURFACES, estate, foundry_world, write_workload
from tests.helpers.world import World

NAMES = ["huggingface.co", "pypi.example"]


def _apply(world: World, **options: Any) -> Plan:
    plan = world.plan()
    world.approve(plan)
    raise_if_incomplete(world.apply(plan, **options))
    return plan


def _state(world: World) -> dict[str, Any]:
    """Everything anybody configured, by resource, as a reader of Azure sees it."""
    network = world.arm.get(foundry.NETWORK, "2026-03-01")["properties"]["managedNetwork"]
    hub = world.arm.get(foundry.HUB, "2025-12-01")["properties"]["managedNetwork"]
    speech = world.arm.get(foundry.SPEECH, "2024-10-01")["properties"]
    policy = world.arm.get(foundry.POLICY, "2026-05-15-preview")["properties"]
    return {
        "network": {name: rule["destination"] for name, rule in network["outboundRules"].items()},
        "hub": {name: rule["destination"] for name, rule in hub["outboundRules"].items()},
        "speech": sorted(speech["allowedFqdnList"]),
        "policy": [rule["match"]["host"] for rule in policy["egressPolicy"]["rules"]],
        "filters": policy["contentFilters"],
    }


def _writes(world: World) -> list[tuple[str, str]]:
    return [
        (entry.method, entry.path.partition("?")[0].rpartition("/")[2])
        for entry in world.simulator.requests
        if entry.method not in ("GET", "HEAD")
    ]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_run_ends_converged_and_its_way_back_restores_everything(tmp_path: Path, surface: str) -> None:
    with foundry_world(tmp_path, [surface], NAMES) as world:
        before = _state(world)
        _apply(world)
        applied = _state(world)
        assert world.plan().is_empty
        assert applied != before

        run = world.ledger.runs()[0]
        assert run.state == "succeeded"
        roll_back(world.project, run.run_id, world.arm, world.context())
        assert _state(world) == before


@pytest.mark.parametrize("surface", SURFACES)
def test_what_nobody_wants_any_more_is_removed_and_nothing_else(tmp_path: Path, surface: str) -> None:
    with foundry_world(tmp_path, [surface], NAMES) as world:
        before = _state(world)
        _apply(world)
        write_workload(tmp_path, [surface], [])
        _apply(world)
        assert _state(world) == before


@pytest.mark.parametrize("surface", SURFACES)
def test_a_plan_is_stale_once_somebody_else_changed_the_target(tmp_path: Path, surface: str) -> None:
    with foundry_world(tmp_path, [surface], NAMES) as world:
        plan = world.plan()
        world.approve(plan)
        _foreign_change(world, surface)
        before = _state(world)
        with pytest.raises(StalePlan):
            world.apply(plan)
        assert _state(world) == before


def _foreign_change(world: World, surface: str) -> None:
    if surface == "account-allow-list":
        world.edit(foundry.SPEECH, lambda body: body["properties"]["allowedFqdnList"].append("other.example"))
    elif surface == "agent-egress":
        world.edit(foundry.POLICY, lambda body: body["properties"]["egressPolicy"]["rules"].clear())
    else:
        base = foundry.HUB if surface == "hub-network" else foundry.NETWORK
        world.edit(
            f"{base}/outboundRules/theirs",
            lambda body: body["properties"].update(destination="changed.example"),
        )


_KINDS = {
    "hub-network": ("PUT", "outboundRules"),
    "account-network": ("POST", "batchOutboundRules"),
    "account-allow-list": ("PATCH", "accounts"),
    "agent-egress": ("PUT", "raiPolicies"),
}
_FAULTS = [
    "transient-after",
    "reset-after",
    "reset-before",
    "unavailable",
    "throttled",
    "location-bare",
    "operation-slow",
    "state-lags",
    "status=409,code=Conflict,message=it has an ongoing operation running",
    "status=409,code=RequestConflict,message=the provisioning state is not terminal",
]


@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("surface", SURFACES)
def test_a_fault_that_passes_is_overcome_and_nothing_is_written_twice_or_lost(
    tmp_path: Path, surface: str, fault: str
) -> None:
    method, kind = _KINDS[surface]
    with foundry_world(tmp_path, [surface], NAMES) as world:
        before = _state(world)
        lag = f"{method}:{kind}:nth=1,lag=0.2" if fault == "state-lags" else f"{method}:{kind}:nth=1:{fault}"
        world.fault(lag)
        _apply(world)
        after = _state(world)
        assert world.simulator.faults.injected
        assert world.plan().is_empty
        assert _without(after, surface) == _without(before, surface)


def _without(state: dict[str, Any], surface: str) -> dict[str, Any]:
    """The parts that a run on ``surface`` has no business with."""
    own = {
        "hub-network": "hub",
        "account-network": "network",
        "account-allow-list": "speech",
        "agent-egress": "policy",
    }[surface]
    return {key: value for key, value in state.items() if key != own}


@pytest.mark.parametrize("surface", ["hub-network", "account-network"])
@pytest.mark.parametrize("fault", ["delete-poll-404", "reset-after", "transient-operation"])
def test_a_deletion_that_ends_oddly_is_done(tmp_path: Path, surface: str, fault: str) -> None:
    with foundry_world(tmp_path, [surface], NAMES) as world:
        before = _state(world)
        _apply(world)
        write_workload(tmp_path, [surface], [])
        world.fault(f"DELETE:outboundRules:{fault}")
        _apply(world)
        assert world.simulator.faults.injected
        assert _state(world) == before


@pytest.mark.parametrize("surface", ["hub-network", "account-network"])
def test_a_rule_that_fails_once_is_healed_by_writing_it_again(tmp_path: Path, surface: str) -> None:
    method, kind = _KINDS[surface]
    with foundry_world(tmp_path, [surface], NAMES) as world:
        world.fault(f"{method}:{kind}:nth=1:rule-fails,message=approval is missing")
        _apply(world)
        assert world.plan().is_empty


def test_a_rule_that_stays_failed_is_told_with_its_reason_and_planned_again(tmp_path: Path) -> None:
    with foundry_world(tmp_path, ["hub-network"], NAMES[:1]) as world:
        world.settings["settle_attempts"] = 5
        world.fault("PUT:outboundRules:rule-fails,message=approval is missing")
        plan = world.plan()
        world.approve(plan)
        result = world.apply(plan)
        assert not result.is_complete
        assert "approval is missing" in result.error
        world.simulator.faults.clear()
        again = world.plan()
        assert [change.operation.action for change in again.changes] == ["update"]


def test_rules_of_a_hub_are_written_one_after_the_other(tmp_path: Path) -> None:
    with foundry_world(tmp_path, ["hub-network"], [*NAMES, "third.example"]) as world:
        _apply(world)
        assert [method for method, _ in _writes(world)] == ["PUT", "PUT", "PUT"]


def test_rules_of_an_account_go_as_one_batch_but_are_deleted_one_by_one(tmp_path: Path) -> None:
    with foundry_world(tmp_path, ["account-network"], NAMES) as world:
        _apply(world)
        assert _writes(world) == [("POST", "batchOutboundRules")]
        write_workload(tmp_path, ["account-network"], [])
        _apply(world)
        assert [method for method, _ in _writes(world)][1:] == ["DELETE", "DELETE"]


@pytest.mark.parametrize("surface", ["hub-network", "account-network"])
def test_an_open_network_that_was_never_provisioned_becomes_approved_only_with_all_rules_active(
    tmp_path: Path, surface: str
) -> None:
    bodies = estate(
        hub=foundry.hub(mode="AllowInternetOutbound", status="Inactive"),
        network=foundry.network(mode="AllowInternetOutbound", status="Inactive"),
    )
    wish = {"isolation_mode": "AllowOnlyApprovedOutbound"}
    with foundry_world(tmp_path, [surface], NAMES, bodies=bodies, options={surface: wish}) as world:
        _apply(world)
        network = world.arm.get(
            foundry.HUB if surface == "hub-network" else foundry.NETWORK,
            "2025-12-01" if surface == "hub-network" else "2026-03-01",
        )["properties"]["managedNetwork"]
        assert network["isolationMode"] == "AllowOnlyApprovedOutbound"
        assert {rule["status"] for rule in network["outboundRules"].values()} == {"Active"}
        assert world.plan().is_empty


def test_a_step_that_is_billed_or_one_way_waits_for_its_gate(tmp_path: Path) -> None:
    bodies = estate(network=foundry.network())
    with foundry_world(tmp_path, ["account-network"], NAMES, bodies=bodies) as world:
        plan = world.plan()
        world.approve(plan, gates=False)
        with pytest.raises(PlanRefused, match="firewall"):
            world.apply(plan)
        assert not _writes(world)


def test_one_plan_over_all_surfaces_is_applied_under_faults_and_undone(tmp_path: Path) -> None:
    with foundry_world(tmp_path, SURFACES, NAMES) as world:
        before = _state(world)
        plan = world.plan()
        assert {change.target for change in plan.changes} == set(SURFACES)
        world.fault(
            "PUT:outboundRules:nth=1:transient-operation",
            "PUT:outboundRules:nth=2:location-bare",
            "POST:batchOutboundRules:nth=1:throttled",
            "PATCH:accounts:nth=1:transient-after",
            "PATCH:accounts:nth=1,lag=0.2",
            "GET:operations:chance=0.2,seed=7,status=503",
        )
        world.approve(plan)
        raise_if_incomplete(world.apply(plan))
        assert len(world.simulator.faults.injected) >= 5
        assert world.plan().is_empty

        roll_back(world.project, world.ledger.runs()[0].run_id, world.arm, world.context())
        assert _state(world) == before


def test_a_run_that_stopped_half_way_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    with foundry_world(tmp_path, ["hub-network"], NAMES) as world:
        world.fault("PUT:outboundRules:nth=2-:status=403,code=AuthorizationFailed,message=no action for you")
        plan = world.plan()
        world.approve(plan)
        result = world.apply(plan)
        assert sorted(result.fates.values()) == ["done", "not done"]
        world.simulator.faults.clear()
        options = ApplyOptions()
        raise_if_incomplete(resume_run(world.project, result.run_id, world.arm, world.context(), options))
        assert world.plan().is_empty


_LACKS = (
    "The client 'deploy' with object id 'c0ffee00-0000-0000-0000-000000000009' does not have authorization to "
    "perform action '{action}' over scope '{scope}' or the scope is invalid."
)


@pytest.mark.parametrize(
    ("surface", "action", "role"),
    [
        (
            "hub-network",
            "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections/read",
            "privateEndpointConnections/read and /write on the workspace",
        ),
        (
            "account-network",
            "Microsoft.CognitiveServices/accounts/managedNetworks/write",
            "Cognitive Services Contributor on the account",
        ),
    ],
)
def test_a_missing_right_names_the_action_and_the_role(
    tmp_path: Path, surface: str, action: str, role: str
) -> None:
    method, kind = _KINDS[surface]
    with foundry_world(tmp_path, [surface], NAMES) as world:
        text = _LACKS.format(action=action, scope="/subscriptions/s")
        # Commas end a word of the fault grammar.
        world.fault(f"{method}:{kind}:status=403,code=AuthorizationFailed,message={text.replace(',', ';')}")
        plan = world.plan()
        world.approve(plan)
        result = world.apply(plan)
        assert action in result.error
        assert role in result.error


def test_an_identity_that_may_not_approve_private_links_is_told_its_role(tmp_path: Path) -> None:
    said = "User does not have permission to approve private link connections to resource"
    with foundry_world(tmp_path, ["hub-network"], NAMES) as world:
        world.fault(f"PUT:outboundRules:status=400,code=UserError,message={said}")
        plan = world.plan()
        world.approve(plan)
        assert "Azure AI Enterprise Network Connection Approver" in world.apply(plan).error


def test_a_run_with_a_one_way_step_is_not_undone_by_halves(tmp_path: Path) -> None:
    bodies = estate(network=foundry.network(mode="AllowInternetOutbound"))
    wish = {"account-network": {"isolation_mode": "AllowOnlyApprovedOutbound"}}
    with foundry_world(tmp_path, ["account-network"], NAMES, bodies=bodies, options=wish) as world:
        _apply(world)
        applied = _state(world)
        with pytest.raises(PlanRefused, match="cannot be undone"):
            roll_back(world.project, world.ledger.runs()[0].run_id, world.arm, world.context())
        assert _state(world) == applied


@pytest.mark.parametrize(
    ("surface", "changes", "wish"),
    [
        ("hub-network", {"hub": foundry.hub()}, {"firewall_sku": "Basic", "managed_network_kind": "V2"}),
        (
            "account-allow-list",
            {"speech": foundry.speech(["x.example"], restricted=False)},
            {"restrict": True},
        ),
        ("agent-egress", {"policy": foundry.policy(mode="Audit")}, {"mode": "Enforced", "attached": True}),
        (
            "hub-network",
            {},
            {"private_endpoints": [{"resource": foundry.STORAGE, "subresource": "blob"}]},
        ),
    ],
)
def test_what_a_target_asks_for_besides_names_is_brought_about(
    tmp_path: Path, surface: str, changes: dict[str, Any], wish: dict[str, Any]
) -> None:
    names = [*NAMES, "stresearch.blob.core.windows.net"] if "private_endpoints" in wish else NAMES
    with foundry_world(
        tmp_path, [surface], names, bodies=estate(**changes), options={surface: wish}
    ) as world:
        _apply(world)
        assert world.plan().is_empty
        assert not world.plan().gaps


def test_rules_that_a_run_deleted_come_back_in_one_batch_with_the_minutes_said_before(tmp_path: Path) -> None:
    """The account's service writes several rules at once, and deletes them one by one; a hub's does neither."""
    names = [*NAMES, "third.example"]
    with foundry_world(tmp_path, ["account-network"], names) as world:
        _apply(world)
        (added,) = world.ledger.runs()
        before = _state(world)
        write_workload(tmp_path, ["account-network"], [])
        _apply(world)
        taken_out = next(run for run in world.ledger.runs() if run.run_id != added.run_id)
        world.simulator.requests.clear()

        way = plan_way_back(world.project, taken_out.run_id, world.arm, world.context())
        assert [item.text for item in way.work] == ["account-network: 3 changes in 1 write, about 13 minutes"]
        roll_back(world.project, taken_out.run_id, world.arm, world.context(), way)
        assert _writes(world) == [("POST", "batchOutboundRules")]
        assert _state(world) == before

        write_workload(tmp_path, ["account-network"], names)
        way = plan_way_back(world.project, added.run_id, world.arm, world.context())
        (work,) = way.work
        assert work.text == (
            "account-network: 3 changes in 3 writes, about 37.5 minutes; 3 are deleted one by one, as Azure has no batch "
            "for that"
        )
        roll_back(world.project, added.run_id, world.arm, world.context(), way)
        assert [method for method, _ in _writes(world)][1:] == ["DELETE"] * 3
