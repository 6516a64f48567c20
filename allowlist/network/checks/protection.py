"""What else the firewall could hold against traffic that the list lets through: threat intelligence and intrusion detection.

The rules decide which names go out; these decide what happens to what goes out. Peers check them (PSRule AZR-000105,
checkov 216 and 220, the Azure Firewall checklist); pages of learn.microsoft.com, read 2026-06.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allowlist.documents.words import counted
from allowlist.estate.bodies import Body
from allowlist.estate.parts import is_unread
from allowlist.estate.unread import is_unread as is_unread_resource
from allowlist.network.observation import Observation, evidence, fault, met, note, unknown
from allowlist.network.read import member, objects, properties, texts
from allowlist.network.scene import Scene

Observations = Iterator[Observation]
_READ_IT = "read it, or give the values of its parameters: allowlist snapshot -o DIR"


def protections(scene: Scene) -> Observations:
    """Of every policy among the targets; what does not stand there is not judged."""
    for target in scene.targets:
        policy = scene.estate.get(target)
        inner = properties(policy)
        if policy is not None and (is_unread_resource(policy) or "threatIntelMode" in inner):
            yield _threat_intelligence(target, policy, str(inner.get("threatIntelMode", "[]")))
        if policy is not None and (_tier(inner) == "premium" or _is_open(inner, "sku", "tier")):
            yield _intrusion_detection(target, policy, inner)
        if policy is not None:
            yield from _bypasses(target, policy, inner)


def _is_open(inner: dict[str, Any], outer: str, key: str) -> bool:
    """Is a setting, or the object it stands in, an expression?"""
    return is_unread(inner.get(outer)) or is_unread(member(inner, outer).get(key))


def _tier(inner: dict[str, Any]) -> str:
    return str(member(inner, "sku").get("tier") or "").lower()


def _threat_intelligence(target: str, policy: Body, mode: str) -> Observation:
    code, place = "threat-intelligence", evidence(policy, "properties.threatIntelMode")
    if is_unread(mode):
        return unknown(code, target, "what threat intelligence does is not known", _READ_IT, place)
    if mode.lower() == "deny":
        return met(code, target, "threat intelligence denies", place)
    if mode.lower() == "alert":
        says = "threat intelligence only alerts: a name the list opens is reached although it is known as malicious"
        return note(code, target, says, "deny once the log shows no false alarm: threatIntelMode Deny", place)
    return fault(
        code, target, "threat intelligence is off", "set threatIntelMode to Deny, or to Alert at least", place
    )


def _intrusion_detection(target: str, policy: Body, inner: dict[str, Any]) -> Observation:
    code, place = "intrusion-detection", evidence(policy, "properties.intrusionDetection.mode")
    mode = str(member(inner, "intrusionDetection").get("mode") or "Off").lower()
    if mode != "deny" and (_is_open(inner, "sku", "tier") or _is_open(inner, "intrusionDetection", "mode")):
        says = "what intrusion detection does, or whether the tier has it, is not known"
        return unknown(code, target, says, _READ_IT, place)
    if mode == "deny":
        return met(code, target, "intrusion detection denies", place)
    if mode == "alert":
        return note(
            code, target, "intrusion detection only alerts", "deny: intrusionDetection.mode Deny", place
        )
    return fault(
        code,
        target,
        "the tier is Premium, and intrusion detection is off",
        "set intrusionDetection.mode to Alert or Deny",
        place,
    )


def _bypasses(target: str, policy: Body, inner: dict[str, Any]) -> Observations:
    allowed = member(inner, "threatIntelWhitelist")
    passed = [*texts(allowed, "fqdns"), *texts(allowed, "ipAddresses")]
    if passed:
        says = f"{counted(len(passed), 'entry')} pass threat intelligence unseen: {', '.join(passed[:3])}"
        remedy = "keep only what somebody answers for: threatIntelWhitelist"
        yield note(
            "protection-bypass", target, says, remedy, evidence(policy, "properties.threatIntelWhitelist")
        )
    configuration = member(member(inner, "intrusionDetection"), "configuration")
    around = objects(configuration, "bypassTrafficSettings")
    if around:
        names = ", ".join(str(item.get("name") or "unnamed") for item in around[:3])
        says = f"{counted(len(around), 'bypass rule')} around intrusion detection: {names}"
        place = evidence(policy, "properties.intrusionDetection.configuration.bypassTrafficSettings")
        yield note("protection-bypass", target, says, "keep only what somebody answers for", place)
