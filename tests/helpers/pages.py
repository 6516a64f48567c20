"""Pages as a newcomer follows them: files written, commands run in order in one fresh folder, output compared.

- A ``console`` block is run: each ``$`` line as it stands, with ``# exits N`` for a code other than 0. Lines below it are
  parts of what it prints, in any order; ``…`` ends a line of which only the beginning is shown.
- ``RUN`` stands for the run that was printed last.
- A block with ``title="FILE"`` is that file; keys of a YAML file that is there already take the place of the same keys.

``ALLOWLIST_SHELL`` runs every line in a real shell with real processes (``make how-tos``). Else commands run in this process,
which is cheap, and a page is followed until it starts a simulated Azure.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from tests.helpers.cli import Result, allowlist

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^ *```", re.M | re.S
)
_EXITS = re.compile(r"\s+# exits (\d+)$")
_CHANGE_ID = re.compile(r"\b[0-9a-f]{8}\b")
_RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
_NEEDS_A_SHELL = re.compile(r"[|<>&;$(]")


@dataclass
class Command:
    """One ``$`` line of a console block with the lines shown below it."""

    text: str
    code: int = 0
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class File:
    """A file that the page shows and names."""

    name: str
    text: str


def steps_of(page: Path) -> list[Command | File]:
    found: list[Command | File] = []
    for block in _BLOCK.finditer(page.read_text("utf-8")):
        text = re.sub(rf"^{block['indent']}", "", block["text"], flags=re.M)
        if block["title"]:
            found.append(File(block["title"], text))
        elif block["kind"] == "console":
            found += _commands(text)
    return found


def _commands(text: str) -> list[Command]:
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            expected = _EXITS.search(line)
            whole = re.sub(r"\s+# .*$", "", _EXITS.sub("", line[2:]))
            found.append(Command(whole, int(expected[1]) if expected else 0))
        elif line.strip() and line.strip() != "…":
            found[-1].shown.append(line)
    return found


def in_this_process(steps: list[Command | File]) -> list[Command | File]:
    """Up to where a page starts a simulated Azure."""
    return list(
        takewhile(lambda step: isinstance(step, File) or "allowlist simulate" not in step.text, steps)
    )


def put_file(file: File, folder: Path) -> None:
    place = folder / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and place.suffix == ".yaml":
        document = yaml.safe_load(place.read_text("utf-8")) | yaml.safe_load(file.text)
        place.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    else:
        place.write_text(file.text, "utf-8")


def missing_in(command: Command, result: Result) -> list[str]:
    """What the page shows below the command and the command did not print."""
    printed = _CHANGE_ID.sub("ID", result.out + result.err)
    wanted = (_CHANGE_ID.sub("ID", line.rstrip().removesuffix("…")) for line in command.shown)
    return [line for line in wanted if line not in printed]


class Follower:
    """Somebody who does what pages say, line by line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self.folder = monkeypatch, folder
        self._run = "RUN"

    def __enter__(self) -> Follower:
        self._patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""

    def run(self, text: str) -> Result:
        result = self._ran(re.sub(r"\bRUN\b", self._run, text))
        found = _RUN.findall(result.out + result.err)
        self._run = found[-1] if found else self._run
        return result

    def _ran(self, text: str) -> Result:
        words = shlex.split(text)
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            self._patch.chdir(self.folder)
        elif words[0] == "export":
            for word in words[1:]:
                self._patch.setenv(*word.split("=", 1))
        elif words[0] == "allowlist" and not _NEEDS_A_SHELL.search(text):
            return allowlist(*words[1:])
        else:
            done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
            return Result(done.returncode, done.stdout, done.stderr)
        return Result(0, "", "")


class ShellFollower(Follower):
    """The same in one shell, as somebody would type it."""

    def __enter__(self) -> Follower:
        super().__enter__()
        self._shell = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said = self.folder.parent / "said"
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.communicate("kill $(jobs -p) 2>/dev/null; wait; exit\n", timeout=60)

    def _ran(self, text: str) -> Result:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(
            f"{{ {text}\n}} >{self._said}.out 2>{self._said}.err </dev/null; echo $?; pwd\n"
        )
        self._shell.stdin.flush()
        code = int(self._shell.stdout.readline())
        self.folder = Path(self._shell.stdout.readline().rstrip("\n"))
        return Result(code, Path(f"{self._said}.out").read_text(), Path(f"{self._said}.err").read_text())


IN_A_SHELL = "ALLOWLIST_SHELL" in os.environ


def follower(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Follower:
    return (ShellFollower if IN_A_SHELL else Follower)(monkeypatch, folder)
