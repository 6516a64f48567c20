"""The ledger's schema as small numbered steps, never edited once released; a newer schema is refused.

The database itself keeps what was written: triggers refuse to change or remove rows, and to add any row
that does not follow the last one. Only locks and the counts of traffic may change, and the head moves forward row by row.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, inspect, select

from allowlist.errors import AllowlistError
from allowlist.store import tables
from allowlist.store.moments import stamp

GENESIS = "sha256:" + "0" * 64
"""What the first row follows."""

_MIGRATION_LOCK = 0x616C6C6F77  # any number will do, as long as every version of the product uses the same

_TABLES = (
    "CREATE TABLE IF NOT EXISTS ledger_schema (version BIGINT PRIMARY KEY, at TEXT NOT NULL)",
    """CREATE TABLE ledger_event (
        seq BIGINT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
        at TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL)""",
    "CREATE INDEX ledger_event_by_subject ON ledger_event (kind, subject, seq)",
    "CREATE INDEX ledger_event_by_kind ON ledger_event (kind, seq)",
    "CREATE TABLE ledger_head (seq BIGINT NOT NULL, digest TEXT NOT NULL)",
    f"INSERT INTO ledger_head (seq, digest) VALUES (0, '{GENESIS}')",
    "CREATE TABLE ledger_blob (digest TEXT PRIMARY KEY, body {bytes} NOT NULL)",
    """CREATE TABLE ledger_lock (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, since TEXT NOT NULL, expires TEXT NOT NULL,
        token BIGINT NOT NULL)""",
)

_TRAFFIC = (
    """CREATE TABLE ledger_traffic_day (
        workload TEXT NOT NULL, day TEXT NOT NULL, events BIGINT NOT NULL, digest TEXT NOT NULL,
        doubts TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (workload, day))""",
    """CREATE TABLE ledger_traffic (
        workload TEXT NOT NULL, day TEXT NOT NULL, log TEXT NOT NULL, resource TEXT NOT NULL, source TEXT NOT NULL,
        name TEXT NOT NULL, destination TEXT NOT NULL, port BIGINT NOT NULL, protocol TEXT NOT NULL,
        action TEXT NOT NULL, reason TEXT NOT NULL, policy TEXT NOT NULL, rcg TEXT NOT NULL,
        collection TEXT NOT NULL, rule TEXT NOT NULL, n BIGINT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
        hours BIGINT NOT NULL)""",
    "CREATE INDEX ledger_traffic_by_day ON ledger_traffic (workload, day)",
)
"""What sync remembers of traffic: counts that roll over days. Like locks they change; the chain names the digest of each day."""

_ALWAYS = "1 = 1"
_KNOWN_BLOB = "EXISTS (SELECT 1 FROM ledger_blob WHERE digest = NEW.digest)"
_KNOWN_VERSION = "EXISTS (SELECT 1 FROM ledger_schema WHERE version = NEW.version)"
_OUT_OF_LINE = "NOT EXISTS (SELECT 1 FROM ledger_head WHERE seq = NEW.seq - 1 AND digest = NEW.previous)"
_NOT_THE_NEXT = """NEW.seq <> OLD.seq + 1
    OR NOT EXISTS (SELECT 1 FROM ledger_event WHERE seq = NEW.seq AND digest = NEW.digest)"""

_FORBIDDEN: tuple[tuple[str, str, str], ...] = (
    *((name, verb, _ALWAYS) for name in ("event", "blob", "schema") for verb in ("UPDATE", "DELETE")),
    ("head", "DELETE", _ALWAYS),
    ("head", "INSERT", _ALWAYS),
    ("head", "UPDATE", _NOT_THE_NEXT),
    ("blob", "INSERT", _KNOWN_BLOB),
    ("schema", "INSERT", _KNOWN_VERSION),
    ("event", "INSERT", _OUT_OF_LINE),
)
"""Table, verb, and the condition under which the database refuses it."""


def migrate(connection: Connection, now: datetime, place: str) -> None:
    """Bring the schema up to date inside the caller's write transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    found = schema_version(connection, place)
    for number, statements in enumerate(_migrations(connection.dialect.name), start=1):
        if number > found:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.execute(insert(tables.schema).values(version=number, at=stamp(now)))


def is_current(connection: Connection, place: str) -> bool:
    return schema_version(connection, place) == len(_migrations(connection.dialect.name))


def schema_version(connection: Connection, place: str) -> int:
    """The schema's number, 0 for an empty database. Raises AllowlistError for a newer one than we know."""
    if not inspect(connection).has_table(tables.schema.name):
        return 0
    found = int(connection.scalar(select(func.coalesce(func.max(tables.schema.c.version), 0))) or 0)
    known = len(_migrations(connection.dialect.name))
    if found > known:
        raise AllowlistError(
            f"the ledger {place} has schema {found}, this version of allowlist knows up to {known}",
            hint="upgrade allowlist on this machine",
        )
    return found


def _migrations(dialect: str) -> tuple[tuple[str, ...], ...]:
    triggers = _postgresql_triggers() if dialect == "postgresql" else _sqlite_triggers()
    kind = "BYTEA" if dialect == "postgresql" else "BLOB"
    return ((*(statement.replace("{bytes}", kind) for statement in _TABLES), *triggers), _TRAFFIC)


def _refusal(name: str, verb: str) -> str:
    return f"the ledger is append-only: {verb} on ledger_{name} is refused"


def _sqlite_triggers() -> tuple[str, ...]:
    return tuple(
        f"""CREATE TRIGGER ledger_{name}_{verb.lower()} BEFORE {verb} ON ledger_{name} WHEN {condition}
            BEGIN SELECT RAISE(ABORT, '{_refusal(name, verb)}'); END"""
        for name, verb, condition in _FORBIDDEN
    )


def _postgresql_triggers() -> tuple[str, ...]:
    truncations = (("TRUNCATE", name) for name in ("event", "blob", "schema", "head"))
    return (
        *(part for name, verb, when in _FORBIDDEN for part in _postgresql_trigger(name, verb, when, "ROW")),
        *(
            part
            for verb, name in truncations
            for part in _postgresql_trigger(name, verb, _ALWAYS, "STATEMENT")
        ),
    )


def _postgresql_trigger(name: str, verb: str, condition: str, each: str) -> tuple[str, str]:
    function = f"ledger_{name}_{verb.lower()}"
    return (
        f"""CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF {condition} THEN RAISE EXCEPTION '{_refusal(name, verb)}'; END IF; RETURN NEW; END $$""",
        f"CREATE TRIGGER {function} BEFORE {verb} ON ledger_{name} FOR EACH {each} EXECUTE FUNCTION {function}()",
    )
