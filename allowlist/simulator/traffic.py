"""Logs of traffic as Azure delivers them, for the flows one asks of it: what a firewall with the seeded rules would log.

Its own, small reading of the rules (first match: network before application, priorities, position) shares nothing with
the product, so that a mistake there shows. Flows are JSON Lines: ``source``, ``fqdn`` or ``destination``, ``port``,
``protocol`` (https, http, mssql, tcp, udp), and optionally ``time`` (ISO 8601), ``every`` (seconds) and ``count``.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

Body = Mapping[str, Any]

SHAPES: Final = ("storage", "event-hub", "log-analytics", "legacy")
_NAMED: Final = ("https", "http", "mssql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One flow and what became of it. ``ticks`` are hundreds of nanoseconds since 1970, as fine as Azure's times."""

    ticks: int
    source: str
    source_port: int
    name: str = ""
    destination: str = ""
    port: int
    protocol: str
    action: str = "Deny"
    policy: str = ""
    group: str = ""
    collection: str = ""
    rule: str = ""

    @property
    def time(self) -> str:
        moment = dt.datetime.fromtimestamp(self.ticks // 10**7, dt.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{self.ticks % 10**7:07d}Z"

    @property
    def category(self) -> str:
        return "AZFWApplicationRule" if self.protocol in _NAMED else "AZFWNetworkRule"

    def fields(self) -> dict[str, Any]:
        """The columns of the firewall's table."""
        ends: dict[str, Any] = {"SourceIp": self.source, "SourcePort": self.source_port}
        if self.protocol in _NAMED:
            ends |= {"Fqdn": self.name, "DestinationPort": self.port, "TargetUrl": "", "WebCategory": ""}
        else:
            ends |= {"DestinationIp": self.destination, "DestinationPort": self.port}
        default = "" if self.rule else "Default Action"
        return {
            "Protocol": self.protocol.upper(), **ends, "Action": self.action, "ActionReason": default,
            "Policy": self.policy, "RuleCollectionGroup": self.group, "RuleCollection": self.collection, "Rule": self.rule,
        }  # fmt: skip

    def message(self) -> str:
        """The text of the retired diagnostics log."""
        to = self.name if self.protocol in _NAMED else self.destination
        head = f"{self.protocol.upper()} request from {self.source}:{self.source_port} to {to}:{self.port}. Action: {self.action}."
        if not self.rule:
            return f"{head} No rule matched. Proceeding with default action"
        return (
            f"{head} Policy: {self.policy}. Rule Collection Group: {self.group}. "
            f"Rule Collection: {self.collection}. Rule: {self.rule}"
        )


def read_flows(path: Path, now: dt.datetime) -> Iterator[Event]:
    """The flows of ``path``, repeated as they say. Raises ValueError with the line of a mistake."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield from _repeated(json.loads(line), number, now)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ValueError(f"{path}:{number}: {error!r} is wrong in this flow") from None


def _repeated(flow: Body, number: int, now: dt.datetime) -> Iterator[Event]:
    start = dt.datetime.fromisoformat(flow["time"]) if "time" in flow else now - dt.timedelta(hours=1)
    if start.tzinfo is None:
        raise ValueError("time without a zone")
    step = round(float(flow.get("every", 60)) * 10**7)
    ipaddress.ip_address(flow["source"])
    for turn in range(int(flow.get("count", 1))):
        yield Event(
            ticks=int(start.timestamp()) * 10**7 + (number * 7919 + turn * 104729) % 10**7 + turn * step,
            source=flow["source"],
            source_port=1024 + (number * 31 + turn) % 60000,
            name=flow.get("fqdn", ""),
            destination=flow.get("destination", ""),
            port=int(flow.get("port", 443)),
            protocol=str(flow.get("protocol", "https")).lower(),
        )


def decided(event: Event, bodies: Sequence[Body]) -> Event:
    """``event`` with the rule that the first firewall policy among ``bodies`` decides it by; denied without one."""
    for group, collection, rule in _rules(bodies, "NetworkRule" if event.protocol not in _NAMED else ""):
        if _matches(rule, event, bodies):
            action = collection.get("action", {}).get("type", "Deny")
            policy = str(group["id"]).split("/")[-3]
            return replace(
                event,
                action=action,
                policy=policy,
                group=group["name"],
                collection=collection["name"],
                rule=rule["name"],
            )
    return event


def _rules(bodies: Sequence[Body], only: str) -> list[tuple[Body, Body, Body]]:
    groups = [body for body in bodies if "/rulecollectiongroups/" in str(body.get("id", "")).lower()]
    found = [
        (group, collection, rule)
        for group in groups
        for collection in group["properties"].get("ruleCollections", ())
        for rule in collection.get("rules", ())
        if rule.get("ruleType") in ("NetworkRule", "ApplicationRule") and only in rule["ruleType"]
    ]
    return sorted(found, key=lambda one: (
        one[2]["ruleType"] != "NetworkRule", one[0]["properties"].get("priority", 0), one[1].get("priority", 0),
    ))  # fmt: skip


def _matches(rule: Body, event: Event, bodies: Sequence[Body]) -> bool:
    if not _is_from(rule, event.source, bodies):
        return False
    if rule["ruleType"] == "ApplicationRule":
        services = [(str(one["protocolType"]).lower(), one["port"]) for one in rule.get("protocols", ())]
        return (event.protocol, event.port) in services and any(
            _is_named(pattern.lower(), event.name.lower()) for pattern in rule.get("targetFqdns", ())
        )
    transports = [str(one).lower() for one in rule.get("ipProtocols", ())]
    transport = "tcp" if event.protocol in _NAMED else event.protocol
    return (
        bool({transport, "any"} & set(transports))
        and any(_in_ports(event.port, ports) for ports in rule.get("destinationPorts", ()))
        and bool(event.destination)
        and any(_in_range(event.destination, place) for place in rule.get("destinationAddresses", ()))
    )


def _is_named(pattern: str, name: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern


def _is_from(rule: Body, source: str, bodies: Sequence[Body]) -> bool:
    groups = {str(item).lower() for item in rule.get("sourceIpGroups", ())}
    listed = [
        place
        for body in bodies
        if str(body.get("id", "")).lower() in groups
        for place in body["properties"].get("ipAddresses", ())
    ]
    return any(_in_range(source, place) for place in [*rule.get("sourceAddresses", ()), *listed])


def _in_ports(port: int, ports: str) -> bool:
    low, _, high = ports.partition("-")
    return ports == "*" or int(low) <= port <= int(high or low)


def _in_range(address: str, place: str) -> bool:
    if place == "*":
        return True
    low, _, high = place.partition("-")
    value = ipaddress.ip_address(address)
    if high:
        return int(ipaddress.ip_address(low)) <= int(value) <= int(ipaddress.ip_address(high))
    return value in ipaddress.ip_network(place, strict=False)


def firewall_of(bodies: Sequence[Body]) -> str:
    """The id of the first firewall among ``bodies``, or of one that stands for it."""
    found = (str(body["id"]) for body in bodies if "/azurefirewalls/" in str(body.get("id", "")).lower())
    return next(
        found, "/subscriptions/none/resourceGroups/none/providers/Microsoft.Network/azureFirewalls/firewall"
    )


def write_logs(
    events: Iterable[Event], folder: Path, *, firewall: str, shapes: Sequence[str] = ("storage",)
) -> list[Path]:
    """One file for each shape and hour (of storage) or day; the files that were written."""
    made: dict[Path, list[str]] = {}
    for event in sorted(events, key=lambda one: one.ticks):
        for shape in shapes:
            path, line = _written(event, shape, firewall)
            made.setdefault(folder / path, []).append(line)
    for file, lines in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return sorted(made)


def _written(event: Event, shape: str, firewall: str) -> tuple[Path, str]:
    day, hour = event.time[:10], event.time[11:13]
    record = {"time": event.time, "resourceId": firewall.upper(), "category": event.category}
    match shape:
        case "storage":
            year, month, number = day.split("-")
            place = f"resourceId={firewall.upper()}/y={year}/m={month}/d={number}/h={hour}/m=00/PT1H.json"
            whole = {**record, "operationName": event.category, "properties": event.fields()}
            return Path(f"insights-logs-{event.category.lower()}") / place, json.dumps(whole)
        case "event-hub":
            whole = {**record, "properties": event.fields()}
            return Path("event-hub") / f"{day}.jsonl", json.dumps({"records": [whole]})
        case "log-analytics":
            row = {
                "TimeGenerated": event.time,
                "Type": event.category,
                "_ResourceId": firewall.lower(),
                **event.fields(),
            }
            return Path("log-analytics") / f"{event.category}-{day}.json", json.dumps(row)
        case "legacy":
            old = event.category.replace("AZFW", "AzureFirewall")
            row = {
                **record,
                "category": old,
                "operationName": f"{old}Log",
                "properties": {"msg": event.message()},
            }
            return Path("insights-logs-" + old.lower()) / f"{day}.json", json.dumps(row)
        case _:
            raise ValueError(f"'{shape}' is none of {', '.join(SHAPES)}")
