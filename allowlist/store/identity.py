"""Who decides: an Entra user or workload, a holder of an SSH key, or merely somebody at this machine."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.store.records import IdentityKind

_USER_CLAIMS = ("upn", "preferred_username", "unique_name", "email")
_WORKLOAD_CLAIMS = ("appid", "azp")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """``who`` is what decisions are recorded under and what approvers are listed by.

    Entra users: their sign-in name, lower case. Workloads: ``app:<client id>``. People known only to their
    operating system: ``os:<user>@<host>``. SSH signers: their principal in the allowed-signers file.
    """

    who: str
    kind: IdentityKind
    object_id: str = ""
    tenant: str = ""


def identity_of_token(access_token: str) -> Identity:
    """The user or workload an Entra access token was issued to.

    The token's signature is not checked here: pass only a token this process itself got from Entra over TLS;
    Azure checks it with every request. Claims: oid, tid, upn and its like for users, appid or azp for
    workloads (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
    """
    claims = _claims(access_token)
    object_id, tenant = _text(claims, "oid"), _text(claims, "tid")
    if not object_id or not tenant:
        raise _unusable("it names no object id and tenant")
    return Identity(who=_name(claims), kind="verified", object_id=object_id, tenant=tenant)


def identity_of_os_user(environ: Mapping[str, str], host: str) -> Identity:
    """Whoever sits at this machine; nobody vouches for that name, so it is *unverified*."""
    names = (environ.get(variable) for variable in ("LOGNAME", "USER", "USERNAME"))
    user = next((name for name in names if name), "unknown")
    return Identity(who=f"os:{user}@{host}", kind="unverified")


def _name(claims: Mapping[str, Any]) -> str:
    user = next((_text(claims, claim) for claim in _USER_CLAIMS if _text(claims, claim)), "")
    if user and claims.get("idtyp") != "app":
        return user.lower()
    workload = next((_text(claims, claim) for claim in _WORKLOAD_CLAIMS if _text(claims, claim)), "")
    if not workload:
        raise _unusable("it names neither a user nor an application")
    return f"app:{workload.lower()}"


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise _unusable("it is not a JSON Web Token")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _unusable("its claims cannot be read") from None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _unusable(why: str) -> AllowlistError:
    return AllowlistError(
        f"the access token does not say who is signed in: {why}",
        hint="sign in again with a user or workload of Microsoft Entra, or sign the decision with an SSH key",
    )
