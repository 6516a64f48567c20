"""The head of a ledger, kept outside of it: only so can it be told that the ledger's end was cut off, or that it is another one.

A chain shows what was rewritten between its rows. Whoever cuts off its tail and moves the head back leaves a chain
that holds; the anchor remembers that there was more. Keep it where whoever may write the ledger may not.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from allowlist.documents.source import refuse_pipes_and_devices
from allowlist.errors import AllowlistError
from allowlist.store.records import Head

VARIABLE = "ALLOWLIST_ANCHOR"
"""The environment variable that names the file."""


class _Document(msgspec.Struct, frozen=True):
    seq: int
    digest: str


def read_anchor(file: Path) -> Head | None:
    """The head that was kept, None before the first one was. Raises AllowlistError for a file that is none."""
    try:
        refuse_pipes_and_devices(file)
        kept = msgspec.json.decode(file.read_bytes(), type=_Document)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise AllowlistError(
            f"the anchor {file} of the ledger cannot be read: {error}",
            hint=f"restore it, or name another file in {VARIABLE}",
        ) from None
    return Head(seq=kept.seq, digest=kept.digest)


def keep_anchor(file: Path, head: Head) -> None:
    """Keep ``head`` unless a later one is kept already."""
    kept = read_anchor(file)
    if kept is not None and kept.seq >= head.seq:
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(msgspec.json.encode({"seq": head.seq, "digest": head.digest}) + b"\n")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise AllowlistError(
            f"the anchor {file} of the ledger cannot be written: {error.strerror}",
            hint=f"name a file you can write in {VARIABLE}",
        ) from None
