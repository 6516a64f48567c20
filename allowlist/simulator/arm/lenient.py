"""Bodies as real clients send them: mostly JSON.

``az deployment group create`` sends ``template:`` without quotation marks and the template's comments and line ends in
texts with it (azure-cli 2.91.0); Azure takes that.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_PIECES: Final = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<key>\b[A-Za-z_]\w*(?=\s*:))', re.DOTALL
)
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def decode(body: bytes) -> Any:
    """The value of a body. Raises msgspec.DecodeError."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace")
        return msgspec.json.decode(re.sub(r",(\s*[}\]])", r"\1", _PIECES.sub(_as_json, text)).encode())


def _as_json(found: re.Match[str]) -> str:
    if found["comment"]:
        return " "
    if found["key"]:
        return f'"{found["key"]}"'
    return "".join(_ESCAPES.get(letter, letter) for letter in found["text"])
