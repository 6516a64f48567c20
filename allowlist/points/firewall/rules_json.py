"""Requirements into firewall policy rule JSON, and rule JSON compared by meaning. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from allowlist.estate.bodies import Body
from allowlist.estate.fields import MARK_PREFIX
from allowlist.rules.model import HTTP_PORTS
from allowlist.rules.requirement import Requirement

MAX_NAME_LENGTH = 80
"""Collection names: letters, digits and ``_ . -``, at most 80 (rule processing page)."""

_SPELLING = {"http": "Http", "https": "Https", "mssql": "Mssql", "tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}


def mark_of(workload: str, requirement: Requirement) -> str:
    """The mark every rule of ours carries: ``allowlist:<workload>:<catalog>@<version>#<entry>``."""
    return f"{MARK_PREFIX}{workload}:{requirement.origin}"


def entry_key(requirement: Requirement) -> tuple[str, str]:
    return requirement.origin.catalog, requirement.origin.entry


def entry_key_of_mark(description: str) -> tuple[str, str]:
    """(catalog, entry) out of one of our marks, whatever the version."""
    origin = description.removeprefix(MARK_PREFIX).partition(":")[2]
    catalog, _, rest = origin.partition("@")
    return catalog, rest.partition("#")[2]


_PLAIN = re.compile(r"[a-z0-9_-]+")


def rule_name(requirement: Requirement, suffix: str = "") -> str:
    """``<catalog>.<entry>`` where that can only mean these two, else with a digest of both: names never collide."""
    catalog, entry = entry_key(requirement)
    text = f"{catalog}.{entry}"
    if _PLAIN.fullmatch(catalog) and _PLAIN.fullmatch(entry) and len(text) + len(suffix) <= MAX_NAME_LENGTH:
        return f"{text}{suffix}"
    return f"{_shortened(text, suffix)}-{_digest(f'{catalog}#{entry}{suffix}')}{suffix}"


def another_name(name: str, mark: str) -> str:
    """A name for our rule where somebody else's has the usual one; the same whenever it is asked for."""
    digest = _digest(f"{name} {mark.partition('@')[0]}#{mark.partition('#')[2]}")
    return f"{_shortened(name, '')}-{digest}"


