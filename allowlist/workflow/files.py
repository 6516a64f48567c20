"""Documents of ours as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.writing import write_bytes

__all__ = ["write_bytes", "write_file"]


def write_file(path: Path, document: Any) -> None:
    """Write ``document`` as indented JSON. Raises AllowlistError with the reason when it cannot be written."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
