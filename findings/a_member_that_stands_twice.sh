#!/usr/bin/env bash
# duckdb 2.0.1, polars 2.1.0, orjson 3.13.0: of a line of JSON in which one member stands twice, two readers answer with the
# first, one with the last, and one of them refuses it, depending on which column is asked for.
#
# Guess: all take the last, as most parsers do, or all refuse the line.
# Seen:  orjson (like Python's own) gives the last, polars the first. DuckDB refuses the line when that column is asked for, counts
#        it when another one is, and gives the first with ignore_errors or by ->>.
# Why:   one log answers "which name was denied?" differently in a script, in a notebook and in a database, and "how many
#        lines were understood?" hangs on the columns of the question. allowlist takes the first on each of its engines.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 orjson==3.13.0
cd "$place"
printf '%s\n' '{"TimeGenerated": "2026-11-23T09:10:00Z", "Fqdn": "first.example", "Fqdn": "last.example"}' >log.jsonl
"$place/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import duckdb, orjson, polars

TABLE = "read_json('log.jsonl', format = 'newline_delimited', columns = {TimeGenerated: 'VARCHAR', Fqdn: 'VARCHAR'}%s)"


def asked(query):
    try:
        return duckdb.sql(query).fetchall()[0][0]
    except duckdb.InvalidInputException:
        return "refused"


seen = {
    "orjson": orjson.loads(open("log.jsonl").read())["Fqdn"],
    "polars": polars.read_ndjson("log.jsonl")["Fqdn"][0],
    "duckdb, that column": asked("SELECT Fqdn FROM " + TABLE % ""),
    "duckdb, another column": asked("SELECT TimeGenerated FROM " + TABLE % ""),
    "duckdb, count": asked("SELECT count(*) FROM " + TABLE % ""),
    "duckdb, ignore_errors": asked("SELECT Fqdn FROM " + TABLE % ", ignore_errors = true"),
    "duckdb, ->>": asked("SELECT json ->> 'Fqdn' FROM read_ndjson_objects('log.jsonl')"),
}
print(*(f"{name} {version(name)}" for name in ("duckdb", "polars", "orjson")), sep=", ")
print(*(f"  {way}: {answer}" for way, answer in seen.items()), sep="\n")
sys.exit(seen != {
    "orjson": "last.example", "polars": "first.example", "duckdb, that column": "refused",
    "duckdb, another column": "2026-11-23T09:10:00Z", "duckdb, count": 1,
    "duckdb, ignore_errors": "first.example", "duckdb, ->>": "first.example",
})
PYTHON
