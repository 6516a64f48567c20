"""One holder at a time, and whoever lost the lock is told before writing on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from allowlist.errors import AllowlistError, LockHeld
from allowlist.store import Ledger
from tests.helpers.ledgers import HandClock, execute_raw, opened

MINUTE = timedelta(minutes=1)
LONG_AGO = "2020-01-01T00:00:00.000000+00:00"


def expire(url: str, name: str = "hub") -> None:
    execute_raw(url, f"UPDATE ledger_lock SET expires = '{LONG_AGO}' WHERE name = '{name}'")


def test_a_held_lock_says_who_has_it_since_when_and_what_to_do(ledger: Ledger) -> None:
    with ledger.lock("hub", owner="ada@build-7 pid 41", lease=MINUTE):
        since = f"{ledger.locks()[0].since:%Y-%m-%d %H:%M:%S}"
        with pytest.raises(LockHeld) as caught, ledger.lock("hub", owner="bob", lease=MINUTE):
            pass
    assert str(caught.value) == f"the lock 'hub' is held by ada@build-7 pid 41 since {since}+00:00"
    assert "--lock-timeout" in caught.value.hint
    assert "allowlist unlock hub" in caught.value.hint
    assert caught.value.exit_code == 6


def test_a_lock_has_an_owner_with_a_name(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="name of its owner"), ledger.lock("hub", owner="", lease=MINUTE):
        pass


def test_locks_of_different_names_do_not_meet(ledger: Ledger) -> None:
    with ledger.lock("hub", owner="ada", lease=MINUTE), ledger.lock("spoke", owner="bob", lease=MINUTE):
        assert [(lease.name, lease.owner) for lease in ledger.locks()] == [("hub", "ada"), ("spoke", "bob")]
    assert ledger.locks() == ()


def test_a_lock_is_free_again_after_an_error_in_its_body(ledger: Ledger) -> None:
    with pytest.raises(KeyboardInterrupt), ledger.lock("hub", owner="ada", lease=MINUTE):
        raise KeyboardInterrupt
    with ledger.lock("hub", owner="bob", lease=MINUTE) as lock:
        lock.check()


def test_the_token_grows_with_every_holder(ledger: Ledger) -> None:
    tokens = []
    for owner in ("ada", "bob", "ada"):
        with ledger.lock("hub", owner=owner, lease=MINUTE) as lock:
            tokens.append(lock.token)
    assert tokens == sorted(set(tokens))


def test_an_expired_lease_is_taken_over_on_record_and_its_holder_must_stop(
    ledger: Ledger, ledger_url: str
) -> None:
    with ExitStack() as ada, ledger.lock("spoke", owner="ada", lease=MINUTE) as other:
        lost = ada.enter_context(ledger.lock("hub", owner="ada", lease=MINUTE))
        expire(ledger_url)
        with ledger.lock("hub", owner="bob", lease=MINUTE) as mine:
            with pytest.raises(LockHeld, match="ada no longer holds the lock 'hub': bob took it over"):
                lost.check()
            ada.close()
            mine.check()
            other.check()
            assert mine.token > lost.token
    takeover = next(entry for entry in ledger.entries() if entry.kind == "lock-takeover")
    assert (takeover.subject, takeover.body["owner"], takeover.body["expired"]["owner"]) == (
        "hub",
        "bob",
        "ada",
    )


def test_a_namesake_of_the_holder_is_not_the_holder(ledger: Ledger, ledger_url: str) -> None:
    with ledger.lock("hub", owner="sync job", lease=MINUTE) as lost:
        expire(ledger_url)
        with ledger.lock("hub", owner="sync job", lease=MINUTE) as mine:
            with pytest.raises(LockHeld, match="no longer holds"):
                lost.check()
            mine.check()


def test_a_lease_that_ended_unnoticed_is_renewed_by_the_next_check(ledger: Ledger, ledger_url: str) -> None:
    with ledger.lock("hub", owner="ada", lease=MINUTE) as lock:
        expire(ledger_url)
        lock.check()
        with pytest.raises(LockHeld), ledger.lock("hub", owner="bob", lease=MINUTE):
            pass


def test_unlocking_is_on_record_with_its_reason_and_stops_the_holder(ledger: Ledger) -> None:
    with ledger.lock("hub", owner="ada", lease=MINUTE) as lock:
        ended = ledger.unlock("hub", "bob@example.com", "build-7 lost power")
        assert ended.owner == "ada"
        with pytest.raises(LockHeld, match="it was unlocked by hand"):
            lock.check()
        with ledger.lock("hub", owner="carol", lease=MINUTE) as next_lock:
            next_lock.check()
    (entry,) = ledger.entries()
    assert (entry.kind, entry.subject) == ("unlock", "hub")
    assert (entry.body["who"], entry.body["reason"]) == ("bob@example.com", "build-7 lost power")


def test_there_is_nothing_to_unlock_where_nobody_holds_anything(ledger: Ledger) -> None:
    with pytest.raises(AllowlistError, match="'hub' is not held"):
        ledger.unlock("hub", "bob", "why not")
    with ledger.lock("hub", owner="ada", lease=MINUTE):
        pass
    with pytest.raises(AllowlistError, match="'hub' is not held"):
        ledger.unlock("hub", "bob", "why not")


def test_whoever_waits_gets_the_lock_when_it_is_freed(ledger: Ledger) -> None:
    got_it = threading.Event()

    def wait_for_it() -> None:
        with ledger.lock("hub", owner="bob", lease=MINUTE, wait=timedelta(seconds=60)) as lock:
            lock.check()
            got_it.set()

    with ledger.lock("hub", owner="ada", lease=MINUTE):
        waiter = threading.Thread(target=wait_for_it)
        waiter.start()
        assert not got_it.is_set()
    waiter.join()
    assert got_it.is_set()


def test_a_lease_is_renewed_while_the_work_goes_on(tmp_path: Path, clock: HandClock) -> None:
    with opened(f"sqlite:///{tmp_path / 'ledger.db'}", clock) as ledger:
        with ledger.lock("hub", owner="ada", lease=timedelta(milliseconds=30)) as lock:
            clock.advance(timedelta(milliseconds=20))
            while ledger.locks()[0].expires == lock.lease.expires:
                time.sleep(0.005)
        assert ledger.locks() == ()


def test_a_check_fails_closed_when_the_ledger_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with (
        opened(f"sqlite:///{file}?timeout=0.01") as ledger,
        ledger.lock("hub", owner="ada", lease=MINUTE) as lock,
    ):
        execute_raw(f"sqlite:///{file}", "DROP TABLE ledger_lock")
        with pytest.raises(AllowlistError, match="ledger"):
            lock.check()


def test_processes_that_race_for_a_lock_hold_it_one_at_a_time(ledger_url: str, tmp_path: Path) -> None:
    opened(ledger_url).close()
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", _COUNT, ledger_url, str(counter)]
    processes = [subprocess.Popen([*command, f"process {n}"], stderr=subprocess.PIPE) for n in range(3)]
    told = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told
    assert counter.read_text() == "15"


_COUNT = """
import sys, time
from datetime import timedelta
from pathlib import Path
from tests.helpers.ledgers import opened
url, counter, owner = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
with opened(url) as ledger:
    for _ in range(5):
        with ledger.lock("hub", owner=owner, lease=timedelta(minutes=1), wait=timedelta(minutes=2)) as lock:
            found = int(counter.read_text())
            lock.check()
            time.sleep(0.01)
            counter.write_text(str(found + 1))