def _shortened(text: str, suffix: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]", "-", text)
    return plain[: MAX_NAME_LENGTH - len(suffix) - 9].rstrip(".-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def application_rule(workload: str, requirements: list[Requirement]) -> Body:
    """One application rule for requirements of one entry (same name, same sources)."""
    first = requirements[0]
    services, targets, tags = _asked(requirements)
    rule: Body = {
        "ruleType": "ApplicationRule",
        "name": rule_name(first),
        "description": mark_of(workload, first),
        "sourceAddresses": list(first.sources.texts()),
        "protocols": [{"protocolType": _SPELLING[name], "port": port} for name, port in services],
    }
    return rule | ({"targetFqdns": targets} if targets else {}) | ({"fqdnTags": tags} if tags else {})


def _asked(requirements: list[Requirement]) -> tuple[list[tuple[str, int]], list[str], list[str]]:
    """Services, names and FQDN tags, each once and in order; of one requirement, which most entries are, they are in order."""
    if len(requirements) == 1:
        (only,) = requirements
        names, tags = [only.pattern] if only.pattern else [], [only.fqdn_tag] if only.fqdn_tag else []
        return [(only.protocol, only.ports[0])], names, tags
    return (
        sorted({(item.protocol, item.ports[0]) for item in requirements}),
        sorted({item.pattern for item in requirements if item.pattern}),
        sorted({item.fqdn_tag for item in requirements if item.fqdn_tag}),
    )


def network_rule(workload: str, requirements: list[Requirement]) -> Body:
    """One network rule for requirements of one entry and one protocol."""
    first = requirements[0]
    names = sorted({item.pattern for item in requirements if item.pattern})
    tags = sorted({item.service_tag for item in requirements if item.service_tag})
    tags += sorted({text for item in requirements for text in item.addresses.texts() if item.addresses})
    rule: Body = {
        "ruleType": "NetworkRule",
        "name": rule_name(first, f".{first.protocol}"),
        "description": mark_of(workload, first),
        "ipProtocols": [_SPELLING[first.protocol]],
        "sourceAddresses": list(first.sources.texts()),
        "destinationPorts": [
            _port_text(item.ports) for item in sorted(requirements, key=lambda item: item.ports)
        ],
    }
    return (
        rule
        | ({"destinationFqdns": names} if names else {})
        | ({"destinationAddresses": tags} if tags else {})
    )


def _port_text(ports: tuple[int, int]) -> str:
    low, high = ports
    if ports == (1, 65535):
        return "*"
    return str(low) if low == high else f"{low}-{high}"


class WantedRule(msgspec.Struct, frozen=True):
    """A rule as an entry asks for it, with the requirements it carries."""

    body: Body
    requirements: tuple[Requirement, ...]


def rules_for(workload: str, requirements: Iterable[Requirement]) -> list[WantedRule]:
    """The rules that say what ``requirements`` (all of one entry) ask for: by name, then per protocol by address."""
    by_name: list[Requirement] = []
    by_protocol: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        if requirement.protocol in HTTP_PORTS and not (requirement.service_tag or requirement.addresses):
            by_name.append(requirement)
        else:
            protocol = "tcp" if requirement.protocol in HTTP_PORTS else requirement.protocol
            by_protocol.setdefault(protocol, []).append(requirement)
    rules = [WantedRule(application_rule(workload, by_name), tuple(by_name))] if by_name else []
    return rules + [
        WantedRule(network_rule(workload, items), tuple(items)) for _, items in sorted(by_protocol.items())
    ]


def title_of_rule(rule: Body) -> str:
    """What one of our rules is about, in a few words: ``*.vscode.dev https:443``."""
    names = rule.get("targetFqdns") or rule.get("fqdnTags") or rule.get("destinationFqdns")
    names = names or rule.get("destinationAddresses") or [rule["name"]]
    more = f" (+{len(names) - 1})" if len(names) > 1 else ""
    services = [_plain(item) for item in rule.get("protocols") or ()]
    services = services or [
        f"{protocol}:{port}".lower()
        for protocol in rule.get("ipProtocols") or ()
        for port in rule.get("destinationPorts") or ()
    ]
    return f"{names[0]}{more} {' '.join(services)}".strip()


_OF_OURS = frozenset({"ruleType", "name", "description", "sourceAddresses", "protocols", "targetFqdns"})


def says_exactly(rule: Body, requirement: Requirement) -> bool:
    """Does ``rule`` say what is asked for by name, in the very words of ours? What says no may still mean the same."""
    return bool(
        rule.get("ruleType") == "ApplicationRule"
        and rule.get("name")
        and requirement.protocol in HTTP_PORTS
        and requirement.pattern
        and rule.get("targetFqdns") == [requirement.pattern]
        and rule.get("protocols")
        == [{"protocolType": _SPELLING[requirement.protocol], "port": requirement.ports[0]}]
        and rule.get("sourceAddresses") == list(requirement.sources.texts())
        and not any(map(rule.get, rule.keys() - _OF_OURS))
    )


_LABELS = frozenset({"name", "description", "ruleType", "ipv6Rule"})
"""What does not decide which flows a rule lets through."""


def same_meaning(one: Body, other: Body) -> bool:
    """Do two of our rules say the same? Names, marks and the order of lists do not matter; every other key does."""
    return not _differing(one, other)


def differences_of(old: Body, new: Body) -> str:
    """In which keys two of our rules differ, in words: ``webCategories, protocols``."""
    return ", ".join(_differing(old, new))


def _differing(one: Body, other: Body) -> list[str]:
    keys = dict.fromkeys(key for key in (*one, *other) if key not in _LABELS)
    return [key for key in keys if not _means_the_same(one.get(key), other.get(key))]


def _means_the_same(one: Any, other: Any) -> bool:
    """What is the same to the letter is compared no further, which is what most rules of ours are."""
    return bool(type(one) is type(other) and one == other) or bool(_meaning(one) == _meaning(other))


def _meaning(value: Any) -> Any:
    if isinstance(value, list):
        return _as_set(value)
    return set() if value in (None, "", {}, False) else value


def united(old: Body, new: Body) -> Body:
    """``new`` with everything that ``old`` already let through, so that an update takes nothing away."""
    merged = {**{key: value for key, value in old.items() if key not in _LABELS}, **new}
    for key, value in old.items():
        if isinstance(value, list) and isinstance(new.get(key), list):
            extra = [item for item in value if _plain(item) not in _as_set(new[key])]
            merged[key] = [*new[key], *extra]
    return merged


def _as_set(items: Any) -> set[str]:
    return {_plain(item) for item in items or ()}


def _plain(item: Any) -> str:
    if isinstance(item, dict):
        return f"{item.get('protocolType')}:{item.get('port')}".lower()
    return str(item).lower()
