"""The egress policy of hosted agents as neutral rules. Pure.

``properties.egressPolicy`` of an RAI policy (preview 2026-05-15-preview): ordered rules by host and path, the first
match decides, then the default action. In Audit mode a deny is logged and let through. The service fills in mode
Enforced and default Deny where they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from allowlist.estate.bodies import Body
from allowlist.estate.fields import owner_of
from allowlist.estate.known import KnownObject
from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.points.allow_list.translate import normal_entry
from allowlist.points.managed.network import lowered
from allowlist.points.managed.translate import WEB, opaque, open_ruleset
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Settings, Sources

COLLECTION = "egressPolicy"
UNSET: Final = object()
"""In place of an egress policy: the RAI policy has none."""
DEFAULT_RULE = "defaultAction"
MODE = "mode"
MAX_RULES = 480
"""Rules per policy, every action counted (guardrails article of hosted agents)."""


_POLICY = frozenset({"mode", "defaultAction", "description", "rules"})
_RULE = frozenset({"name", "description", "ruleType", "match", "action"})
_MATCH = frozenset({"host", "path"})
_ACTION = frozenset({"actionType", "headers", "rewrite"})
"""Members of an egress policy (API description, 2026-05-15-preview)."""

MODES = ("Enforced", "Audit")
ACTIONS = ("Allow", "Deny", "Transform", "Rewrite")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRule:
    """One rule; an empty ``host`` matches every host, ``path`` a prefix of the path.

    ``action`` is empty and ``doubts`` say why where a part of it is not known.
    """

    name: str
    host: str
    path: str
    action: str
    body: Body
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Any) -> EgressRule:
        found = KnownObject(body, _RULE)
        found.choice("ruleType", ("Fqdn",), "Fqdn")
        match, action = found.nested("match", _MATCH), found.nested("action", _ACTION)
        name, host, path = found.text("name"), match.text("host"), match.text("path")
        return cls(
            name=name,
            host=normal_entry(host),
            path=path,
            action=action.choice("actionType", ACTIONS),
            body=dict(body) if isinstance(body, Mapping) else {},
            doubts=tuple(found.doubts),
        )

    @property
    def has_documented_host(self) -> bool:
        """Does a page say what ``host`` matches? A leading ``*.`` does, and every host where it is left out or ``*``."""
        if self.host in ("", "*"):
            return True
        try:
            parse_pattern(self.host, Dialect.AGENT_EGRESS)
        except InvalidPattern:
            return False
        return True

    @property
    def meaning(self) -> list[Any]:
        """Equal for rules that do the same; descriptions and header values do not count."""
        found = [self.name, self.host, self.path, self.action, _shown(self)]
        return [*found, list(self.doubts)] if self.doubts else found


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """One egress policy; ``attached`` says whether an agent names it, None where that is not known."""

    name: str
    mode: str = "Enforced"
    default: str = "Deny"
    rules: tuple[EgressRule, ...] = ()
    attached: bool | None = None
    missing: bool = False
    doubts: tuple[str, ...] = ()
    """Members and values of the policy itself that nobody models."""
    state: str = ""
    """Why nothing of it is certain to be in force: its account is not in the state Succeeded."""

    @classmethod
    def of(cls, name: str, body: Any, attached: bool | None = None) -> EgressPolicy:
        """From the ``egressPolicy`` object, with the service's defaults for what is left out of it; UNSET for none."""
        if body is UNSET:
            return cls(name=name, mode="unset", default="Allow", attached=attached, missing=True)
        found = KnownObject(body, _POLICY)
        if not found.body:
            found.doubts.append(f"{COLLECTION}, which is empty")
        rules = found.body.get("rules", [])
        if not isinstance(rules, list):
            found.doubts.append("rules, which are no list")
            rules = []
        mode = found.choice("mode", MODES, "Enforced")
        return cls(
            name=name,
            mode=mode or str(found.get("mode")),
            default=found.choice("defaultAction", ("Deny", "Allow"), "Deny"),
            rules=tuple(EgressRule.of(item) for item in rules),
            attached=attached,
            doubts=tuple(found.doubts),
        )

    @property
    def is_open(self) -> bool:
        """Does the policy decide nothing, for certain?"""
        return self.attached is False or (not self.troubles and self.mode != "Enforced")

    @property
    def troubles(self) -> tuple[str, ...]:
        """What makes every answer of the policy unknown."""
        return (*self.doubts, *([self.state] if self.state else []))

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
            **({"not modelled": list(self.doubts)} if self.doubts else {}),
        }


def _shown(rule: EgressRule) -> Body:
    given = rule.body.get("action")
    action = dict(given) if isinstance(given, Mapping) else {}
    headers = [{key: value for key, value in item.items() if key != "value"} for item in _headers(given)]
    return {key: value for key, value in {**action, "headers": headers}.items() if value}


def _headers(action: Any) -> list[Mapping[str, Any]]:
    headers = action.get("headers") if isinstance(action, Mapping) else None
    return [item for item in headers if isinstance(item, Mapping)] if isinstance(headers, list) else []


def to_ruleset(policy: EgressPolicy) -> Ruleset:
    """The rules in their order, then the default action; of a policy in doubt nothing is certain."""
    if policy.is_open:
        return open_ruleset(policy.name, MODE if policy.mode != "Enforced" else "not attached", COLLECTION)
    rules = [item for rule in policy.rules for item in _rules(policy.name, rule)]
    if policy.default == "Allow":
        rules.append(_default(policy.name))
    before = opaque(RuleRef(policy=policy.name, group="", collection=COLLECTION, rule=MODE), policy.troubles)
    return Ruleset(
        name=policy.name,
        network=tuple(before) if policy.troubles else (),
        application=tuple(rules),
        settings=Settings(is_managed=True),
    )


def _rules(policy: str, rule: EgressRule) -> Iterator[ApplicationRule]:
    """Transform lets the call through as it is addressed; a path is a part of the match this model does not have.

    Rewrite sends the call somewhere else, so the host that was asked for is not reached: it counts as a deny, which
    is certain only where the host is rewritten.
    """
    doubts = rule.doubts + (("match.path",) if rule.path.strip("/*") else ())
    known = rule.has_documented_host and not any(text.startswith("ruleType") for text in rule.doubts)
    found = ApplicationRule(
        ref=RuleRef(policy=policy, group="", collection=COLLECTION, rule=rule.name),
        action=Action.DENY if rule.action in ("Deny", "Rewrite") else Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=(rule.host or "*",) if known else (),
        unresolved=() if known else (rule.host or rule.name or "rule",),
        unmodelled=doubts,
        owner=owner_of(rule.body.get("description")),
    )
    if rule.action == "Rewrite" and not _rewrites_host(rule):
        yield from (replace(found, action=item, unmodelled=(*doubts, "action.rewrite")) for item in Action)
    elif rule.action:
        yield found
    else:
        yield from (replace(found, action=item) for item in (Action.DENY, Action.ALLOW))


def _rewrites_host(rule: EgressRule) -> bool:
    """Is the call sent to another host than the one it names?"""
    action = rule.body.get("action")
    rewrite = lowered(action).get("rewrite") if isinstance(action, Mapping) else None
    host = lowered(rewrite).get("host") if isinstance(rewrite, Mapping) else None
    return isinstance(host, str) and bool(host.strip()) and normal_entry(host) != rule.host


def _default(policy: str) -> ApplicationRule:
    return ApplicationRule(
        ref=RuleRef(policy=policy, group="", collection=COLLECTION, rule=DEFAULT_RULE),
        action=Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=("*",),
    )
