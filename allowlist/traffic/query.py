"""The one question asked of every log: who asked for what, what became of it, by which rule, how often, when.

In three steps: *raw* columns as a shape yields them; *counted* by them, with times cut to seconds of UTC; then *folded*,
which costs next to nothing as only groups are left. A group that was not understood keeps its count and says why.
"""

from __future__ import annotations

from typing import Final

from allowlist.traffic.dialect import Dialect
from allowlist.traffic.shapes import Columns

KEYS: Final = (
    "log", "fault", "source", "name", "destination", "port", "protocol", "action", "reason", "resource", "policy",
    "rcg", "collection", "rule", "day",
)  # fmt: skip
"""What the aggregate is by, beside the file: all text but ``port`` (an integer) and ``day`` (a date)."""

KINDS: Final = {
    "azfwapplicationrule": "application",
    "azurefirewallapplicationrule": "application",
    "azfwnetworkrule": "network",
    "azurefirewallnetworkrule": "network",
    "azfwnatrule": "nat",
    "azfwthreatintel": "threat",
    "azfwdnsquery": "dns",
    "azurefirewalldnsproxy": "dns",
    "flowlogflowevent": "flow",
    "networksecuritygroupflowevent": "flow",
    "squid": "proxy",
    "envoy": "proxy",
}
"""Categories that tell of traffic, in lower case, and the log each belongs to."""

BESIDE: Final = (
    "azfwidpssignature", "azfwfatflow", "azfwflowtrace", "azfwfqdnresolvefailure",
    "azfwinternalfqdnresolutionfailure", "azfwapplicationruleaggregation", "azfwnetworkruleaggregation",
    "azfwnatruleaggregation", "squid-no-request", "envoy-no-request",
)  # fmt: skip
"""Categories of the firewall that tell nothing new about names: signatures, rates, traces, aggregates of the above."""

FAULTS: Final = {
    "event": "is no event of a shape that is known",
    "category": "is of a category that is not known",
    "time": "has no time with a zone that can be read",
    "source": "names no source address",
    "action": "says neither allow nor deny",
    "name": "names no destination that can be read",
    "port": "has no port that can be read",
}
"""Why a line was left out, by the code in the column ``fault``."""

_SHAPE_OF_TIME: Final = "____-__-_____:__:__%"


def moment_of(t: str, sql: Dialect, zone: str) -> str:
    """Text ``t`` as seconds of UTC: ISO 8601 with a zone, or seconds since 1970; NULL for anything else.

    Azure writes seven digits of a second; they are cut, never rounded. ``zone`` (such as ``+00:00``) is what times
    without a zone are declared to be in; without it they are not read.
    """
    rest = f"substr({t}, 20)"
    second = sql.moment(f"substr({t}, 1, 19)")
    # One look at what follows the seconds: taking off digits character by character costs ten times as much.
    is_utc, is_bare = sql.fits(rest, "^([.][0-9]*)?Z$"), sql.fits(rest, "^([.][0-9]*)?$")
    shifted = r"^([.][0-9]*)?[+-]\d\d:?\d\d$"
    offset = r"([+-])(\d\d):?(\d\d)$"
    minutes = (
        f"CASE WHEN {sql.part(rest, offset, 1)} = '-' THEN -1 ELSE 1 END * "
        f"({sql.number(sql.part(rest, offset, 2))} * 60 + {sql.number(sql.part(rest, offset, 3))})"
    )
    declared = _minutes(zone)
    bare = (
        sql.minutes_before(second, str(declared))
        if declared is not None
        else f"CAST(NULL AS {sql.timestamp})"
    )
    return (
        f"CASE WHEN {t} LIKE '{_SHAPE_OF_TIME}' THEN"
        f" CASE WHEN {is_utc} THEN {second}"
        f" WHEN {is_bare} THEN {bare}"
        f" WHEN {sql.fits(rest, shifted)} THEN {sql.minutes_before(second, minutes)}"
        f" END"
        f" WHEN {sql.fits(t, '^[0-9]{9,11}$')} THEN {sql.moment_of_seconds(t)}"
        f" END"
    )


def _minutes(zone: str) -> int | None:
    if not zone:
        return None
    if zone.upper() in ("UTC", "Z"):
        return 0
    sign, hours, minutes = zone[0], zone[1:3], zone[-2:]
    return (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes))


def aggregate(columns: Columns, sql: Dialect, *, file: str = "0", zone: str = "") -> str:
    """The whole question over one relation; ``file`` is an expression for the number of the file."""
    return folded(counted(f"({columns.select(f'{file} AS file')}) AS raw", sql, zone=zone), sql)


