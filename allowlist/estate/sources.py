"""What stands in a folder or a file besides JSON: Bicep and Terraform sources, and lists of rules with their mapping.

Sources are read by the tools of their makers where those are found: ``bicep build``, ``az bicep build``,
``@cdktf/hcl2json``. JSON that lies beside them was made of them, so it counts and they do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from allowlist.documents.source import read_text
from allowlist.errors import InvalidInput
from allowlist.estate.json_files import ENDINGS, RULE_LISTS, JsonFile, files_below, read_json_files

MAX_SOURCE_BYTES: Final = 4 * 1024 * 1024
SECONDS: Final = 300


def rule_lists_in(path: Path) -> list[Path]:
    """The mapping files at ``path`` or in the folder."""
    if path.is_dir():
        return files_below(path, (RULE_LISTS,))
    from allowlist.estate.rule_lists import is_rule_list

    return [path] if is_rule_list(path) else []


def inputs_in(path: Path) -> Iterator[JsonFile | InvalidInput]:
    """Every JSON file, or what the sources that stand in its place are compiled to."""
    if path.is_dir() and not files_below(path, ENDINGS):
        terraform, bicep = files_below(path, (".tf",)), files_below(path, (".bicep",))
        if terraform:
            yield from _terraform(terraform)
            return
        if bicep and _compiler():
            yield from _bicep(_entries(bicep))
            return
        if rule_lists_in(path):
            return
    elif path.suffix.lower() == ".tf" and path.is_file():
        yield from _terraform([path])
        return
    elif path.suffix.lower() == ".bicep" and path.is_file():
        yield from _bicep([path])
        return
    elif rule_lists_in(path):
        return
    yield from read_json_files(path)


MODULES: Final = "allowlist: modules that are not read"
"""The key under which a reading of Terraform sources names them."""


def _terraform(files: list[Path]) -> Iterator[JsonFile | InvalidInput]:
    """One plan for each folder: a folder is a module of its own."""
    from allowlist.estate.hcl import hcl_to_json
    from allowlist.estate.terraform.sources import plan_of_sources

    for folder in dict.fromkeys(file.parent for file in files):
        try:
            parsed = {
                str(file): hcl_to_json(read_text(file, MAX_SOURCE_BYTES), str(file))
                for file in files
                if file.parent == folder
            }
        except InvalidInput as error:
            yield error
            continue
        plan, modules = plan_of_sources(parsed)
        yield JsonFile(folder / "*.tf", {**plan, MODULES: modules}, b"")


def _compiler() -> list[str] | None:
    """The command that compiles a file of Bicep to standard output, without the file."""
    import shutil

    if shutil.which("bicep"):
        return ["bicep", "build", "--stdout"]
    return ["az", "bicep", "build", "--stdout", "--file"] if shutil.which("az") else None


def _bicep(files: list[Path]) -> Iterator[JsonFile | InvalidInput]:
    command = _compiler()
    for file in files:
        if command is None:
            yield InvalidInput.of(
                file,
                "is Bicep, and neither bicep nor az is there to compile it",
                hint=f"az bicep build --file {file}, then read the JSON",
            )
            continue
        yield _compiled(command, file)


def _compiled(command: list[str], file: Path) -> JsonFile | InvalidInput:
    import subprocess

    try:
        done = subprocess.run([*command, str(file)], capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return InvalidInput.of(file, f"could not be compiled: {error}")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        return InvalidInput.of(file, f"does not compile: {said[:500] or f'exit {done.returncode}'}")
    try:
        data: Any = msgspec.json.decode(done.stdout)
    except msgspec.DecodeError as error:
        return InvalidInput.of(file, f"was compiled to what is no JSON: {error}")
    return JsonFile(file, data, done.stdout)


_MODULE: Final = re.compile(r"^\s*(?:module\s+\w+|import\b.*\bfrom|using)\s+'([^':]+\.bicep)'", re.MULTILINE)


def _entries(files: list[Path]) -> list[Path]:
    """The files that no other one takes as a module: each of these is deployed by itself."""
    used = {
        (file.parent / name).resolve()
        for file in files
        for name in _MODULE.findall(read_text(file, MAX_SOURCE_BYTES))
    }
    return [file for file in files if file.resolve() not in used] or files
