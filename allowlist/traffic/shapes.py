"""The shapes in which traffic is logged, and how each becomes the same text columns.

Sources: Azure Monitor's tables AZFWApplicationRule, AZFWNetworkRule, AZFWNatRule, AZFWThreatIntel, AZFWDnsQuery and
their diagnostic categories of the same names (field ``properties``); legacy messages as documented for
AzureFirewallApplicationRule, AzureFirewallNetworkRule and AzureFirewallDnsProxy; flow tuples of virtual network flow
logs version 4 and of network security group flow logs versions 1 and 2; Squid's ``access.log`` in its native form and
as ``common`` or ``combined``; Envoy's default access log format, Istio's (1.4 and later), and Istio's field names for its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from allowlist.traffic.dialect import Dialect


class Shape(StrEnum):
    """How the events of a file stand in it."""

    EVENTS = "Azure Monitor events, one a line"
    RECORDS = "Azure Monitor events in records"
    TABLE = "columns of a Log Analytics table"
    TABLE_RECORDS = "columns of a Log Analytics table in records"
    DIAGNOSTICS = "structured columns of AzureDiagnostics"
    DIAGNOSTICS_RECORDS = "structured columns of AzureDiagnostics in records"
    COUNTED = "counts of a log service"
    FLOWS = "virtual network flow logs"
    FLOW_RECORDS = "virtual network flow logs in records"
    NSG = "network security group flow logs"
    NSG_RECORDS = "network security group flow logs in records"
    SQUID = "Squid access log"
    SQUID_COMMON = "Squid access log in the common form"
    ENVOY = "Envoy access log"
    ENVOY_JSON = "Envoy access log as JSON"


FIELDS: Final = (
    "SourceIp", "SourcePort", "DestinationIp", "DestinationPort", "Protocol", "Fqdn", "QueryName", "Action",
    "ActionReason", "ThreatDescription", "Policy", "RuleCollectionGroup", "RuleCollection", "Rule",
)  # fmt: skip
"""Fields of the firewall's tables that are read; by the same names in ``properties``."""

_ENVOY_FIELDS: Final = (
    "start_time", "method", "path", "authority", "requested_server_name", "response_code", "response_flags",
    "upstream_host", "downstream_remote_address", "downstream_local_address", "upstream_cluster", "route_name",
)  # fmt: skip

Struct = Mapping[str, "str | Struct"]
"""Names of JSON members; a text is a SQL type of scalars, a mapping is an object, under ``[]`` a list of such."""

_EVENT: Final[Struct] = {
    "time": "text", "resourceId": "text", "category": "text",
    "properties": {**dict.fromkeys(FIELDS, "text"), "msg": "text"},
}  # fmt: skip
_FLOW: Final[Struct] = {
    "time": "text", "targetResourceID": "text", "flowLogResourceID": "text", "category": "text",
    "flowRecords": {"flows": {"[]": {"flowGroups": {"[]": {"rule": "text", "flowTuples": {"[]": "text"}}}}}},
}  # fmt: skip
_ROW: Final[Struct] = dict.fromkeys(
    ("TimeGenerated", "_ResourceId", "ResourceId", "Type", "Category", "msg_s", *FIELDS), "text"
)
DIAGNOSED: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (f"{name}_s",) for name in FIELDS},
    "SourceIp": ("SourceIP", "SourceIp_s"),
    "SourcePort": ("SourcePort_d", "SourcePort_s"),
    "DestinationPort": ("DestinationPort_d", "DestinationPort_s"),
}  # fmt: skip
"""Where AzureDiagnostics keeps each field: a type at the end of the name, but ``SourceIP``, which many services share."""
_DIAGNOSED: Final[Struct] = dict.fromkeys(
    ("TimeGenerated", "_ResourceId", "ResourceId", "Type", "Category", "msg_s", *(name for names in DIAGNOSED.values() for name in names)), "text"
)  # fmt: skip
_NSG: Final[Struct] = {
    "time": "text", "resourceId": "text", "category": "text",
    "properties": {"flows": {"[]": {"rule": "text", "flows": {"[]": {"flowTuples": {"[]": "text"}}}}}},
}  # fmt: skip

