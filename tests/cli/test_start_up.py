"""Help and offline work load nothing heavy, and every command explains itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from allowlist.cli import main
from allowlist.cli.main import COMMANDS
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

HEAVY = (
    "azure",
    "textual",
    "deepdiff",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "httpx",
    "asyncio",
    "ssl",
    "logging",
    "markdown_it",
    "ruamel",
)


@pytest.mark.parametrize(
    "command", [["--help"], ["--version"], ["check"], ["plan"]], ids=lambda item: item[0]
)
def test_offline_work_loads_nothing_heavy(command: list[str]) -> None:
    if command[0] in ("check", "plan"):
        command = [*command, "--workload", str(FIREWALL_ONLY), "--snapshot", str(CONTOSO)]
    script = (
        "import sys; from allowlist.cli.main import invoke; code = invoke(sys.argv[1:]);"
        f"print('LOADED', code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    assert "LOADED 0 []" in result.stderr, result.stderr


def test_help_lists_every_command() -> None:
    text = allowlist("--help").out
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = allowlist(name, "--help")
    assert result.code == 0
    assert "Usage: allowlist" in result.out


@pytest.mark.parametrize("columns", ["", "0", "20", "79", "80", "100", "250", "many"])
def test_the_help_of_all_commands_is_as_wide_as_that_of_each(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main._help_width() == click.HelpFormatter(max_width=main._WIDEST).width
