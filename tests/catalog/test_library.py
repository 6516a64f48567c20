"""A folder of catalogs is read once per content, and a broken cache never matters."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.catalog import load_library
from allowlist.errors import CatalogError, InvalidInput
from tests.helpers.catalogs import document, entry, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "catalogs", document())
    return tmp_path / "catalogs"


def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def compiled(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").rglob("*.msgpack"))


def test_a_catalog_is_found_by_name_and_a_slip_is_answered(folder: Path) -> None:
    library = load_library(folder, environ={})
    assert library.get("contoso").title == "Contoso"
    with pytest.raises(CatalogError, match="did you mean 'contoso'"):
        library.get("contos")


def test_the_second_reading_takes_the_compiled_copy(folder: Path, tmp_path: Path) -> None:
    first = load_library(folder, environ=environment(tmp_path))
    (copy,) = compiled(tmp_path)
    copy.write_bytes(copy.read_bytes().replace(b"Contoso", b"Compile"))
    assert load_library(folder, environ=environment(tmp_path)).get("contoso").title == "Compile"
    assert first.get("contoso").title == "Contoso"


def test_a_changed_file_is_read_anew(folder: Path, tmp_path: Path) -> None:
    load_library(folder, environ=environment(tmp_path))
    write(folder, {**document(), "title": "Contoso again"})
    assert load_library(folder, environ=environment(tmp_path)).get("contoso").title == "Contoso again"


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x81\xa4name\xa7contoso"])
def test_a_broken_compiled_copy_is_ignored(folder: Path, tmp_path: Path, content: bytes) -> None:
    load_library(folder, environ=environment(tmp_path))
    for copy in compiled(tmp_path):
        copy.write_bytes(content)
    assert load_library(folder, environ=environment(tmp_path)).get("contoso").title == "Contoso"


def test_a_cache_that_cannot_be_written_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert len(load_library(folder, environ=environment(tmp_path))) == 1


def test_a_folder_without_catalogs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="holds no catalogs"):
        load_library(tmp_path, environ={})


def test_the_mistakes_of_all_files_are_told_together(folder: Path) -> None:
    write(folder, {**document(entry(scenario="none")), "name": "fabrikam"})
    write(folder, {**document(entry(ports=["x"])), "name": "contoso"})
    with pytest.raises(InvalidInput) as caught:
        load_library(folder, environ={})
    assert [Path(problem.file).name for problem in caught.value.problems] == ["contoso.yaml", "fabrikam.yaml"]
