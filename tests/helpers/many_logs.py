"""A folder of traffic logs as companies have them: every kind and delivery mixed, lines broken, hours missing."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import zstandard

FIREWALL = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.NETWORK/AZUREFIREWALLS/"
NAMES = ("PyTorch.org", "api.contoso.com", "a_b.contoso.com", "xn--bcher-kva.example", "login.microsoftonline.com", "cdn-lfs.hf.co", "it's.example")  # fmt: skip
RULES = ("names", "2026-01-01", "o'clock", "A3F2B1C0-0000-4000-8000-000000000001", "007", "r. s")
BROKEN = (
    "{",
    "[1]",
    "null",
    '"text"',
    "5",
    '{"time": 5}',
    '{"records": 5}',
    "nonsense",
    '{"a":',
    "\x00",
    "}{",
)


def some_folder(folder: Path, random: Random) -> Path:
    """Some kinds of logs, each in some deliveries, with whatever befalls files on their way."""
    for number, write in enumerate(random.sample(_WRITERS, random.randint(3, len(_WRITERS)))):
        write(folder / f"{number:02d}", random)
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"):
        _befall(path, random)
    return folder


def _befall(path: Path, random: Random) -> None:
    lines = path.read_text().splitlines()
    is_document = lines[0] in ("{", "[") or path.suffix == ".csv"
    if not is_document and len(lines) > 1 and random.random() < 0.4:
        for _ in range(random.randint(1, 3)):
            lines.insert(random.randint(1, len(lines)), random.choice([*BROKEN, "", "  "]))
    end = random.choice(["\n", "\n", "\r\n"]) if path.suffix != ".csv" else "\n"
    data = (end.join(lines) + random.choice(["", end])).encode()
    how = random.random()
    if how < 0.2:
        data = gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])
    elif how < 0.35:
        data = zstandard.compress(data)
    path.write_bytes(data)
    if random.random() < 0.1:
        path.with_name(f"copy-{path.name}").write_bytes(data)


class _Events:
    """Events of one firewall over a few hours, one of which may be missing."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.firewall = FIREWALL + random.choice(["FW", "FW2"])
        missing = random.choice([None, 11])
        self.all = [one for one in (self._one() for _ in range(random.randint(5, 40))) if one["hour"] != missing]  # fmt: skip
        if random.random() < 0.3:
            self.all += random.sample(self.all, min(len(self.all), 3))

    def _one(self) -> dict[str, Any]:
        random = self._random
        hour = random.randint(9, 13)
        time = f"2026-11-{random.choice([23, 24])}T{hour:02d}:{random.randint(0, 59):02d}:{random.randint(0, 59):02d}"
        digits = random.choice([f".{random.randint(0, 9999999):07d}", ".9999999", ""])
        zone = random.choice(["Z", "Z", "Z", "Z", "+01:00"])
        category, properties = random.choice([self._application, self._application, self._network, self._nat, self._threat, self._dns, self._beside])()  # fmt: skip
        return {"time": time + digits + zone, "hour": hour, "category": category, "properties": properties}

    def _ends(self) -> dict[str, Any]:
        return {
            "SourceIp": self._random.choice(["10.0.0.4", "10.0.1.9", "fd00::7"]),
            "SourcePort": self._random.choice([1234, "40000"]),
        }

    def _ruled(self) -> dict[str, Any]:
        if self._random.random() < 0.4:
            return {
                "Action": "Deny",
                "ActionReason": "Default Action",
                "Policy": "",
                "RuleCollectionGroup": "",
                "RuleCollection": "",
                "Rule": "",
            }
        return {
            "Action": self._random.choice(["Allow", "allow", "Deny"]), "ActionReason": "", "Policy": "p", "RuleCollectionGroup": "g",
            "RuleCollection": "c", "Rule": self._random.choice(RULES),
        }  # fmt: skip

    def _application(self) -> tuple[str, dict[str, Any]]:
        name = self._random.choice(NAMES)
        name = self._random.choice([name, name.upper(), name + ".", "52.1.2.3"])
        protocol, port = self._random.choice([("HTTPS", 443), ("HTTP", "80"), ("MSSQL", 1433), ("HTTPS", 8443)])  # fmt: skip
        if self._random.random() < 0.1:
            name, port = "", ""
        return "AZFWApplicationRule", {
            **self._ends(), "Protocol": protocol, "Fqdn": name, "DestinationPort": port, **self._ruled(), "IsTlsInspected": False,
        }  # fmt: skip

    def _network(self) -> tuple[str, dict[str, Any]]:
        protocol, port = self._random.choice([("TCP", 443), ("UDP", 53), ("ICMP Type=8", ""), ("TCP", 70000)])
        return "AZFWNetworkRule", {
            **self._ends(), "Protocol": protocol, "DestinationIp": "52.1.2.3", "DestinationPort": port, **self._ruled(),
        }  # fmt: skip

    def _nat(self) -> tuple[str, dict[str, Any]]:
        return "AZFWNatRule", {
            **self._ends(), "Protocol": "TCP", "DestinationIp": "20.1.1.1", "DestinationPort": 22, "TranslatedIp": "10.0.0.4",
            "TranslatedPort": 22, "Policy": "p", "RuleCollectionGroup": "g", "RuleCollection": "c", "Rule": "n",
        }  # fmt: skip

    def _threat(self) -> tuple[str, dict[str, Any]]:
        return "AZFWThreatIntel", {
            **self._ends(), "Protocol": "HTTPS", "Fqdn": "bad.example", "DestinationPort": 443, "TargetUrl": "", "IsTlsInspected": False,
            "Action": self._random.choice(["Alert", "Deny"]), "ThreatDescription": "Bot Networks",
        }  # fmt: skip

    def _dns(self) -> tuple[str, dict[str, Any]]:
        return "AZFWDnsQuery", {
            **self._ends(), "QueryId": 1, "QueryType": "A", "QueryName": "a.example.", "Protocol": "udp", "ResponseCode": "NOERROR",
        }  # fmt: skip

    def _beside(self) -> tuple[str, dict[str, Any]]:
        return self._random.choice(["AZFWFatFlow", "AZFWIdpsSignature", "AZFWFlowTrace"]), {"SourceIp": "x"}

    def records(self) -> list[dict[str, Any]]:
        return [
            {"time": one["time"], "resourceId": self.firewall, "category": one["category"], "properties": one["properties"]}
            for one in self.all
        ]  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"TimeGenerated": one["time"], "Type": one["category"], "_ResourceId": self.firewall.lower(), **one["properties"]}
            for one in self.all
        ]  # fmt: skip