def aggregate_counted(columns: Columns, sql: Dialect, *, file: str = "0") -> str:
    """As :func:`aggregate`, of what a log service has counted already."""
    counts = (
        "CAST(day AS DATE) AS day", "CAST(n AS BIGINT) AS n", f"{sql.moment('earliest')} AS first", f"{sql.moment('latest')} AS last",
        "CAST(hours AS INTEGER) AS hours",
    )  # fmt: skip
    return folded(columns.select(f"{file} AS file", *counts), sql)


def counted(relation: str, sql: Dialect, *, zone: str = "") -> str:
    """``relation`` has the raw columns and ``file``; counted by all of them but time and source port."""
    kept = _raw_keys()
    timed = f"(SELECT {kept}, {moment_of('t', sql, zone)} AS moment FROM {relation}) AS timed"
    day = sql.day("moment")
    return (
        f"SELECT {kept}, {day} AS day, count(*) AS n, min(moment) AS first, max(moment) AS last,"
        f" bit_or({sql.hour_bit('moment')}) AS hours FROM {timed} GROUP BY {kept}, {day}"
    )


def _raw_keys() -> str:
    return (
        "file, category, resource, source, name, destination, port, protocol, action, reason, policy, rcg, "
        "collection, rule"
    )


def counted_moments(relation: str, sql: Dialect) -> str:
    """As :func:`counted`, of what :func:`once` yields."""
    kept, day = _raw_keys(), sql.day("moment")
    return (
        f"SELECT {kept}, {day} AS day, sum(n) AS n, min(moment) AS first, max(moment) AS last,"
        f" bit_or({sql.hour_bit('moment')}) AS hours FROM {relation} GROUP BY {kept}, {day}"
    )


def judged_rows(columns: Columns, sql: Dialect, *, zone: str = "") -> str:
    """Every row by itself, with its number ``r`` and why it was left out, empty where it was not."""
    raw = f"({columns.select('file', 'r')}) AS raw"
    day = sql.day(moment_of("t", sql, zone))
    single = f"SELECT {_raw_keys()}, r, {day} AS day, 1 AS n, NULL AS first, NULL AS last, NULL AS hours FROM {raw}"
    return f"SELECT r, fault FROM {_judged(single, sql, ', r')}"


def once(relation: str, sql: Dialect, *, zone: str = "", day: str = "") -> str:
    """The raw columns of ``relation``, whose ``file`` is the number of a destination, with every event once.

    An event is the same moment to a millionth of a second (as fine as Parquet tells it), ends and action. What one
    destination holds twice stays twice: it counts as often as the destination that holds it most often. Which of them
    told more of the rule does not matter: the fuller text is taken.
    """
    digits = sql.part("substr(t, 20)", r"^[.](\d{1,6})")
    ends = "source, source_port, destination, port"
    filled = ", ".join(f"coalesce({name}, '') AS {name}" for name in ends.split(", "))
    name = "lower(coalesce(name, ''))"
    lowered = ", ".join(f"lower(coalesce({column}, '')) AS {column}" for column in ("protocol", "action"))
    folded_ends = f"{filled}, {lowered}, {sql.stripped(name, '.')} AS name"
    event = f"moment, digits, {ends}, name, protocol, action"
    told = ("category", "resource", "reason", "policy", "rcg", "collection", "rule")
    fullest = ", ".join(f"max({column}) AS {column}" for column in told)
    inner = f"(SELECT *, {moment_of('t', sql, zone)} AS moment, rpad(coalesce({digits}, ''), 6, '0') AS digits FROM {relation}) AS timed"
    plain = f"(SELECT moment, digits, {', '.join(told)}, file, {folded_ends} FROM {inner}) AS lowered"
    only = f"WHERE {sql.day('moment')} = DATE '{day}' " if day else ""
    held = (
        f"(SELECT {event}, file, {fullest}, count(*) AS n FROM {plain} {only}GROUP BY {event}, file) AS held"
    )
    return f"SELECT {event}, min(file) AS file, {fullest}, max(n) AS n FROM {held} GROUP BY {event}"


