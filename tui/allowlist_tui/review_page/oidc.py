"""Signing in by OpenID Connect: discovery document, authorization code with PKCE or a device code, a signed ID token.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 8628 (device code), RFC 9207 (issuer of the answer). Any provider will do; of
Microsoft Entra the issuer is ``https://login.microsoftonline.com/TENANT/v2.0``.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx

from allowlist.errors import AllowlistError
from allowlist.store.identity import Identity
from allowlist.trust import NAME_IT, TRUST_IT, is_loopback, trust_here, web_client, why_untrusted

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures that are taken; none of them works with a secret that a client could have made up."""
_SECONDS: Final = 15.0
_NAMES: Final = ("preferred_username", "upn", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are to the provider. ``secret`` is empty for a public client.

    ``roles`` may decide, empty for everybody; ``apply_roles`` may apply, empty for nobody. ``by_device``: people enter a
    code at the provider, where no browser can be sent back to this site.
    """

    issuer: str
    client_id: str
    secret: str = ""
    scopes: str = "openid profile email"
    roles: tuple[str, ...] = ()
    role_claim: str = "roles"
    apply_roles: tuple[str, ...] = ()
    by_device: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """What belongs to one sign-in and is told to nobody but the provider's answer."""

    state: str = field(default_factory=secrets.token_urlsafe)
    nonce: str = field(default_factory=secrets.token_urlsafe)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64))

    @property
    def code_challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(slots=True, kw_only=True)
