"""Log services asked through their own clients: only counts travel, and what is not all is never taken for all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from allowlist.azure.connection import Connection, credential_for
from allowlist.errors import AllowlistError, TargetDenied
from allowlist.traffic.engine import Settings, read_traffic
from allowlist.traffic.files import find_files
from allowlist.traffic.kql import MESSAGE
from allowlist.traffic.services import Period
from allowlist.workflow.logs import asking
from tests.helpers.log_service import LogService, serving
from tests.helpers.traffic import allowed, counted, event, plainly, write

EVENTS = [
    event(0, "PyTorch.org"), event(1, "pytorch.org"), allowed(2, "api.contoso.com"), allowed(70, "api.contoso.com", rule="2026-01-01"),
    event(3, "", protocol="tcp", destination="52.1.2.3", port=1433), *(event(60 * n, f"n{n}.example") for n in range(8)),
]  # fmt: skip
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
SERVICES = {"log analytics": "loganalytics://w@{}", "data explorer": "kusto://{}/logs"}


@pytest.fixture(params=SERVICES)
def place(request: pytest.FixtureRequest) -> str:
    return SERVICES[request.param]


def _asked(service: LogService, place: str, folder: Path, *more: Path) -> tuple[Any, Any]:
    since = dt.date(2026, 11, 23)
    with serving(service) as host:
        ask = asking(since, since, NOW, lambda at: credential_for(Connection(), at))
        spool = folder / "spool"
        spool.mkdir(exist_ok=True)
        files = find_files([place.format(host), *map(str, more)], spool, ask=ask)
    with read_traffic(files, Settings()) as traffic:
        return counted(traffic), traffic.account


def test_a_service_says_what_its_events_say(tmp_path: Path, place: str) -> None:
    service = LogService(EVENTS)
    found, account = _asked(service, place, tmp_path)
    assert found == plainly(EVENTS)
    assert (account.read, account.missed, account.partial) == (len(EVENTS), 0, ())
    assert account.first == dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
    assert not any("SourcePort" in query for query in service.asked)


def test_an_answer_that_is_too_large_is_asked_for_by_halves(tmp_path: Path, place: str) -> None:
    found, account = _asked(LogService(EVENTS, limit=4), place, tmp_path)
    assert found == plainly(EVENTS)
    assert account.partial == ()


def test_an_hour_that_is_too_large_by_itself_is_told(tmp_path: Path, place: str) -> None:
    found, account = _asked(LogService(EVENTS, limit=2), place, tmp_path)
    assert 0 < sum(found.values()) < len(EVENTS)
    assert "AZFWApplicationRule, 2026-11-23 09:00 to 2026-11-23 10:00 UTC" in account.partial[0]
    assert not account.is_whole


def test_a_row_that_got_lost_without_a_word_is_asked_for_again(tmp_path: Path, place: str) -> None:
    def first_time(query: str) -> bool:
        return "T00:00:00Z) and" in query and "2026-11-24T00:00:00Z" in query

    found, account = _asked(LogService(EVENTS, loses=first_time), place, tmp_path)
    assert found == plainly(EVENTS)
    assert account.partial == ()


def test_rows_that_stay_lost_are_told(tmp_path: Path, place: str) -> None:
    found, account = _asked(LogService(EVENTS, loses=lambda query: "AZFWNetwork" in query), place, tmp_path)
    assert sum(found.values()) == len(EVENTS) - 1
    assert "0 of 1 event answered" in account.partial[0]


def test_an_error_under_200_is_no_whole_answer(tmp_path: Path) -> None:
    found, account = _asked(LogService(EVENTS, errs=lambda query: "summarize _n" in query), SERVICES["log analytics"], tmp_path)  # fmt: skip
    assert found
    assert "the service answered in part" in account.partial[0]


def test_a_service_that_throttles_is_asked_again(tmp_path: Path, place: str) -> None:
    found, account = _asked(LogService(EVENTS, throttled=2), place, tmp_path)
    assert found == plainly(EVENTS)
    assert account.partial == ()


def test_who_may_not_read_is_told_so(tmp_path: Path, place: str) -> None:
    with pytest.raises(TargetDenied, match="insufficient access"):
        _asked(LogService(EVENTS, denied=True), place, tmp_path)


def test_the_same_hours_in_files_make_counts_doubtful(tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", EVENTS)
    _, account = _asked(LogService(EVENTS), SERVICES["log analytics"], tmp_path, folder)
    assert "tell of the same hours: their events count twice" in account.partial[0]


def test_only_hours_that_have_settled_are_asked_for() -> None:
    period = Period.of(None, None, dt.datetime(2026, 11, 25, 12, 40, tzinfo=dt.UTC))
    assert str(period) == "2026-10-26 00:00 to 2026-11-25 10:00 UTC"
    asked = Period.of(dt.date(2026, 11, 1), dt.date(2026, 11, 2), NOW)
    assert str(asked) == "2026-11-01 00:00 to 2026-11-03 00:00 UTC"


def test_an_address_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AllowlistError, match="names no database"):
        _asked(LogService(()), "kusto://{}/", tmp_path)


@pytest.mark.parametrize(("message", "kept"), [
    ("HTTPS request from 10.0.0.4:51234 to a.com:443. Action: Deny. Rule: r", "HTTPS request from 10.0.0.4:0 to a.com:443. Action: Deny. Rule: r"),
    ("HTTP  request from fd00::7:1 to a.com:80. Url: a.com/secret. Action: Allow. Rule: r", "HTTP  request from fd00::7:0 to a.com:80. Action: Allow. Rule: r"),
    ("DNS Request: 10.0.0.4:1 - 4711 A IN A.com. udp 42 false 512 NOERROR qr,rd 58 0.02s", "DNS Request: 10.0.0.4:0 - 0 A IN A.com. "),
])  # fmt: skip
def test_old_messages_travel_without_what_makes_each_differ(message: str, kept: str) -> None:
    """By RE2, as Kusto runs it: DuckDB here."""
    import duckdb

    text = "?"
    for pattern, replacement in MESSAGE:
        text = f"regexp_replace({text}, '{pattern}', '{replacement}')"
    assert duckdb.execute(f"SELECT {text}", [message]).fetchone() == (kept,)


def _again(service: LogService, place: str, folder: Path, **more: Any) -> tuple[int, Any]:
    """Asked twice at one address: how many queries the second time took, and what it found."""
    since = dt.date(2026, 11, 23)
    now = more.get("now", NOW)
    with serving(service) as host:
        ask = asking(since, since, now, lambda at: credential_for(Connection(), at), {"XDG_CACHE_HOME": str(folder / "cache")})  # fmt: skip
        for turn in range(2):
            before = len(service.asked)
            files = find_files([place.format(host)], _spool(folder, turn), ask=ask)
    with read_traffic(files, Settings()) as traffic:
        return len(service.asked) - before, (counted(traffic), traffic.account.partial)


def _spool(folder: Path, turn: int) -> Path:
    spool = folder / f"spool-{turn}"
    spool.mkdir()
    return spool


def test_days_that_are_long_over_are_asked_for_once(tmp_path: Path, place: str) -> None:
    assert _again(LogService(EVENTS), place, tmp_path) == (0, (plainly(EVENTS), ()))
    (kept,) = (tmp_path / "cache").rglob("answer-*")
    assert kept.stat().st_mode & 0o077 == 0


def test_a_day_whose_events_may_still_come_is_asked_for_again(tmp_path: Path, place: str) -> None:
    asked, found = _again(
        LogService(EVENTS), place, tmp_path, now=dt.datetime(2026, 11, 24, 22, tzinfo=dt.UTC)
    )
    assert asked > 0
    assert found == (plainly(EVENTS), ())
    assert not list((tmp_path / "cache").rglob("answer-*"))


def test_an_answer_in_part_is_never_kept(tmp_path: Path, place: str) -> None:
    asked, (_, partial) = _again(LogService([event(0, "a.example")] * 9, limit=0), place, tmp_path)
    assert partial
    assert asked > 0
    assert not list((tmp_path / "cache").rglob("answer-*"))
