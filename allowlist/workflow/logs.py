"""Logs as a use case opens them: what is kept on disk stands in the user's cache."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allowlist.documents.places import user_folder
from allowlist.traffic.asking import Ask, Credentials
from allowlist.traffic.engine import MEMORY_MB, Settings, Traffic, read_traffic
from allowlist.traffic.files import find_files, refuse_none
from allowlist.traffic.services import Period, counted_by, service_of


@contextmanager
def reading_logs(
    places: Sequence[str],
    spool: Path,
    environ: Mapping[str, str],
    *,
    zone: str = "",
    memory_mb: int = MEMORY_MB,
    progress: Callable[[int, int], None] = lambda done, total: None,
    ask: Ask | None = None,
    credentials: Credentials | None = None,
) -> Iterator[Traffic]:
    """The traffic of ``places``; without ``credentials`` nobody signs in for them.

    Raises AllowlistError where there is none, InvalidInput for a place that is not there.
    """
    files = find_files(places, spool, ask=ask, credentials=credentials)
    refuse_none(files, places)
    cache = user_folder(environ, "cache")
    folder = cache / "traffic" if cache is not None and _is_writable(cache) else None
    with read_traffic(
        files, Settings(zone=zone, memory_mb=memory_mb, cache=folder, progress=progress)
    ) as traffic:
        yield traffic


def asking(
    since: dt.date | None, until: dt.date | None, now: dt.datetime, credential: Callable[[str], Any]
) -> Ask:
    """Asks log services of the days from ``since`` to ``until``; ``credential`` makes one for a host when it is needed."""

    def ask(place: str, made: Path) -> tuple[str, ...]:
        return counted_by(service_of(place, credential), Period.of(since, until, now), made)

    return ask


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    import os

    return os.access(folder, os.W_OK)
