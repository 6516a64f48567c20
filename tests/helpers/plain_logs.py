"""A plain reading of traffic logs, line by line, that shares nothing with the product: no SQL, no DuckDB for lines.

It says what a person with the formats' documentation would say of each line: a flow, something beside, or not understood.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

Key = tuple[Any, ...]
"""log, source, name, destination, port, protocol, action, rule, day."""

LOGS = {
    "azfwapplicationrule": "application", "azurefirewallapplicationrule": "application", "azfwnetworkrule": "network",
    "azurefirewallnetworkrule": "network", "azfwnatrule": "nat", "azfwthreatintel": "threat", "azfwdnsquery": "dns",
    "azurefirewalldnsproxy": "dns", "flowlogflowevent": "flow", "networksecuritygroupflowevent": "flow",
}  # fmt: skip
NO_FLOW = {
    "azfwidpssignature", "azfwfatflow", "azfwflowtrace", "azfwfqdnresolvefailure", "azfwinternalfqdnresolutionfailure",
    "azfwapplicationruleaggregation", "azfwnetworkruleaggregation", "azfwnatruleaggregation",
}  # fmt: skip
BROKEN, BESIDE = "broken", "beside"


@dataclass
class Plain:
    flows: Counter[Key] = field(default_factory=Counter)
    read: int = 0
    beside: int = 0
    broken: int = 0
    unread: int = 0
    _held: dict[Key, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def understood(self) -> int:
        return self.read - self.beside - self.broken

    def take(self, found: object, destination: str) -> None:
        self.read += 1
        if found in (BROKEN, BESIDE):
            self.beside += found == BESIDE
            self.broken += found == BROKEN
            return
        assert isinstance(found, tuple)
        key, moment, source_port = found
        if key[0] in ("application", "network", "nat", "threat", "dns"):
            event = (moment, source_port, *key[:7])
            self._held.setdefault(event, {}).setdefault(destination, []).append(f"{key[7]}\0{key[8]}")
        else:
            self.flows[key] += 1

    def settle(self) -> Plain:
        """Events that several destinations hold count as often as the one that holds them most often."""
        for event, destinations in self._held.items():
            most = max(len(told) for told in destinations.values())
            rule, day = max(text for told in destinations.values() for text in told).split("\0")
            self.flows[(*event[2:], rule, day)] += most
        return self


def read_plainly(folder: Path) -> Plain:
    plain, known = Plain(), set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in known:
            known.add(digest)
            _file(path, plain)
    return plain.settle()


def _file(path: Path, plain: Plain) -> None:
    destination = str(path).split("resourceId=")[0]
    data = path.read_bytes()
    if data[:4] == b"PAR1":
        for row in _parquet(path):
            plain.take(_table(row), destination)
        return
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:4] == b"\x28\xb5\x2f\xfd":
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    data = data.removeprefix(b"\xef\xbb\xbf")
    lines = [line for line in data.split(b"\n") if line.strip()]
    shapes = Counter(shape for line in lines[:40] if (shape := _shape_of(line)))
    if shapes:
        (shape, _), *_ = shapes.most_common(1)
        for line in lines:
            for found in _READERS[shape](line):
                plain.take(found, destination)
    elif b"TimeGenerated" in data.split(b"\n")[0] and not data.startswith((b"{", b"[")):
        for row in csv.DictReader(io.StringIO(data.decode("utf-8"))):
            cells = {
                name.removesuffix(" [UTC]"): text + ("Z" if name.endswith("[UTC]") else "")
                for name, text in row.items()
                if text
            }
            plain.take(_table(cells), destination)
    else:
        try:
            document = json.loads(data)
            items = document if isinstance(document, list) else document["records"]
        except (ValueError, KeyError, TypeError):
            plain.unread += 1
            return
        for item in items:
            kind = _kind_of(item)
            for found in _OBJECTS[kind](item) if kind else [BROKEN]:
                plain.take(found, destination)


def _parquet(path: Path) -> Iterator[dict[str, str]]:
    import duckdb

    found = duckdb.execute(
        f"SELECT * REPLACE (CAST(epoch_us(TimeGenerated) AS VARCHAR) AS TimeGenerated) FROM read_parquet('{path}')"
    )
    names = [one[0] for one in found.description]
    for values in found.fetchall():
        row = {name: str(value) for name, value in zip(names, values, strict=True) if value is not None}
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(row["TimeGenerated"]))
        yield {**row, "TimeGenerated": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"}


def _json(line: bytes) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_first_of_each)
    except (ValueError, RecursionError):
        return None


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A member that stands twice counts as it stands first."""
    return dict(reversed(pairs))


