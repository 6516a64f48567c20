"""The question where the logs already are, in Kusto's language: only counts by source, name, port, action, rule and day travel.

What comes back has the columns of the firewall's tables, so that the same SQL judges and folds it as everything else.
Moments are formatted there, cut to seconds; every other column is made a text there, as clients turn nulls of some
types into words. Tables and columns: Azure Monitor's reference of AZFWApplicationRule and its kind, and AzureDiagnostics.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from allowlist.traffic.shapes import DIAGNOSED, FIELDS

LEGACY: Final = "AzureDiagnostics"
TABLES: Final = (
    "AZFWApplicationRule", "AZFWNetworkRule", "AZFWNatRule", "AZFWThreatIntel", "AZFWDnsQuery", LEGACY,
)  # fmt: skip
_KEPT: Final = tuple(name for name in FIELDS if name != "SourcePort")
_CATEGORIES: Final = (
    "AzureFirewallApplicationRule", "AzureFirewallNetworkRule", "AzureFirewallDnsProxy", *(name for name in TABLES if name != LEGACY),
)  # fmt: skip
"""What a firewall writes to the table that all services share, as plain text or structured."""
_COUNTED: Final = (
    "_n = count(), _first = min(TimeGenerated), _last = max(TimeGenerated), "
    "_hours = binary_all_or(binary_shift_left(1, hourofday(TimeGenerated)))"
)
COUNTS: Final = ("day", "n", "earliest", "latest", "hours")
"""Beside the columns of a table: the day, how many, the first and last moment, and a bit for each hour."""


def question(table: str, start: dt.datetime, end: dt.datetime) -> str:
    """Counts of ``table`` from ``start`` until before ``end`` (UTC)."""
    if table == LEGACY:
        kept = {"Category": "Category", "msg_s": _plain_message()}
        kept |= {name: _diagnosed(DIAGNOSED[name][0]) for name in _KEPT}
    else:
        kept = {name: _text(name) for name in _KEPT}
    resource = f"iff(isempty({_text('_ResourceId')}), {_text('ResourceId')}, {_text('_ResourceId')})"
    kept |= {"Type": _literal(table), "Resource": resource}
    extended = ", ".join(f"_{name} = {expression}" for name, expression in kept.items())
    keys = ", ".join(f"_{name}" for name in kept)
    back = ", ".join(f"{name} = _{name}" for name in kept)
    return "\n| ".join([
        *_window(table, start, end),
        f"extend {extended}, _day = startofday(TimeGenerated)",
        f"summarize {_COUNTED} by {keys}, _day",
        f"project {back}, day = format_datetime(_day, 'yyyy-MM-dd'), n = _n, earliest = {_cut('_first')}, latest = {_cut('_last')}, hours = _hours",
    ])  # fmt: skip


def how_many(table: str, start: dt.datetime, end: dt.datetime) -> str:
    """All events of the same window: what :func:`question` answers has to add up to it."""
    return "\n| ".join([*_window(table, start, end), "summarize n = count()"])


def _window(table: str, start: dt.datetime, end: dt.datetime) -> list[str]:
    return [
        table,
        f"where TimeGenerated >= datetime({start:%Y-%m-%dT%H:%M:%SZ}) and TimeGenerated < datetime({end:%Y-%m-%dT%H:%M:%SZ})",
        *(
            [f"where Category in ({', '.join(_literal(name) for name in _CATEGORIES)})"]
            if table == LEGACY
            else []
        ),
    ]


def _text(column: str) -> str:
    """A column that a table may lack, as text."""
    return f"tostring(column_ifexists('{column}', ''))"


def _diagnosed(column: str) -> str:
    """A column of AzureDiagnostics as text; its numbers are real ones."""
    if column.endswith("_d"):
        return f"tostring(toint(column_ifexists('{column}', real(null))))"
    return _text(column)


def _literal(text: str) -> str:
    return f"'{text}'"


def _cut(moment: str) -> str:
    return f"format_datetime({moment}, 'yyyy-MM-dd HH:mm:ss')"


def _plain_message() -> str:
    """The message without what makes every one differ (source port, address asked for, size, duration)."""
    text = _text("msg_s")
    for pattern, kept in MESSAGE:
        text = f"replace_regex({text}, @'{pattern}', @'{kept}')"
    return text


MESSAGE: Final = (
    (r"^(DNS Request: \S+):\d+ - \d+ (\S+ \S+ \S+) .*$", r"\1:0 - 0 \2 "),
    (r"( request from \S+):\d+", r"\1:0"),
    (r" Url: .*? Action: ", " Action: "),
)
"""RE2 on every engine; a group is ``\\1`` in Kusto, in DuckDB and in Python."""
