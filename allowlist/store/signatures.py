"""SSH signatures, made and checked by the ``ssh-keygen`` of the machine (tested with OpenSSH 9.2).

Keys, agents, hardware tokens and the file of allowed signers stay where people already have them. The
namespace ``allowlist`` keeps a signature made for something else, a Git commit say, from counting here.
"""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from allowlist.errors import AllowlistError

NAMESPACE = "allowlist"
_PATIENCE_SECONDS = 120  # a hardware key waits for its owner's touch


def sign(payload: bytes, key: Path) -> str:
    """The armoured signature of ``payload`` by ``key``: a private key, or a public one whose agent signs."""
    answer = _run(["sign", "-q", "-f", str(key), "-n", NAMESPACE], payload)
    if answer.returncode != 0 or not answer.stdout:
        raise AllowlistError(
            f"ssh-keygen could not sign with {key}: {_complaint(answer)}",
            hint="check the file, or load the key into ssh-agent and name its public half",
        )
    return answer.stdout.decode("ascii")


def verify(payload: bytes, signature: str, principal: str, allowed_signers: Path, at: datetime) -> None:
    """Return when ``principal`` signed ``payload`` with a key that ``allowed_signers`` held valid at ``at``.

    Raises AllowlistError otherwise.
    """
    if not allowed_signers.is_file():
        raise AllowlistError(
            f"the file of allowed signers {allowed_signers} does not exist",
            hint='write one line per person: NAME namespaces="allowlist" KEYTYPE KEY',
        )
    if not _is_named(principal, allowed_signers):
        raise AllowlistError(
            f"the signature of {principal} does not hold by {allowed_signers}: no line names {principal} in full",
            hint="a pattern (*@contoso.example) lets one key sign in anybody's name; name each person on a line",
        )
    with tempfile.TemporaryDirectory() as folder:
        armoured = Path(folder) / "signature"
        armoured.write_bytes(signature.encode("utf-8", "replace"))
        files = ["-f", str(allowed_signers), "-s", str(armoured)]
        answer = _run(["verify", *files, "-I", principal, "-n", NAMESPACE, _verify_time(at)], payload)
    if answer.returncode != 0:
        raise AllowlistError(
            f"the signature of {principal} does not hold by {allowed_signers}: {_complaint(answer)}",
            hint=f"{principal} must be listed there with a key valid today, and sign what the file says now",
        )


def _is_named(principal: str, allowed_signers: Path) -> bool:
    """Does a line name ``principal`` itself? ssh-keygen takes patterns as well, which vouch for nobody in particular."""
    lines = allowed_signers.read_text("utf-8", "replace").splitlines()
    heads = (
        line.split(None, 1)[0].strip('"')
        for line in lines
        if line.strip() and not line.lstrip().startswith("#")
    )
    return any(principal in head.split(",") for head in heads)


def _verify_time(at: datetime) -> str:
    return f"-Overify-time={at.astimezone(UTC):%Y%m%d%H%M%S}Z"


def _run(arguments: list[str], payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", "-Y", *arguments]
    try:
        return subprocess.run(
            command, input=payload, capture_output=True, check=False, timeout=_PATIENCE_SECONDS
        )
    except FileNotFoundError:
        raise AllowlistError(
            "signing and checking signatures needs ssh-keygen, which is not installed",
            hint="install the OpenSSH client",
        ) from None
    except subprocess.TimeoutExpired:
        raise AllowlistError(
            f"ssh-keygen did not answer within {_PATIENCE_SECONDS} seconds",
            hint="unlock the key in ssh-agent first, or touch the hardware key when it blinks",
        ) from None


def _complaint(answer: subprocess.CompletedProcess[bytes]) -> str:
    lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"exit code {answer.returncode}"
