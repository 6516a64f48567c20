#!/usr/bin/env bash
# azure-kusto-data 6.0.4: an answer whose last frame says HasErrors counts no error and raises none.
#
# Guess: execute_query raises, or errors_count is not 0, when DataSetCompletion says HasErrors and names the reason: that
#        frame is where the protocol says how a query ended that had begun to answer with 200.
# Seen:  the rows that came are handed out as a whole answer: errors_count is 0 and get_exceptions() is empty, as both
#        look only at a table of kind QueryCompletionInformation. Where such a table holds a row below level 4, both tell it.
# Why:   a query that ran out of memory half way looks like one that found little: "nobody asks for this name" would be
#        said of what was not counted.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-kusto-data==6.0.4
"$place/env/bin/python" - <<'PYTHON'
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from azure.kusto.data import KustoClient, KustoConnectionStringBuilder

REASON = {"error": {"code": "LimitsExceeded", "message": "Query execution has exceeded the allowed limits.", "@type": "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException", "@message": "memory", "@permanent": False}}


def table(number, kind, name, columns, *rows):
    return {"FrameType": "DataTable", "TableId": number, "TableKind": kind, "TableName": name,
            "Columns": [{"ColumnName": column, "ColumnType": type} for column, type in columns], "Rows": list(rows)}


STATUS = (("Timestamp", "datetime"), ("ClientRequestId", "string"), ("ActivityId", "guid"), ("SubActivityId", "guid"),
          ("ParentActivityId", "guid"), ("Level", "int"), ("LevelName", "string"), ("StatusCode", "int"), ("StatusCodeName", "string"),
          ("EventType", "int"), ("EventTypeName", "string"), ("Payload", "string"))
ID = "00000000-0000-0000-0000-000000000000"
INFORMATION = ["2026-01-01T00:00:00Z", "one", ID, ID, ID, 4, "Info", 0, "S_OK (0)", 4, "QueryInfo", "{}"]
FAILURE = ["2026-01-01T00:00:00Z", "one", ID, ID, ID, 2, "Error", 1, "E_FAIL", 5, "QueryError", "{}"]


def answer(*status):
    return [
        {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
        table(0, "PrimaryResult", "PrimaryResult", (("name", "string"), ("n", "long")), ["a.example", 3]),
        table(1, "QueryCompletionInformation", "QueryCompletionInformation", STATUS, *status),
        {"FrameType": "DataSetCompletion", "HasErrors": True, "Cancelled": False, "OneApiErrors": [REASON]},
    ]


ANSWERS = {"only the last frame": answer(INFORMATION), "a row as well": answer(INFORMATION, FAILURE)}


class Cluster(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(404, {})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, ANSWERS[asked["csl"]])

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Cluster)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
with KustoClient(KustoConnectionStringBuilder(f"http://127.0.0.1:{server.server_port}")) as client:
    for question in ANSWERS:
        found = client.execute_query("db", question)
        seen[question] = (len(found.primary_results[0]), found.errors_count, len(found.get_exceptions()))
server.shutdown()
print(f"azure-kusto-data {version('azure-kusto-data')}: rows, errors_count, exceptions: {seen}")
sys.exit(seen != {"only the last frame": (1, 0, 0), "a row as well": (1, 1, 1)})
PYTHON
