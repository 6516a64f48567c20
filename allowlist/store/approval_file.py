"""Decisions in a file, ``allowlist/approval/v1``: made and signed elsewhere, kept in Git, checked by a job.

A file cannot vouch for itself. Whatever it claims, its decisions are *signed* when an allowed signer signed
exactly them and all of them are that signer's own, and *unverified* when there is no signature. A signature that
cannot be checked is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from allowlist.documents import canonical_json, digest_of
from allowlist.documents.reader import read_json_document
from allowlist.documents.writing import write_bytes
from allowlist.errors import AllowlistError, InvalidInput
from allowlist.store.records import POLICY_PREFIX, Decision, IdentityKind, Verdict
from allowlist.store.signatures import verify

SCHEMA: Literal["allowlist/approval/v1"] = "allowlist/approval/v1"
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


class WrittenDecision(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A decision without what only its reader can tell: identity and signature."""

    change_digest: str
    precondition: str
    verdict: Verdict
    who: Annotated[str, msgspec.Meta(pattern=_PRINTABLE)]
    reason: str
    at: datetime
    plan_id: str
    expires: datetime | None = None
    until: datetime | None = None
    gate: str | None = None
    asked_by: str = ""
    planned: datetime | None = None
    change: str = ""


class ApprovalDocument(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The file. ``signature`` is an armoured SSH signature of :func:`signed_payload`."""

    schema: Literal["allowlist/approval/v1"]
    decisions: tuple[WrittenDecision, ...]
    signature: str | None = None


def signed_payload(decisions: Sequence[WrittenDecision]) -> bytes:
    """What is signed: the digest, ``sha256:<64 hex digits>``, of schema and decisions in canonical JSON."""
    return digest_of({"schema": SCHEMA, "decisions": decisions}).encode("ascii")


def write_approval(
    path: Path, decisions: Sequence[Decision], sign: Callable[[bytes], str] | None = None
) -> None:
    """Write decisions to a file, all at once or not at all, signed by ``sign`` if given.

    A signed file holds the decisions of one person; InvalidInput otherwise.
    """
    written = tuple(_written(decision) for decision in decisions)
    document: dict[str, object] = {"schema": SCHEMA, "decisions": written}
    if sign:
        _only_author(path, written)
        document["signature"] = sign(signed_payload(written))
    text = msgspec.json.format(canonical_json(document), indent=2) + b"\n"
    write_bytes(path, text)


def read_approval(path: Path, *, allowed_signers: Path | None, at: datetime) -> tuple[Decision, ...]:
    """The decisions of a file with the identity they deserve at the moment ``at``.

    Raises InvalidInput when the file is malformed, AllowlistError when its signature does not hold.
    """
    document = read_json_document(path, ApprovalDocument, SCHEMA)
    if document.signature is None:
        return tuple(_decision(path, written, "unverified", None) for written in document.decisions)
    _require_signature(path, document, document.signature, allowed_signers, at)
    return tuple(_decision(path, written, "signed", document.signature) for written in document.decisions)


def _require_signature(
    path: Path, document: ApprovalDocument, signature: str, allowed_signers: Path | None, at: datetime
) -> None:
    if allowed_signers is None:
        raise AllowlistError(
            f"{path} is signed, but there is no file of allowed signers to check it against",
            hint="name the file of allowed signers",
        )
    author = _only_author(path, document.decisions)
    try:
        verify(signed_payload(document.decisions), signature, author, allowed_signers, at)
    except AllowlistError as error:
        raise AllowlistError(f"{path}: {error}", hint=error.hint) from None


def _only_author(path: Path, decisions: Sequence[WrittenDecision]) -> str:
    """A signature speaks for one person."""
    authors = sorted({written.who for written in decisions})
    if len(authors) != 1:
        raise InvalidInput.of(
            path, f"is signed, so it must hold the decisions of one person, not of {len(authors)}"
        )
    return authors[0]


def _written(decision: Decision) -> WrittenDecision:
    return WrittenDecision(**{name: getattr(decision, name) for name in WrittenDecision.__struct_fields__})


def _decision(
    path: Path, written: WrittenDecision, identity: IdentityKind, signature: str | None
) -> Decision:
    if written.who.strip().lower().startswith(POLICY_PREFIX):
        raise InvalidInput.of(
            path, f"holds a decision of {written.who}: a policy decides where it runs, in no file"
        )
    values = {name: getattr(written, name) for name in WrittenDecision.__struct_fields__}
    try:
        return Decision(**values, identity=identity, signature=signature)
    except ValueError as error:
        raise InvalidInput.of(
            path, f"holds a decision on {written.change_digest} that cannot be: {error}"
        ) from None
