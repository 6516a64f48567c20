"""Log Analytics and Azure Data Explorer on loopback, as their clients know them: wire forms, limits, and bad days.

It runs no Kusto: it knows the two questions that are asked by their table and window, and answers them from events by
counting in Python, so that a mistake in what the product does with an answer shows.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from allowlist.simulator.traffic import Event
from tests.helpers.traffic import FIREWALL

KEYS = ("SourceIp", "DestinationIp", "DestinationPort", "Protocol", "Fqdn", "QueryName", "Action", "ActionReason", "ThreatDescription", "Policy", "RuleCollectionGroup", "RuleCollection", "Rule")  # fmt: skip
COUNTS = ("day", "n", "earliest", "latest", "hours")


@dataclass
class LogService:
    events: Sequence[Event]
    limit: int = 500_000
    """Rows of one answer."""
    throttled: int = 0
    """How many requests are still answered 429."""
    loses: Callable[[str], bool] = lambda query: False
    """Leaves the last row of an answer out without a word."""
    errs: Callable[[str], bool] = lambda query: False
    """Answers 200 with an error in it."""
    denied: bool = False
    asked: list[str] = field(default_factory=list)

    def answer(self, query: str) -> tuple[int, list[str], list[list[Any]], str]:
        """Status, columns, rows, and what went wrong."""
        self.asked.append(query)
        table = query.split("\n")[0]
        if table not in ("AZFWApplicationRule", "AZFWNetworkRule"):
            return (
                400,
                [],
                [],
                f"'where' operator: Failed to resolve table or column expression named '{table}'",
            )
        start, end = re.findall(r"datetime\((\S+?)\)", query)[:2]
        events = [one for one in self.events if one.category == table and start <= one.time < end]
        if "summarize n = count()" in query:
            return 200, ["n"], [[len(events)]], ""
        rows = _counted(events, table)
        wrong = (
            f"Query result set has exceeded the internal record count limit {self.limit}"
            if len(rows) > self.limit
            else ""
        )
        rows = rows[: self.limit]
        return 200, [*KEYS, "Type", "Resource", *COUNTS], rows[:-1] if self.loses(query) else rows, wrong


def _counted(events: Sequence[Event], table: str) -> list[list[Any]]:
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for one in events:
        fields = {**one.fields(), "Fqdn": one.name}
        key = (*(str(fields.get(name, "")) for name in KEYS), table, FIREWALL, one.time[:10])
        groups.setdefault(key, []).append(one)
    return [
        [
            *key, len(held), min(one.time for one in held)[:19].replace("T", " "), max(one.time for one in held)[:19].replace("T", " "),
            sum({1 << int(one.time[11:13]) for one in held}),
        ]
        for key, held in groups.items()
    ]  # fmt: skip


@contextmanager
def serving(service: LogService) -> Iterator[str]:
    """The host and port at which both services answer."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            del args

        def do_GET(self) -> None:
            self._send(404, {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if service.denied:
                self._send(403, {"error": {"code": "InsufficientAccessError", "message": "The provided credentials have insufficient access", "@message": "insufficient access"}})  # fmt: skip
            elif service.throttled:
                service.throttled -= 1
                self._send(429, {"error": {"code": "ThrottledError", "message": "Too many requests", "@message": "Too many requests"}}, {"Retry-After": "0"})  # fmt: skip
            elif "/rest/query" in self.path:
                self._send(*_kusto(service, body["csl"]))
            else:
                self._send(*_log_analytics(service, body["query"]))

        def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}.items():  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _columns(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, "long" if name in ("n", "hours") else "string") for name in names]


def _log_analytics(service: LogService, query: str) -> tuple[int, Any]:
    """query/v1: https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format"""
    status, names, rows, wrong = service.answer(query)
    if status != 200:
        inner = {"code": "SemanticError", "message": "A semantic error occurred.", "innererror": {"code": "SEM0100", "message": wrong}}  # fmt: skip
        return status, {"error": {"message": "The request had some invalid properties", "code": "BadArgumentError", "innererror": inner}}  # fmt: skip
    columns = [{"name": name, "type": kind} for name, kind in _columns(names)]
    found: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}
    if wrong or service.errs(query):
        found["error"] = {
            "code": "PartialError", "message": "There were some errors when processing your query.",
            "details": [{"code": "EngineError", "message": wrong or "Something went wrong processing your query on the server."}],
        }  # fmt: skip
    return 200, found


def _kusto(service: LogService, query: str) -> tuple[int, Any]:
    """rest/query v2: https://learn.microsoft.com/kusto/api/rest/response-v2"""
    status, names, rows, wrong = service.answer(query)
    if status != 200:
        return 400, {"error": {"code": "General_BadRequest", "message": "Request is invalid", "@type": "Kusto.Data.Exceptions.SemanticException", "@message": f"Semantic error: SEM0100: {wrong}", "@permanent": True}}  # fmt: skip
    columns = [{"ColumnName": name, "ColumnType": kind} for name, kind in _columns(names)]
    told: list[Any] = list(rows)
    if wrong:
        told.append({"OneApiErrors": [{"error": {"code": "LimitsExceeded", "message": "Request is invalid and cannot be executed.", "@type": "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException", "@message": f"Query execution has exceeded the allowed limits (80DA0003): {wrong}. (E_QUERY_RESULT_SET_TOO_LARGE).", "@permanent": False}}]})  # fmt: skip
    return 200, [
        {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
        {"FrameType": "DataTable", "TableId": 0, "TableKind": "QueryProperties", "TableName": "@ExtendedProperties", "Columns": [{"ColumnName": "TableId", "ColumnType": "int"}, {"ColumnName": "Key", "ColumnType": "string"}, {"ColumnName": "Value", "ColumnType": "dynamic"}], "Rows": []},
        {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult", "Columns": columns, "Rows": told},
        # What failed on the way stands in the last frame only; the client reads it and tells nobody.
        {"FrameType": "DataSetCompletion", "HasErrors": bool(wrong) or service.errs(query), "Cancelled": False},
    ]  # fmt: skip
