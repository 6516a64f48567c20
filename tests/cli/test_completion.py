"""Completion in the real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = """
eval "$(allowlist completion bash)"
COMP_WORDS=(allowlist {words}); COMP_CWORD={place}
_allowlist_completion allowlist
echo "${{COMPREPLY[@]}}"
"""


def shell(name: str, script: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [name, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    assert not result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("words", "place", "completed"),
    [
        ("rej", 1, "reject"),
        ("plan --snap", 2, "--snapshot"),
        ("plan --credential man", 3, "managed-identity"),
        ("catalog rel", 2, "release"),
    ],
)
def test_bash_completes_commands_options_and_values(words: str, place: int, completed: str) -> None:
    assert shell("bash", BASH.format(words=words, place=place)).strip() == completed


def test_zsh_knows_the_command_after_compinit() -> None:
    script = (
        'autoload -Uz compinit; compinit -u -D; eval "$(allowlist completion zsh)"; echo $_comps[allowlist]'
    )
    assert shell("zsh", script).strip() == "_allowlist_completion"


def test_fish_completes_commands() -> None:
    assert "reject\t" in shell("fish", 'allowlist completion fish | source; complete -C "allowlist rej"')
