"""Whatever stands where a file is named, it is refused in words, with its line where there is one; nothing is waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from allowlist.documents.source import load_source, read_text
from allowlist.errors import InvalidInput
from allowlist.estate.snapshot import read_snapshot

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
