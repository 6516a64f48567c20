"""A real terminal: a tmux pane with a shell in it, its keys and what stands on it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.served import wait_until

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)


@dataclass(frozen=True)
class Terminal:
    """One pane of a tmux server of its own."""

    name: str

    def tmux(self, *words: object) -> str:
        command = ["tmux", "-L", self.name, "-f", "/dev/null", *map(str, words)]
        # GNU readline, loaded by pytest, slips the size of its own terminal into the environment.
        environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    def run(self, command: Sequence[object]) -> None:
        """Type a command line into the shell."""
        self.tmux("send-keys", "-l", shlex.join(map(str, command)))
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Keys as tmux calls them: ``Space``, ``C-q``, ``x``."""
        self.tmux("send-keys", *keys)

    def paste(self, text: str, *, bracketed: bool) -> None:
        self.tmux("set-buffer", text)
        self.tmux("paste-buffer", *(["-p"] if bracketed else []))

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", width, "-y", height)

    def screen(self, *options: str) -> str:
        return self.tmux("capture-pane", "-p", *options)

    def reads(self, text: str) -> str:
        """Wait until ``text`` stands on the screen."""
        wait_until(lambda: text in self.screen(), lambda: f"{text!r} on the screen:\n{self.screen()}")
        return self.screen()

    def program(self) -> int:
        """The process id of what the shell runs just now."""
        listing = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", self.flag("pane_pid")], capture_output=True, text=True
        )
        return int(listing.stdout.split()[0])

    def is_at_the_shell(self) -> bool:
        return self.flag("alternate_on") == "0" and self.screen().rstrip().endswith("$")

    def close(self) -> None:
        """Close the window, as a person does who is done."""
        subprocess.run(["tmux", "-L", self.name, "kill-server"], capture_output=True, check=False)

    def flag(self, name: str) -> str:
        """What tmux knows of the pane, such as ``alternate_on`` or ``mouse_any_flag``."""
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()


@contextmanager
def terminal(folder: Path, width: int = 80, height: int = 24, **environ: str) -> Iterator[Terminal]:
    """A shell in ``folder``; variables of this process are there too, so that homes stay the test's own."""
    pane = Terminal(f"allowlist-{uuid.uuid4().hex[:12]}")
    given = [word for name, value in environ.items() for word in ("-e", f"{name}={value}")]
    plain = () if "NO_COLOR" in environ else ("-u", "NO_COLOR")
    size = ("-x", width, "-y", height)
    pane.tmux("new-session", "-d", *size, "-c", folder, *given, "env", *plain, "PS1=$ ", "sh")
    try:
        pane.reads("$")
        yield pane
    finally:
        pane.close()
