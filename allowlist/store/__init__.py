"""The ledger: plans, decisions, runs and their journals, snapshots and locks in one durable, append-only store.

Importing this package is cheap; SQLAlchemy is loaded when a ledger is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from allowlist.observe.secrets import refuse_secrets, scrubbed
from allowlist.store.moments import Clock

if TYPE_CHECKING:
    from allowlist.store.ledger import Ledger as Ledger
    from allowlist.store.locks import Lock as Lock
    from allowlist.store.records import FINAL_STATES as FINAL_STATES
    from allowlist.store.records import Decision as Decision
    from allowlist.store.records import Entry as Entry
    from allowlist.store.records import Head as Head
    from allowlist.store.records import IdentityKind as IdentityKind
    from allowlist.store.records import Lease as Lease
    from allowlist.store.records import Moment as Moment
    from allowlist.store.records import PlanRecord as PlanRecord
    from allowlist.store.records import Run as Run
    from allowlist.store.records import RunKind as RunKind
    from allowlist.store.records import RunState as RunState
    from allowlist.store.records import Step as Step
    from allowlist.store.records import StepState as StepState
    from allowlist.store.records import Tampering as Tampering
    from allowlist.store.records import Verdict as Verdict
else:

    def __getattr__(name: str) -> object:
        """Loaded when somebody asks: who only reads Azure, or a snapshot, opens no ledger."""
        if name not in (*_HOMES, *__all__):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(f"{__name__}.{_HOMES.get(name, 'records')}")
        return getattr(home, name)


_HOMES = {"Ledger": "ledger", "Lock": "locks"}

__all__ = [
    "FINAL_STATES",
    "Clock",
    "Decision",
    "Entry",
    "Head",
    "IdentityKind",
    "Lease",
    "Moment",
    "PlanRecord",
    "Run",
    "RunKind",
    "RunState",
    "Step",
    "StepState",
    "Tampering",
    "Verdict",
    "open_ledger",
    "refuse_secrets",
    "scrubbed",
]


def open_ledger(url: str | None, *, environ: Mapping[str, str], clock: Clock) -> Ledger:
    """Open the ledger, creating or updating its schema.

    ``url`` is ``sqlite:///path`` or ``postgresql://user@host/database``; None means the file in the XDG state
    folder of ``environ``; ``ALLOWLIST_ANCHOR`` in there names a file outside of the ledger that remembers its last
    row. ``clock`` tells the present moment. Raises AllowlistError with a hint when the
    ledger cannot be reached, read or written, or was made by a newer version.
    """
    from allowlist.store.anchor import VARIABLE
    from allowlist.store.database import Database
    from allowlist.store.ledger import Ledger
    from allowlist.store.location import default_url

    anchor = environ.get(VARIABLE)
    return Ledger(Database(url or default_url(environ), clock), clock, Path(anchor) if anchor else None)