MEMBERS: Final[Mapping[Shape, Struct]] = {
    Shape.EVENTS: _EVENT,
    Shape.RECORDS: {"records": {"[]": _EVENT}},
    Shape.TABLE: _ROW,
    Shape.TABLE_RECORDS: {"records": {"[]": _ROW}},
    Shape.DIAGNOSTICS: _DIAGNOSED,
    Shape.DIAGNOSTICS_RECORDS: {"records": {"[]": _DIAGNOSED}},
    Shape.COUNTED: {**_ROW, **dict.fromkeys(("day", "n", "earliest", "latest", "hours"), "text")},
    Shape.FLOWS: _FLOW,
    Shape.FLOW_RECORDS: {"records": {"[]": _FLOW}},
    Shape.NSG: _NSG,
    Shape.NSG_RECORDS: {"records": {"[]": _NSG}},
    Shape.ENVOY_JSON: dict.fromkeys(_ENVOY_FIELDS, "text"),
}  # fmt: skip
"""What is read of a line of JSON; shapes that are not named here are lines of text."""

COLUMNS: Final = (
    "t", "category", "resource", "source", "source_port", "name", "destination", "port", "protocol", "action",
    "reason", "policy", "rcg", "collection", "rule",
)  # fmt: skip
"""The columns of every shape, all text as it was logged; ``t`` is the time, ``rcg`` the rule collection group."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Expressions for :data:`COLUMNS` over a relation whose columns are the members of one shape."""

    source: str
    expressions: Mapping[str, str]

    def select(self, *more: str) -> str:
        listed = [f"{self.expressions.get(name, 'CAST(NULL AS VARCHAR(1))')} AS {name}" for name in COLUMNS]
        return f"SELECT {', '.join([*listed, *more])} FROM {self.source}"


def columns_of(shape: Shape, relation: str, sql: Dialect, carried: str = "") -> Columns:
    """How ``shape`` becomes :data:`COLUMNS`; ``carried`` is a column of ``relation`` to keep beside them."""
    keep = f", {carried}" if carried else ""
    if shape in _RECORDS:
        relation = f"(SELECT e.*{keep} FROM (SELECT {sql.each('records')} AS e{keep} FROM {relation}) AS unpacked) AS events"
    match _RECORDS.get(shape, shape):
        case Shape.TABLE | Shape.COUNTED:
            return _table(relation, sql)
        case Shape.DIAGNOSTICS:
            return _diagnostics(relation, sql)
        case Shape.FLOWS:
            return _flows(relation, sql, keep)
        case Shape.NSG:
            return _nsg(relation, sql, keep)
        case Shape.SQUID:
            return _squid(relation, sql)
        case Shape.SQUID_COMMON:
            return _squid_common(relation, sql)
        case Shape.ENVOY:
            return _envoy(relation, sql)
        case Shape.ENVOY_JSON:
            return _envoy_json(relation, sql)
        case _:
            return _events(relation, sql)


_RECORDS: Final = {
    Shape.RECORDS: Shape.EVENTS, Shape.FLOW_RECORDS: Shape.FLOWS, Shape.NSG_RECORDS: Shape.NSG, Shape.TABLE_RECORDS: Shape.TABLE,
    Shape.DIAGNOSTICS_RECORDS: Shape.DIAGNOSTICS,
}  # fmt: skip
"""Shapes whose lines hold a list ``records`` of what another shape has one a line."""


def _events(relation: str, sql: Dialect) -> Columns:
    fields = {name: f"properties.{name}" for name in FIELDS}
    return Columns(relation, {
        "t": "time", "resource": "resourceId", **_firewall(fields, "category", "properties.msg", sql),
    })  # fmt: skip


def _table(relation: str, sql: Dialect) -> Columns:
    return _rows_of(relation, {name: name for name in FIELDS}, sql)


