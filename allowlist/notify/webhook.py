"""A webhook signed as the Standard Webhooks specification says (https://www.standardwebhooks.com, version 1).

``webhook-id``, ``webhook-timestamp`` (Unix seconds) and the body are joined by dots and signed with HMAC-SHA256;
``webhook-signature`` is ``v1,`` and the signature in base64. The id is the same for the same news, so a receiver can
drop what it has seen; the timestamp lets it refuse what is replayed later.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError
from allowlist.notify.events import Event
from allowlist.notify.message import document_of, message_id
from allowlist.notify.sending import ChannelFailed
from allowlist.store.moments import Clock
from allowlist.trust import NAME_IT, TRUST_IT, is_loopback, trust_here, web_client, why_untrusted

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 10.0
PAUSES_SECONDS = (1.0, 4.0)
_SHORTEST_KEY = 16
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``. Raises ChannelFailed for a secret too short to sign with."""
    content = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), content, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    """The key a secret stands for: base64 after ``whsec_``, else its own bytes; 16 bytes at least."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ChannelFailed("its secret begins with whsec_ and is no base64") from None
    if len(key) < _SHORTEST_KEY:
        raise ChannelFailed(f"its secret has {len(key)} bytes; {_SHORTEST_KEY} are the least")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """POSTs ``allowlist/notification/v1``; tries three times, follows no redirect."""

    url: str
    secret: str
    clock: Clock
    sleep: Callable[[float], None]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Names the certificates to trust beside the system's, as for every other request."""

    def send(self, events: Sequence[Event], run: str) -> None:
        """Raises ChannelFailed, which never names the address."""
        if not may_post_to(self.url):
            raise ChannelFailed("its address is neither https nor http on this machine")
        now = self.clock()
        body = canonical_json(document_of(events, run, now))
        name, timestamp = message_id(events), int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, name, timestamp, body),
        }
        with self._client() as client:
            self._post(client, body, headers)

    def _client(self) -> httpx.Client:
        try:
            return web_client(
                trust_here(self.environ), timeout=TIMEOUT_SECONDS, proxied=not is_loopback(self.url)
            )
        except AllowlistError as error:
            raise ChannelFailed(str(error)) from None

    def _post(self, client: httpx.Client, body: bytes, headers: dict[str, str]) -> None:
        for pause in (*PAUSES_SECONDS, None):
            said, again = self._try(client, body, headers)
            if not said:
                return
            if pause is None or not again:
                raise ChannelFailed(said)
            self.sleep(pause)

    def _try(self, client: httpx.Client, body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
        """What went wrong, empty for nothing, and whether it may go better next time."""
        import httpx

        try:
            answer = client.post(self.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if why := why_untrusted(error, self.url):
                return f"its certificate{why}; {TRUST_IT} {NAME_IT}", False
            return f"no answer ({type(error).__name__})", isinstance(error, httpx.TransportError)
        if answer.is_success:
            return "", False
        return f"it was answered {answer.status_code}", answer.status_code in _BUSY


def may_post_to(url: str) -> bool:
    """https anywhere; plain http to this machine only."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
