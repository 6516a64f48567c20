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
