"""Log services asked in their own language: ``loganalytics://WORKSPACE-ID`` and ``kusto://HOST/DATABASE``.

Needs the extra ``services`` (azure-monitor-query, azure-kusto-data). Nothing a service says of itself is enough to call an
answer whole: a partial one comes under 200, and a client may drop the mark. So every answer has to add up to a count that
is asked apart; an answer that is too large is asked again for half of the time, down to an hour; and what is missing in
the end is told, so that nobody calls it nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import urlsplit

from allowlist.documents.words import counted
from allowlist.errors import AllowlistError, TargetDenied, TargetUnavailable, TargetUntrusted
from allowlist.traffic.kql import TABLES, how_many, question
from allowlist.trust import causes, is_loopback, trust_here

if TYPE_CHECKING:
    from requests import Session

SCHEMES: Final = ("loganalytics", "kusto")
_HINT: Final = "install it with: pip install 'allowlist[services]'"
_HOUR: Final = dt.timedelta(hours=1)
SETTLED: Final = 2 * _HOUR
"""How long events may take to arrive: of later hours nothing is asked."""
LATE: Final = 24 * _HOUR
"""Days that ended longer ago are taken to be complete: Azure Monitor promises no bound, its logs take minutes as a rule."""
_DAYS: Final = 30
_TRIES: Final = 4

_TOO_LARGE: Final = re.compile("too.?large|exceed|limit|timeout|timed out|50[0-9]:", re.IGNORECASE)
"""What services say of an answer that half of the time would make smaller."""

_STUMBLES: Final = (ValueError, TypeError, AttributeError, LookupError)
"""What clients raise over a body of another shape: an empty one, ``null``, a page of a gateway."""
_NO_ANSWER: Final = "what came is no answer of a log service"

ANSWER: Final = "answer-"
"""How the names of kept answers begin."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows; ``partial`` says why they are not all, ``missing`` that there is no such table."""

    rows: Rows = field(default_factory=list)
    partial: str = ""
    missing: bool = False


