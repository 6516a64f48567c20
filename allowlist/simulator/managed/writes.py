"""What a client can do to a managed network; each write is one long operation, and one runs at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allowlist.simulator.arm.operations import Error, Operation
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.managed.network import ManagedNetwork
from allowlist.simulator.managed.rules import (
    APPROVED_ONLY,
    FQDN,
    PRIVATE_ENDPOINT,
    bad_request,
    check_mode,
    check_name,
    check_single_endpoint,
    check_writable,
    read_rule,
)
from allowlist.simulator.managed.spelling import canonical

_MODES = ("Disabled", "AllowInternetOutbound", APPROVED_ONLY)
_READ_ONLY = (
    "networkId",
    "status",
    "firewallPublicIpAddress",
    "changeableIsolationModes",
    "provisioningState",
    "outboundRules",
)
_UNFIT = "The rule could not be applied."


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """``endpoints`` are the resources that always get a private endpoint, with their subresources."""

    call: Call
    network: ManagedNetwork
    endpoints: tuple[tuple[str, str], ...] = ()

    def put_rule(self, name: str, sent: Any) -> Operation:
        """Upsert. Refuses what the isolation mode does not allow, and a second write while one runs."""
        rule = self._checked(name, sent, self.network.mode)
        self._check_idle()
        known = frozenset(self.network.settled_rules()) | {name}
        kept = self.network.keep_rule(name, rule)
        kept.marks["settles"] = True
        if self.network.is_active:
            self.network.set_status(kept, "Provisioning")
        seconds = self._seconds(rule)

        def done() -> None:
            self._forget_unknown(known)
            self._settle_rule(self.network.keep_rule(name, kept.properties))

        return self._begin(seconds, done, lambda error: self.network.set_status(kept, "Failed", _text(error)))

    def delete_rule(self, name: str) -> Operation | None:
        """None when there is no such rule."""
        found = self.network.rule(name)
        if found is None:
            return None
        check_writable(name, found.properties, None, self.network.settings.refused_categories)
        self._check_idle()
        was = str(found.properties.get("status"))
        self.network.set_status(found, "Deleting")
        return self._begin(
            self._seconds_to_delete(found),
            lambda: self.network.drop_rule(name),
            lambda error: self.network.set_status(found, was),
        )

    def change(self, sent: Any, *, provisions: bool = False) -> Operation:
        """New settings; rules that are named are upserted, all others stay (not documented, lax)."""
        given = canonical(sent) if isinstance(sent, dict) else {}
        mode = self._next_mode(given)
        self._check_switches(given)
        rules = {name: self._checked(name, each, mode) for name, each in _sent_rules(given).items()}
        self._check_idle()
        self.network.set_state("Updating")
        seconds = max([self._base(provisions), *(self._seconds(rule) for rule in rules.values())])

        def done() -> None:
            self._settle_settings(given, rules, provisions=provisions)

        return self._begin(seconds, done, lambda error: self.network.set_state("Failed"))

    def remove(self) -> Operation:
        """Take the whole network away."""
        self._check_idle()
        self.network.set_state("Deleting")

        def done() -> None:
            self.network.arm.store.remove(self.network.holder.id)

        seconds = self.network.settings.durations.settings
        return self._begin(seconds, done, lambda error: self.network.set_state("Failed"))

    def provision(self, *, include_spark: bool = False) -> Operation:
        """Build the network; until then nothing is in force."""
        self._check_idle()
        durations = self.network.settings.durations
        waits = any(each.properties.get("type") == FQDN for each in self.network.rules().values())
        seconds = durations.settings if self.network.is_active else durations.provision
        more = durations.first_fqdn if waits and not self.network.has_firewall else 0.0

        def done() -> None:
            if include_spark:
                self.network.body["status"] = {**(self.network.body.get("status") or {}), "sparkReady": True}
            self.network.activate()

        return self._begin(seconds + more, done, lambda error: None)

    def _begin(self, seconds: float, done: Callable[[], None], fail: Callable[[Error], None]) -> Operation:
        return self.call.begin(seconds, touches=[self.network.key], succeed=done, fail=fail)

    def _checked(self, name: str, sent: Any, mode: str) -> Body:
        found, rule = self.network.rule(name), read_rule(sent)
        refused = self.network.settings.refused_categories
        check_writable(name, found.properties if found else None, rule, refused)
        if found is None:
            check_name(name)
        check_mode(mode, rule)
        check_single_endpoint(name, rule, self.network.rule_map())
        return rule

    def _check_idle(self) -> None:
        """409 while another write runs on this network (observed; the text is known in part)."""
        if not self.network.settings.one_write_at_a_time:
            return
        if self.call.arm.operations.touching([self.network.key]):
            message = (
                f"The managed network of '{self.network.rules_id}' has an ongoing operation running. "
                "Please try again later."
            )
            raise front_door(409, "Conflict", message)

    def _next_mode(self, given: Body) -> str:
        """Isolation only ever gets stricter (documented; code invented)."""
        wanted = str(given.get("isolationMode") or self.network.mode)
        mode = next((each for each in _MODES if each.lower() == wanted.lower()), None)
        if mode is None:
            raise bad_request(f"The isolation mode '{wanted}' is not supported.")
        if _MODES.index(mode) < _MODES.index(self.network.mode):
            raise bad_request(f"The isolation mode cannot be changed from '{self.network.mode}' to '{mode}'.")
        if "isolationMode" in given:
            given["isolationMode"] = mode
        return mode

    def _check_switches(self, given: Body) -> None:
        """The SKU of a firewall that exists, where it is fixed, and V2 back to V1 (documented)."""
        sku, current = given.get("firewallSku"), self.network.body.get("firewallSku")
        fixed = self.network.settings.sku_is_fixed and self.network.has_firewall
        if fixed and sku and current and sku != current:
            raise bad_request(f"The firewall SKU cannot be changed from '{current}' to '{sku}'.")
        if self.network.body.get("managedNetworkKind") == "V2" and given.get("managedNetworkKind") == "V1":
            raise bad_request("The managed network kind cannot be changed from 'V2' to 'V1'.")

    def _base(self, provisions: bool) -> float:
        durations = self.network.settings.durations
        return durations.create if provisions and not self.network.is_active else durations.settings

    def _seconds(self, rule: Body) -> float:
        durations = self.network.settings.durations
        if not self.network.is_active:
            return durations.rule
        if rule["type"] == FQDN:
            return durations.fqdn if self.network.has_firewall else durations.first_fqdn
        return durations.private_endpoint if rule["type"] == PRIVATE_ENDPOINT else durations.rule

    def _seconds_to_delete(self, rule: Resource) -> float:
        durations = self.network.settings.durations
        slow = rule.properties.get("type") == FQDN and self.network.is_active
        return durations.fqdn_delete if slow else durations.rule

    def _settle_rule(self, rule: Resource) -> None:
        rule.marks.pop("settles", None)
        if self.call.bend.unfit:
            self.network.set_status(rule, "Failed", _text(self.call.bend.unfit))
            return
        self.network.set_status(rule, "Active" if self.network.is_active else "Inactive")
        self.network.add_firewall()

    def _settle_settings(self, given: Body, rules: dict[str, Body], *, provisions: bool) -> None:
        changes = {name: value for name, value in given.items() if name not in _READ_ONLY}
        self.network.body.update({name: value for name, value in changes.items() if value is not None})
        kept = [self.network.keep_rule(name, rule) for name, rule in rules.items()]
        self.network.require_system_rules(list(self.endpoints))
        if provisions:
            self.network.activate()
        for rule in kept:
            self._settle_rule(rule)
        self.network.set_state("Succeeded")

    def _forget_unknown(self, known: frozenset[str]) -> None:
        """Concurrent writers drop each other's rules, where parallel writes are let through (azapi issue 453)."""
        if self.network.settings.one_write_at_a_time:
            return
        for name, rule in self.network.rules().items():
            if name not in known and rule.properties.get("category") == "UserDefined":
                self.network.drop_rule(name)


def _sent_rules(given: Body) -> dict[str, Any]:
    found = given.get("outboundRules")
    return {name: rule for name, rule in found.items() if rule is not None} if isinstance(found, dict) else {}


def _text(error: Error) -> str:
    return str(error.get("message") or _UNFIT)
