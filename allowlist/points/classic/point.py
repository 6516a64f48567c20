"""The classic firewall surface: rule collections on the firewall itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate, fingerprint, meaning, names_of_others
from allowlist.estate.parts import object_in, objects_in, texts_in
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, in_bad_state, invalid
from allowlist.plan.model import Operation
from allowlist.points.classic import write as writing
from allowlist.points.classic.translate import firewall_state, to_ruleset
from allowlist.points.classic.write import API_VERSION
from allowlist.points.firewall.readback import same_configuration
from allowlist.points.firewall.translate import FIREWALL_TYPE, is_stopped
from allowlist.points.firewall.validate import find_classic_faults
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.unmet import Unmet
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


class ClassicFirewall(Point):
    """``Microsoft.Network/azureFirewalls`` without a policy."""

    api_version = API_VERSION

    def read(self, arm: ArmReader) -> list[Body]:
        """The firewall, and the IP groups its rules name (one list per subscription)."""
        firewall = arm.get(self.target.resource, API_VERSION)
        wanted = {normal_id(item) for item in _ip_group_references(firewall)}
        subscriptions = sorted({ResourceId(item).subscription for item in wanted})
        groups = [
            group
            for subscription in subscriptions
            for group in arm.list(
                f"/subscriptions/{subscription}/providers/Microsoft.Network/ipGroups", API_VERSION
            )
        ]
        return [firewall, *(group for group in groups if normal_id(group["id"]) in wanted)]

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(estate, self._firewall(estate))

    def _firewall(self, estate: Estate) -> Body:
        firewall = estate.get(self.target.resource)
        if firewall is None:
            known = names_of_others(estate.of_type(FIREWALL_TYPE), self.target.resource)
            raise InvalidInput.of(
                estate.origin or "estate",
                f"lacks the firewall {self.target.resource}",
                hint=f"firewalls found: {known}",
            )
        policy = firewall["properties"].get("firewallPolicy")
        if policy:
            hint = f"use the surface firewall-policy with {policy.get('id')}"
            raise InvalidInput.of(
                estate.origin or "estate", f"{self.target.resource} is run by a policy", hint=hint
            )
        return firewall

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return writing.draft(estate, self.target, self.ruleset(estate), needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        return writing.compose(estate, self.target, operations)

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        return writing.after(estate, writes)

    def fingerprint(self, estate: Estate) -> str:
        firewall = self._firewall(estate)
        groups = [estate.get(item) for item in sorted(set(_ip_group_references(firewall)))]
        return fingerprint({"parts": [fingerprint(body) for body in (firewall, *groups) if body is not None]})

    def digest(self, estate: Estate, resource: str) -> str:
        """Of collections what can be set: the service adds ids, states and old fields to each that it is sent, and to the
        firewall the mode of threat intelligence it has by default (Alert, Azure Firewall documentation)."""
        body = estate.get(resource)
        if body is None:
            return meaning(None)
        rest = {key: value for key, value in body["properties"].items() if key not in _KEYS}
        return meaning({**body, "properties": {"threatIntelMode": "Alert", **rest, **_rules(body)}})

    def states(self, estate: Estate) -> list[Finding]:
        firewall = self._firewall(estate)
        state = firewall_state(firewall)
        because = f"{state}: its rules are not known to be in force"
        return [in_bad_state(self.target.name, str(firewall.get("name")), because)] if state else []

    def faults(self, estate: Estate) -> list[Finding]:
        """What is wrong with the classic rules, whoever owns them."""
        firewall = self._firewall(estate)
        return [
            invalid(self.target.name, firewall.get("name", ""), text)
            for text in find_classic_faults(firewall)
        ]

    def idle(self, estate: Estate) -> str:
        firewall = self._firewall(estate)
        return f"firewall {firewall.get('name')} is stopped (deallocated)" if is_stopped(firewall) else ""

    def logged_at(self, estate: Estate) -> frozenset[str]:
        del estate
        return frozenset({normal_id(self.target.resource)})

    def limits(self, estate: Estate) -> list[LimitFinding]:
        firewall = self._firewall(estate)
        return [
            LimitFinding(code="invalid", exceeded=True, text=text) for text in find_classic_faults(firewall)
        ]

    def lock_group(self, estate: Estate) -> str:
        del estate
        return normal_id(self.target.resource)

    def write(self, arm: ArmWriter, write: Write) -> None:
        arm.put(write.resource, write.body or {}, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality and ``Succeeded``."""
        actual = arm.get(self.target.resource, API_VERSION)
        state = actual["properties"].get("provisioningState", "Succeeded")
        name = str(actual.get("name"))
        unmet = [] if state == "Succeeded" else [Unmet.of_state(name, state)]
        if write.body is not None and not same_rules(write.body, actual):
            unmet.append(Unmet.different(name))
        return unmet


_KEYS = ("applicationRuleCollections", "networkRuleCollections", "natRuleCollections")


def same_rules(expected: Body, actual: Body) -> bool:
    """Are the rule collections what was written? The service adds ids, etags, states and old fields to each."""
    return same_configuration({"properties": _rules(expected)}, {"properties": _rules(actual)})


def _rules(firewall: Body) -> Body:
    """What can be set of the collections, by kind and name."""
    return {
        f"{key}/{item.get('name')}": {
            **{name: value for name, value in _inner(item).items() if name in ("priority", "action")},
            "rules": [_without_defaults(rule) for rule in _inner(item).get("rules") or ()],
        }
        for key in _KEYS
        for item in firewall["properties"].get(key) or ()
    }


def _inner(collection: Body) -> Body:
    return object_in(collection, "properties") or collection


def _without_defaults(rule: Body) -> Body:
    """Classic application rules read back with fields of an older model that cannot be set (recordings of 2025)."""
    return {name: value for name, value in rule.items() if name not in ("priority", "direction", "actions")}


def _ip_group_references(firewall: Body) -> Iterable[str]:
    for key in _KEYS:
        for collection in objects_in(firewall["properties"], key):
            for rule in objects_in(_inner(collection), "rules"):
                yield from texts_in(rule, "sourceIpGroups")
                yield from texts_in(rule, "destinationIpGroups")