"""


def test_unlocking_by_token_spares_whoever_took_the_lock_meanwhile(ledger: Ledger) -> None:
    with ledger.lock("hub", owner="ada", lease=MINUTE) as old:
        ledger.unlock("hub", "bob", "ada is gone", old.token)
    with (
        ledger.lock("hub", owner="carol", lease=MINUTE) as new,
        pytest.raises(AllowlistError, match="not held"),
    ):
        ledger.unlock("hub", "bob", "ada is gone", old.token)
    assert new.token > old.token


HOLD_AND_DIE = """
import os, sys
from datetime import timedelta
from tests.helpers.ledgers import opened
ledger = opened(sys.argv[1])
with ledger.lock("hub", owner="ada", lease=timedelta(hours=1)):
    os.kill(os.getpid(), 9)
"""


def hold_and_die(ledger_url: str) -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", HOLD_AND_DIE, ledger_url], check=False, cwd=root)


def test_a_process_killed_on_this_machine_loses_its_lock_at_once(ledger_url: str) -> None:
    hold_and_die(ledger_url)
    with opened(ledger_url) as ledger:
        assert [lease.owner for lease in ledger.locks()] == ["ada"]
        with ledger.lock("hub", owner="bob", lease=MINUTE) as lock:
            assert lock.token == 2
        assert "lock-takeover" in {entry.kind for entry in ledger.entries()}


def test_a_process_of_another_machine_keeps_its_lock_until_its_lease_ends(ledger_url: str) -> None:
    hold_and_die(ledger_url)
    execute_raw(ledger_url, "UPDATE ledger_lock SET owner = 'ada in process elsewhere/12345678 99 1'")
    with opened(ledger_url) as ledger:
        with (
            pytest.raises(LockHeld, match="held by ada since"),
            ledger.lock("hub", owner="bob", lease=MINUTE),
        ):
            pass
        expire(ledger_url)
        with ledger.lock("hub", owner="bob", lease=MINUTE):
            pass
