"""Turns a golden case's short keys into real ARM JSON, so that it takes the same way as Azure's answers."""

from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.names import normalise
from allowlist.points.classic.translate import to_ruleset as classic_ruleset
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.addresses import AddressSet, parse_interval
from allowlist.rules.flow import Facts, Flow
from allowlist.rules.model import Ruleset

RG = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/golden/providers/Microsoft.Network"

_SHARED = {
    "name": "name",
    "src": "sourceAddresses",
    "dst": "destinationAddresses",
    "ports": "destinationPorts",
    "dstFqdns": "destinationFqdns",
    "fqdns": "targetFqdns",
    "urls": "targetUrls",
    "fqdnTags": "fqdnTags",
    "webCategories": "webCategories",
    "terminateTLS": "terminateTLS",
    "translatedAddress": "translatedAddress",
    "translatedPort": "translatedPort",
}
_POLICY_KEYS = {"rcgs", "sku", "dnsProxy", "threatIntelMode", "threatIntelAllowlist", "explicitProxy"}
_CLASSIC_KEYS = {"rcs", "collections", "app", "net", "dnat"}
_KNOWN = {
    "given": {"mode", "base", "policy", "classic", *_POLICY_KEYS, *_CLASSIC_KEYS} - {"rcgs"},
    "policy": _POLICY_KEYS | {"name"},
    "classic": {*_POLICY_KEYS, *_CLASSIC_KEYS},
    "group": {"name", "priority", "rcs"},
    "collection": {"name", "priority", "kind", "action", "rules"},
    "flow": {"src", "dst", "port", "proto", "app", "fqdn", "sni", "host", "hostPort", "path"}
    | {"explicitProxy", "direction", "establishedBy"},
    "world": {"dns", "ipGroups", "serviceTags", "fqdnTags", "categories", "infrastructure", "threatIntel"},
    "expect": {"action", "by", "rule", "alert", "reason"},
}
_RULE_TYPES = {"app": "ApplicationRule", "net": "NetworkRule", "dnat": "NatRule"}


def understood(what: str, mapping: dict[str, Any]) -> dict[str, Any]:
    """``mapping`` if every key of it is known; a key that is skipped would make the case prove nothing."""
    unknown = mapping.keys() - _KNOWN[what]
    if unknown:
        raise ValueError(f"no reading for {sorted(unknown)} in {what} {mapping}")
    return mapping


def ip_group_id(name: str) -> str:
    return f"{RG}/ipGroups/{name}"


def rule_body(kind: str, rule: dict[str, Any], *, classic: bool) -> dict[str, Any]:
    body = {_SHARED[key]: value for key, value in rule.items() if key in _SHARED}
    for short, arm in (("srcIpGroups", "sourceIpGroups"), ("dstIpGroups", "destinationIpGroups")):
        if short in rule:
            body[arm] = [ip_group_id(name) for name in rule[short]]
    if "protocols" in rule:
        if kind == "app":
            split = [text.split(":") for text in rule["protocols"]]
            body["protocols"] = [{"protocolType": name, "port": int(port)} for name, port in split]
        else:
            body["protocols" if classic else "ipProtocols"] = rule["protocols"]
    known = {*_SHARED, "srcIpGroups", "dstIpGroups", "protocols"}
    body |= {key: value for key, value in rule.items() if key not in known}
    return body if classic else {"ruleType": _RULE_TYPES[kind], **body}


def policy_bodies(
    name: str, given: dict[str, Any], sku: str, base: str | None, dns_proxy: bool
) -> list[dict[str, Any]]:
    understood("policy", given)
    policy_id = f"{RG}/firewallPolicies/{name}"
    properties: dict[str, Any] = {
        "sku": {"tier": given.get("sku", sku)},
        "dnsSettings": {"enableProxy": given.get("dnsProxy", dns_proxy)},
    }
    if base:
        properties["basePolicy"] = {"id": f"{RG}/firewallPolicies/{base}"}
    if "threatIntelMode" in given:
        properties["threatIntelMode"] = given["threatIntelMode"]
    if "threatIntelAllowlist" in given:
        properties["threatIntelWhitelist"] = given["threatIntelAllowlist"]
    if given.get("explicitProxy"):
        properties["explicitProxy"] = {"enableExplicitProxy": True, "httpPort": 8080, "httpsPort": 8443}
    bodies = [{"id": policy_id, "name": name, "properties": properties}]
    for group in given.get("rcgs") or ():
        collections = [
            {
                "ruleCollectionType": "FirewallPolicyNatRuleCollection"
                if item["kind"] == "dnat"
                else "FirewallPolicyFilterRuleCollection",
                "name": item["name"],
                "priority": item["priority"],
                "action": {"type": item["action"]},
                "rules": [rule_body(item["kind"], rule, classic=False) for rule in item["rules"]],
            }
            for item in (understood("collection", item) for item in understood("group", group)["rcs"])
        ]
        bodies.append(
            {
                "id": f"{policy_id}/ruleCollectionGroups/{group['name']}",
                "name": group["name"],
                "properties": {"priority": group["priority"], "ruleCollections": collections},
            }
        )
    return bodies