class Service(Protocol):
    """Asks one query; raises AllowlistError where nobody may ask or nothing answers."""

    def ask(self, query: str) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From ``start`` until before ``end``, whole hours of UTC."""

    start: dt.datetime
    end: dt.datetime

    @classmethod
    def of(cls, since: dt.date | None, until: dt.date | None, now: dt.datetime) -> Period:
        """The days that are asked for, or the last thirty; never later than what has arrived by now."""
        settled = (now - SETTLED).replace(minute=0, second=0, microsecond=0)
        end = min(settled, _midnight(until) + dt.timedelta(days=1)) if until else settled
        start = _midnight(since) if since else _midnight(end.date() - dt.timedelta(days=_DAYS))
        return cls(start=start, end=max(start, end))

    def parted(self, now: dt.datetime) -> tuple[Period | None, Period | None]:
        """The whole days that are over for so long that nothing comes late any more, and the rest."""
        border = max(self.start, min(self.end, _midnight((now - LATE).date())))
        over = Period(start=self.start, end=border) if self.start < border else None
        return over, Period(start=border, end=self.end) if border < self.end else None

    def halves(self) -> tuple[Period, Period] | None:
        hours = int((self.end - self.start) / _HOUR)
        if hours < 2:
            return None
        middle = self.start + hours // 2 * _HOUR
        return Period(start=self.start, end=middle), Period(start=middle, end=self.end)

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def counted_by(service: Service, period: Period, made: Path) -> tuple[str, ...]:
    """The counts of every table of ``service``, one group a line of ``made``; why they are not all, if so."""
    doubts: list[str] = []
    with made.open("w", encoding="utf-8") as file:
        for table in TABLES:
            for row in _whole(service, table, period, doubts):
                file.write(json.dumps(row) + "\n")
    return tuple(doubts)


def kept_answer(folder: Path, place: str, period: Period) -> Path:
    """Where the counts of ``place`` are kept: by what is asked, word for word, and of when."""
    asked = [question(table, period.start, period.end) for table in TABLES]
    digest = hashlib.sha256("\n".join([place, *asked]).encode()).hexdigest()
    return folder / f"{ANSWER}{digest}.jsonl"


def keep_answer(made: Path, answer: Path) -> None:
    """For its owner alone, and whole or not at all; what cannot be kept is asked again."""
    with suppress(OSError):
        answer.parent.mkdir(parents=True, exist_ok=True)
        with (
            made.open("rb") as counts,
            NamedTemporaryFile(dir=answer.parent, prefix=".answer", delete=False) as file,
        ):
            shutil.copyfileobj(counts, file)
        os.replace(file.name, answer)


def _whole(service: Service, table: str, period: Period, doubts: list[str]) -> Iterator[dict[str, Any]]:
    total = service.ask(how_many(table, period.start, period.end))
    if total.missing:
        return
    expected = _number(total) if not total.partial else -1
    if expected == 0:
        return
    answer = service.ask(question(table, period.start, period.end))
    seen = sum(int(row["n"]) for row in answer.rows)
    if not answer.partial and seen == expected:
        yield from map(_as_row, answer.rows)
        return
    halves = period.halves() if not answer.partial or _TOO_LARGE.search(answer.partial) else None
    if halves:
        for half in halves:
            yield from _whole(service, table, half, doubts)
        return
    why = answer.partial or total.partial or f"{seen} of {counted(expected, 'event')} answered"
    doubts.append(f"{table}, {period}: {why}")
    yield from map(_as_row, answer.rows)


def _number(total: Answer) -> int:
    """How many events there are. A count has one row, so an answer without one is none: nobody is asked further."""
    try:
        return int(total.rows[0]["n"])
    except (LookupError, TypeError, ValueError):
        raise TargetUnavailable("the log service answered without a count") from None


def _as_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """As a line of the table: an empty text is nothing."""
    named = {"_ResourceId" if name == "Resource" else name: value for name, value in row.items()}
    return {name: str(value) for name, value in named.items() if value not in (None, "")}


def service_of(place: str, credential: Callable[[str], Any]) -> Service:
    """``credential`` makes a token credential for a host. Raises AllowlistError for an address that names no service."""
    parts = urlsplit(place)
    if parts.scheme == "loganalytics":
        workspace, _, host = parts.netloc.rpartition("@")
        workspace, host = (workspace, host) if workspace else (host, "api.loganalytics.io")
        return LogAnalytics(workspace, _address(host), credential(host))
    database = parts.path.strip("/")
    if not parts.netloc or not database:
        raise AllowlistError(
            f"{place}: names no database", hint="kusto://CLUSTER.REGION.kusto.windows.net/DATABASE"
        )
    return DataExplorer(_address(parts.netloc), database, credential(parts.netloc))


def _address(host: str) -> str:
    """Only this machine is asked without encryption."""
    bare = host.rpartition(":")[0] or host
    return f"{'http' if bare in ('127.0.0.1', 'localhost', '[::1]') else 'https'}://{host}"


class LogAnalytics:
    """One workspace by its id."""

    def __init__(self, workspace: str, endpoint: str, credential: Any) -> None:
        try:
            from azure.monitor.query import LogsQueryClient
        except ImportError:
            raise AllowlistError("asking Log Analytics needs azure-monitor-query", hint=_HINT) from None
        from allowlist.azure.pipeline import TrustingTransport

        # One answer is asked for once: what is to be asked again is decided here, and told.
        self._client = LogsQueryClient(
            credential,
            endpoint=endpoint,
            transport=TrustingTransport(trust_here(), proxied=not is_loopback(endpoint)),
            permit_redirects=False,
        )
        self._workspace, self._endpoint = workspace, endpoint

    def ask(self, query: str) -> Answer:
        from azure.core.exceptions import AzureError, HttpResponseError

        try:
            result: Any = self._client.query_workspace(
                self._workspace, query, timespan=None, server_timeout=600,
                enforce_https=not self._endpoint.startswith("http://"),
            )  # fmt: skip
        except HttpResponseError as error:
            return _refused(f"workspace {self._workspace}", error.status_code, str(error.message))
        except AzureError as error:
            raise TargetUnavailable(f"{self._endpoint}: {_line(error)}") from error
        except _STUMBLES as error:
            raise TargetUnavailable(f"{self._endpoint}: {_NO_ANSWER}") from error
        partial = getattr(result, "partial_error", None)
        tables: Sequence[Any] = getattr(result, "tables", None) or getattr(result, "partial_data", None) or ()
        rows = [dict(zip(table.columns, row, strict=True)) for table in tables[:1] for row in table.rows]
        return Answer(rows, f"the service answered in part: {_told(partial)}" if partial is not None else "")


class DataExplorer:
    """One database of a cluster."""

    def __init__(self, cluster: str, database: str, credential: Any) -> None:
        try:
            from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
        except ImportError:
            raise AllowlistError("asking Azure Data Explorer needs azure-kusto-data", hint=_HINT) from None
        build = KustoConnectionStringBuilder
        # An emulator on this machine asks for no token, and none is sent where nothing is encrypted.
        plain = cluster.startswith("http://")
        self._client = KustoClient(
            build.with_no_authentication(cluster)
            if plain
            else build.with_azure_token_credential(cluster, credential)
        )
        self._cluster, self._database = cluster, database
        from allowlist.azure.pipeline import trusting

        trusting(cast("Session", self._client._session), trust_here())

    def ask(self, query: str) -> Answer:
        from azure.kusto.data.exceptions import (
            KustoApiError,
            KustoError,
            KustoMultiApiError,
            KustoThrottlingError,
        )

        for number in range(_TRIES):
            try:
                return self._asked(query)
            except KustoThrottlingError as error:
                if number + 1 == _TRIES:
                    return Answer(partial=f"the service throttled: {_line(error)}")
                time.sleep(2**number / 4)
            except KustoMultiApiError as error:
                return Answer(partial=f"the service answered with an error: {_line(error)}")
            except KustoApiError as error:
                return _refused(f"database {self._database}", getattr(error.http_response, "status_code", None), str(error))  # fmt: skip
            except KustoError as error:
                if refused := next(
                    (item for item in causes(error) if isinstance(item, TargetUntrusted)), None
                ):
                    raise refused from None
                raise TargetUnavailable(f"{self._cluster}: {_line(error)}") from error
            except _STUMBLES as error:
                raise TargetUnavailable(f"{self._cluster}: {_NO_ANSWER}") from error
        raise AssertionError("a loop that returns")

    def _asked(self, query: str) -> Answer:
        found = self._client.execute_query(self._database, query)
        table = found.primary_results[0]
        names = [column.column_name for column in table.columns]
        rows = [{name: row[name] for name in names} for row in table]
        told = "; ".join(found.get_exceptions()) if found.errors_count else ""
        return Answer(rows, f"the service answered with an error: {told}" if told else "")


def _refused(where: str, status: int | None, text: str) -> Answer:
    """A table that is not there is no failure; a wrong identity ends the question; anything else is no whole answer."""
    if status in (401, 403):
        raise TargetDenied(
            f"{where}: {_line(text)}", hint="reading logs needs the role Log Analytics Reader or Viewer"
        )
    if "ailed to resolve table" in text:
        return Answer(missing=True)
    if status is None or status < 400 or status == 404:
        raise TargetUnavailable(f"{where}: {_line(text)}")
    return Answer(partial=f"{status}: {_line(text)}")


def _told(partial: Any) -> str:
    """What went wrong stands in the details, one object each."""
    details = getattr(partial, "details", None) or ()
    told = [str(detail["message"]) for detail in details if "message" in detail]
    return "; ".join(told) or _line(partial)


def _line(error: object) -> str:
    text = str(getattr(error, "message", None) or error)
    return text.splitlines()[0][:300] if text else type(error).__name__
