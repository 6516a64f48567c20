"""Logs as a use case opens them: what is kept on disk stands in the user's cache."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allowlist.documents.places import user_folder
from allowlist.traffic.asking import Ask, Credentials
from allowlist.traffic.engine import MEMORY_MB, Settings, Traffic, read_traffic
from allowlist.traffic.files import find_files, refuse_none
from allowlist.traffic.services import Period, counted_by, keep_answer, kept_answer, service_of


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
    settings = Settings(zone=zone, memory_mb=memory_mb, cache=_cache(environ), progress=progress)
    with read_traffic(files, settings) as traffic:
        yield traffic


def asking(
    since: dt.date | None,
    until: dt.date | None,
    now: dt.datetime,
    credential: Callable[[str], Any],
    environ: Mapping[str, str] | None = None,
) -> Ask:
    """Asks log services of the days from ``since`` to ``until``; ``credential`` makes one for a host when it is needed.

    With ``environ``, whole answers of days that are long over are kept in the user's cache, and not asked for again.
    """
    folder = _cache(environ) if environ is not None else None

    def ask(place: str, made: Path) -> tuple[str, ...]:
        period = Period.of(since, until, now)
        over, rest = period.parted(now) if folder is not None else (None, period)
        doubts: tuple[str, ...] = ()
        with made.open("wb") as file:
            for part in filter(None, (over, rest)):
                answer = kept_answer(folder, place, part) if folder is not None and part is over else None
                told, counts = _answer(place, part, credential, answer, made.with_suffix(".part"))
                doubts += told
                with counts.open("rb") as stream:
                    shutil.copyfileobj(stream, file)
        return doubts

    return ask


def _answer(
    place: str, period: Period, credential: Callable[[str], Any], kept: Path | None, fresh: Path
) -> tuple[tuple[str, ...], Path]:
    """Doubts and counts: those that are ``kept``, or asked for anew and then kept if they are all there is."""
    if kept is not None and kept.exists():
        kept.touch()
        return (), kept
    doubts = counted_by(service_of(place, credential), period, fresh)
    if kept is not None and not doubts:
        keep_answer(fresh, kept)
    return doubts, fresh


def _cache(environ: Mapping[str, str]) -> Path | None:
    cache = user_folder(environ, "cache")
    return cache / "traffic" if cache is not None and _is_writable(cache) else None


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    import os

    return os.access(folder, os.W_OK)
