"""Files of a repository that hold something else than their format says: what can be read is read, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.workflow.recommending.recommend import recommend
from allowlist.workflow.recommending.telling import recommend_lines
from tests.helpers.catalogs import shipped_library
from tests.helpers.cli import allowlist

ODD: tuple[Any, ...] = ("x", 3, [], None, ["a"], {"a": 3}, {"a": ["b"]})

_TOML = {
    "pyproject.toml": (
        'project = "x"\ntool = 3\n',
        '[project]\ndependencies = "x"\noptional-dependencies = ["a"]\n[tool]\npoetry = 3\n',
        '[project]\ndependencies = 3\n[tool.poetry]\ndependencies = 3\ngroup = ["x"]\n[dependency-groups]\na = [3, {x = 1}]\n',
        'dependency-groups = ["x"]\n[project.optional-dependencies]\na = 3\n',
    ),
    "Pipfile": ('packages = "x"\n', "[packages]\na = 3\n"),
    "poetry.lock": ('package = ["x", 3]\n', "package = 3\n"),
}


def _files() -> Iterator[tuple[str, str]]:
    for key in ("scripts", "dependencies", "devDependencies"):
        yield from (("package.json", json.dumps({key: odd})) for odd in ODD)
    for odd in ODD:
        yield "mcp.json", json.dumps({"mcpServers": odd})
        yield "mcp.json", json.dumps({"mcpServers": {"a": odd, "b": {"command": odd, "args": odd}}})
    for name, texts in _TOML.items():
        yield from ((name, text) for text in texts)


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    (folder / "requirements.txt").write_text("datasets==3.0\n", "utf-8")
    return folder


@pytest.mark.parametrize(("name", "text"), _files())
def test_a_file_of_another_shape_than_its_name_says_is_no_defect(
    tmp_path: Path, name: str, text: str
) -> None:
    made = recommend([_write(tmp_path, name, text)], shipped_library())

    assert "datasets" in "\n".join(recommend_lines(made))


def test_the_command_passes_over_all_of_them_at_once(tmp_path: Path) -> None:
    """The clients of this machine are asked for their registries once, not once for each file."""
    for number, (name, text) in enumerate(_files()):
        _write(tmp_path / str(number), name, text)

    found = allowlist("recommend", tmp_path)

    assert found.code == 0, found.err
    assert "datasets" in found.out
