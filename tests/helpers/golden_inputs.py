"""What the golden validation and equivalence cases configure, as ARM JSON by case id.

The golden file says in a sentence what is configured, and what is right. The right answer is read from there; the
configuration stands here as values, so that nothing is guessed from a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.plan.rule_findings import find_rule_findings
from allowlist.points.firewall.translate import to_ruleset
from allowlist.points.kind import kind_of
from allowlist.points.point import Point, Target
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.model import Ruleset
from tests.helpers.golden_firewall import RG, ip_group_id

Body = dict[str, Any]

POLICY = f"{RG}/firewallPolicies/p"
PARENT = f"{RG}/firewallPolicies/parent"
CLASSIC = f"{RG}/azureFirewalls/f"
WEB = [{"protocolType": "Http", "port": 80}, {"protocolType": "Https", "port": 443}]


def policy(tier: str = "Standard", **properties: Any) -> Body:
    settings = {"sku": {"tier": tier}, "dnsSettings": {"enableProxy": True}, **properties}
    return {"id": POLICY, "name": "p", "location": "westeurope", "properties": settings}


def application(**fields: Any) -> Body:
    rule: Body = {"ruleType": "ApplicationRule", "name": "r", "sourceAddresses": ["10.0.0.4"]}
    targets = {"targetFqdns", "targetUrls", "fqdnTags", "webCategories"}
    named = {} if targets & fields.keys() else {"targetFqdns": ["a.example"]}
    return {**rule, "protocols": WEB[1:], **named, **fields}


def network(**fields: Any) -> Body:
    rule: Body = {"ruleType": "NetworkRule", "name": "r", "sourceAddresses": ["10.0.0.4"]}
    named = {} if "destinationFqdns" in fields else {"destinationAddresses": ["203.0.113.0/24"]}
    return {**rule, "ipProtocols": ["TCP"], "destinationPorts": ["443"], **named, **fields}


def grouped(**fields: Any) -> Body:
    """A rule whose source is the IP group ``g``."""
    return application(sourceAddresses=[], sourceIpGroups=[ip_group_id("g")], **fields)


def collection(*rules: Body, name: str = "C", priority: int = 200, action: str = "Allow") -> Body:
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": [{**rule, "name": f"r{at}"} for at, rule in enumerate(rules)],
    }


def group(*collections: Body, priority: int = 200) -> Body:
    properties = {"priority": priority, "ruleCollections": list(collections)}
    return {"id": f"{POLICY}/ruleCollectionGroups/G", "name": "G", "properties": properties}


def rules(*given: Body) -> Body:
    return group(collection(*given))


def ip_group(*members: str, name: str = "g") -> Body:
    return {"id": ip_group_id(name), "name": name, "properties": {"ipAddresses": list(members)}}


def point_of(surface: str, resource: str, **options: Any) -> Point:
    return kind_of(surface).bind(
        Target(
            name="t",
            workload="w",
            surface=surface,
            resource=resource,
            delete="add-only",
            group="G",
            options=options,
        )
    )


# --- what the service would refuse ------------------------------------------------------------------------------

CHILD = policy(basePolicy={"id": PARENT})
FARAWAY = {**policy(), "id": PARENT, "name": "parent", "location": "northeurope"}
SAME_PORTS = {"enableExplicitProxy": True, "httpPort": 8080, "httpsPort": 8080}
OFFICE: Body = {"name": "r", "protocols": WEB[1:], "fqdnTags": ["Office365.Exchange.Optimize"]}

CONFIGURED: Mapping[str, list[list[Body]]] = {
    "VAL-04": [[policy(), rules(application(targetFqdns=["aabbcc*.test.local"]))]],
    "VAL-05": [[policy(), rules(application(targetFqdns=["test.*.testcom.com"]))]],
    "VAL-07": [[policy(), rules(network(destinationFqdns=["*.contoso.com"]))]],
    "VAL-08": [
        [policy(dnsSettings={"enableProxy": False}), rules(network(destinationFqdns=["time.example.net"]))]
    ],
    "VAL-17": [
        [policy(), group(collection(application()), priority=99)],
        [policy(), group(collection(application()), priority=65001)],
        [policy(), group(collection(application(), priority=99))],
        [policy(), group(collection(application(), priority=65001))],
    ],
    "VAL-18": [[policy(), rules(application(protocols=[{"protocolType": "Mssql", "port": 1433}]))]],
    "VAL-19": [[policy(), rules(application(targetUrls=["www.contoso.com/a"], terminateTLS=True))]],
    "VAL-20": [
        [policy("Premium"), rules(application(targetUrls=["www.contoso.com:8080"], terminateTLS=True))]
    ],
    "VAL-22": [[policy(), rules(grouped()), ip_group(*["10.0.0.1"] * 5001)]],
    "VAL-25": [[CHILD, FARAWAY]],
    "VAL-26": [[policy(explicitProxy=SAME_PORTS)]],
    "VAL-29": [
        [
            {
                "id": CLASSIC,
                "name": "f",
                "properties": {
                    "applicationRuleCollections": [
                        {
                            "name": "c",
                            "properties": {"priority": 200, "action": {"type": "Allow"}, "rules": [OFFICE]},
                        }
                    ]
                },
            }
        ]
    ],
    "VAL-30": [[policy("Basic"), rules(application(webCategories=["News"]))]],
}
"""By case: every estate that the sentence describes."""


def told_about(bodies: list[Body]) -> list[str]:
    """What a check and a plan say of the configuration: of the point itself, of its limits, of its rules."""
    classic = bodies[0]["id"] == CLASSIC
    point = point_of("azure-firewall", CLASSIC) if classic else point_of("firewall-policy", POLICY)
    estate = Estate.of(bodies)
    return [*_of_the_point(point, estate), *_of_its_rules(point, estate)]


def _of_the_point(point: Point, estate: Estate) -> Iterator[str]:
    yield from (finding.because for finding in point.posture(estate))
    yield from (finding.text for finding in point.limits(estate) if finding.exceeded)


def _of_its_rules(point: Point, estate: Estate) -> Iterator[str]:
    engine = CoverageEngine.of(point.ruleset(estate), ())
    yield from (finding.because for finding in find_rule_findings(engine, EVERYWHERE, "t"))


# --- two rule sets, compared by what they let through -----------------------------------------------------------

A, B = ["10.0.1.0/24"], ["10.0.2.0/24"]
MEMBERS = ip_group("10.0.0.0/24")
ALLOW = collection(application(), priority=100)
ALLOW_200 = collection(application())
DENY_ALL = collection(
    application(sourceAddresses=["*"], protocols=WEB, targetFqdns=["*"]),
    name="D",
    priority=65000,
    action="Deny",
)


def denying(priority: int) -> Body:
    """A denial of every name that :data:`ALLOW` allows one of."""
    return collection(application(targetFqdns=["*.example"]), name="D", priority=priority, action="Deny")


def names(sources: list[str], *hosts: str) -> Body:
    return application(sourceAddresses=sources, targetFqdns=[f"{host}.example" for host in hosts])


COMPARED: Mapping[str, tuple[list[Body], list[Body]]] = {
    "EQ-06": (
        [rules(application(targetFqdns=["*.a.com", "a.com"]))],
        [rules(application(targetFqdns=["*a.com"]))],
    ),
    "EQ-07": (
        [rules(application(sourceAddresses=["10.0.0.0/24"])), MEMBERS],
        [rules(grouped()), MEMBERS],
    ),
    "EQ-09": (
        [group(collection(application(), priority=100), denying(200))],
        [group(collection(application(), priority=1000), denying(2000))],
    ),
    "EQ-10": ([rules(names(A, "x"), names(B, "y"))], [rules(names([*A, *B], "x", "y"))]),
    "EQ-11": ([rules(names([*A, *B], "x", "y"))], [rules(names(A, "x", "y"), names(B, "x", "y"))]),
    "EQ-16": (
        [rules(application(destinationAddresses=[]))],
        [rules(application(destinationAddresses=["10.0.0.0/8"]))],
    ),
    "EQ-17": (
        [rules(application(fqdnTags=["WindowsUpdate"]))],
        [rules(application(targetFqdns=["windowsupdate.microsoft.com"]))],
    ),
    "EQ-19": (
        [rules(grouped()), MEMBERS],
        [rules({**grouped(), "sourceIpGroups": [ip_group_id("G").upper()]}), MEMBERS],
    ),
    "EQ-21": ([group(ALLOW)], [group(ALLOW, DENY_ALL)]),
    "EQ-22": (
        [rules(network(ipProtocols=["TCP", "UDP"]))],
        [rules(network(ipProtocols=["Any"]))],
    ),
    "EQ-23": (
        [rules(network(ipProtocols=["TCP", "UDP", "ICMP"], destinationPorts=["*"]))],
        [rules(network(ipProtocols=["Any"], destinationPorts=["*"]))],
    ),
    "EQ-24": ([group(ALLOW_200, denying(300))], [group(denying(300), ALLOW_200)]),
}

KNOWN_BESIDES: Mapping[str, Facts] = {"EQ-21": Facts(infrastructure=("pir.blob.core.windows.net",))}

Sides = tuple[Ruleset, Ruleset, Facts]


def sides_of(case_id: str) -> Sides:
    """Both sides of a comparison as rulesets, and what is known besides."""
    before, after = (to_ruleset(Estate.of([policy("Premium"), *side]), POLICY) for side in COMPARED[case_id])
    return before, after, KNOWN_BESIDES.get(case_id, NOTHING_KNOWN)


def unwritten(cases: list[Body], *written: str) -> list[str]:
    """Cases of a golden file without values here, each with its sentence: none may pass by being skipped."""
    return [f"{case['id']}: {case['what']}" for case in cases if case["id"] not in written]
