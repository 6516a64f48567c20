"""Narration as log lines: plain text for people, JSON Lines for machines; secrets are taken out of both.

Every JSON line has ``time`` (RFC 3339, UTC), ``level`` (info, warning, error), ``message``, ``run`` (one id per run
of the program, or of the scheduled run once it is known) and whatever fields fit: ``workload``, ``target``, ``state``,
``exit_code``, ``hint``.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from allowlist.observe.forms import Form
from allowlist.observe.secrets import REMOVED, scrubbed

_SHORTEST_SECRET = 8


@dataclass(slots=True)
class Log:
    """How this process narrates. ``run`` ties its lines together; ``known_secrets`` never appear in one."""

    form: Form = "text"
    run: str = field(default_factory=lambda: os.urandom(6).hex())
    known_secrets: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """A new run of the program: as told by default, under an id of its own."""
        self.form, self.run = "text", os.urandom(6).hex()
        self.known_secrets.clear()

    @property
    def is_json(self) -> bool:
        return self.form == "json"

    def keep_secret(self, value: str) -> None:
        """From now on ``value`` is taken out of every line; very short ones would tear words apart."""
        if len(value) >= _SHORTEST_SECRET:
            self.known_secrets.add(value)

    def clean(self, text: str) -> str:
        """``text`` without secrets: those the guard of the ledger knows, and those of this process."""
        for secret in sorted(self.known_secrets, key=len, reverse=True):
            text = text.replace(secret, REMOVED)
        cleaned: str = scrubbed(text)
        return cleaned

    def json_line(self, message: str, level: str, fields: dict[str, Any], now: dt.datetime) -> str:
        """One log line as JSON; empty fields are left out."""
        record = {
            "time": now.isoformat(timespec="milliseconds"),
            "level": level,
            "message": message,
            "run": self.run,
            **{name: value for name, value in fields.items() if value not in ("", None)},
        }
        return self.clean(msgspec.json.encode(record).decode())


LOG: Final = Log()
"""The narration of this process; the command line sets it up."""
