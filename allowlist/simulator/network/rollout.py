"""How a change to a policy, a group or an IP group reaches the firewalls that run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from allowlist.simulator.arm.operations import Error, Operation
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.refusals import failed_operation
from allowlist.simulator.arm.store import Resource
from allowlist.simulator.network.backends import mark, set_state

_HEALER = "healed_by"
"""Mark on a firewall that failed half-way: writing the resource with this key again heals it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One write and whom it keeps busy. ``along`` are resources that share the written one's state."""

    call: Call
    written: Resource
    along: tuple[Resource, ...]
    firewalls: tuple[Resource, ...]
    seconds: float
    code: str
    noun: str
    """How the failure text calls the written resource, such as ``Firewall Policy hub``."""

    def start(self, done: Callable[[], None], *, failure: Error | None = None) -> Operation:
        """Lock everything, and let time decide. ``done`` runs when the work succeeded."""
        broken = failure or self._broken()
        self._show("Updating")
        return self.call.begin(
            self.seconds,
            touches=[each.key for each in (self.written, *self.firewalls)],
            succeed=lambda: self._succeed(done),
            fail=self._fail,
            failure=broken or self._half_done(),
        )

    def _everyone(self) -> Iterable[Resource]:
        return (self.written, *self.along, *self.firewalls)

    def _show(self, state: str) -> None:
        set_state(self.call.arm.store, (self.written, *self.along), state)
        for firewall in self.firewalls:
            if not self._is_broken(firewall) or state != "Updating":
                mark(firewall.body, self._new_etag(firewall), state)
                self.call.arm.store.touch(firewall)

    def _new_etag(self, firewall: Resource) -> str:
        return f'W/"{self.call.arm.new_guid()}"'

    def _is_broken(self, firewall: Resource) -> bool:
        return firewall.state == "Failed" and firewall.marks.get(_HEALER) != self.written.key

    def _broken(self) -> Error | None:
        count = sum(self._is_broken(each) for each in self.firewalls)
        return self._faulted(count) if count else None

    def _half_done(self) -> Error | None:
        return self._faulted(max(1, len(self.firewalls))) if self.call.bend.half_done else None

    def _faulted(self, count: int) -> Error:
        text = f"Put on {self.noun} Failed with {count} faulted referenced firewalls"
        return failed_operation(self.code, text)

    def _succeed(self, done: Callable[[], None]) -> None:
        for firewall in self.firewalls:
            firewall.marks.pop(_HEALER, None)
        self._show("Succeeded")
        done()

    def _fail(self, error: Error) -> None:
        if self.call.bend.half_done:
            for firewall in self.firewalls:
                firewall.marks[_HEALER] = self.written.key
        self._show("Failed")


def heal(firewall: Resource) -> None:
    """A write to the firewall itself repairs it, whatever broke it."""
    firewall.marks.pop(_HEALER, None)
