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

    def start(self, done: Callable[[], None], *, crowded: bool = False) -> Operation:
        """Lock everything, and let time decide. ``done`` runs when the work succeeded.

        ``crowded``: too much is going on at these firewalls, which will harm them.
        """
        harmed = crowded or self.call.bend.half_done
        faulted = len(self.firewalls) if harmed else sum(self._is_broken(each) for each in self.firewalls)
        self._show("Updating", (each for each in self.firewalls if not self._is_broken(each)))
        return self.call.begin(
            self.seconds,
            touches=[each.key for each in (self.written, *self.firewalls)],
            succeed=lambda: self._succeed(done),
            fail=lambda error: self._fail(harmed=harmed),
            failure=self._faulted(faulted) if faulted or harmed else None,
        )

    def _show(self, state: str, firewalls: Iterable[Resource]) -> None:
        set_state(self.call.arm.store, (self.written, *self.along), state)
        self._mark(firewalls, state)

    def _mark(self, firewalls: Iterable[Resource], state: str) -> None:
        for firewall in firewalls:
            mark(firewall.body, f'W/"{self.call.arm.new_guid()}"', state)
            self.call.arm.store.touch(firewall)

    def _is_broken(self, firewall: Resource) -> bool:
        return firewall.state == "Failed" and firewall.marks.get(_HEALER) != self.written.key

    def _faulted(self, count: int) -> Error:
        text = f"Put on {self.noun} Failed with {max(1, count)} faulted referenced firewalls"
        return failed_operation(self.code, text)

    def _succeed(self, done: Callable[[], None]) -> None:
        for firewall in self.firewalls:
            firewall.marks.pop(_HEALER, None)
        self._show("Succeeded", self.firewalls)
        done()

    def _fail(self, *, harmed: bool) -> None:
        """Harmed firewalls are left failed; the others go on with what they had."""
        self._show("Failed", self.firewalls if harmed else ())
        if harmed:
            for firewall in self.firewalls:
                firewall.marks[_HEALER] = self.written.key
        else:
            self._mark([each for each in self.firewalls if each.state == "Updating"], "Succeeded")


def heal(firewall: Resource) -> None:
    """A write to the firewall itself repairs it, whatever broke it."""
    firewall.marks.pop(_HEALER, None)