def _written(path: Path, lines: Sequence[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines) + "\n")


def _storage(folder: Path, events: _Events, random: Random) -> None:
    for record in events.records():
        hour = record["time"][11:13]
        place = f"resourceId={events.firewall}/y=2026/m=11/d={record['time'][8:10]}/h={hour}/m=00/PT1H.json"
        path = folder / f"insights-logs-{record['category'].lower()}" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(record, separators=random.choice([None, (",", ":")])) + "\n")


def _hub(folder: Path, events: _Events, random: Random) -> None:
    records: list[Any] = list(events.records())
    cut = random.randint(1, 6)
    if random.random() < 0.2:
        records.insert(random.randint(0, len(records)), random.choice([None, 5, "text", {"time": "x"}]))
    if random.random() < 0.3:
        _written(folder / "hub.json", [json.dumps({"records": records}, indent=1)])
    else:
        _written(
            folder / "hub.jsonl", [{"records": records[n : n + cut]} for n in range(0, len(records), cut)]
        )


def _analytics(folder: Path, events: _Events, random: Random) -> None:
    rows = events.rows()
    how = random.choice(["lines", "records", "list", "csv", "parquet"])
    if how == "lines":
        _written(folder / "am.json", rows)
    elif how == "records":
        _written(folder / "am.json", [{"records": rows[n : n + 3]} for n in range(0, len(rows), 3)])
    elif how == "list":
        _written(folder / "query.json", [json.dumps(rows, indent=2)])
    else:
        (_csv if how == "csv" else _parquet)(folder, rows)