def _classic_collections(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Collections of a classic case, as one list, in groups, or as one list per kind."""
    found = given.get("rcs") or given.get("collections") or given
    if "rcgs" in given:
        found = [item for group in given["rcgs"] for item in group["rcs"]]
    if isinstance(found, list):
        return [understood("collection", item) for item in found]
    return [{"kind": kind, **item} for kind in ("app", "net", "dnat") for item in found.get(kind) or ()]


def classic_body(given: dict[str, Any], sku: str) -> dict[str, Any]:
    keys = {
        "app": "applicationRuleCollections",
        "net": "networkRuleCollections",
        "dnat": "natRuleCollections",
    }
    properties: dict[str, Any] = {"sku": {"name": "AZFW_VNet", "tier": sku}, "additionalProperties": {}}
    if given.get("dnsProxy", True):
        properties["additionalProperties"]["Network.DNS.EnableProxy"] = "true"
    if "threatIntelMode" in given:
        properties["threatIntelMode"] = given["threatIntelMode"]
    allowed = given.get("threatIntelAllowlist") or {}
    if allowed:
        properties["additionalProperties"] |= {
            "ThreatIntel.Whitelist.FQDNs": ",".join(allowed.get("fqdns", [])),
            "ThreatIntel.Whitelist.IpAddresses": ",".join(allowed.get("ipAddresses", [])),
        }
    for item in _classic_collections(given):
        properties.setdefault(keys[item["kind"]], []).append(
            {
                "name": item["name"],
                "properties": {
                    "priority": item["priority"],
                    "action": {"type": item["action"]},
                    "rules": [rule_body(item["kind"], rule, classic=True) for rule in item["rules"]],
                },
            }
        )
    return {"id": f"{RG}/azureFirewalls/classic", "name": "classic", "properties": properties}


def ruleset_of(given: dict[str, Any], world: dict[str, Any]) -> Ruleset:
    understood("given", given)
    sku = given.get("sku", "Standard")
    groups = [
        {"id": ip_group_id(name), "name": name, "properties": {"ipAddresses": members}}
        for name, members in (world.get("ipGroups") or {}).items()
    ]
    if given.get("mode") == "classic":
        own = given.get("classic") or given.get("policy") or {}
        settings = {key: value for key, value in given.items() if key in _POLICY_KEYS | _CLASSIC_KEYS}
        body = classic_body(understood("classic", {**settings, **own}), sku)
        return classic_ruleset(Estate.of([body, *groups]), body)
    proxy = given.get("dnsProxy", True)
    bodies = list(groups)
    if given.get("base"):
        bodies += policy_bodies("base", given["base"], sku, None, proxy)
    settings = {key: given[key] for key in _POLICY_KEYS - {"sku"} if key in given}
    policy = {**settings, **given["policy"]}
    bodies += policy_bodies("policy", policy, sku, "base" if given.get("base") else None, proxy)
    return to_ruleset(Estate.of(bodies), f"{RG}/firewallPolicies/policy")


def _address(text: str) -> int:
    return parse_interval(text)[0]


def flow_of(flow: dict[str, Any]) -> Flow:
    understood("flow", flow)
    name = flow.get("fqdn") or ""
    return Flow(
        source=_address(flow["src"]),
        port=flow.get("port", 0),
        transport=flow.get("proto", "TCP").lower(),
        application=flow.get("app") or "",
        sni=normalise(flow.get("sni", name) or ""),
        host=normalise(flow.get("host", name) or ""),
        host_port=flow.get("hostPort"),
        path=flow.get("path"),
        destination=_address(flow["dst"]) if flow.get("dst") else None,
        explicit_proxy=bool(flow.get("explicitProxy")),
        inbound=flow.get("direction") == "inbound",
        established=bool(flow.get("establishedBy")),
    )


def facts_of(world: dict[str, Any]) -> Facts:
    understood("world", world)
    threats = world.get("threatIntel") or {}
    if threats.keys() - {"fqdns", "ips"}:
        raise ValueError(f"no reading for {threats}")
    return Facts(
        dns={name.lower(): AddressSet.parse(texts) for name, texts in (world.get("dns") or {}).items()},
        service_tags={
            tag.lower(): AddressSet.parse(texts) for tag, texts in (world.get("serviceTags") or {}).items()
        },
        fqdn_tags={tag.lower(): tuple(names) for tag, names in (world.get("fqdnTags") or {}).items()},
        categories=world.get("categories") or {},
        infrastructure=tuple(map(normalise, world.get("infrastructure") or ())),
        threat_names=tuple(map(normalise, threats.get("fqdns") or ())),
        threat_addresses=AddressSet.parse(threats.get("ips") or ()),
    )