class DeviceSignIn:
    """A sign-in that is finished elsewhere: the person enters ``user_code`` at ``address``. Times are in seconds."""

    device_code: str
    user_code: str
    address: str
    interval: float
    asked: float = field(default=-_SECONDS)
    state: str = field(default_factory=secrets.token_urlsafe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who signed in. ``may_decide`` and ``may_apply``: has one of the roles that may."""

    identity: Identity
    name: str
    may_decide: bool
    may_apply: bool


class Provider:
    """One provider, found by its discovery document when it is first needed."""

    def __init__(self, client: Client, http: httpx.Client | None = None) -> None:
        _check_address(client.issuer)
        self.client = client
        self._http = http or web_client(
            trust_here(), timeout=_SECONDS, proxied=not is_loopback(client.issuer)
        )
        self._known: dict[str, Any] = {}

    def authorization_url(self, challenge: Challenge, redirect_uri: str) -> str:
        """Where the browser is sent to sign in."""
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.client.scopes,
            "state": challenge.state,
            "nonce": challenge.nonce,
            "code_challenge": challenge.code_challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._endpoint('authorization_endpoint')}?{urlencode(asked)}"

    def person(self, code: str, challenge: Challenge, redirect_uri: str) -> Person:
        """Who it was that the provider gave ``code`` for. Raises AllowlistError for whatever does not fit."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.client.client_id,
            "code_verifier": challenge.verifier,
        } | self._secret()
        return self._person_in(
            self._ask("POST", self._endpoint("token_endpoint"), data=asked), challenge.nonce
        )

    def begin_device(self) -> DeviceSignIn:
        """A code for a person to enter at the provider. Raises AllowlistError where the provider knows no such thing."""
        asked = {"client_id": self.client.client_id, "scope": self.client.scopes} | self._secret()
        found = self._ask("POST", self._endpoint("device_authorization_endpoint"), data=asked)
        address = str(found.get("verification_uri") or found.get("verification_url") or "")
        _check_address(address)
        interval = found.get("interval", 5)
        return DeviceSignIn(
            device_code=str(found.get("device_code", "")),
            user_code=str(found.get("user_code", "")),
            address=address,
            interval=float(interval) if isinstance(interval, int | float) else 5.0,
        )

    def device_person(self, begun: DeviceSignIn, now: float) -> Person | None:
        """Who entered the code; None while nobody did, and where it is too early to ask again."""
        if now - begun.asked < begun.interval:
            return None
        begun.asked = now
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": begun.device_code,
            "client_id": self.client.client_id,
        }
        status, found = self._answer("POST", self._endpoint("token_endpoint"), data=asked | self._secret())
        if status != 200 and found.get("error") in ("authorization_pending", "slow_down"):
            begun.interval += 5 if found["error"] == "slow_down" else 0
            return None
        return self._person_in(_taken(status, found, "the provider"), None)

    def _secret(self) -> dict[str, str]:
        return {"client_secret": self.client.secret} if self.client.secret else {}

    def _person_in(self, answer: Mapping[str, Any], nonce: str | None) -> Person:
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("the provider gave no ID token")
        return self._person(self._claims(token, nonce))

    def _claims(self, token: str, nonce: str | None) -> Mapping[str, Any]:
        """The claims of an ID token, whose signature, issuer, audience, time and nonce are right.

        A token for a device code answers no request of a browser and has no nonce: it came from the provider itself.
        """
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        address = self._endpoint("jwks_uri")
        found = self._ask("GET", address)
        if not isinstance(found.get("keys"), list) or not found["keys"]:
            raise _refused(f"{address} answered without keys")
        rules = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": self._discovered()["issuer"]},
            aud={"essential": True, "value": self.client.client_id},
            exp={"essential": True},
            sub={"essential": True},
            **({} if nonce is None else {"nonce": {"essential": True, "value": nonce}}),  # type: ignore[arg-type]
        )
        try:
            keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            rules.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _refused(f"the ID token is not right: {error}") from None
        if claims.get("azp", self.client.client_id) != self.client.client_id:
            raise _refused("the ID token was made for somebody else")
        return claims

    def _person(self, claims: Mapping[str, Any]) -> Person:
        names = (claims.get(key) for key in _NAMES)
        who = next((name for name in names if isinstance(name, str) and name), str(claims["sub"]))
        if claims.get("email_verified") is False and who == claims.get("email"):
            who = str(claims["sub"])
        return Person(
            identity=Identity(
                who=who.lower(),
                kind="verified",
                object_id=str(claims.get("oid") or claims["sub"]),
                tenant=str(claims.get("tid") or self.client.issuer),
            ),
            name=str(claims.get("name") or who),
            may_decide=not self.client.roles or not self._roles(claims).isdisjoint(self.client.roles),
            may_apply=not self._roles(claims).isdisjoint(self.client.apply_roles),
        )

    def _roles(self, claims: Mapping[str, Any]) -> set[str]:
        found = claims.get(self.client.role_claim)
        items: Sequence[object] = (
            [found] if isinstance(found, str) else found if isinstance(found, list) else []
        )
        return {item for item in items if isinstance(item, str)}

    def _discovered(self) -> dict[str, Any]:
        if not self._known:
            address = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = self._ask("GET", address)
            if str(found.get("issuer", "")).rstrip("/") != self.client.issuer.rstrip("/"):
                raise _refused(f"{address} is of another issuer: {found.get('issuer')}")
            self._known = found
        return self._known

    def _endpoint(self, name: str) -> str:
        found = self._discovered().get(name)
        if not isinstance(found, str):
            raise _refused(f"the provider names no {name}")
        _check_address(found)
        return found

    def _ask(self, method: str, url: str, data: Mapping[str, str] | None = None) -> dict[str, Any]:
        return _taken(*self._answer(method, url, data), url)

    def _answer(
        self, method: str, url: str, data: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            answer = self._http.request(method, url, data=data, follow_redirects=False)
        except httpx.HTTPError as error:
            if why := why_untrusted(error, url):
                raise _refused(f"{url}: its certificate{why}; {TRUST_IT} {NAME_IT}") from None
            raise _refused(f"{url} did not answer: {error}") from None
        return answer.status_code, _object_in(answer)


def _taken(status: int, found: dict[str, Any], url: str) -> dict[str, Any]:
    if status != 200 or not found:
        told = found.get("error_description") or found.get("error") or "no JSON object"
        raise _refused(f"{url} answered {status}: {told}")
    return found


def _object_in(answer: httpx.Response) -> dict[str, Any]:
    """Empty where there is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _check_address(url: str) -> None:
    """Tokens go over https only; this machine itself needs none."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or "")):
        return
    raise AllowlistError(f"{url} is not an https address", hint="sign-in goes over https only")


def _is_here(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refused(why: str) -> AllowlistError:
    return AllowlistError(f"nobody was signed in: {why}", hint="sign in again")
