"""Whatever stands where a file is named, it is refused in words, with its line where there is one; nothing is waited for."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from allowlist.documents.source import (
    MAX_DOCUMENT_BYTES,
    in_utf8,
    load_source,
    read_standard_input,
    read_text,
)
from allowlist.errors import InvalidInput
from allowlist.estate.snapshot import read_snapshot
from allowlist.traffic import files

READERS: tuple[Callable[[Path], object], ...] = (load_source, read_snapshot)


@pytest.mark.parametrize("reader", [*READERS, read_text])
def test_pipes_and_devices_are_not_opened(reader: Callable[[Path], object], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero")):
        with pytest.raises(InvalidInput, match="no regular file"):
            reader(place)


@pytest.mark.parametrize("reader", READERS)
def test_numbers_without_end_are_refused_with_their_line(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    file.write_text('{"a":\n' + "9" * 5000 + "}")
    with pytest.raises(InvalidInput, match="too many digits") as refused:
        reader(file)
    assert refused.value.problems[0].line == 2


@pytest.mark.parametrize("reader", READERS)
def test_what_is_larger_than_a_document_may_be_is_refused(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    with file.open("wb") as stream:
        stream.truncate(600 * 1024 * 1024)
    with pytest.raises(InvalidInput, match=r"larger than \d+ MiB"):
        reader(file)


def test_what_a_shell_hands_over_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"schema: x\n")
    os.close(writing)
    assert read_text(Path(f"/dev/fd/{reading}")) == "schema: x\n"
    os.close(reading)


def test_what_is_nested_too_deeply_is_refused_with_its_deepest_line(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text('{"a": "[[[[",\n"b":\n' + "[" * 20_000 + "]" * 20_000 + "}")
    for reader in READERS:
        with pytest.raises(InvalidInput, match="nested too deeply") as refused:
            reader(file)
        assert refused.value.problems[0].line == 3


def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "workload.yaml"
    file.write_bytes(b"schema: x\nname: \xff\n")
    with pytest.raises(InvalidInput, match="not UTF-8") as refused:
        read_text(file)
    assert refused.value.problems[0].line == 2


@pytest.mark.parametrize(
    ("sent", "says", "line"),
    [(b"vscode.dev\nh\xff\n", "not UTF-8", 2), (b"x" * (MAX_DOCUMENT_BYTES + 1), "larger than 32 MiB", None)],
    ids=["no text", "too much"],
)
def test_standard_input_has_the_bounds_of_a_file(
    sent: bytes, says: str, line: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent)))
    with pytest.raises(InvalidInput, match=says) as refused:
        in_utf8(read_standard_input(), "standard input")
    assert refused.value.problems[0].line in (line, 0)


def test_logs_that_are_piped_in_are_not_kept_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_PIPED", 10)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"0123456789")))
    assert [item.size for item in files.find_files(["-"], tmp_path)] == [10]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"0123456789a")))
    with pytest.raises(InvalidInput, match="standard input") as refused:
        files.find_files(["-"], tmp_path)
    assert "give a file" in refused.value.hint
