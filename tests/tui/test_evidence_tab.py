"""The evidence tab: what was denied and is wanted, let through and not required, unused; and what was not read."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from allowlist.simulator.traffic import decided
from allowlist.store import Ledger
from allowlist.store.traffic import TrafficDay
from allowlist.traffic.engine import Traffic
from allowlist.workflow.project import Project
from tests.helpers.cli import CONTOSO
from tests.helpers.screen import Person, drive
from tests.helpers.sessions import ledger_in, noon, offline_session
from tests.helpers.traffic import bodies_in, event, reading, write
from tests.store.test_traffic import MONDAY, group

AGENT = "10.40.0.4"


def logs(folder: Path, *names: str, broken: bool = False) -> Path:
    bodies = bodies_in(CONTOSO)
    found = write(folder / "logs", [decided(event(20 * n, name, source=AGENT), bodies) for n, name in enumerate(names)])  # fmt: skip
    if broken:
        (found / "broken.json").write_text("{\n")
    return found


def looking(folder: Path, found: Path, script: Any) -> None:
    def traffic(project: Project) -> AbstractContextManager[Traffic]:
        del project
        return reading([found], folder)

    session = offline_session(folder, traffic=traffic)
    try:
        drive(session, script)
    finally:
        session.close()


def test_denied_and_wanted_comes_first_and_is_told_in_full(tmp_path: Path) -> None:
    async def script(person: Person) -> None:
        await person.press("6")
        await person.until(lambda: "models.research.contoso.com" in person.screen_text)
        assert "✓ all read" in person.screen_text
        assert "✗ required" in person.screen_text
        assert "│ · unused" in person.screen_text
        await person.press("down")
        await person.until(lambda: "own@research-agents#model-registry" in person.screen_text)

    looking(tmp_path, logs(tmp_path, "www.hugg1ngface.co", "models.research.contoso.com"), script)


def test_what_was_not_read_is_said_first_and_nothing_is_called_unused(tmp_path: Path) -> None:
    async def script(person: Person) -> None:
        await person.press("6")
        await person.until(lambda: "△ in part" in person.screen_text)
        assert "unused not said" in person.screen_text
        assert "│ · unused" not in person.screen_text
        await person.until(lambda: "1 file was not read" in person.screen_text)

    looking(tmp_path, logs(tmp_path, "www.hugg1ngface.co", broken=True), script)


def test_without_logs_what_the_ledger_remembers_is_shown(tmp_path: Path) -> None:
    async def script(person: Person) -> None:
        await person.press("6")
        await person.until(lambda: "pytorch.org https:443" in person.screen_text)

    with ledger_in(tmp_path, noon) as ledger:
        _remember(ledger)
    session = offline_session(tmp_path)
    try:
        drive(session, script)
    finally:
        session.close()


def _remember(ledger: Ledger) -> None:
    row = group(source=AGENT, protocol="https", action="deny", n=7)
    ledger.keep_traffic("research-agents", [TrafficDay(day=MONDAY, rows=[row])], MONDAY)


def test_without_any_log_the_tab_says_where_logs_are_named(tmp_path: Path) -> None:
    async def script(person: Person) -> None:
        await person.press("6")
        await person.until(lambda: "the ledger remembers no traffic" in person.screen_text)

    session = offline_session(tmp_path)
    try:
        drive(session, script)
    finally:
        session.close()
