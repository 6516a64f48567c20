"""The egress policy of hosted agents as neutral rules. Pure.

``properties.egressPolicy`` of an RAI policy (preview 2026-05-15-preview): ordered rules by host and path, the first
match decides, then the default action. In Audit mode a deny is logged and let through. The service fills in mode
Enforced and default Deny where they are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allowlist.estate.bodies import Body
from allowlist.points.allow_list.translate import normal_entry
from allowlist.points.managed.network import lowered
from allowlist.points.managed.translate import WEB, open_ruleset
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Settings, Sources

COLLECTION = "egressPolicy"
DEFAULT_RULE = "defaultAction"
MODE = "mode"
MAX_RULES = 480
"""Rules per policy, every action counted (guardrails article of hosted agents)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRule:
    """One rule; an empty ``host`` matches every host, ``path`` a prefix of the path."""

    name: str
    host: str
    path: str
    action: str
    body: Body

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> EgressRule:
        match = lowered(body.get("match") or {})
        action = lowered(body.get("action") or {})
        return cls(
            name=str(body.get("name") or ""),
            host=normal_entry(str(match.get("host") or "")),
            path=str(match.get("path") or ""),
            action=str(action.get("actiontype") or "Allow"),
            body=dict(body),
        )

    @property
    def meaning(self) -> list[Any]:
        """Equal for rules that do the same; descriptions and header values do not count."""
        return [self.name, self.host, self.path, self.action, _shown(self)]

    @property
    def has_secret(self) -> bool:
        """Does it set a header whose value the service keeps to itself?"""
        headers = (self.body.get("action") or {}).get("headers") or ()
        return any("value" not in item and "valueRef" not in item for item in headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """One egress policy; ``attached`` says whether an agent names it, None where that is not known."""

    name: str
    mode: str = "Enforced"
    default: str = "Deny"
    rules: tuple[EgressRule, ...] = ()
    attached: bool | None = None
    missing: bool = False

    @classmethod
    def of(cls, name: str, body: Mapping[str, Any] | None, attached: bool | None = None) -> EgressPolicy:
        """From the ``egressPolicy`` object, with the service's defaults for what is left out of it."""
        if body is None:
            return cls(name=name, mode="unset", default="Allow", attached=attached, missing=True)
        found = lowered(body)
        return cls(
            name=name,
            mode=str(found.get("mode") or "Enforced"),
            default=str(found.get("defaultaction") or "Deny"),
            rules=tuple(EgressRule.of(item) for item in found.get("rules") or ()),
            attached=attached,
        )

    @property
    def is_open(self) -> bool:
        return self.mode != "Enforced" or self.attached is False

    def rule(self, name: str) -> EgressRule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    @property
    def meaning(self) -> Body:
        """Equal for policies that do the same; header values cannot be read back and do not count."""
        return {
            "mode": self.mode,
            "default": self.default,
            "rules": [rule.meaning for rule in self.rules],
            "missing": self.missing,
        }


def _shown(rule: EgressRule) -> Body:
    action = dict(rule.body.get("action") or {})
    headers = [
        {key: value for key, value in item.items() if key != "value"} for item in action.get("headers") or ()
    ]
    return {key: value for key, value in {**action, "headers": headers}.items() if value}


def to_ruleset(policy: EgressPolicy) -> Ruleset:
    """The rules in their order, then the default action."""
    if policy.is_open:
        return open_ruleset(policy.name, MODE if policy.mode != "Enforced" else "not attached", COLLECTION)
    rules = [_rule(policy.name, rule) for rule in policy.rules]
    if policy.default == "Allow":
        rules.append(_default(policy.name))
    return Ruleset(name=policy.name, application=tuple(rules), settings=Settings(is_managed=True))


def _rule(policy: str, rule: EgressRule) -> ApplicationRule:
    """Transform and Rewrite let the call through; a path is a part of the match this model does not have."""
    return ApplicationRule(
        ref=RuleRef(policy=policy, group="", collection=COLLECTION, rule=rule.name),
        action=Action.DENY if rule.action == "Deny" else Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=(rule.host or "*",),
        unmodelled=("match.path",) if rule.path.strip("/*") else (),
    )


def _default(policy: str) -> ApplicationRule:
    return ApplicationRule(
        ref=RuleRef(policy=policy, group="", collection=COLLECTION, rule=DEFAULT_RULE),
        action=Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=("*",),
    )
