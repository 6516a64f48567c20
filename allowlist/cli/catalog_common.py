"""What all ``allowlist catalog`` commands share: their options, the library they read, and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from allowlist.catalog import Library

FOLDER = click.option(
    "--catalogs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder with catalogs instead of the ones that came with the product.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def library(folder: Path | None) -> Library:
    from allowlist.catalog import load_library

    return load_library(folder)


def print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
