"""Reading the network over HTTP: the same answer as from files, and what may not be read is told, never fine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allowlist.azure.client import ArmClient
from allowlist.azure.connection import Connection, connect
from allowlist.errors import TargetDenied
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.network.observation import State
from allowlist.network.posture import Posture
from allowlist.points.point import ArmReader
from allowlist.simulator import Simulator, serve
from allowlist.workflow.posture import assess
from allowlist.workflow.project import read_estate
from allowlist.workflow.snapshotting import save_snapshot
from allowlist.workflow.surroundings import AROUND, BEHIND_ENDPOINTS
from tests.helpers.posture import EXAMPLE, NOW, clean_bodies, posture_of, project, told


class Refusing:
    """A reader that may not list one type: what a role without that right sees."""

    def __init__(self, arm: ArmReader, kind: str) -> None:
        self._arm = arm
        self._kind = kind.lower()

    def get(self, resource_id: str, api_version: str) -> Body:
        return self._arm.get(resource_id, api_version)

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        if path.lower().endswith(f"/providers/{self._kind}"):
            raise TargetDenied("not authorized", status=403, code="AuthorizationFailed")
        return self._arm.list(path, api_version)


class Listing:
    """ARM by the files of an estate: lists by type and subscription, gets by id."""

    def __init__(self, bodies: dict[str, Body]) -> None:
        self.estate = Estate.of(bodies.values())
        self.asked: list[str] = []

    def get(self, resource_id: str, api_version: str) -> Body:
        del api_version
        found = self.estate.get(resource_id)
        if found is None and "/subnets/" in resource_id:
            network, _, name = resource_id.partition("/subnets/")
            subnets = (self.estate.get(network) or {})["properties"]["subnets"]
            found = next(item for item in subnets if item["name"] == name)
        assert found is not None, resource_id
        return found

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        del api_version
        self.asked.append(path)
        scope, _, kind = path.partition("/providers/")
        if scope.count("/") == 2:
            return (
                body for body in self.estate.of_type(kind) if body["id"].lower().startswith(scope.lower())
            )
        parent, _, child = path.rpartition("/")
        return iter(self.estate.children(parent, child))

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]:
        raise AssertionError(f"nothing here asks Resource Graph: {path}")


def read(arm: Any, *, whole: bool = True) -> Estate:
    one = project()
    return read_estate(one, one.targets(), arm, whole=whole)


def report(estate: Estate) -> Posture:
    one = project()
    return assess(one, estate, one.targets())


def states(posture: Posture) -> set[tuple[str, str, str]]:
    return {(item.id, item.observation.state, item.observation.says) for item in posture.findings}


@contextmanager
def simulated() -> Iterator[ArmClient]:
    simulator = Simulator()
    simulator.seed(EXAMPLE / "estate")
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none")) as arm,
    ):
        yield arm


def test_lists_and_files_give_the_same_report() -> None:
    estate = read(Listing(clean_bodies()))
    assert states(report(estate)) == states(posture_of(read_snapshot(EXAMPLE / "estate")))


def test_over_http_the_clean_network_is_clean() -> None:
    with simulated() as arm:
        estate = read(arm)
    posture = report(estate)
    assert told(posture) == set(), [item.observation.says for item in posture.pending]


def test_what_may_not_be_read_is_unknown_and_names_the_right() -> None:
    for kind in (*BEHIND_ENDPOINTS, *AROUND):
        posture = report(read(Refusing(Listing(clean_bodies()), kind.type)))
        unknowns = [item.observation for item in posture.pending if item.observation.state is State.UNKNOWN]
        assert any(f"the right {kind.type}/read is missing" in item.says for item in unknowns), kind.type
        assert not [item for item in posture.pending if item.observation.state is State.NOT_MET], kind.type


def test_without_private_endpoints_a_check_costs_one_list_per_subscription() -> None:
    bodies = {key: body for key, body in clean_bodies().items() if "/privateendpoints/" not in key}
    arm = Listing(bodies)
    read(arm, whole=False)
    context = [path for path in arm.asked if "/rulecollectiongroups" not in path.lower()]
    assert len(context) == 2
    assert all(path.endswith("/privateEndpoints") for path in context)


def test_a_snapshot_remembers_what_could_not_be_read(tmp_path: Path) -> None:
    estate = read(Refusing(Listing(clean_bodies()), "Microsoft.Network/routeTables"))
    save_snapshot(estate, tmp_path / "state", NOW)
    again = read_snapshot(tmp_path / "state")
    assert again.unreadable == estate.unreadable
    assert states(report(again)) == states(report(estate))


def without_settings() -> dict[str, Body]:
    return {key: body for key, body in clean_bodies().items() if "/diagnosticsettings/" not in key}


def logs_of(posture: Posture) -> list[tuple[State, str]]:
    found = (item.observation for item in posture.findings if item.observation.code == "firewall-logs")
    return [(item.state, item.says) for item in found]


def test_a_list_of_diagnostic_settings_that_was_read_and_is_empty_is_an_answer(tmp_path: Path) -> None:
    estate = read(Listing(without_settings()))
    save_snapshot(estate, tmp_path / "state", NOW)
    again = read_snapshot(tmp_path / "state")

    ((state, says),) = logs_of(report(estate))
    assert state is State.NOT_MET
    assert says.endswith("keeps no log of application rules and network rules: it has no diagnostic setting")
    assert again.empty == estate.empty != frozenset()
    assert logs_of(report(again)) == [(state, says)]


def test_a_list_that_was_refused_or_never_asked_for_is_none() -> None:
    refused = read(Refusing(Listing(without_settings()), "Microsoft.Insights/diagnosticSettings"))
    assert refused.empty == frozenset()
    assert {state for state, _ in logs_of(report(refused))} == {State.UNKNOWN}
    assert [state for state, _ in logs_of(report(Estate.of(without_settings().values())))] == [State.UNKNOWN]
