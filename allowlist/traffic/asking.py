"""What logs that lie elsewhere are asked with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Credentials = Callable[[str], Any]
"""Makes a token credential for a host."""

Ask = Callable[[str, Path], tuple[str, ...]]
"""Asks the log service at an address and writes its counts to a file; says why they are not all."""