def _diagnostics(relation: str, sql: Dialect) -> Columns:
    return _rows_of(relation, {name: f"coalesce({', '.join(kept)})" for name, kept in DIAGNOSED.items()}, sql)


def _rows_of(relation: str, named: Mapping[str, str], sql: Dialect) -> Columns:
    # Ports are real numbers in AzureDiagnostics, and in tables that went through a data frame: 443.0.
    ports = {
        name: f"CASE WHEN {port} LIKE '%.0' THEN substr({port}, 1, length({port}) - 2) ELSE {port} END"
        for name in ("SourcePort", "DestinationPort")
        if (port := named[name])
    }
    # Rows of a query hold every column that any row of it has, so that an empty text says nothing either.
    filled = {name: f"nullif({named[name]}, '')" for name in ("Fqdn", "ActionReason")}
    category = "CASE WHEN coalesce(Type, '') IN ('', 'AzureDiagnostics') THEN Category ELSE Type END"
    return Columns(relation, {
        "t": "TimeGenerated", "resource": "coalesce(nullif(_ResourceId, ''), ResourceId)",
        **_firewall({**named, **ports, **filled}, category, "nullif(msg_s, '')", sql),
    })  # fmt: skip


def _firewall(fields: Mapping[str, str], category: str, message: str, sql: Dialect) -> dict[str, str]:
    """Structured fields, or what the legacy message says where there is one."""
    structured = {
        "category": category,
        "source": fields["SourceIp"],
        "source_port": fields["SourcePort"],
        "name": f"coalesce({fields['Fqdn']}, {fields['QueryName']})",
        "destination": fields["DestinationIp"],
        "port": fields["DestinationPort"],
        "protocol": fields["Protocol"],
        "action": fields["Action"],
        "reason": f"coalesce({fields['ActionReason']}, {fields['ThreatDescription']})",
        "policy": fields["Policy"],
        "rcg": fields["RuleCollectionGroup"],
        "collection": fields["RuleCollection"],
        "rule": fields["Rule"],
    }
    legacy = _legacy(category, message, sql)
    return {
        name: f"CASE WHEN {message} IS NULL THEN {expression} ELSE {legacy[name]} END"
        for name, expression in structured.items()
    }


_REQUEST: Final = r"^(\S+)\s+(?:Type=\S+ )?request from (\S+?):(\d*)(?: to (\S+?):(\d*))?(?:[.]? |[.]?$)"
_DNS: Final = r"^DNS Request: (\S+):(\d+) - \S+ \S+ \S+ (\S+) "
_NAMES: Final = ("HTTP", "HTTPS", "MSSQL")


def _legacy(category: str, message: str, sql: Dialect) -> dict[str, str]:
    """What a message of the retired diagnostics log says; any of its parts may be absent."""

    def asked(group: int) -> str:
        return sql.part(message, _REQUEST, group)

    is_dns, is_nat = f"{message} LIKE 'DNS Request:%'", f"{message} LIKE '%DNAT%'"
    by_name = f"{asked(1)} IN ({', '.join(sql.literal(name) for name in _NAMES)})"
    return {
        "category": f"CASE WHEN {is_dns} THEN 'AZFWDnsQuery' WHEN {is_nat} THEN 'AZFWNatRule'"
        f" WHEN {message} LIKE '%ThreatIntel:%' THEN 'AZFWThreatIntel' ELSE {category} END",
        "source": f"CASE WHEN {is_dns} THEN {sql.part(message, _DNS, 1)} ELSE {asked(2)} END",
        "source_port": f"CASE WHEN {is_dns} THEN {sql.part(message, _DNS, 2)} ELSE {asked(3)} END",
        "name": f"CASE WHEN {is_dns} THEN {sql.part(message, _DNS, 3)} WHEN {by_name} THEN {asked(4)} ELSE '' END",
        "destination": f"CASE WHEN {by_name} THEN '' ELSE {asked(4)} END",
        "port": asked(5),
        "protocol": asked(1),
        "action": f"CASE WHEN {message} LIKE '% was denied%' THEN 'Deny' ELSE {sql.part(message, 'Action: ([A-Za-z]+)')} END",
        "reason": f"CASE WHEN {message} LIKE '%No rule matched%' THEN 'Default Action' ELSE {sql.part(message, '(?:Reason|ThreatIntel): (.*?)[.]?$')} END",
        "policy": sql.part(message, r"Policy: (.*?)\. Rule Collection Group: "),
        "rcg": sql.part(message, r"Rule Collection Group: (.*?)\. Rule Collection: "),
        "collection": sql.part(message, r"Rule Collection: (.*?)\. Rule: "),
        "rule": sql.part(message, r"\. Rule: (.*?)(?:\. Web Category: .*|\.)?$"),
    }  # fmt: skip