def _shared_table(folder: Path, events: _Events, random: Random) -> None:
    """Structured rows as the table that all services share names their columns, plain text among them."""
    rows: list[dict[str, Any]] = []
    for row in events.rows():
        named: dict[str, Any] = {"TimeGenerated": row["TimeGenerated"], "Type": "AzureDiagnostics", "Category": row["Type"], "ResourceId": events.firewall}  # fmt: skip
        for name, value in row.items():
            if name in ("SourcePort", "DestinationPort"):
                named[f"{name}_d"] = float(value) if str(value).isdigit() else None
            elif name == "SourceIp":
                named["SourceIP"] = value
            elif name not in ("TimeGenerated", "Type", "_ResourceId"):
                named[f"{name}_s"] = value
        rows.append(named)
    plain = {"Type": "AzureDiagnostics", "Category": "AzureFirewallApplicationRule", "ResourceId": events.firewall, "msg_s": LEGACY[2](random)}  # fmt: skip
    rows.append({**plain, "TimeGenerated": "2026-11-23T09:59:00.5Z"})
    if random.random() < 0.5:
        names = dict.fromkeys(name for row in rows for name in row)
        rows = [{name: row.get(name, random.choice(["", None])) for name in names} for row in rows]
    how = random.choice(["lines", "records", "list"])
    if how == "lines":
        _written(folder / "shared.json", rows)
    elif how == "records":
        _written(folder / "shared.json", [{"records": rows[n : n + 4]} for n in range(0, len(rows), 4)])
    else:
        _written(folder / "shared.json", [json.dumps(rows, indent=1)])


def _csv(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    import csv

    utc = [row for row in rows if row["TimeGenerated"].endswith("Z")]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "export.csv").open("w", newline="") as file:
        names = list(dict.fromkeys(name for row in rows for name in row))
        heads = ["TimeGenerated [UTC]" if name == "TimeGenerated" else name for name in names]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        for row in utc:
            writer.writerow([str(row.get(name, "")).removesuffix("Z" if name == "TimeGenerated" else "\0") for name in names])  # fmt: skip


