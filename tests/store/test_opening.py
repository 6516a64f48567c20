"""Where the ledger lives, and how it says that it cannot be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from allowlist.errors import AllowlistError
from allowlist.store import open_ledger
from tests.helpers.ledgers import execute_raw, opened, step, wall_clock, with_run


def refusal(url: str | None, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(AllowlistError) as caught:
        open_ledger(url, environ=environ or {}, clock=wall_clock).close()
    assert caught.value.hint
    return str(caught.value)


class TestPlace:
    def test_the_ledger_lives_in_the_xdg_state_folder(self, tmp_path: Path) -> None:
        environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": "/nowhere"}
        with open_ledger(None, environ=environ, clock=wall_clock) as ledger:
            assert ledger.place == str(tmp_path / "state" / "allowlist" / "ledger.db")

    @pytest.mark.parametrize("state_home", [{}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative/state"}])
    def test_without_a_usable_xdg_folder_it_lives_below_home(
        self, tmp_path: Path, state_home: dict[str, str]
    ) -> None:
        with open_ledger(None, environ={"HOME": str(tmp_path), **state_home}, clock=wall_clock) as ledger:
            assert ledger.place == str(tmp_path / ".local" / "state" / "allowlist" / "ledger.db")

    def test_without_a_home_it_says_what_to_set(self) -> None:
        assert "neither XDG_STATE_HOME nor HOME is set" in refusal(None, {})

    def test_nobody_else_can_read_it(self, tmp_path: Path) -> None:
        with open_ledger(None, environ={"HOME": str(tmp_path)}, clock=wall_clock) as ledger:
            with_run(ledger)
            file = Path(ledger.place)
            files = [file, *file.parent.glob("ledger.db-*")]
            assert len(files) == 3
            assert {oct(one.stat().st_mode & 0o777) for one in files} == {"0o600"}
        assert oct(file.parent.stat().st_mode & 0o777) == "0o700"

    @pytest.mark.parametrize("url", ["mysql://h/d", "ledger.db", "redis://h", "sqlite:/x:y:z"])
    def test_a_url_of_another_kind_is_refused(self, url: str) -> None:
        assert "URL is not understood" in refusal(url)

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
    def test_a_ledger_that_would_forget_is_refused(self, url: str) -> None:
        assert "cannot live in memory" in refusal(url)


class TestSchema:
    def test_opening_twice_changes_nothing(self, ledger_url: str) -> None:
        opened(ledger_url).close()
        with opened(ledger_url) as ledger:
            assert ledger.head().seq == 0

    def test_a_newer_schema_is_refused(self, ledger_url: str) -> None:
        opened(ledger_url).close()
        execute_raw(ledger_url, "INSERT INTO ledger_schema VALUES (99, '2030-01-01')")
        message = refusal(ledger_url)
        assert "has schema 99, this version of allowlist knows up to 2" in message

    def test_many_processes_may_open_a_new_ledger_at_once(self, ledger_url: str) -> None:
        command = [sys.executable, "-c", _OPEN, ledger_url]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
        told = [process.communicate()[1].decode() for process in processes]
        assert [process.returncode for process in processes] == [0] * 4, told


class TestDurability:
    """Loss of power cannot be tested here; that the engines are told to flush before they answer can."""

    def test_sqlite_flushes_every_commit(self, tmp_path: Path) -> None:
        with opened(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger, ledger._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2

    def test_postgresql_flushes_every_commit_whatever_the_role_is_set_to(
        self, postgresql_ledger_url: str
    ) -> None:
        url = make_url(postgresql_ledger_url)
        careless = url.update_query_dict({"options": f"{url.query['options']} -csynchronous_commit=off"})
        with (
            opened(careless.render_as_string(hide_password=False)) as ledger,
            ledger._database.read() as connection,
        ):
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


class TestBehindAPooler:
    """PgBouncer in transaction mode, as Azure Database for PostgreSQL brings it, hands out a server connection by transaction."""

    def test_each_transaction_brings_its_settings_and_leaves_none_behind(
        self, postgresql_ledger_url: str
    ) -> None:
        with opened(postgresql_ledger_url) as ledger:
            for _ in range(2):
                with ledger._database.read() as connection:
                    assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "10s"
                with ledger._database._engine.connect() as connection:
                    raw = connection.connection.cursor()
                    raw.execute("SHOW lock_timeout")
                    assert raw.fetchone() == ("0",)
                    raw.execute("RESET ALL")
                    connection.connection.commit()

    def test_nothing_is_prepared_on_the_server(self, postgresql_ledger_url: str) -> None:
        with opened(postgresql_ledger_url) as ledger:
            for _ in range(12):
                ledger.decisions_made()
                with ledger._database.read() as connection:
                    found = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()
                    assert found == 0


class TestFaults:
    def test_a_server_that_is_not_there_is_told_without_the_password(self) -> None:
        message = refusal("postgresql://ada:hunter2@127.0.0.1:1/ledger")
        assert "postgresql://ada:***@127.0.0.1:1/ledger cannot be reached" in message
        assert "hunter2" not in message

    def test_a_database_that_does_not_exist_is_told(self, postgresql_url: str) -> None:
        url = make_url(postgresql_url).set(database="nowhere").render_as_string(hide_password=False)
        assert 'database "nowhere" does not exist' in refusal(url)

    def test_a_connection_the_server_closed_is_replaced_before_the_next_write(
        self, postgresql_ledger_url: str
    ) -> None:
        with opened(postgresql_ledger_url) as ledger:
            run_id = with_run(ledger)
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            execute_raw(postgresql_ledger_url, f"{others} AND application_name = 'allowlist'")
            ledger.record_step(run_id, step())
            assert len(ledger.run(run_id).steps) == 1

    def test_a_read_only_database_is_told(self, postgresql_ledger_url: str) -> None:
        url = make_url(postgresql_ledger_url)
        options = f"{url.query['options']} -cdefault_transaction_read_only=on"
        message = refusal(url.update_query_dict({"options": options}).render_as_string(hide_password=False))
        assert "read-only" in message

    def test_a_read_only_file_can_be_read_and_not_written(self, tmp_path: Path) -> None:
        with opened(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            run_id = with_run(ledger)
        with opened(f"sqlite:///file:{tmp_path / 'ledger.db'}?mode=ro&uri=true") as ledger:
            assert ledger.run(run_id).kind == "apply"
            with pytest.raises(AllowlistError, match="read-only"):
                ledger.record_step(run_id, step())

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("a file, not a folder")
        assert "cannot be opened" in refusal(None, {"XDG_STATE_HOME": str(tmp_path / "state")})

    def test_a_file_that_is_no_ledger_is_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "ledger.db"
        file.write_bytes(b"minutes of the meeting\n" * 100)
        assert "is damaged or not a ledger" in refusal(f"sqlite:///{file}")
        assert file.read_bytes() == b"minutes of the meeting\n" * 100

    def test_a_ledger_somebody_else_is_writing_to_is_busy(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        with opened(f"{url}?timeout=0.01") as ledger:
            engine = create_engine(url)
            with engine.connect() as other:
                other.exec_driver_sql("BEGIN IMMEDIATE")
                with pytest.raises(AllowlistError, match="is busy"):
                    with_run(ledger)
                assert ledger.runs() == ()
            engine.dispose()

    def test_a_full_disk_fails_the_write_and_keeps_what_was_there(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        with opened(url) as ledger:
            run_id = with_run(ledger)
        told = subprocess.run(
            [sys.executable, "-c", _FILL, url, run_id], capture_output=True, text=True, check=True
        )
        kept, message = told.stdout.splitlines()
        assert "cannot be written" in message
        with opened(url) as ledger:
            assert len(ledger.run(run_id).steps) == int(kept)
            assert ledger.verify() == ()


def test_importing_the_store_loads_no_database() -> None:
    script = "import sys, allowlist.store; sys.exit('sqlalchemy' in sys.modules or 'sqlite3' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], check=False, cwd=Path.cwd(), env=os.environ).returncode
        == 0
    )


_OPEN = """
import sys
from tests.helpers.ledgers import opened
opened(sys.argv[1]).close()
"""

_FILL = """
import resource, sys
from allowlist.errors import AllowlistError
from tests.helpers.ledgers import opened, step
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
kept = 0
with opened(sys.argv[1]) as ledger:
    try:
        while kept < 1000:
            ledger.record_step(sys.argv[2], step(kept, detail={"body": "x" * 4000}))
            kept += 1
    except AllowlistError as error:
        print(kept)
        print(error)
"""


def test_a_run_is_not_begun_on_a_disk_that_has_no_room_for_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    with opened(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 << 20))
        with pytest.raises(AllowlistError, match=r"nearly full: 3 MiB are free, a run needs 16"):
            ledger.begin_run("r1", "p1", "alice", wall_clock(), "apply")
        assert not ledger.runs()
