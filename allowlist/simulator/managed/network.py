"""One managed network: the settings in its holder's body, its rules as resources of their own."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from allowlist.simulator.arm.provider import Arm
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.managed.rules import APPROVED_ONLY, FQDN, PRIVATE_ENDPOINT
from allowlist.simulator.managed.settings import ManagedSettings, SystemTag


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedNetwork:
    """``holder`` carries ``properties.managedNetwork``; rules lie below ``rules_id``.

    The holder is a workspace, or the ``managedNetworks/default`` of an account.
    """

    arm: Arm
    holder: Resource
    rules_id: str
    rule_type: str
    settings: ManagedSettings
    location: str

    @property
    def key(self) -> str:
        """What a write holds: the network alone, not the account or workspace around it."""
        return f"{self.holder.key}#network"

    @property
    def body(self) -> Body:
        found: Body = self.holder.properties.setdefault("managedNetwork", {})
        return found

    @property
    def mode(self) -> str:
        return str(self.body.get("isolationMode") or "Disabled")

    @property
    def is_active(self) -> bool:
        return bool((self.body.get("status") or {}).get("status") == "Active")

    @property
    def has_firewall(self) -> bool:
        """It comes with the first FQDN rule and stays: whether it ever goes is not documented."""
        return bool(self.holder.marks.get("firewall"))

    @property
    def id(self) -> str:
        return str(self.body.setdefault("networkId", self.arm.new_guid()))

    @property
    def state(self) -> str:
        """Of the network's own writes; the account around it has its own."""
        return str(self.holder.marks.get("networkState") or "Succeeded")

    def set_state(self, state: str) -> None:
        self.holder.marks["networkState"] = state
        self.touch()

    def rules(self) -> dict[str, Resource]:
        return {each.name: each for each in self.arm.store.children(self.rules_id, self.rule_type)}

    def settled_rules(self) -> list[str]:
        """Names of the rules that no running write is about."""
        return [name for name, each in self.rules().items() if "settles" not in each.marks]

    def rule(self, name: str) -> Resource | None:
        return self.arm.store.find(self.rule_id(name))

    def rule_id(self, name: str) -> str:
        return f"{self.rules_id}/outboundRules/{name}"

    def rule_map(self) -> dict[str, Body]:
        """Rules by name, as the settings show them; the only listing of an account's rules with names."""
        extra: Body = {"errorInformation": None} if self.settings.shape == "documented" else {}
        return {name: {**extra, **each.properties} for name, each in self.rules().items()}

    def shown(self) -> Body:
        """``properties.managedNetwork`` of a read."""
        body = dict(self.body)
        head: Body = {name: body.pop(name) for name in ("isolationMode", "networkId") if name in body}
        return {**head, "outboundRules": self.rule_map(), **body}

    def touch(self) -> None:
        self.arm.store.touch(self.holder)

    def keep_rule(self, name: str, rule: Body) -> Resource:
        return self.arm.store.put(self.rule_id(name), {"properties": rule})

    def drop_rule(self, name: str) -> None:
        self.arm.store.remove(self.rule_id(name))

    def set_status(self, rule: Resource, status: str, error: str = "") -> None:
        rule.properties.pop("errorInformation", None)
        rule.properties["status"] = status
        if error:
            rule.properties["errorInformation"] = error
        self.arm.store.touch(rule)

    def activate(self) -> None:
        """What provisioning ends with: network and rules are in force."""
        self.body["status"] = {**(self.body.get("status") or {}), "status": "Active"}
        for rule in self.rules().values():
            if rule.properties.get("status") == "Inactive":
                self.set_status(rule, "Active")
        self.add_firewall()
        self.touch()

    def add_firewall(self) -> None:
        """The service's own firewall, which every FQDN rule needs."""
        needed = any(each.properties.get("type") == FQDN for each in self.rules().values())
        if needed and self.is_active and not self.has_firewall:
            self.holder.marks["firewall"] = True
            self.body.setdefault("firewallSku", "Standard")
            self.body["firewallPublicIpAddress"] = f"203.0.113.{self.arm.random.randrange(1, 255)}"
            self.touch()

    def require_system_rules(self, endpoints: list[tuple[str, str]]) -> None:
        """Add the rules a network that allows only approved destinations always has."""
        if self.mode != APPROVED_ONLY:
            return
        wanted = dict(self._system_tag(each) for each in self.settings.tags)
        wanted |= dict(_system_endpoint(*each) for each in endpoints)
        for name, rule in wanted.items():
            if self.rule(name) is None:
                self.keep_rule(name, {"status": "Active" if self.is_active else "Inactive", **rule})

    def seed_rules(self, rules: dict[str, Body]) -> None:
        """Rules that came inside the settings of a seed."""
        for name, rule in rules.items():
            self.keep_rule(name, {"status": "Active" if self.is_active else "Inactive", **rule})
        self.add_firewall()

    def add_foreign_rule(self) -> None:
        """What somebody else adds meanwhile."""
        number = self.arm.random.randrange(10**6)
        rule = {"status": "Active" if self.is_active else "Inactive", "category": "UserDefined"}
        rule |= {"type": FQDN, "destination": f"foreign-{number}.example.com"}
        self.keep_rule(f"foreign-{number}", rule)

    def _system_tag(self, tag: SystemTag) -> tuple[str, Body]:
        region = self.location.replace(" ", "").lower()
        target = {
            "serviceTag": tag.tag.format(region=region),
            "protocol": tag.protocol,
            "portRanges": tag.ports,
            "action": "Allow",
            "addressPrefixes": [],
        }
        rule = {"category": "Required", "type": "ServiceTag", "destination": target}
        return tag.name.format(region=region), rule


def _system_endpoint(resource_id: str, subresource: str) -> tuple[str, Body]:
    digest = sha256(f"{resource_id}/{subresource}".lower().encode()).hexdigest()[:8]
    name = f"__SYS_PE_{resource_id.rsplit('/', 1)[-1]}_{subresource}_{digest}"
    target: dict[str, Any] = {"serviceResourceId": resource_id, "subresourceTarget": subresource}
    return name, {"category": "Required", "type": PRIVATE_ENDPOINT, "destination": target}
