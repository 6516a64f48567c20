"""The example company: its files for a user to try things on, and the whole loop on the simulator."""

from __future__ import annotations

import shutil
from pathlib import Path

import allowlist
from allowlist.errors import AllowlistError


def example_folder() -> Path:
    """Where the example company's estate and workload file stand in the package."""
    return Path(allowlist.__file__).parent / "simulator" / "estates" / "contoso"


def write_example(folder: Path) -> None:
    """Copy the example to ``folder``: ``allowlist.yaml`` and ``estate/``. Raises AllowlistError if it is in use."""
    if folder.exists() and any(folder.iterdir()):
        raise AllowlistError(f"{folder} is not empty", hint="give a new folder")
    source = example_folder()
    estate = folder / "estate"
    estate.mkdir(parents=True)
    for path in sorted(source.glob("*.json")):
        shutil.copyfile(path, estate / path.name)
    shutil.copyfile(source / "allowlist.yaml", folder / "allowlist.yaml")