def _parquet(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    import duckdb

    names = list(dict.fromkeys(name for row in rows for name in row))
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    columns = ", ".join(
        f'"{name}" {"TIMESTAMPTZ" if name == "TimeGenerated" else "VARCHAR"}' for name in names
    )
    connection.execute(f"CREATE TABLE t ({columns})")
    cut = [
        [str(row[name])[:26] + "Z" if name == "TimeGenerated" and "." in str(row[name]) and str(row[name]).endswith("Z") else None if row.get(name) is None else str(row[name]) for name in names]
        for row in rows
    ]  # fmt: skip
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", cut)
    connection.execute(f"COPY t TO '{folder}/export.parquet' (FORMAT parquet)")


def _one_firewall(folder: Path, random: Random) -> None:
    events = _Events(random)
    for write in random.sample([_storage, _hub, _analytics, _shared_table], random.choice([1, 1, 2, 3])):
        write(folder / write.__name__, events, random)


LEGACY: Sequence[Callable[[Random], str]] = (
    lambda r: f"HTTPS request from 10.0.0.4:{r.randint(1, 9)} to {r.choice(NAMES)}:443. Action: {r.choice(['Allow', 'Deny'])}. Policy: p. Rule Collection Group: g. Rule Collection: c. Rule: {r.choice(RULES[:5])}",
    lambda r: f"HTTP  request from 10.0.0.4:{r.randint(1, 9)} to {r.choice(NAMES)}:80. Url: a.com/x. Action: Allow. Rule Collection: c d. Rule: r.1. Web Category: News",
    lambda r: f"HTTPS request from 10.0.0.4:1 to {r.choice(NAMES)}:443. Action: Deny. No rule matched. Proceeding with default action",
    lambda r: "HTTPS request from 10.0.0.4:1. Action: Deny. Reason: SNI TLS extension was missing.",
    lambda r: f"TCP request from 10.0.0.4:1 to 52.1.2.3:{r.randint(1, 99)}. Action: Deny.",
    lambda r: "ICMP Type=8 request from 10.0.0.4: to 1.2.3.4:. Action: Deny.",
    lambda r: "TCP request from 20.1.1.1:1 to 1.2.3.4:22 was DNAT'ed to 10.0.0.4:22",
    lambda r: "DNS Request: 10.0.0.4:1 - 4711 A IN A.com. udp 42 false 512 NOERROR qr,rd 58 0.02s",
    lambda r: "The firewall was restarted",
)  # fmt: skip


def _old_diagnostics(folder: Path, random: Random) -> None:
    def time() -> str:
        return f"2026-11-23T{random.randint(9, 12):02d}:00:{random.randint(0, 59):02d}.{random.randint(0, 9999999):07d}Z"

    category = random.choice(["AzureFirewallApplicationRule", "AzureFirewallNetworkRule"])
    told = [random.choice(LEGACY)(random) for _ in range(20)]
    if random.random() < 0.5:
        _written(
            folder / "old.json",
            [
                {
                    "time": time(),
                    "resourceId": FIREWALL + "OLD",
                    "category": category,
                    "properties": {"msg": text},
                }
                for text in told
            ],
        )
    else:
        _written(
            folder / "AzureDiagnostics.json",
            [
                {
                    "TimeGenerated": time(),
                    "Type": "AzureDiagnostics",
                    "Category": category,
                    "ResourceId": FIREWALL + "OLD",
                    "msg_s": text,
                }
                for text in told
            ],
        )


def _flow_logs(folder: Path, random: Random) -> None:
    start = int(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC).timestamp())

    def virtual() -> str:
        return f"{(start + random.randint(0, 9999)) * 1000 + 599},10.0.0.6,192.0.2.{random.randint(1, 3)},23956,{random.choice([443, 53])},{random.choice([6, 17])},{random.choice('IO')},{random.choice('BCED')},NX,0,0,0,0"

    def group(version: int) -> str:
        state = f",{random.choice('BCE')},,,," if version == 2 else ""
        return f"{start + random.randint(0, 9999)},10.0.0.6,192.0.2.{random.randint(1, 3)},23956,{random.choice([443, 53])},{random.choice('TU')},{random.choice('IO')},{random.choice('AD')}{state}"

    if random.random() < 0.5:
        records: list[Any] = [
            {
                "time": "2026-11-23T09:10:00.0000000Z", "flowLogVersion": 4, "category": "FlowLogFlowEvent", "targetResourceID": "v",
                "flowRecords": {"flows": [
                    {"aclID": "a", "flowGroups": [{"rule": rule, "flowTuples": [virtual() for _ in range(3)]} for rule in ("DenyAll", "Web")]}
                ]},
            }
            for _ in range(3)
        ]  # fmt: skip
    else:
        version = random.choice([1, 2])
        records = [
            {
                "time": "2026-11-23T09:10:00.0000000Z", "systemId": "s", "category": "NetworkSecurityGroupFlowEvent", "resourceId": "n",
                "properties": {"Version": version, "flows": [
                    {"rule": rule, "flows": [{"mac": "0022", "flowTuples": [group(version) for _ in range(3)]}]} for rule in ("DenyAll", "Web")
                ]},
            }
            for _ in range(3)
        ]  # fmt: skip
    how = random.choice(["document", "pretty", "lines"])
    if how == "lines":
        _written(folder / "flows.json", records)
    else:
        _written(
            folder / "PT1H.json", [json.dumps({"records": records}, indent=2 if how == "pretty" else None)]
        )