def _flows(relation: str, sql: Dialect, keep: str) -> Columns:
    """One row for each flow tuple: time in milliseconds, addresses, ports, protocol, direction, state.

    States are B (begins), C (continues), E (ends), D (denied); virtual network flow logs overview, log format.
    """
    flows = f"(SELECT targetResourceID, {sql.each('flowRecords.flows')} AS f{keep} FROM {relation}) AS flows"
    groups = f"(SELECT targetResourceID, {sql.each('f.flowGroups')} AS g{keep} FROM {flows}) AS groups"
    tuples = f"(SELECT targetResourceID, g.rule AS acl, {sql.each('g.flowTuples')} AS tuple{keep} FROM {groups}) AS tuples"

    def at(number: int) -> str:
        return sql.element("tuple", ",", number)

    return Columns(tuples, {
        "t": sql.part("tuple", r"^(\d+)\d{3},"),
        "category": "CASE WHEN tuple IS NULL THEN NULL ELSE 'FlowLogFlowEvent' END",
        "resource": "targetResourceID",
        "source": at(2), "destination": at(3), "source_port": at(4), "port": at(5),
        "protocol": f"CASE {at(6)} WHEN '6' THEN 'TCP' WHEN '17' THEN 'UDP' WHEN '1' THEN 'ICMP' ELSE {at(6)} END",
        "action": f"CASE WHEN {at(7)} = 'I' THEN 'inbound' WHEN {at(8)} = 'D' THEN 'deny' WHEN {at(8)} IN ('B', 'C', 'E') THEN 'allow' ELSE '' END",
        "rule": "acl",
    })  # fmt: skip


def _nsg(relation: str, sql: Dialect, keep: str) -> Columns:
    """As :func:`_flows`: time in seconds, addresses, ports, T or U, I or O, A or D; the state of version 2 is not read.

    Flow logging for network security groups, log format (versions 1 and 2).
    """
    flows = f"(SELECT resourceId, {sql.each('properties.flows')} AS f{keep} FROM {relation}) AS flows"
    groups = f"(SELECT resourceId, f.rule AS acl, {sql.each('f.flows')} AS g{keep} FROM {flows}) AS groups"
    tuples = f"(SELECT resourceId, acl, {sql.each('g.flowTuples')} AS tuple{keep} FROM {groups}) AS tuples"

    def at(number: int) -> str:
        return sql.element("tuple", ",", number)

    return Columns(tuples, {
        "t": at(1),
        "category": "CASE WHEN tuple IS NULL THEN NULL ELSE 'NetworkSecurityGroupFlowEvent' END",
        "resource": "resourceId",
        "source": at(2), "destination": at(3), "source_port": at(4), "port": at(5),
        "protocol": f"CASE {at(6)} WHEN 'T' THEN 'TCP' WHEN 'U' THEN 'UDP' ELSE {at(6)} END",
        "action": f"CASE WHEN {at(7)} = 'I' THEN 'inbound' WHEN {at(8)} = 'D' THEN 'deny' WHEN {at(8)} = 'A' THEN 'allow' ELSE '' END",
        "rule": "acl",
    })  # fmt: skip


