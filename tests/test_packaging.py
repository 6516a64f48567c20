"""The wheel and the editable install hold the same product: two import names, and the catalogs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import allowlist
from allowlist.catalog import load_library, shipped_catalogs
from tests.helpers.shared import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(REPOSITORY),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_has_exactly_two_import_names(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"allowlist", "allowlist_tui"}


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == allowlist.__version__
    assert "version" not in PROJECT["project"]


def test_examples_install_from_a_commit_of_the_repository_and_guess_neither() -> None:
    """Whoever copies one of them fills both in; a guess would install what somebody else puts under that name."""
    pipelines = [*(REPOSITORY / "examples").glob("*/*.yml")]
    lines = [
        line for path in pipelines for line in path.read_text("utf-8").splitlines() if "pip install" in line
    ]
    assert len(lines) == 4
    assert all(re.search(r" @ git\+https://github.com/\$\(?ALLOWLIST\b", line) for line in lines)
    for path in {path for path in pipelines if "pip install" in path.read_text("utf-8")}:
        (reference,) = re.findall(
            r"^ +(?:ALLOWLIST|value): (\S*@\S*)$", path.read_text("utf-8"), re.MULTILINE
        )
        assert reference == "<owner>/allowlist@<commit>", path
        assert not re.fullmatch(r"[A-Za-z0-9-]+", reference.partition("/")[0]), (
            "no name that GitHub gives out"
        )


def test_the_wheel_carries_every_catalog_and_the_example(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for path in (REPOSITORY / "catalogs").glob("*.yaml"):
        assert f"allowlist/_catalogs/{path.name}" in names
    assert "allowlist/simulator/estates/contoso/allowlist.yaml" in names
    assert {"allowlist/py.typed", "allowlist_tui/py.typed"} <= set(names)


def test_the_wheel_finds_its_catalogs_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = "import allowlist.catalog as c; print(c.shipped_catalogs()); print(len(c.load_library()))"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    folder, count = result.stdout.split()
    assert folder == str(site / "allowlist" / "_catalogs")
    assert int(count) == len(list((REPOSITORY / "catalogs").glob("*.yaml")))


def test_an_editable_install_reads_the_catalogs_of_the_repository() -> None:
    assert shipped_catalogs() == REPOSITORY / "catalogs"
    assert len(load_library()) >= 20


LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


def pins_of(lock: Path) -> dict[str, str]:
    """Version by normalised name."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", lock.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those of the groups it includes among them."""
    found: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        found += [entry] if isinstance(entry, str) else group(entry["include-group"])
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_pinned_packages_come_with_hashes_and_from_no_named_place(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert {line.split("=")[0].strip() for line in text.splitlines() if line.startswith(" ")} == {"--hash"}
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


def test_locks_hold_what_the_project_asks_for() -> None:
    product = [*PROJECT["project"]["dependencies"], *group("build")]
    extras = PROJECT["project"]["optional-dependencies"].values()
    dev = [*product, *(entry for entries in extras for entry in entries), *group("dev")]
    for name, wanted in {"product": product, "dev": dev, "tools": group("tools")}.items():
        pins = pins_of(REPOSITORY / "requirements" / f"{name}.txt")
        for requirement in map(Requirement, wanted):
            assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_whoever_has_the_tests_has_the_product_with_the_same_pins() -> None:
    product, dev = (pins_of(REPOSITORY / "requirements" / name) for name in ("product.txt", "dev.txt"))
    assert product.items() <= dev.items()
    assert not {"pytest", "mypy", "playwright", "hypothesis"} & product.keys()
