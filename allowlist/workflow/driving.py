"""Surfaces bound to the targets of a plan: what the executor drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allowlist.apply.driver import PlannedWrite, State
from allowlist.apply.unmet import Unmet
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Body, Estate
from allowlist.plan.model import Operation, Plan
from allowlist.points.point import ArmWriter, Surface, Target, Write
from allowlist.rules.model import Ruleset
from allowlist.workflow.project import Project


class SurfaceDriver:
    """A surface bound to one target and one ARM client. Implements ``TargetDriver``."""

    def __init__(self, surface: Surface, target: Target, arm: ArmWriter) -> None:
        self._surface = surface
        self._target = target
        self._arm = arm
        self.name = target.name
        self.family = target.resource.lower()

    def read(self) -> State:
        bodies = self._surface.read(self._arm, self._target)
        estate = Estate.of(bodies)
        self.family = self._surface.family(estate, self._target)
        return State(fingerprint=self._surface.fingerprint(estate, self._target), bodies=tuple(bodies))

    def ruleset(self, state: State) -> Ruleset:
        """The rules of ``state`` in the order Azure evaluates them."""
        return self._surface.ruleset(Estate.of(state.bodies), self._target)

    def fingerprint(self, state: State) -> str:
        return self._surface.fingerprint(Estate.of(state.bodies), self._target)

    def compose(self, state: State, operations: Sequence[tuple[str, Operation]]) -> list[PlannedWrite]:
        estate = Estate.of(state.bodies)
        writes = self._surface.compose(estate, self._target, [operation for _, operation in operations])
        return [_planned(write, operations) for write in writes]

    def send(self, write: PlannedWrite) -> None:
        payload: Write = write.payload
        self._surface.write(self._arm, payload)

    def verify(self, write: PlannedWrite) -> list[Unmet]:
        return self._surface.verify(self._arm, self._target, [write.payload])

    def is_unchanged(self, state: State, write: PlannedWrite) -> bool:
        again = self._surface.reread(self._arm, self._target, write.resource)
        return self.digest(state.bodies, write.resource) == self.digest(again, write.resource)

    def digest(self, bodies: Sequence[Body], resource: str) -> str:
        """Digest of what is configured at ``resource`` in ``bodies``."""
        return self._surface.digest(Estate.of(bodies), self._target, resource)


def _planned(write: Write, operations: Sequence[tuple[str, Operation]]) -> PlannedWrite:
    mine = [(change_id, operation) for change_id, operation in operations if operation in write.operations]
    return PlannedWrite(
        resource=write.resource,
        change_ids=tuple(change_id for change_id, _ in mine),
        operations=write.operations,
        payload=write,
    )


def drivers_of(
    project: Project, plan: Plan, arm: ArmWriter, families: Mapping[str, str] | None = None
) -> Mapping[str, SurfaceDriver]:
    """Drivers by target name; Azure is asked for the family of those that ``families`` does not name."""
    names = {target.name for target in plan.targets}
    specs = [spec for spec in project.workload.targets if spec.name in names]
    lost = sorted(names - {spec.name for spec in specs})
    if lost:
        raise AllowlistError(f"the workload has no target '{lost[0]}' any more", hint="make a new plan")
    drivers = {spec.name: SurfaceDriver(project.surface(spec), project.target(spec), arm) for spec in specs}
    for name, driver in drivers.items():
        if families and name in families:
            driver.family = families[name]
        else:
            driver.read()
    return drivers