_SQUID: Final = r"^(\d+)\.\d+ +-?\d+ (\S+) ([A-Z_]+)/\d+ -?\d+ (\S+) (\S+) "
_SQUID_SNI: Final = r"^\d+\.\d+ +-?\d+ \S+ [A-Z_]+/\d+ -?\d+ CONNECT \S+ \S+ \S+ \S+(?: [a-z-]+)? ([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)\s*$"
"""The native format with ``%ssl::>sni`` at its end, also after ``%ssl::bump_mode``: of a tunnel that was diverted here the
request names only an address."""
_ADDRESS: Final = r"^(\d{1,3}([.]\d{1,3}){3}|\[.*)$"
_SQUID_COMMON: Final = (
    r'^(\S+) \S+ \S+ \[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\] "(\S+) (\S+)[^"]*" '
    r'-?\d+ -?\d+ (?:"[^"]*" "[^"]*" )?([A-Z_]+):'
)
_URL: Final = r"^(?:([a-z]+)://)?(?:[^/@]*@)?(\[[0-9a-fA-F:]+\]|[^/:?#]+)(?::(\d+))?(?:[/?#].*)?$"
_NO_REQUEST: Final = r"^error:|^-$|^/"
"""What Squid writes in place of an address when nothing that can be read was asked of it (a scan, a connection that ended)."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _squid(relation: str, sql: Dialect) -> Columns:
    def word(number: int) -> str:
        return sql.part("line", _SQUID, number)

    columns = _squid_columns(word(1), word(2), word(3), word(4), word(5), sql)
    told = sql.part("line", _SQUID_SNI)
    columns["name"] = (
        f"CASE WHEN {sql.fits(columns['name'], _ADDRESS)} AND {told} <> '' THEN {told} ELSE {columns['name']} END"
    )
    return Columns(relation, columns)


def _squid_common(relation: str, sql: Dialect) -> Columns:
    """``logformat common`` and ``combined``: the time of day stands with its zone."""

    def word(number: int) -> str:
        return sql.part("line", _SQUID_COMMON, number)

    months = " ".join(f"WHEN '{name}' THEN '{number:02d}'" for number, name in enumerate(_MONTHS, 1))
    month = f"CASE {word(3)} {months} ELSE '' END"
    time = f"{word(4)} || '-' || {month} || '-' || {word(2)} || 'T' || {word(5)} || {word(6)}"
    time = f"CASE WHEN {word(9)} = '' THEN '' ELSE {time} END"
    return Columns(relation, _squid_columns(time, word(1), word(9), word(7), word(8), sql))


def _squid_columns(
    time: str, client: str, result: str, method: str, url: str, sql: Dialect
) -> dict[str, str]:
    scheme, port = sql.part(url, _URL, 1), sql.part(url, _URL, 3)
    protocol = f"CASE WHEN {method} = 'CONNECT' THEN 'https' ELSE {scheme} END"
    usual = f"CASE {scheme} WHEN 'http' THEN '80' WHEN 'https' THEN '443' WHEN 'ftp' THEN '21' ELSE '' END"
    nothing = f"({sql.fits(url, _NO_REQUEST)} OR {result} = 'ICP_QUERY')"
    return {
        "t": time,
        "category": f"CASE WHEN {result} = '' THEN NULL WHEN {nothing} THEN 'squid-no-request' ELSE 'squid' END",
        "source": client, "name": sql.part(url, _URL, 2),
        "port": f"CASE WHEN {port} = '' THEN {usual} ELSE {port} END",
        "protocol": protocol,
        "action": f"CASE WHEN {result} LIKE '%DENIED%' THEN 'deny' WHEN {result} = '' THEN '' ELSE 'allow' END",
        "reason": f"CASE WHEN {result} LIKE '%DENIED%' THEN {result} ELSE '' END",
    }  # fmt: skip


_ENVOY: Final = (
    r'^\[([^\]]+)\] "(\S+) \S+ [^"]*" (\d+) (\S+) (?:\S+ (?:\S+ )?"[^"]*" )?-?\d+ -?\d+ -?\d+ \S+ '
    r'"([^"]*)" "[^"]*" "[^"]*" "([^"]*)" "([^"]*)"(?:\s|$)'
)
"""Envoy's default format; Istio puts details and cause of failure before the sizes."""
_ISTIO: Final = r'" ([^\s"]+) [^\s"]+ ([^\s"]+) ([^\s"]+) ([^\s"]+) ([^\s"]+)\s*$'
"""What Istio adds at the end: cluster, local and remote addresses, the name that TLS asked for, the route."""


