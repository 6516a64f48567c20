"""An estate and folders of its logs with planted findings, written by nothing of the product; who plants knows the truth.

Rules, names and denials are chosen first; then every event is written once into some file of some shape, as the services
and proxies write them or as people export them. Lines may be broken and hours taken out: then nothing may be called unused.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import zstandard

NETWORK = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network"
FIREWALL = f"{NETWORK}/azureFirewalls/fw"
START = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
HOURS = 5
WANTED = "wanted.contoso.com"
NEVER = "never.contoso.com"
INSIDE, OUTSIDE = ("10.0.0.4", "10.0.0.77", "10.0.0.200"), ("10.9.0.5",)

WORKLOAD = f"""\
schema: allowlist/workload/v1
name: planted
requirements:
  - {{id: wanted, pattern: "{WANTED}", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}}
  - {{id: never, pattern: "{NEVER}", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}}
sources:
  s: {{addresses: [10.0.0.0/24]}}
targets:
  - {{name: fw, surface: firewall-policy, resource: {NETWORK}/firewallPolicies/p, delete: add-only}}
"""


@dataclass(frozen=True)
class Flow:
    """One thing that was asked for; ``rule`` is collection and rule where the firewall let it through."""

    at: dt.datetime
    digits: int
    source: str
    name: str
    rule: tuple[str, str] | None
    address: str = ""

    @property
    def port(self) -> int:
        return 40000 + self.digits % 20000

    def time(self, zone: str = "Z") -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.digits:07d}{zone}"


@dataclass
class Truth:
    """What has to be told: ends with their counts, and what may be called unused or redundant where all was read."""

    denied: Counter[str] = field(default_factory=Counter)
    allowed: Counter[str] = field(default_factory=Counter)
    unused: set[str] = field(default_factory=set)
    redundant: set[str] = field(default_factory=set)
    is_whole: bool = True


def planted(folder: Path, random: Random) -> Truth:
    """``allowlist.yaml``, ``estate`` and ``logs`` below ``folder``."""
    rules, used = _rules(random)
    _estate(folder, rules)
    (folder / "allowlist.yaml").write_text(WORKLOAD)
    flows = _flows(random, used)
    truth = Truth(
        unused={name for _, name, _ in rules if name.startswith("unused")}, redundant={"narrow", "shadowed"}
    )
    missing = random.choice([None, None, 2])
    if missing is not None:
        flows = [one for one in flows if one.at.hour != START.hour + missing]
        truth.is_whole = False
    writers: list[_Writer] = random.sample(FIREWALL_SHAPES, random.randint(1, 5))
    proxies: list[_Writer] = random.sample(PROXY_SHAPES, random.randint(0, 3))
    shares: list[list[Flow]] = [[] for _ in writers]
    for one in flows:
        random.choice(shares).append(one)
        _count(truth, one)
    for number, (write, mine) in enumerate(zip(writers, shares, strict=True)):
        if mine:
            write(folder / "logs" / f"{number}", mine, random)
    # A second destination holds what the first of them holds: counted once.
    if random.random() < 0.3 and shares[0] and writers[0] in _KEEP_DIGITS:
        _storage(folder / "logs" / "again", shares[0], random)
    for number, write in enumerate(proxies):
        mine = _asked_of_proxies(random, missing)
        for one in mine:
            _count(truth, one)
        write(folder / "logs" / f"proxy-{number}", mine, random)
    if random.random() < 0.4:
        mine = [Flow(START + dt.timedelta(hours=hour, minutes=3), random.randrange(10**7), INSIDE[0], "", None, "203.0.113.9") for hour in range(HOURS) if hour != missing]  # fmt: skip
        truth.denied["203.0.113.9 tcp:443"] += len(mine)
        random.choice([_vnet_flows, _nsg_flows])(folder / "logs" / "flows", mine, random)
    if random.random() < 0.3:
        truth.is_whole = not _break(folder / "logs", random) and truth.is_whole
    return truth


def _count(truth: Truth, one: Flow) -> None:
    (truth.allowed if one.rule else truth.denied)[f"{one.name.lower()} https:443"] += 1


# What stands, and what is asked.


def _rules(random: Random) -> tuple[list[tuple[str, str, list[str]]], list[tuple[str, tuple[str, str]]]]:
    """(collection, rule, names), and the names that are asked for with the rule that decides them."""
    used = [
        ("first", f"used-{n}", [f"svc{n}.corp{random.randrange(100)}.example"])
        for n in range(random.randint(2, 5))
    ]
    used.append(("first", "wanted", [WANTED, NEVER]))
    unused = [("first", f"unused-{n}", [f"idle{n}.example.org"]) for n in range(random.randint(0, 3))]
    narrow, wide = ("first", "narrow", ["a.team.example"]), ("second", "wide", ["*.team.example"])
    shadowed = ("second", "shadowed", used[0][2])
    first = [*used, *unused, narrow]
    random.shuffle(first)
    asked = [(rule[2][0], rule[:2]) for rule in (*used, narrow)] + [("b.team.example", wide[:2])]
    return [*first, wide, shadowed], asked


def _estate(folder: Path, rules: Sequence[tuple[str, str, list[str]]]) -> None:
    def collection(name: str, priority: int) -> dict[str, Any]:
        return {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": name, "priority": priority,
            "action": {"type": "Allow"},
            "rules": [
                {"ruleType": "ApplicationRule", "name": rule, "protocols": [{"protocolType": "Https", "port": 443}],
                 "targetFqdns": names, "sourceAddresses": ["10.0.0.0/24"]}
                for where, rule, names in rules if where == name
            ],
        }  # fmt: skip

    policy = f"{NETWORK}/firewallPolicies/p"
    group = {"priority": 200, "ruleCollections": [collection("first", 100), collection("second", 200)]}
    bodies = {
        "policy": {"id": policy, "name": "p", "type": "Microsoft.Network/firewallPolicies", "location": "westeurope",
                   "properties": {"sku": {"tier": "Standard"}, "ruleCollectionGroups": [{"id": f"{policy}/ruleCollectionGroups/g"}]}},
        "group": {"id": f"{policy}/ruleCollectionGroups/g", "name": "g", "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "properties": group},
        "firewall": {"id": FIREWALL, "name": "fw", "type": "Microsoft.Network/azureFirewalls", "location": "westeurope",
                     "properties": {"firewallPolicy": {"id": policy}, "sku": {"name": "AZFW_VNet", "tier": "Standard"}}},
    }  # fmt: skip
    (folder / "estate").mkdir(parents=True)
    for name, body in bodies.items():
        (folder / "estate" / f"{name}.json").write_text(json.dumps(body))


def _flows(random: Random, used: Sequence[tuple[str, tuple[str, str]]]) -> list[Flow]:
    flows = [
        _flow(random, hour, name, rule)
        for name, rule in used
        for hour in range(HOURS)
        for _ in range(random.randint(1, 2))
    ]
    for number in range(random.randint(1, 4)):
        name = random.choice(
            [f"Refused{number}.example.net", f"x{number}.pytorch.example", f"xn--bcher-kva{number}.example"]
        )
        flows += [_flow(random, random.randrange(HOURS), name, None) for _ in range(random.randint(1, 4))]
    return flows


def _flow(random: Random, hour: int, name: str, rule: tuple[str, str] | None) -> Flow:
    at = START + dt.timedelta(hours=hour, seconds=random.randrange(3600))
    source = random.choice(INSIDE if rule else INSIDE + OUTSIDE)
    return Flow(at, random.randrange(10**4) * 1000, source, name, rule)


def _asked_of_proxies(random: Random, missing: int | None) -> list[Flow]:
    """A proxy of its own: what it lets through is decided by no rule of the policy, but by its own."""
    names = [("proxied.example.com", ("", "")), ("blocked.example.com", None)]
    return [
        _flow(random, hour, name, rule) for name, rule in names for hour in range(HOURS) if hour != missing
    ]


# Shapes.

_Writer = Callable[[Path, Sequence[Flow], Random], None]


def _put(path: Path, data: bytes, random: Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    how = random.random()
    if how < 0.25:
        data = gzip.compress(data)
    elif how < 0.4:
        data = zstandard.compress(data)
    path.write_bytes(data)


def _texts(path: Path, lines: Sequence[str], random: Random) -> None:
    _put(path, (random.choice(["\n", "\r\n"]).join(lines) + random.choice(["\n", ""])).encode(), random)


def _properties(one: Flow) -> dict[str, Any]:
    collection, rule = one.rule or ("", "")
    return {
        "Protocol": "HTTPS", "SourceIp": one.source, "SourcePort": one.port, "DestinationPort": 443, "Fqdn": one.name,
        "TargetUrl": "", "Action": "Allow" if rule else "Deny", "Policy": "p" if rule else "",
        "RuleCollectionGroup": "g" if rule else "", "RuleCollection": collection, "Rule": rule,
        "ActionReason": "" if rule else "Default Action", "IsTlsInspected": False, "WebCategory": "",
    }  # fmt: skip


def _event(one: Flow, random: Random) -> dict[str, Any]:
    members = {
        "time": one.time(), "resourceId": FIREWALL.upper(), "category": "AZFWApplicationRule",
        "operationName": "AZFWApplicationRule", "properties": _properties(one),
    }  # fmt: skip
    names = list(members)
    random.shuffle(names)
    return {name: members[name] for name in names}


def _storage(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    base = folder / "insights-logs-azfwapplicationrule" / f"resourceId={FIREWALL.upper()}" / "y=2026" / "m=11"
    for hour in sorted({one.at.hour for one in flows}):
        mine = [json.dumps(_event(one, random)) for one in flows if one.at.hour == hour]
        _texts(base / f"d=23/h={hour:02d}/m=00/PT1H.json", mine, random)


def _hub(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    events = [_event(one, random) for one in flows]
    batches = [{"records": events[at : at + 7]} for at in range(0, len(events), 7)]
    form = random.choice(["lines", "one", "list", "bodies"])
    if form == "lines":
        _texts(folder / "hub.json", [json.dumps(batch) for batch in batches], random)
    elif form == "one":
        _put(
            folder / "hub.json",
            json.dumps({"records": events}, indent=random.choice([None, 2])).encode(),
            random,
        )
    elif form == "list":
        _put(folder / "hub.json", json.dumps(batches, indent=random.choice([None, 2])).encode(), random)
    else:
        told = [
            {"SequenceNumber": n, "EnqueuedTimeUtc": "11/23/2026 9:10:00 AM", "Body": batch}
            for n, batch in enumerate(batches)
        ]
        _texts(folder / "capture.json", [json.dumps(one) for one in told], random)


def _row(one: Flow, random: Random) -> dict[str, Any]:
    return {
        "TenantId": "t", "TimeGenerated": one.time(), "Type": "AZFWApplicationRule", "_ResourceId": FIREWALL.lower(),
        **_properties(one),
    }  # fmt: skip


def _analytics(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    rows = [_row(one, random) for one in flows]
    if random.random() < 0.5:
        _texts(folder / "export.json", [json.dumps(row) for row in rows], random)
    else:
        _put(folder / "query.json", json.dumps(rows, indent=2).encode(), random)


def _answer(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    """What the query API of Log Analytics answers, as people keep it."""
    rows = [_row(one, random) for one in flows]
    columns = [
        {"name": name, "type": "datetime" if name == "TimeGenerated" else "string"} for name in rows[0]
    ]
    table = {"name": "PrimaryResult", "columns": columns, "rows": [list(row.values()) for row in rows]}
    text = json.dumps({"tables": [table]}, indent=random.choice([None, 2]))
    _put(folder / "answer.json", text.encode(random.choice(["utf-8", "utf-8-sig", "utf-16"])), random)


def _portal(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    """What "Export to CSV" of the portal gives, also saved again as other programs do."""
    rows = [_row(one, random) for one in flows]
    american = random.random() < 0.6
    for one, row in zip(flows, rows, strict=True):
        twelve = f"{one.at.month}/{one.at.day}/{one.at.year}, {one.at.hour % 12 or 12}:{one.at:%M:%S}.{one.digits // 10000:03d} {one.at:%p}"
        row["TimeGenerated"] = twelve if american else one.time("")
    out = io.StringIO()
    heads = ["TimeGenerated [UTC]" if name == "TimeGenerated" else name for name in rows[0]]
    writer = csv.writer(out, delimiter=random.choice([",", ",", ";", "\t"]), lineterminator="\r\n")
    writer.writerows([heads, *([str(value) for value in row.values()] for row in rows)])
    _put(
        folder / "query_data.csv",
        out.getvalue().encode(random.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16"])),
        random,
    )


def _legacy(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    def message(one: Flow) -> str:
        head = f"HTTPS request from {one.source}:{one.port} to {one.name}:443."
        if one.rule is None:
            return f"{head} Action: Deny. No rule matched. Proceeding with default action"
        return f"{head} Action: Allow. Policy: p. Rule Collection Group: g. Rule Collection: {one.rule[0]}. Rule: {one.rule[1]}"

    if random.random() < 0.5:
        lines = [
            {
                "time": one.time(),
                "resourceId": FIREWALL.upper(),
                "category": "AzureFirewallApplicationRule",
                "properties": {"msg": message(one)},
            }
            for one in flows
        ]
    else:
        lines = [
            {
                "TimeGenerated": one.time(),
                "Type": "AzureDiagnostics",
                "Category": "AzureFirewallApplicationRule",
                "ResourceId": FIREWALL.upper(),
                "msg_s": message(one),
            }
            for one in flows
        ]
    _texts(folder / "old.json", [json.dumps(one) for one in lines], random)


def _parquet(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "rows.txt"
    made.write_text("\n".join(json.dumps(_row(one, random)) for one in flows))
    time = random.choice(["CAST(TimeGenerated AS TIMESTAMPTZ)", "CAST(TimeGenerated AS VARCHAR)"])
    duckdb.execute(
        f"SET timezone = 'Asia/Kolkata'; COPY (SELECT * REPLACE ({time} AS TimeGenerated) FROM read_json('{made}', format = 'newline_delimited', "
        f"columns = {{{', '.join(f'{name}: {kind!r}' for name, kind in _TYPES.items())}}})) TO '{folder}/rows.parquet' (FORMAT parquet)"
    )
    made.unlink()


_TYPES = {
    "TimeGenerated": "VARCHAR", "Type": "VARCHAR", "_ResourceId": "VARCHAR", "Protocol": "VARCHAR", "SourceIp": "VARCHAR",
    "SourcePort": "INTEGER", "DestinationPort": "INTEGER", "Fqdn": "VARCHAR", "Action": "VARCHAR", "Policy": "VARCHAR",
    "RuleCollectionGroup": "VARCHAR", "RuleCollection": "VARCHAR", "Rule": "VARCHAR", "ActionReason": "VARCHAR",
}  # fmt: skip

FIREWALL_SHAPES: list[_Writer] = [_storage, _hub, _analytics, _answer, _portal, _legacy, _parquet]


_KEEP_DIGITS = (_hub, _analytics, _answer, _parquet)
"""Their events are told apart, so that a second destination with the same ones counts nothing twice."""


def _vnet_flows(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    tuples = [
        f"{int(one.at.timestamp()) * 1000 + 7},{one.source},{one.address},{one.port},443,6,O,D,NX,0,0,0,0"
        for one in flows
    ]
    allowed = [
        f"{int(one.at.timestamp()) * 1000 + 9},{one.source},198.51.100.7,{one.port},443,6,O,B,NX,0,0,0,0"
        for one in flows
    ]
    groups = [{"rule": "DenyAll", "flowTuples": tuples}, {"rule": "Allow", "flowTuples": allowed}]
    record = {
        "time": flows[0].time(), "flowLogVersion": 4, "category": "FlowLogFlowEvent", "targetResourceID": f"{NETWORK}/virtualNetworks/v",
        "flowRecords": {"flows": [{"aclID": "a", "flowGroups": groups}]},
    }  # fmt: skip
    _put(folder / "PT1H.json", json.dumps({"records": [record]}).encode(), random)


def _nsg_flows(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    second = random.random() < 0.5
    more = ",B,,,," if second else ""
    tuples = [
        f"{int(one.at.timestamp())},{one.source},{one.address},{one.port},443,T,O,D{more}" for one in flows
    ]
    record = {
        "time": flows[0].time(), "systemId": "s", "category": "NetworkSecurityGroupFlowEvent", "resourceId": f"{NETWORK}/networkSecurityGroups/n",
        "operationName": "NetworkSecurityGroupFlowEvents",
        "properties": {"Version": 2 if second else 1, "flows": [{"rule": "DenyAll", "flows": [{"mac": "000D3AF87856", "flowTuples": tuples}]}]},
    }  # fmt: skip
    _put(folder / "PT1H.json", json.dumps({"records": [record]}).encode(), random)


def _squid(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    form = random.choice(["native", "combined", "sni"])
    lines = []
    for one in flows:
        epoch, millis = int(one.at.timestamp()), one.digits // 10000
        result = (
            ("TCP_TUNNEL/200", "HIER_DIRECT/203.0.113.5") if one.rule else ("TCP_DENIED/403", "HIER_NONE/-")
        )
        if form == "native":
            lines.append(
                f"{epoch}.{millis:03d}    120 {one.source} {result[0]} 39 CONNECT {one.name}:443 - {result[1]} -"
            )
        elif form == "sni":
            # As peeked at in transit: the request names an address, TLS asked for the name.
            lines.append(
                f"{epoch}.{millis:03d}    120 {one.source} {result[0]} 39 CONNECT 203.0.113.5:443 - {result[1]} - {one.name}"
            )
        else:
            code, size = result[0].split("/")[1], 39
            lines.append(
                f'{one.source} - - [{one.at:%d/%b/%Y:%H:%M:%S} +0000] "CONNECT {one.name}:443 HTTP/1.1" {code} {size} "-" "curl/8.5" '
                f"{result[0].split('/')[0]}:{result[1].split('/')[0]}"
            )
    _texts(folder / "access.log", lines, random)


def _envoy(folder: Path, flows: Sequence[Flow], random: Random) -> None:
    form = random.choice(["default", "json", "istio"])
    lines = []
    for one in flows:
        time = f"{one.at:%Y-%m-%dT%H:%M:%S}.{one.digits // 10000:03d}Z"
        code, flags, upstream = ("200", "-", "203.0.113.5:443") if one.rule else ("404", "NR", "-")
        if form == "default":
            lines.append(
                f'[{time}] "CONNECT - HTTP/1.1" {code} {flags} 0 0 12 - "{one.source}" "curl" "id" "{one.name}:443" "{upstream}"'
            )
        elif form == "istio":
            lines.append(
                f'[{time}] "CONNECT - HTTP/1.1" {code} {flags} via_upstream - "-" 0 0 12 - "-" "curl" "id" "{one.name}:443" "{upstream}" '
                f"outbound|443||{one.name} 10.1.1.1:50000 203.0.113.5:443 {one.source}:{one.port} {one.name} default"
            )
        else:
            lines.append(json.dumps({
                "start_time": time, "method": "CONNECT", "path": None, "authority": f"{one.name}:443", "response_code": int(code),
                "response_flags": flags, "upstream_host": None if upstream == "-" else upstream, "downstream_remote_address": f"{one.source}:{one.port}",
                "requested_server_name": None, "upstream_cluster": "c", "route_name": None, "downstream_local_address": "10.1.1.1:15001",
            }))  # fmt: skip
    _texts(folder / "envoy.log", lines, random)


PROXY_SHAPES: list[_Writer] = [_squid, _squid, _envoy, _envoy]


def _break(logs: Path, random: Random) -> bool:
    """Puts a line that nobody can read into a file of lines; was there one?"""
    files = [
        path
        for path in sorted(logs.rglob("*"))
        if path.name in ("PT1H.json", "access.log", "export.json", "old.json")
    ]
    for path in random.sample(files, len(files)):
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b" or data[:4] == b"\x28\xb5\x2f\xfd" or b"records" in data[:20]:
            continue
        lines = data.split(b"\n")
        lines.insert(
            random.randrange(1, len(lines) + 1) if len(lines) > 1 else 1,
            random.choice([b"{", b'{"time": ', b"nonsense", b"\xff\xfe\x00"]),
        )
        path.write_bytes(b"\n".join(lines))
        return True
    return False
