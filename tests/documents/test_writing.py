"""Output goes to where a path leads: only regular files are replaced."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from allowlist.documents.writing import write_bytes
from allowlist.errors import AllowlistError


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to("there")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"


def test_a_link_to_nothing_makes_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "later").read_text() == "new"


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"through")
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_into_and_a_full_one_is_told() -> None:
    write_bytes(Path("/dev/null"), b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    with pytest.raises(AllowlistError, match="No space left"):
        write_bytes(Path("/dev/full"), b"too much")


def test_the_rights_of_a_file_outlive_its_replacement(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old")
    file.chmod(0o640)
    write_bytes(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_folder_is_refused_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    with pytest.raises(AllowlistError, match="cannot be written"):
        write_bytes(tmp_path, b"new")
    assert list(tmp_path.iterdir()) == []