def _envoy(relation: str, sql: Dialect) -> Columns:
    def word(number: int) -> str:
        return sql.part("line", _ENVOY, number)

    def more(number: int) -> str:
        return sql.part("line", _ISTIO, number)

    client = f"CASE WHEN {more(3)} IN ('', '-') THEN {word(5)} ELSE {_host_of(more(3), sql)} END"
    told = f"CASE WHEN {word(6)} NOT IN ('', '-') THEN {word(6)} WHEN {more(4)} NOT IN ('', '-') THEN {more(4)} ELSE {more(2)} END"
    blocked = f"({more(1)} LIKE '%BlackHoleCluster%' OR {more(5)} = 'block_all')"
    return Columns(relation, _envoy_columns(
        word(1), word(2), word(3), word(4), client, told, word(7), blocked, sql,
    ))  # fmt: skip


def _envoy_json(relation: str, sql: Dialect) -> Columns:
    def given(name: str) -> str:
        return f"nullif(nullif({name}, ''), '-')"

    authority = f"coalesce({given('authority')}, {given('requested_server_name')}, downstream_local_address)"
    blocked = (
        "(coalesce(upstream_cluster, '') LIKE '%BlackHoleCluster%' OR coalesce(route_name, '') = 'block_all')"
    )
    return Columns(relation, _envoy_columns(
        "start_time", "coalesce(method, '')", "response_code", "response_flags", _host_of("downstream_remote_address", sql),
        authority, "upstream_host", blocked, sql,
    ))  # fmt: skip


def _host_of(address: str, sql: Dialect) -> str:
    return sql.part(address, r"^\[?([0-9a-fA-F.:]+?)\]?:\d+$")


def _envoy_columns(
    time: str,
    method: str,
    code: str,
    flags: str,
    client: str,
    authority: str,
    upstream: str,
    blocked: str,
    sql: Dialect,
) -> dict[str, str]:
    """Envoy itself refused where no upstream was chosen: no route (NR), external authorisation (UAEX), or 403; and where
    Istio sent it to the cluster or route that stands for what its registry lacks. A request that Envoy could not read
    (DPE) asked for nothing.
    """
    alone = f"coalesce({upstream}, '-') IN ('', '-')"
    port = sql.part(authority, _URL, 3)
    refused = f"({blocked} OR {alone} AND ({flags} LIKE '%NR%' OR {flags} LIKE '%UAEX%' OR {code} = '403'))"
    nothing = f"coalesce({authority}, '') IN ('', '-') AND coalesce({flags}, '') LIKE '%DPE%'"
    return {
        "t": time,
        "category": f"CASE WHEN coalesce({time}, '') = '' THEN NULL WHEN {nothing} THEN 'envoy-no-request' ELSE 'envoy' END",
        "source": f"CASE WHEN {client} = '-' THEN '' ELSE {sql.part(client, '^([^, ]*)')} END",
        "name": sql.part(authority, _URL, 2),
        "port": f"CASE WHEN {port} <> '' THEN {port} WHEN {method} = 'CONNECT' OR {method} IN ('', '-') THEN '443' ELSE '80' END",
        "protocol": f"CASE WHEN {method} IN ('CONNECT', '', '-') THEN 'https' ELSE 'http' END",
        "action": f"CASE WHEN coalesce({code}, '') = '' THEN '' WHEN {refused} THEN 'deny' ELSE 'allow' END",
        "reason": f"CASE WHEN {refused} THEN {flags} ELSE '' END",
    }  # fmt: skip