def _shape_of(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        value = _json(line)
        if not isinstance(value, dict):
            return ""
        if isinstance(value.get("records"), list):
            return "records"
        return _kind_of(value)
    if re.match(r"\d{9,}\.\d{3} +-?\d+ ", text):
        return "squid"
    if re.match(r"\[\d{4}-", text):
        return "envoy"
    return "common" if re.match(r"\S+ \S+ \S+ \[\d\d/[A-Z]", text) else ""


def _kind_of(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if "flowRecords" in value:
        return "vnet"
    if value.get("category") == "NetworkSecurityGroupFlowEvent":
        return "nsg"
    if "category" in value and "properties" in value:
        return "event"
    if "TimeGenerated" in value:
        return "table"
    return "envoy-json" if "start_time" in value else ""


def _moment(text: Any) -> tuple[str, str] | None:
    """(moment to a microsecond, day), both UTC; None without a zone."""
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d*))?(Z|[+-]\d\d:?\d\d)", str(text or "")
    )
    if not found:
        return None
    date, time, digits, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{date}T{time}{'+00:00' if zone == 'Z' else zone}").astimezone(
            dt.UTC
        )
    except ValueError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{(digits or '')[:6]:0<6}", f"{moment:%Y-%m-%d}"


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"(\d{1,3})(\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+", text))


def _flow(log: str, time: Any, fields: dict[str, Any]) -> object:
    """One flow in one spelling, or BROKEN."""
    moment = _moment(time)
    given = {name: _text(value).strip() for name, value in fields.items()}
    source, destination = given["source"].lower(), given.get("destination", "").lower()
    name = given.get("name", "").lower()
    name = name[:-1] if name.endswith(".") else name
    bare = name.strip("[]")
    if _is_address(bare):
        name, destination = "", destination or bare
    action = given["action"].lower()
    action = {"allowed": "allow", "denied": "deny", "block": "deny", "drop": "deny"}.get(action, action)
    if log == "nat" and not action:
        action = "allow"
    if log == "dns":
        action = "ask"
    port = given.get("port", "")
    protocol = given.get("protocol", "").lower()
    wrong = (
        moment is None
        or (not _is_address(source) and not (log == "proxy" and not source))
        or action not in ("allow", "deny", "alert", "ask", "inbound")
        or bool(re.search(r"[\x00-\x20/@:\[\]]", name))
        or (not name and not destination and action != "deny")
        or (port != "" and not (re.fullmatch(r"\d{1,9}", port) and int(port) < 65536))
    )
    if wrong or moment is None:
        return BROKEN
    key = (
        log, source, name, destination, int(port) if port else None,
        "icmp" if protocol.startswith("icmp") else protocol, action, given.get("rule", ""), moment[1],
    )  # fmt: skip
    return key, moment[0], given.get("source_port", "")


def _azure(category: Any, time: Any, fields: dict[str, Any], message: Any) -> object:
    kind = _text(category).lower()
    if isinstance(message, str) and message:
        return _legacy(kind, time, message)
    if kind in NO_FLOW:
        return BESIDE if _moment(time) else BROKEN
    if kind not in LOGS:
        return BROKEN
    return _flow(LOGS[kind], time, {
        "source": fields.get("SourceIp"), "source_port": fields.get("SourcePort"), "name": fields.get("Fqdn") or fields.get("QueryName"),
        "destination": fields.get("DestinationIp"), "port": fields.get("DestinationPort"), "protocol": fields.get("Protocol"),
        "action": fields.get("Action"), "rule": fields.get("Rule"),
    })  # fmt: skip


def _legacy(kind: str, time: Any, message: str) -> object:
    question = re.match(r"DNS Request: (\S+):(\d+) - \d+ \S+ \S+ (\S+) ", message)
    if question:
        source, port, name = question.groups()
        return _flow("dns", time, {"source": source, "source_port": port, "name": name, "action": "ask"})
    request = re.match(
        r"(\S+) +(?:Type=\d+ )?request from ([0-9a-f.:]+?):(\d*)(?: to (\S+?):(\d*))?(?=\.? |\.?$)", message
    )
    if not request:
        return BROKEN
    protocol, source, source_port, to, port = request.groups()
    log = "nat" if "DNAT" in message else "threat" if "ThreatIntel:" in message else LOGS.get(kind, "")
    if not log:
        return BROKEN
    action = re.search(r"Action: (\w+)", message)
    by_name = protocol in ("HTTP", "HTTPS", "MSSQL")
    rule = re.search(r"\. Rule: (.*?)(?:\. Web Category: .*|\.)?$", message)
    return _flow(log, time, {
        "source": source, "source_port": source_port, "name": to if by_name else "", "destination": "" if by_name else to,
        "port": port, "protocol": protocol, "action": "Deny" if " was denied" in message else action[1] if action else "",
        "rule": rule[1] if rule else "",
    })  # fmt: skip


