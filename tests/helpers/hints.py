"""Runs every command that the product prints, there and then: in the folder, with the ledger and against the Azure
it was printed for.

With ``ALLOWLIST_RUN_HINTS`` set to a file, whatever a test drives through :func:`tests.helpers.cli.allowlist` is
followed by the commands it printed, each once per test and form. Files are put back afterwards, and a write to Azure
is refused at the door: that it came so far is what is asked. One line of JSON per command goes to that file
(``make hints`` reads it).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from allowlist.azure.client import ArmClient
from allowlist.cli.main import COMMANDS
from allowlist.errors import TargetDenied
from allowlist.plan.model import SCHEMA

RECORD = os.environ.get("ALLOWLIST_RUN_HINTS", "")
INTERACTIVE = ("review", "simulate", "watch", "demo", "completion", "sync")
"""Those that wait for somebody or something: they are parsed, not run."""
SENT = "a write that the test of hints does not send"

_COMMAND = re.compile(
    r"(?:^|: |next: |or: )allowlist ([a-z]+(?: .*)?)$|['`]allowlist ([a-z]+(?: [^'`]*)?)['`]"
)
_PROSE = re.compile(r", (?:or|then|and) |; | \(| \|")
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]+")
_VALUES = {"TEXT": "because", "REASON": "because", "DIR": "folder", "TIME": "10m", "NAME": "me"}
_seen: set[tuple[str, str]] = set()


def commands_in(printed: str) -> list[str]:
    """The commands in what was printed, on lines of text and inside JSON."""
    lines = [line for text in _texts(printed) for line in text.split("\n")]
    found = (whole or quoted for line in lines for whole, quoted in _COMMAND.findall(line))
    parts = (_PROSE.split(_within_quotes(line))[0].strip().rstrip(".`)") for line in found)
    return [line for line in dict.fromkeys(parts) if line.partition(" ")[0] in COMMANDS]


def _within_quotes(line: str) -> str:
    """Without the end of a quoted text that began before the command, such as that of a value in JSON."""
    return line.rpartition('"')[0] if line.count('"') % 2 else line


def only_describes(arguments: list[str]) -> bool:
    """Help and schemas show forms and examples of commands; they say nothing of what to run here."""
    return not arguments or not {"--help", "-h", "schema"}.isdisjoint(arguments)


def _texts(printed: str) -> Iterator[str]:
    """The texts of one JSON document, or line by line, those of a JSON line and the others as they are."""
    try:
        yield from _strings(json.loads(printed))
    except ValueError:
        for line in printed.split("\n"):
            if line.startswith(("{", "[")) and "\n" in printed:
                yield from _texts(line) if _is_json(line) else ()
            else:
                yield line


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        # A plan says what was sealed, whoever asked for it and wherever it is read again.
        for name, item in value.items():
            yield from _strings(item) if (value.get("schema"), name) != (SCHEMA, "concerns") else ()
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def follow(run: Callable[..., Any], arguments: list[str], *printed: str) -> None:
    """Run the commands in ``printed`` and record how each ended. ``run`` is what runs a command line."""
    if only_describes(arguments):
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    for line in dict.fromkeys(found for text in printed for found in commands_in(text)):
        form = _RUN.sub("RUN", re.sub(r"/\S+", "/…", line))
        if (test, form) not in _seen:
            _seen.add((test, form))
            _record({"test": test, "after": arguments, "hint": line, **_outcome(run, line, arguments)})


def follow_process(environ: Mapping[str, str], folder: Path, arguments: list[str], *printed: str) -> None:
    """The same for a process of its own, with its surroundings."""
    from tests.helpers.cli import run

    with contextlib.chdir(folder), mock.patch.dict(os.environ, environ, clear=True):
        follow(run, arguments, *printed)


def watch_processes() -> None:
    """From now on what :func:`subprocess.run` catches of the product is followed too."""
    unwatched = subprocess.run

    def watched(command: Any, *more: Any, **options: Any) -> Any:
        ended = unwatched(command, *more, **options)
        words = [str(word) for word in command] if isinstance(command, (list, tuple)) else []
        if any(Path(word).name == "allowlist" for word in words[:3]):
            at = next(number for number, word in enumerate(words) if Path(word).name == "allowlist")
            texts = [_text(caught) for caught in (ended.stderr, ended.stdout) if caught]
            environ, folder = options.get("env") or os.environ, Path(options.get("cwd") or Path.cwd())
            follow_process(dict(environ), folder, words[at + 1 :], *texts)
        return ended

    mock.patch.object(subprocess, "run", watched).start()


def _text(caught: str | bytes) -> str:
    return caught.decode("utf-8", "replace") if isinstance(caught, bytes) else caught


def _outcome(run: Callable[..., Any], line: str, arguments: list[str]) -> dict[str, Any]:
    try:
        words = [_VALUES.get(word, word) for word in shlex.split(line)]
    except ValueError as error:
        return {"code": "unreadable", "err": str(error)}
    words = [_stand_in(word, arguments) for word in words]
    if words[0] in INTERACTIVE:
        words.insert(1, "--help")
    if any(word.isupper() and len(word) > 2 for word in words[1:]):
        return {"code": "placeholder", "err": ""}
    if not Path.cwd().is_relative_to(tempfile.gettempdir()):
        return {"code": "elsewhere", "err": "the test does not run in a folder of its own"}
    untraced = mock.patch.dict(os.environ, {"OTEL_SDK_DISABLED": "true"})
    with _put_back(*_ledgers(words)), untraced, mock.patch.object(ArmClient, "_write", _refuse):
        result = run(*words)
    return {"code": result.code, "err": result.err[-2000:]}


def _stand_in(word: str, arguments: list[str]) -> str:
    """PLAN and FILE are the plan that was spoken of; RUN the run."""
    if word in ("PLAN", "FILE"):
        return next((item for item in arguments if item.endswith(".json")), word)
    if word == "RUN":
        return next((item for item in arguments if _RUN.fullmatch(item)), word)
    return word


def _refuse(self: ArmClient, method: str, url: str, body: Any) -> Any:
    raise TargetDenied(SENT, status=403)


def _ledgers(words: list[str]) -> list[Path]:
    """The folders of the ledgers that a command or its surroundings name."""
    named = [*words, os.environ.get("ALLOWLIST_LEDGER", "")]
    files = (
        Path(word.removeprefix("sqlite:///")).resolve() for word in named if word.startswith("sqlite:///")
    )
    return [file.parent for file in files if file.is_file() and file.is_relative_to(tempfile.gettempdir())]


@contextmanager
def _put_back(*others: Path) -> Iterator[None]:
    """The folder of the test, the home of the product and ``others`` as they were, whatever a command does to them."""
    homes = [os.environ.get(name) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")]
    found = dict.fromkeys([Path.cwd(), *(Path(home) for home in homes if home), *others])
    places = [
        place for place in found if not any(place != one and place.is_relative_to(one) for one in found)
    ]
    with tempfile.TemporaryDirectory() as kept:
        for number, place in enumerate(places):
            if place.is_dir():
                shutil.copytree(place, Path(kept, str(number)), symlinks=True)
        try:
            yield
        finally:
            for number, place in enumerate(places):
                _restore(Path(kept, str(number)), place)


def _restore(kept: Path, place: Path) -> None:
    """In place: somebody may have a file open."""
    was = {path.relative_to(kept) for path in kept.rglob("*")} if kept.exists() else set()
    for path in sorted(place.rglob("*"), reverse=True) if place.is_dir() else ():
        if path.relative_to(place) not in was:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    for name in sorted(was):
        source, target = kept / name, place / name
        if source.is_file() and not (target.is_file() and source.read_bytes() == target.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())


def _record(found: dict[str, Any]) -> None:
    with open(RECORD, "a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")


def failures(record: Path) -> list[str]:
    """Hints that are not commands, that ended as a defect of ours, or that lacked what the command before was given."""
    return [
        f"{item['test']}: allowlist {item['hint']}: {item['code']}: {item['err'].strip()[-300:]}"
        for item in _recorded(record)
        if item["code"] in ("unreadable", 4) or any(sign in item["err"] for sign in _SIGNS)
    ]


_SIGNS = (
    "Usage: allowlist",
    "error: unexpected",
    "allowlist.yaml is not there",
    "allowlist.yaml does not exist",
)


def counts(*records: Path) -> dict[str, int]:
    """How many hints ended how: ``0``, ``5``, ``placeholder`` …"""
    codes = (str(item["code"]) for record in records for item in _recorded(record))
    return dict(Counter(codes).most_common())


def _recorded(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text("utf-8").splitlines()]
