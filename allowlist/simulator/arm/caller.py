"""Who sends a request, as far as its token tells. Nothing is verified; a token that cannot be read is anybody's."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """``name`` is the user or the application id; an empty ``tenant`` belongs to every tenant."""

    name: str = "simulated"
    object_id: str = "33333333-3333-3333-3333-333333333333"
    tenant: str = ""


def caller_of(headers: Mapping[str, str]) -> Caller:
    """Read the claims of a bearer token."""
    claims = _claims(headers.get("authorization", "").partition(" ")[2])
    if not claims:
        return Caller()
    return Caller(
        name=str(claims.get("upn") or claims.get("unique_name") or claims.get("appid") or Caller().name),
        object_id=str(claims.get("oid") or Caller().object_id),
        tenant=str(claims.get("tid") or "").lower(),
    )


def _claims(token: str) -> dict[str, object]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
