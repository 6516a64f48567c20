"""Compile the locks anew from ``pyproject.toml``: ``make lock``, or ``make lock UPGRADE=1`` for the newest releases.

Without ``--upgrade`` every pin that still fits is kept, so the same input gives the same files. A lock holds for every
Python and platform the product supports (markers tell them apart), has the hash of every file of a release, and names
no index: packages come from wherever pip is configured to take them, here as at an install.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OLDEST_PYTHON = "3.11"

# What each lock holds. Later ones agree with the pins of the first: `dev` is `product` and more.
LOCKS = {
    "product": ["pyproject.toml", "--group", "build"],
    "dev": ["pyproject.toml", "--all-extras", "--group", "dev", "--constraint", "requirements/product.txt"],
    "tools": ["--group", "tools"],
}

# Extras stay in the pins: pip before 23.3 takes `coverage[toml]`, which another package asks for, for a package
# of its own and refuses it as "not pinned" as soon as a newer release is out.
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version",
    OLDEST_PYTHON,
    "--generate-hashes",
    "--no-strip-extras",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
]


def pip_settings() -> dict[str, str]:
    """What pip is configured with on this machine, by option; the environment wins, as it does in pip."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    pairs = [line.partition("=") for line in listing.splitlines()]
    pairs.sort(key=lambda pair: pair[0].startswith(":env:"))
    return {key.rpartition(".")[2]: str(ast.literal_eval(value)) for key, _, value in pairs}


def environment() -> dict[str, str]:
    """The one main index of pip's configuration and its certificates, in the resolver's own words.

    Extra indexes are left out: one that holds a release in part would leave the hashes of its other files out.
    """
    settings = pip_settings()
    named = {"UV_DEFAULT_INDEX": settings.get("index-url"), "SSL_CERT_FILE": settings.get("cert")}
    return {**os.environ, **{name: value for name, value in named.items() if value}}


def compile_bounds(resolution: str, output: str) -> None:
    """For this Python alone: the lowest releases that ``pyproject.toml`` names, or the newest of everything."""
    wanted = ["pyproject.toml", "--all-extras", "--group", "dev", "--resolution", resolution]
    options = ["--quiet", "--upgrade", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command = [sys.executable, "-m", "uv", "pip", "compile", *options, *wanted, "--output-file", output]
    subprocess.run(command, check=True, cwd=HERE.parent, env=environment())


def main() -> None:
    if sys.argv[1:2] == ["--bounds"]:
        return compile_bounds(*sys.argv[2:4])
    for name, wanted in LOCKS.items():
        command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *sys.argv[1:], *wanted]
        command += ["--output-file", f"requirements/{name}.txt"]
        subprocess.run(command, check=True, cwd=HERE.parent, env=environment())
    return None


if __name__ == "__main__":
    main()
