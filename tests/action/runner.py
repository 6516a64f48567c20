"""The composite action as a runner of GitHub runs it: its steps one after the other, with the files and names it promises.

Expressions are those that ``action.yml`` uses; another one fails. ``gh`` is a stand-in that keeps what it is asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.shared import REPOSITORY

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$GH_CALLS"
case "$*" in *"/issues/"*"/comments --paginate"*) cat "$GH_COMMENTS" ;; esac
"""


@dataclass
class Ran:
    """What a run of the action left behind. ``code`` is that of its first failing step."""

    code: int = 0
    steps: list[str] = field(default_factory=list)
    output: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    comments: list[str] = field(default_factory=list)
    comment: str = ""


class Runner:
    """A job on ``checkout``, of a pull request that goes to ``base`` (empty for a push)."""

    def __init__(self, folder: Path, checkout: Path, *, base: str = "main", fork: bool = False) -> None:
        self._checkout, self._temp = checkout, folder / "temp"
        for part in (self._temp, folder / "bin"):
            part.mkdir(parents=True, exist_ok=True)
        tool = folder / "bin" / "gh"
        tool.write_text(_GH)
        tool.chmod(0o755)
        self._bin, self.known_comment = folder / "bin", ""
        self._contexts: dict[str, Any] = {
            "github.action_path": str(REPOSITORY),
            "github.base_ref": base,
            "github.token": "token",
            "github.event.number": "7",
            "github.event.pull_request.head.repo.full_name": "else/fork" if fork else "acme/infra",
            "github.repository": "acme/infra",
            "runner.temp": str(self._temp),
        }

    @property
    def tools(self) -> Path:
        return self._temp / "allowlist-tools"

    def run(self, inputs: dict[str, str], *, without: tuple[str, ...] = ()) -> Ran:
        """Runs every step but those ``without``; after a failure only those that always run."""
        action = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
        declared = action["inputs"]
        assert inputs.keys() <= declared.keys()
        assert all(name in inputs for name, one in declared.items() if one.get("required"))
        self._contexts |= {f"inputs.{name}": one.get("default", "") for name, one in declared.items()}
        self._contexts |= {f"inputs.{name}": value for name, value in inputs.items()}
        ran = Ran()
        for step in action["runs"]["steps"]:
            if step["name"] not in without and self._goes(str(step.get("if", "")), failed=ran.code != 0):
                self._step(step, ran)
        wanted = {name: one["value"] for name, one in action["outputs"].items()}
        for name, value in wanted.items():
            assert value == f"${{{{ steps.compare.outputs.{name} }}}}"
        written = self._temp / "allowlist-comment.md"
        ran.comment = written.read_text("utf-8") if written.exists() else ""
        return ran

    def _goes(self, condition: str, *, failed: bool) -> bool:
        parts = [part.strip() for part in condition.split("&&") if part.strip()]
        always = "always()" in parts
        return (always or not failed) and all(self._holds(part) for part in parts if part != "always()")

    def _holds(self, part: str) -> bool:
        left, operator, right = part.split()
        values = [
            word.strip("'") if word.startswith("'") else str(self._contexts[word]) for word in (left, right)
        ]
        return (values[0] == values[1]) == (operator == "==")

    def _step(self, step: dict[str, Any], ran: Ran) -> None:
        assert step["shell"] == "bash"
        files = {name: self._temp / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GH_CALLS")}
        for file in files.values():
            file.write_text("")
        (self._temp / "GH_COMMENTS").write_text(self.known_comment)
        script = self._temp / "step.sh"
        script.write_text(step["run"])
        given = {
            name: _EXPRESSION.sub(lambda found: str(self._contexts[found[1]]), str(value))
            for name, value in step.get("env", {}).items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self._checkout,
            env={
                **os.environ,
                **{name: str(file) for name, file in files.items()},
                "GH_COMMENTS": str(self._temp / "GH_COMMENTS"),
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "acme/infra",
                "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
                **given,
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        ran.steps.append(step["name"])
        ran.output += done.stdout + done.stderr
        ran.code = ran.code or done.returncode
        ran.outputs |= dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        ran.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        ran.comments += files["GH_CALLS"].read_text().splitlines()


def sarif_of(ran: Ran) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(ran.outputs["sarif"]).read_text())["runs"][0]["results"]
    return found