def _judged(groups: str, sql: Dialect, more: str = "") -> str:
    """``groups`` in one spelling, with ``fault``; ``more`` are further columns, each after a comma."""
    kinds = " ".join(f"WHEN '{category}' THEN '{kind}'" for category, kind in KINDS.items())
    beside = ", ".join(f"'{category}'" for category in BESIDE)
    log = f"CASE lower(category) {kinds} ELSE CASE WHEN lower(category) IN ({beside}) THEN 'beside' ELSE '' END END"
    name = "lower(trim(coalesce(name, '')))"
    name = f"CASE WHEN {name} LIKE '%.' THEN substr({name}, 1, length({name}) - 1) ELSE {name} END"
    bare = f"CASE WHEN name LIKE '[%' THEN {sql.stripped('name', '[]')} ELSE name END"
    address = r"^(\d{1,3}([.]\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)$"
    lowered = ", ".join(
        f"{expression} AS {column}"
        for column, expression in {
            "file": "file", "category": "category", "log": log, "source": "lower(trim(coalesce(source, '')))",
            "name": name, "destination": "lower(trim(coalesce(destination, '')))", "port": sql.number("nullif(trim(port), '')"),
            "port_text": "trim(coalesce(port, ''))", "protocol": "lower(trim(coalesce(protocol, '')))",
            "action": "lower(trim(coalesce(action, '')))", "reason": "coalesce(reason, '')",
            "resource": "lower(coalesce(resource, ''))", "policy": "coalesce(policy, '')", "rcg": "coalesce(rcg, '')",
            "collection": "coalesce(collection, '')", "rule": "coalesce(rule, '')",
        }.items()
    )  # fmt: skip
    one = f"(SELECT {lowered}{more}, day, n, first, last, hours FROM ({groups}) AS counted) AS spelt"
    addressed = sql.fits(bare, address)
    two = (
        "(SELECT file, category, log, source, "
        f"CASE WHEN {addressed} THEN '' ELSE name END AS name, "
        f"CASE WHEN destination = '' AND {addressed} THEN {bare} ELSE destination END AS destination, "
        "port, port_text, CASE WHEN protocol LIKE 'icmp%' THEN 'icmp' ELSE protocol END AS protocol, "
        "CASE WHEN log = 'nat' AND action = '' THEN 'allow' WHEN log = 'dns' THEN 'ask' "
        "WHEN action IN ('allowed') THEN 'allow' WHEN action IN ('denied', 'block', 'drop') THEN 'deny' ELSE action END AS action, "
        f"reason, resource, policy, rcg, collection, rule{more}, day, n, first, last, hours FROM {one}) AS ended"
    )
    host = sql.fits("name", r"^[^\x00-\x20/@:\[\]]+$")
    fault = (
        "CASE WHEN coalesce(category, '') = '' AND day IS NULL THEN 'event'"
        " WHEN log = '' THEN 'category' WHEN day IS NULL THEN 'time' WHEN log = 'beside' THEN ''"
        f" WHEN NOT {sql.fits('source', address)} AND NOT (log = 'proxy' AND source = '') THEN 'source'"
        " WHEN action NOT IN ('allow', 'deny', 'alert', 'ask', 'inbound') THEN 'action'"
        f" WHEN name <> '' AND NOT {host} THEN 'name'"
        " WHEN name = '' AND destination = '' AND action <> 'deny' THEN 'name'"
        " WHEN port_text <> '' AND (port IS NULL OR port < 0 OR port > 65535) THEN 'port' ELSE '' END"
    )
    return f"(SELECT *, {fault} AS fault FROM {two}) AS judged"


def folded(groups: str, sql: Dialect) -> str:
    """``groups`` with names, actions and kinds in one spelling, and with the reason where a group was not understood."""
    three = _judged(groups, sql)
    # What is not traffic, or was not understood, is counted and not kept apart by ends.
    quiet = "fault <> '' OR log = 'beside'"
    kept = ", ".join(
        f"CASE WHEN {quiet} THEN '' ELSE {column} END AS {column}"
        for column in (
            "source",
            "name",
            "destination",
            "protocol",
            "action",
            "reason",
            "policy",
            "rcg",
            "collection",
            "rule",
        )
    )
    four = (
        f"(SELECT file, CASE WHEN log = '' THEN lower(coalesce(category, '')) ELSE log END AS log, fault, {kept}, resource,"
        f" CASE WHEN {quiet} THEN NULL ELSE port END AS port, day, n, first, last, hours FROM {three}) AS kept"
    )
    keys = ", ".join(KEYS)
    return (
        f"SELECT file, {keys}, CAST(sum(n) AS BIGINT) AS n, min(first) AS first, max(last) AS last,"
        f" bit_or(hours) AS hours FROM {four} GROUP BY file, {keys}"
    )