def _event(value: Any) -> object:
    properties = value.get("properties") if isinstance(value, dict) else None
    if not isinstance(properties, dict):
        kind = _text(value.get("category")).lower() if isinstance(value, dict) else ""
        return BESIDE if kind in NO_FLOW and _moment(value.get("time")) else BROKEN
    return _azure(value.get("category"), value.get("time"), properties, properties.get("msg"))


_PLAINLY = {"SourceIP": "SourceIp", "SourcePort_d": "SourcePort", "DestinationPort_d": "DestinationPort"}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value == int(value) else value


def _table(row: Any) -> object:
    if not isinstance(row, dict):
        return BROKEN
    kind = row.get("Type")
    if row.get("SourceIP"):
        row = {_PLAINLY.get(name, name.removesuffix("_s")) if name != "msg_s" else name: _whole(value) for name, value in row.items()}  # fmt: skip
    category = row.get("Category") if kind in (None, "AzureDiagnostics") else kind
    return _azure(category, row.get("TimeGenerated"), row, row.get("msg_s"))


def _vnet(record: Any) -> Iterator[object]:
    found = list(_tuples(record, ("flowRecords", "flows"), "flowGroups"))
    for rule, text in found:
        cells = [*text.split(","), *[""] * 9]
        time = f"{_since_1970(cells[0][:-3])}" if re.fullmatch(r"\d{12,14}", cells[0]) else ""
        action = "inbound" if cells[6] == "I" else {"D": "Deny", "B": "Allow", "C": "Allow", "E": "Allow"}.get(cells[7], "")  # fmt: skip
        yield _flow("flow", time, {
            "source": cells[1], "destination": cells[2], "port": cells[4], "action": action, "rule": rule,
            "protocol": {"6": "TCP", "17": "UDP", "1": "ICMP"}.get(cells[5], cells[5]),
        })  # fmt: skip
    if not found:
        yield BROKEN


def _nsg(record: Any) -> Iterator[object]:
    found = [
        (str(outer.get("rule", "")), text)
        for outer in record["properties"]["flows"]
        for inner in outer["flows"]
        for text in inner["flowTuples"]
    ]
    for rule, text in found:
        cells = [*text.split(","), *[""] * 9]
        time = _since_1970(cells[0]) if re.fullmatch(r"\d{9,11}", cells[0]) else ""
        action = "inbound" if cells[6] == "I" else {"D": "Deny", "A": "Allow"}.get(cells[7], "")
        yield _flow("flow", time, {
            "source": cells[1], "destination": cells[2], "port": cells[4], "action": action, "rule": rule,
            "protocol": {"T": "TCP", "U": "UDP"}.get(cells[5], cells[5]),
        })  # fmt: skip
    if not found:
        yield BROKEN


def _since_1970(seconds: str) -> str:
    return f"{dt.datetime.fromtimestamp(int(seconds), dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _tuples(record: Any, path: tuple[str, str], inner: str) -> Iterator[tuple[str, str]]:
    for flow in record[path[0]][path[1]]:
        for group in flow[inner]:
            for text in group["flowTuples"]:
                yield str(group.get("rule", "")), text


def _proxy(time: str, client: str, refused: bool, method: str, url: str, known: bool = True) -> object:
    from urllib.parse import urlsplit

    if not known:
        return BROKEN
    if re.match(r"error:|/|-$", url):
        return BESIDE
    if method == "CONNECT":
        host, _, port = url.rpartition(":")
        protocol = "https"
    else:
        parts = urlsplit(url)
        protocol, host = parts.scheme, parts.hostname or ""
        port = str(parts.port or "") or {"http": "80", "https": "443", "ftp": "21"}.get(protocol, "")
    return _flow("proxy", time, {
        "source": client, "name": host, "port": port, "protocol": protocol, "action": "Deny" if refused else "Allow",
    })  # fmt: skip


def _squid(line: bytes) -> Iterator[object]:
    try:
        cells = line.decode().split()
        time, _, client, result, _, method, url, *_ = cells
        status = re.fullmatch(r"([A-Z_]+)/\d+", result)
        assert status
        host = url.rpartition(":")[0]
        if (
            method == "CONNECT"
            and len(cells) in (11, 12)
            and re.fullmatch(r"[\d.]+|\[.*", host)
            and re.fullmatch(r"[\w-]+(\.[\w-]+)+", cells[-1])
        ):
            url = f"{cells[-1]}:{url.rpartition(':')[2]}"
        yield _proxy(_since_1970(time.split(".")[0]), client, "DENIED" in status[1], method, url)
    except (ValueError, AssertionError):
        yield BROKEN


