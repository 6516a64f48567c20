"""Nothing secret enters the ledger: it is kept for years and read by many.

The rule, applied to the very bytes that would be stored:

- no credential: ``Bearer …``, ``Basic …`` or a JSON Web Token;
- no member that holds one by name: Authorization, Cookie, password, client secret, any kind of token …;
- no operation URL: an address under ``/providers/…/…operation…/``, which polls, and thereby may act, without
  further rights;
- no signed or personal address: ``?sig=…`` or ``scheme://user:password@host``.
"""

from __future__ import annotations

import re
from typing import Any

from allowlist.errors import AllowlistError

REMOVED = "(removed)"

_SLASH = r"\\?/"
_IN_URL = r"[^\s\"'<>]"
_RULES: tuple[tuple[str, str], ...] = (
    ("a bearer token", r"\bbearer\s+[\w.~+/=-]{8,}"),
    ("basic credentials", r"\bbasic\s+[A-Za-z0-9+/]{8,}={0,2}(?![\w+/=-])"),
    ("a JSON Web Token", r"\beyJ[\w-]{6,}\.eyJ[\w-]{6,}\.[\w-]*"),
    (
        "an operation URL",
        rf"https?:{_SLASH}{_SLASH}{_IN_URL}+{_SLASH}providers{_SLASH}{_IN_URL}*operation\w*{_SLASH}{_IN_URL}+",
    ),
    ("a signed URL", rf"https?:{_SLASH}{_SLASH}{_IN_URL}+[?&]sig={_IN_URL}+"),
    ("a URL with a password", rf"\b[a-z][a-z0-9+.-]*:{_SLASH}{_SLASH}[^\s\"'<>/@:]*:[^\s\"'<>/@]+@"),
)
_PATTERNS = tuple((name, re.compile(pattern.encode(), re.IGNORECASE)) for name, pattern in _RULES)
_SECRET_NAMES = (
    "authorization|proxy-authorization|x-ms-authorization-auxiliary|cookie|set-cookie|password|"
    "client_?secret|client_?assertion|(?:access|refresh|id)_?token|azure-asyncoperation|operation-location"
)
_SECRET_MEMBER = re.compile(rf'"({_SECRET_NAMES})"\s*:\s*"[^"]'.encode(), re.IGNORECASE)
_SECRET_NAME = re.compile(_SECRET_NAMES, re.IGNORECASE)


def refuse_secrets(document: bytes, what: str) -> None:
    """Raise AllowlistError, without repeating the secret, when ``document`` breaks the rule above."""
    found = _first_secret(document)
    if found:
        raise AllowlistError(
            f"{what} contains {found}, which the ledger never stores",
            hint="remove it from the document; whoever saw it may have used it, so revoke it as well",
        )


def scrubbed(value: Any) -> Any:
    """A copy of plain data in which everything ``refuse_secrets`` objects to reads ``(removed)``."""
    match value:
        case str():
            return _scrub_text(value)
        case dict():
            return {
                key: REMOVED if _names_a_secret(key, item) else scrubbed(item) for key, item in value.items()
            }
        case list() | tuple():
            return [scrubbed(item) for item in value]
        case _:
            return value


def _first_secret(document: bytes) -> str:
    for name, pattern in _PATTERNS:
        if pattern.search(document):
            return name
    member = _SECRET_MEMBER.search(document)
    return f"a value for '{member.group(1).decode()}'" if member else ""


def _names_a_secret(key: Any, value: Any) -> bool:
    return isinstance(value, str) and bool(_SECRET_NAME.fullmatch(str(key)))


def _scrub_text(text: str) -> str:
    cleaned = text.encode("utf-8", "surrogatepass")
    for _, pattern in _PATTERNS:
        cleaned = pattern.sub(REMOVED.encode(), cleaned)
    return cleaned.decode("utf-8", "surrogatepass")
