"""What one's own logs let through last, by name and port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from allowlist.catalog.hits import Hits
from allowlist.traffic.asking import Credentials
from allowlist.traffic.engine import Traffic
from allowlist.workflow.logs import reading_logs

_LAST = (
    "SELECT name, coalesce(port, 0), max(last)::DATE FROM traffic "
    "WHERE log IN ('application', 'network', 'proxy') AND action = 'allow' AND name <> '' GROUP BY ALL"
)


def hits_in(traffic: Traffic) -> Hits:
    return Hits(traffic.stream(_LAST))


def hits_in_logs(logs: Sequence[str], environ: Mapping[str, str], credentials: Credentials) -> Hits:
    """As :func:`hits_in`, from files, folders and containers of logs."""
    with (
        TemporaryDirectory(prefix="allowlist-logs-") as spool,
        reading_logs(logs, Path(spool), environ, credentials=credentials) as traffic,
    ):
        return hits_in(traffic)