def _squid(folder: Path, random: Random) -> None:
    stamp = int(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC).timestamp())
    asked = ["CONNECT pytorch.org:443", "CONNECT API.contoso.com:8443", "GET http://deb.example/pool/x?a=b", "GET http://u:p@deb.example:8080/", "NONE error:transaction-end-before-headers", "GET https://a.example/x"]  # fmt: skip
    form = random.choice(["native", "common", "combined"])
    lines = []
    for _ in range(20):
        method, url = random.choice(asked).split(" ")
        result, code = random.choice([("TCP_MISS", 200), ("TCP_TUNNEL", 200), ("TCP_DENIED", 403), ("TCP_DENIED_ABORTED", 403)])  # fmt: skip
        moment = stamp + random.randint(0, 9999)
        if form == "native":
            lines.append(
                f"{moment}.{random.randint(0, 999):03d} {random.randint(0, 99999):6d} 10.0.0.8 {result}/{code} 507 {method} {url} - HIER_DIRECT/1.2.3.4 text/html"
            )
        else:
            more = ' "-" "pip/23.2 (linux)"' if form == "combined" else ""
            local = dt.datetime.fromtimestamp(moment, dt.timezone(dt.timedelta(hours=-3)))
            lines.append(
                f'10.0.0.8 - - [{local:%d/%b/%Y:%H:%M:%S %z}] "{method} {url} HTTP/1.1" {code} 507{more} {result}:HIER_DIRECT'
            )
    _written(folder / "access.log", lines)


def _envoy(folder: Path, random: Random) -> None:
    def flow() -> dict[str, Any]:
        refused = random.random() < 0.3
        opaque = random.random() < 0.3
        return {
            "start_time": f"2026-11-23T{random.randint(9, 12):02d}:00:{random.randint(0, 59):02d}.586Z",
            "method": "-" if opaque else random.choice(["GET", "CONNECT"]), "response_code": 0 if opaque else 404 if refused else 200,
            "response_flags": "NR" if refused else "-", "authority": "-" if opaque else random.choice(["deb.example", "PyTorch.org:443"]),
            "upstream_host": "-" if refused else "1.2.3.4:443", "downstream_remote_address": "10.0.0.8:4711",
            "requested_server_name": random.choice(["api.contoso.com", "-"]) if opaque else "-", "downstream_local_address": "52.1.2.3:443",
            "upstream_cluster": random.choice(["outbound|443||x", "BlackHoleCluster", "PassthroughCluster"]), "route_name": random.choice(["default", "block_all"]),
        }  # fmt: skip

    form = random.choice(["default", "istio", "json"])
    flows = [flow() for _ in range(20)]
    if form == "json":
        _written(folder / "envoy.json", flows)
        return
    lines = []
    for one in flows:
        head = f'[{one["start_time"]}] "{one["method"]} {"-" if one["method"] != "GET" else "/x?a=b"} {"-" if one["method"] == "-" else "HTTP/1.1"}" {one["response_code"]} {one["response_flags"]} '
        ends = f'"{random.choice(["10.0.0.8", "10.0.0.9,10.0.0.1", "-"])}" "pip/23.2 (x86 64)" "id" "{one["authority"]}" "{one["upstream_host"]}"'
        if form == "istio":
            remote = f"10.0.0.1:80 {one['downstream_local_address']} {one['downstream_remote_address']}"
            lines.append(
                f'{head}via_upstream - "-" 0 507 921 900 {ends} {one["upstream_cluster"]} {remote} {one["requested_server_name"]} {one["route_name"]}'
            )
        else:
            if one["method"] == "-":
                continue
            lines.append(f"{head}0 507 921 900 {ends}")
    _written(folder / "envoy.log", lines or ["nonsense"])


_WRITERS = (_one_firewall, _one_firewall, _one_firewall, _old_diagnostics, _flow_logs, _squid, _squid, _envoy, _envoy)  # fmt: skip
