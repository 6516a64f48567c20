"""The tables as queries see them; :mod:`allowlist.store.migrations` makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, Text, column, table

schema = table("ledger_schema", column("version", BigInteger), column("at", Text))
event = table(
    "ledger_event",
    column("seq", BigInteger),
    column("kind", Text),
    column("subject", Text),
    column("state", Text),
    column("at", Text),
    column("body", Text),
    column("previous", Text),
    column("digest", Text),
)
head = table("ledger_head", column("seq", BigInteger), column("digest", Text))
blob = table("ledger_blob", column("digest", Text), column("body", LargeBinary))
lock = table(
    "ledger_lock",
    column("name", Text),
    column("owner", Text),
    column("since", Text),
    column("expires", Text),
    column("token", BigInteger),
)
traffic_day = table(
    "ledger_traffic_day",
    column("workload", Text),
    column("day", Text),
    column("events", BigInteger),
    column("digest", Text),
    column("doubts", Text),
    column("at", Text),
)
traffic = table(
    "ledger_traffic",
    column("workload", Text),
    column("day", Text),
    column("log", Text),
    column("resource", Text),
    column("source", Text),
    column("name", Text),
    column("destination", Text),
    column("port", BigInteger),
    column("protocol", Text),
    column("action", Text),
    column("reason", Text),
    column("policy", Text),
    column("rcg", Text),
    column("collection", Text),
    column("rule", Text),
    column("n", BigInteger),
    column("first", Text),
    column("last", Text),
    column("hours", BigInteger),
)
