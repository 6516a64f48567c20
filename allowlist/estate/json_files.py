"""JSON as people have it: files, folders and standard input, within bounds, decoded to plain data.

UTF-8 or UTF-16 (Windows PowerShell's ``>``), with comments (``.jsonc``, templates), in any letter case of the ending.
What is no regular file, too large, too deep or no JSON is refused with its place; nothing is waited for.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.source import MAX_JSON_BYTES, deepest_line, parse_json_source, read_standard_input
from allowlist.errors import InvalidInput
from allowlist.estate.foreign import TOOL_FOLDERS
from allowlist.estate.yaml_files import refuse_yaml

ENDINGS = (".json", ".jsonc")
RULE_LISTS = ".rules.yaml"
"""How mapping files of rule lists in a folder are called."""
STANDARD_INPUT = Path("-")
MAX_FILES = 20_000
MAX_TEMPLATE_CHARACTERS = 16 * 1024 * 1024
"""Of a text with comments. Resource Manager takes templates of 4 MB."""
_HINT = "write one with: allowlist snapshot -o DIR"
_AGAIN = "save the whole answer again; nothing was read from this snapshot"
_SMALLER = (
    "save fewer resources in a file, those of the targets and of what they name: allowlist snapshot -o DIR"
)
_REGULAR = "save it as a file, or hand it over as standard input: … --snapshot -"
_NESTED = "give the template or the resources themselves; none of Azure's is nested like this"


class JsonFile(msgspec.Struct, frozen=True):
    """A file's name, its data, and its bytes for saying where something stands."""

    path: Path
    data: Any
    raw: bytes

    def __str__(self) -> str:
        return "standard input" if self.path == STANDARD_INPUT else str(self.path)

    def line_of(self, text: str) -> int:
        """The first line on which ``text`` stands, counted from 1; 0 if it is nowhere as it is."""
        found = self.raw.find(json.dumps(text, ensure_ascii=False)[1:-1].encode()) if text else -1
        return self.raw.count(b"\n", 0, found) + 1 if found >= 0 else 0


def read_json_files(path: Path) -> Iterator[JsonFile | InvalidInput]:
    """Every JSON file at or below ``path``, or what is wrong with it. Raises InvalidInput where there is none."""
    for file in [path] if path == STANDARD_INPUT else _files(path):
        try:
            yield read_json_file(file)
        except InvalidInput as error:
            yield error


def read_json_file(file: Path) -> JsonFile:
    """One file. Raises InvalidInput with the place of the first mistake."""
    raw = _in_utf8(_standard_input() if file == STANDARD_INPUT else _bytes(file))
    return JsonFile(file, _decoded(raw, "standard input" if file == STANDARD_INPUT else str(file)), raw)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return _files_below(path)
    if not path.exists():
        raise InvalidInput.of(path, "does not exist", hint=_HINT)
    return [path]


def _files_below(folder: Path) -> list[Path]:
    found = files_below(folder, ENDINGS)
    if not found:
        sources = files_below(folder, (".bicep",))
        hint = f"compile it first: az bicep build --file {sources[0]}" if sources else _HINT
        raise InvalidInput.of(folder, "holds no *.json file", hint=hint)
    return found


def files_below(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """Files by their ending in any letter case, without following linked folders, which may form a ring.

    What tools keep for themselves (``.terraform``, ``.vscode``, ``node_modules``) is passed over.
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name.lower() not in TOOL_FOLDERS)
        found += [Path(parent, name) for name in names if name.lower().endswith(endings)]
        if len(found) > MAX_FILES:
            raise InvalidInput.of(folder, f"holds more than {MAX_FILES} such files; name a smaller folder")
    return sorted(found)


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        raise InvalidInput.of("standard input", "is a terminal; pipe JSON into it")
    return read_standard_input(MAX_JSON_BYTES)


def _bytes(file: Path) -> bytes:
    """Of a regular file, or of what the shell hands over open (``<(…)``); nothing else is opened."""
    try:
        mode = file.stat().st_mode
        handed_over = stat.S_ISFIFO(mode) and str(file).startswith(("/dev/fd/", "/proc/self/fd/"))
        if not stat.S_ISREG(mode) and not handed_over:
            raise InvalidInput.of(file, "is no regular file, so it is not read", hint=_REGULAR)
        with file.open("rb") as stream:
            return _bounded(stream.read(MAX_JSON_BYTES + 1), str(file))
    except OSError as error:
        raise InvalidInput.of(file, f"cannot be read: {error.strerror}") from None


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > MAX_JSON_BYTES:
        raise InvalidInput.of(name, f"is larger than {MAX_JSON_BYTES // 1024 // 1024} MiB", hint=_SMALLER)
    return raw


def _in_utf8(raw: bytes) -> bytes:
    """The bytes of the same text in UTF-8, without a byte order mark. JSON begins with a character of ASCII."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace").encode()
    if raw[1:2] == b"\0":
        return raw.decode("utf-16-le", "replace").encode()
    if raw[:1] == b"\0":
        return raw.decode("utf-16-be", "replace").encode()
    return raw.removeprefix(codecs.BOM_UTF8)


def _decoded(raw: bytes, name: str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        line = deepest_line(raw.decode("utf-8", "replace"))
        raise InvalidInput.of(name, "is nested too deeply", line=line, column=1, hint=_NESTED) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decoded_with_comments(raw.decode("utf-8", "replace"), name, error)


def _decoded_with_comments(text: str, name: str, error: Exception) -> Any:
    if len(text) <= MAX_TEMPLATE_CHARACTERS:
        try:
            return parse_commented(text)
        except (ValueError, RecursionError):
            pass
    refuse_yaml(text, name)
    try:
        parse_json_source(text, name)
    except InvalidInput as found:
        raise InvalidInput(found.problems, hint=_AGAIN if "not JSON" in str(found) else "") from None
    raise InvalidInput.of(name, f"is not JSON: {error}", hint=_AGAIN)


def parse_commented(text: str) -> Any:
    """JSON as ARM takes it in templates: with comments and texts over several lines. Raises ValueError."""
    return json.loads("".join(_without_comments(text)), strict=False)


def _without_comments(text: str) -> Iterator[str]:
    """The text in pieces, each comment a space; one that never ends is left for the decoder to complain about."""
    at = start = 0
    while at < len(text):
        mark = text[at]
        if mark == '"':
            at = _end_of_string(text, at)
        elif mark == "/" and text[at + 1 : at + 2] in ("/", "*"):
            ending = "\n" if text[at + 1] == "/" else "*/"
            end = text.find(ending, at + 2)
            yield text[start:at] + " "
            at = start = len(text) if end < 0 else end + (ending == "*/") * 2
        else:
            at += 1
    yield text[start:]


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == '"':
            return at + 1
        else:
            at += 1
    return at
