"""Network security perimeters: found, read, explained, planned, applied and rolled back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allowlist.apply.result import RunResult
from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding, Status
from allowlist.points.kind import kind_of
from allowlist.workflow.applying import raise_if_incomplete
from allowlist.workflow.checking import check_targets
from allowlist.workflow.project import read_estate
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.cli import allowlist
from tests.helpers.kinds import kind_world, workload_for
from tests.helpers.perimeter import ASSOCIATION, PROFILE, SPEECH, THEIRS, outbound, perimeter
from tests.helpers.world import World

NAMES = ["needed.example.com", "theirs.example"]


def findings(world: World) -> dict[str, Finding]:
    project = world.project
    specs = project.targets()
    (check,) = check_targets(project, read_estate(project, specs, world.arm), specs)
    return {item.requirement.pattern if item.requirement else item.rule: item for item in check.findings}


def applied(world: World) -> RunResult:
    plan = world.plan()
    world.approve(plan)
    result = world.apply(plan)
    raise_if_incomplete(result)
    return result


def rules(world: World) -> dict[str, list[str]]:
    found = world.simulator.resources("Microsoft.Network/networkSecurityPerimeters/profiles/accessRules")
    return {body["name"]: body["properties"]["fullyQualifiedDomainNames"] for body in found}


def mode(world: World) -> str:
    body = world.body(ASSOCIATION)
    assert body is not None
    return str(body["properties"]["accessMode"])


def document(names: list[str] = NAMES, **options: object) -> dict[str, object]:
    return workload_for("security-perimeter", PROFILE, names, options)


def test_a_profile_is_found_with_its_rules_below_it() -> None:
    found = list(kind_of("security-perimeter").find(Estate.of(perimeter())))
    assert [(item.resource, item.name) for item in found] == [(PROFILE, "agents")]


def test_what_a_rule_names_is_covered_and_what_none_names_is_missing(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), perimeter()) as world:
        found = findings(world)
        assert found["theirs.example"].status is Status.COVERED
        assert found["needed.example.com"].status is Status.MISSING


def test_a_plan_is_applied_and_rolled_back_and_rules_of_others_stay(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), perimeter()) as world:
        before = rules(world)
        run = applied(world)
        assert ["needed.example.com"] in rules(world).values()
        assert rules(world)["theirs"] == ["theirs.example"]
        assert world.plan().is_empty

        roll_back(world.project, run.run_id, world.arm, world.context())
        assert rules(world) == before


def test_what_nobody_wants_any_more_is_removed_and_comes_back(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(["a.example.com", "b.example.com"]), perimeter()) as world:
        applied(world)
        both = rules(world)
        world.workload.write_text(json.dumps(document(["a.example.com"])))
        run = applied(world)
        assert ["b.example.com"] not in rules(world).values()
        assert ["theirs.example"] in rules(world).values()
        roll_back(world.project, run.run_id, world.arm, world.context())
        assert rules(world) == both


@pytest.mark.parametrize("access_mode", ["Learning", "Audit"])
def test_a_mode_that_only_logs_denies_nothing_and_says_so(tmp_path: Path, access_mode: str) -> None:
    with kind_world(tmp_path, document(), perimeter(access_mode)) as world:
        found = findings(world)
        assert found["needed.example.com"].status is Status.COVERED
        assert access_mode in found["agents/speech"].because
        assert found["agents/speech"].status is Status.WIDENS
        assert world.plan().is_empty


def test_enforcing_writes_the_rules_first_and_goes_back_to_learning(tmp_path: Path) -> None:
    wanted = document(access_mode="Enforced")
    with kind_world(tmp_path, wanted, perimeter("Learning")) as world:
        run = applied(world)
        assert mode(world) == "Enforced"
        writes = [item.path for item in world.simulator.requests if item.method == "PUT"]
        assert writes[-1] == ASSOCIATION
        assert findings(world)["needed.example.com"].status is Status.COVERED

        roll_back(world.project, run.run_id, world.arm, world.context())
        assert mode(world) == "Learning"
        assert list(rules(world)) == ["theirs"]


def test_a_profile_without_resources_protects_nothing(tmp_path: Path) -> None:
    bodies = [body for body in perimeter() if body["id"] != ASSOCIATION]
    with kind_world(tmp_path, document(), bodies) as world:
        assert "no resource is associated" in findings(world)["agents"].because


def test_a_wildcard_is_refused_unless_it_is_asked_for(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(["*.example.com"]), perimeter()) as world:
        assert "wildcards" in findings(world)["*.example.com"].because
        assert world.plan().gaps
        world.workload.write_text(json.dumps(document(["*.example.com"], unverified_wildcards=True)))
        applied(world)
        assert ["*.example.com"] in rules(world).values()


def test_a_link_is_told_of_where_a_name_is_missing(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), perimeter(link=True)) as world:
        assert "nsp-data" in findings(world)["needed.example.com"].because


@pytest.mark.parametrize(("state", "status"), [("Updating", Status.UNKNOWN), ("Failed", Status.MISSING)])
def test_a_rule_whose_write_has_not_ended_covers_nothing(tmp_path: Path, state: str, status: Status) -> None:
    bodies = perimeter(rules={"mine": outbound("needed.example.com", provisioningState=state)})
    with kind_world(tmp_path, document(), bodies) as world:
        assert findings(world)["needed.example.com"].status is status


def test_the_two_hundredth_element_is_the_last(tmp_path: Path) -> None:
    full = {"many": outbound(*(f"h{number}.example" for number in range(199)))}
    with kind_world(tmp_path, document(), perimeter(rules=full)) as world:
        plan = world.plan()
        assert any(gate.id == "limit-maximum-200-elements" and gate.final for gate in plan.gates)


def test_an_edit_of_somebody_else_makes_the_plan_stale(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), perimeter()) as world:
        plan = world.plan()
        world.approve(plan)
        world.edit(THEIRS, lambda body: body["properties"]["fullyQualifiedDomainNames"].append("new.example"))
        with pytest.raises(Exception, match="changed since the plan"):
            world.apply(plan)


def test_the_command_line_explains_and_checks_a_perimeter(tmp_path: Path) -> None:
    with kind_world(tmp_path, document(), perimeter()) as world:
        azure = ("--workload", world.workload, "--arm-endpoint", world.running.url, "--credential", "none")
        told = allowlist("explain", "theirs.example", "--from", "10.40.0.4", *azure, "--json")
        assert told.json["verdict"] == "allow", told.err
        assert told.json["decided_by"]["rule"] == "theirs"
        told = allowlist("explain", "needed.example.com", "--from", "10.40.0.4", *azure, "--json")
        assert told.json["verdict"] == "deny"
        assert SPEECH.rpartition("/")[2] not in told.err
