"""Speak ARM to a simulator without a socket: short names for ids, bodies and requests used in many tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from allowlist.simulator import DEFAULT_SUBSCRIPTION, FAST, ManualClock, Reply, Request, Simulator
from allowlist.simulator.arm.address import parse_address
from allowlist.simulator.arm.versions import versions_of

GROUP = f"/subscriptions/{DEFAULT_SUBSCRIPTION}/resourceGroups/hub"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
POLICY = f"{NETWORK}/firewallPolicies/policy"
RULES = f"{POLICY}/ruleCollectionGroups/rules"
FIREWALL = f"{NETWORK}/azureFirewalls/firewall"
IP_GROUP = f"{NETWORK}/ipGroups/agents"
VERSION = "2024-05-01"


def application_rule(name: str = "rule", *, fqdns: list[str] | None = None, **more: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.example.com"] if fqdns is None else fqdns,
        "sourceAddresses": ["10.0.0.0/24"],
    }
    return {**rule, **more}


def network_rule(name: str = "rule", **more: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "ruleType": "NetworkRule",
        "name": name,
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.0.0.0/24"],
        "destinationAddresses": ["203.0.113.7"],
        "destinationPorts": ["443"],
    }
    return {**rule, **more}


def collection(
    *rules: dict[str, Any], name: str = "collection", priority: int = 200, **more: Any
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": "Allow"},
        "rules": list(rules),
    }
    return {**body, **more}


def rule_group(*collections: dict[str, Any], priority: int = 300) -> dict[str, Any]:
    return {"properties": {"priority": priority, "ruleCollections": list(collections)}}


@dataclass(slots=True)
class Client:
    """Sends requests to a simulator whose clock stands still until :meth:`wait`."""

    options: dict[str, Any] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    version: str = VERSION
    simulator: Simulator = field(init=False)

    def __post_init__(self) -> None:
        options = {"require_token": False, "timing": FAST, **self.options}
        self.simulator = Simulator(clock=self.clock, **options)
        self.simulator.seed(
            {"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}
        )

    def send(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """``url`` is a path, to which the api-version is added, or an absolute URL, sent as it is."""
        parts = urlsplit(url)
        chosen = f"api-version={version_for(parts.path, self.version)}"
        query = parts.query if "api-version=" in parts.query or parts.netloc else chosen
        if parts.query and not parts.netloc and "api-version=" not in parts.query:
            query = f"{parts.query}&{query}"
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(
            method=method,
            path=parts.path,
            query=query,
            headers=headers or {},
            body=content,
            base_url="https://arm.example",
        )
        return self.simulator.handle(request)

    def wait(self, seconds: float = 60.0) -> None:
        """Let every operation come to its end."""
        self.clock.advance(seconds)

    def get(self, url: str) -> Any:
        return content_of(self.send("GET", url))

    def put(self, url: str, body: Any) -> Reply:
        """PUT and wait; fails when the request is refused."""
        reply = self.send("PUT", url, body)
        assert reply.status in (200, 201), reply.body
        self.wait()
        return reply

    def with_policy(self, **properties: Any) -> Client:
        self.put(POLICY, {"location": "westeurope", "properties": properties})
        return self

    def with_rules(self, *collections: dict[str, Any]) -> Client:
        self.with_policy().put(RULES, rule_group(*(collections or (collection(application_rule()),))))
        return self

    def with_firewall(self) -> Client:
        body = {"location": "westeurope", "properties": {"firewallPolicy": {"id": POLICY}}}
        self.put(FIREWALL, body)
        return self


def version_for(path: str, wished: str) -> str:
    """``wished`` where the type of ``path`` has it, else the newest it has, as clients do that know their types."""
    known = versions_of(parse_address(path))
    return wished if wished in known else known[-1]


def content_of(reply: Reply) -> Any:
    return json.loads(reply.body) if reply.body else None


def poll(client: Client, reply: Reply) -> Any:
    """What the operation URL of a reply says now."""
    return client.get(reply.headers["azure-asyncoperation"])


def error_code(reply: Reply) -> str:
    """The code in whichever of Azure's envelopes it came."""
    body = content_of(reply)
    if "ModelState" in body:
        (values,) = body["ModelState"].values()
        return str(json.loads(values[0])["Error"]["Code"])
    return str(body["error"]["code"])