def _common(line: bytes) -> Iterator[object]:
    found = re.match(
        r'(\S+) \S+ \S+ \[(\S+ \S+)\] "(\S+) (\S+) [^"]*" \d+ \d+ (?:"[^"]*" "[^"]*" )?([A-Z_]+):[A-Z_]+',
        line.decode("utf-8", "replace"),
    )
    if not found:
        yield BROKEN
        return
    client, stamp, method, url, result = found.groups()
    moment = dt.datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(dt.UTC)
    yield _proxy(f"{moment:%Y-%m-%dT%H:%M:%SZ}", client, "DENIED" in result, method, url)


def _envoy(line: bytes) -> Iterator[object]:
    """Quoted parts and words; the default format has 12 of them, Istio's 19 to 22."""
    text = line.decode("utf-8", "replace").strip()
    cells = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', text.partition("] ")[2])]
    istio = len(cells) > 13
    if len(cells) not in (12, 20, 21):
        yield BROKEN
        return
    method = cells[0].split()[0]
    code, flags = cells[1], cells[2]
    if istio:
        forwarded, _, _, authority, upstream, cluster, _, local, remote, sni, route = cells[-11:]
    else:
        forwarded, _, _, authority, upstream = cells[-5:]
        cluster = local = remote = sni = route = "-"
    name = next((one for one in (authority, sni, local) if one != "-"), "-")
    client = remote.rpartition(":")[0] if remote != "-" else "" if forwarded == "-" else forwarded.split(",")[0]  # fmt: skip
    yield _through_envoy(
        text[1:].partition("]")[0], method, code, flags, client, name, upstream, cluster, route
    )


def _envoy_json(value: Any) -> object:
    def given(name: str) -> str:
        return "-" if value.get(name) in (None, "", "-") else str(value[name])

    name = next((given(one) for one in ("authority", "requested_server_name", "downstream_local_address") if given(one) != "-"), "-")  # fmt: skip
    return _through_envoy(
        given("start_time"), given("method"), given("response_code"), given("response_flags"),
        given("downstream_remote_address").rpartition(":")[0], name, given("upstream_host"), given("upstream_cluster"), given("route_name"),
    )  # fmt: skip


def _through_envoy(
    time: str,
    method: str,
    code: str,
    flags: str,
    client: str,
    name: str,
    upstream: str,
    cluster: str,
    route: str,
) -> object:
    if name == "-" and "DPE" in flags:
        return BESIDE
    host, _, port = name.rpartition(":") if ":" in name else (name, "", "")
    tunnel = method in ("CONNECT", "-")
    blocked = "BlackHole" in cluster or route == "block_all"
    refused = blocked or (upstream == "-" and ("NR" in flags or "UAEX" in flags or code == "403"))
    return _flow("proxy", time, {
        "source": client, "name": "" if host == "-" else host, "port": port or ("443" if tunnel else "80"),
        "protocol": "https" if tunnel else "http", "action": "Deny" if refused else "Allow",
    })  # fmt: skip


def _objects(line: bytes, kind: str) -> Iterator[object]:
    value = _json(line)
    if not isinstance(value, dict):
        yield BROKEN
    elif kind == "records":
        records = value.get("records")
        if not isinstance(records, list) or not records:
            yield BROKEN
            return
        for item in records:
            yield from _OBJECTS[_kind_of(item) or "event"](item)
    else:
        yield from _OBJECTS[kind](value)


def _flow_log(read: Any) -> Any:
    def reading(value: Any) -> Iterator[object]:
        try:
            found = list(read(value))
        except (KeyError, TypeError, AttributeError):
            found = [BROKEN]
        yield from found

    return reading


_OBJECTS: dict[str, Any] = {
    "event": lambda value: iter([_event(value)]),
    "table": lambda value: iter([_table(value)]),
    "vnet": _flow_log(_vnet),
    "nsg": _flow_log(_nsg),
    "envoy-json": lambda value: iter([_envoy_json(value)]),
}
_READERS: dict[str, Any] = {
    **{kind: (lambda line, kind=kind: _objects(line, kind)) for kind in [*_OBJECTS, "records"]},
    "squid": _squid, "common": _common, "envoy": _envoy,
}  # fmt: skip
