"""HCL through the parser of its makers: ``@cdktf/hcl2json``, where node is there and has it.

It keeps references apart from text: what is no plain value comes as ``${…}`` and is unknown to whoever reads it. Our own
reading of the language would guess, so without the parser HCL is refused.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any, Final

from allowlist.errors import InvalidInput

SECONDS: Final = 60
_HINT: Final = "npm install @cdktf/hcl2json where node finds it (NODE_PATH), or give JSON: .tfvars.json, terraform show -json"
_SCRIPT: Final = """
const { parse } = require("@cdktf/hcl2json");
let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () =>
  parse("input.tf", text).then(
    (found) => process.stdout.write(JSON.stringify(found)),
    (error) => { process.stderr.write(String(error)); process.exitCode = 3; },
  ));
"""


def hcl_to_json(text: str, file: str) -> Any:
    """``text`` as plain data. Raises InvalidInput where the parser is not there, or refuses it."""
    node = shutil.which("node")
    if node is None:
        raise InvalidInput.of(file, "is HCL, and node is not there to parse it", hint=_HINT)
    try:
        done = subprocess.run(
            [node, "-e", _SCRIPT], input=text.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidInput.of(file, f"is HCL, and its parser did not run: {error}", hint=_HINT) from None
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode == 3:
        raise InvalidInput.of(file, f"is not HCL: {said.strip()[:300]}")
    if done.returncode:
        raise InvalidInput.of(file, "is HCL, and node has no @cdktf/hcl2json", hint=_HINT)
    return json.loads(done.stdout)
