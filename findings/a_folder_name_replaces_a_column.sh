#!/usr/bin/env bash
# duckdb 2.0.1: the path under which Azure Monitor stores a log silently replaces a column of the log.
#
# Guess: read_json with a column resourceId gives what the lines say under "resourceId".
# Seen:  Azure Monitor writes blobs below resourceId=/SUBSCRIPTIONS/…/y=2026/m=11/d=23/h=09/m=00/PT1H.json. Folders called
#        NAME=VALUE are taken for partitions, found by themselves, and win over the file: resourceId is the text behind
#        the first "=" up to the next "/", which is empty. With hive_partitioning = false the lines are read.
# Why:   whoever joins logs of two destinations by resource finds none in common, without a word; every firewall of a
#        storage account becomes the same one. allowlist turns it off.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
cd "$place"
folder='resourceId=/SUBSCRIPTIONS/S/AZUREFIREWALLS/FW/y=2026/m=11/d=23/h=09/m=00'
mkdir -p "$folder"
printf '{"resourceId": "/SUBSCRIPTIONS/S/AZUREFIREWALLS/FW", "category": "AZFWDnsQuery"}\n' >"$folder/PT1H.json"
"$place/venv/bin/python" - "$folder/PT1H.json" <<'PYTHON'
import sys
import duckdb

def asked(more: str) -> str:
    columns = "{resourceId: 'VARCHAR', category: 'VARCHAR'}"
    ((found,),) = duckdb.sql(f"SELECT resourceId FROM read_json('{sys.argv[1]}', columns = {columns}{more})").limit(1).fetchall()
    return found

guessed, told = asked(""), asked(", hive_partitioning = false")
print(f"duckdb {duckdb.__version__}: resourceId is {guessed!r}; with hive_partitioning = false {told!r}")
sys.exit(not (guessed == "" and told == "/SUBSCRIPTIONS/S/AZUREFIREWALLS/FW"))
PYTHON
