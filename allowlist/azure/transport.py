"""Two ways onto the wire behind one call: the SDK's pipeline for Microsoft.Network, httpx for the rest.

Both do what they are told and nothing else. azure-core would send every refusal with ``Retry-After`` again, follow
redirects to any host, and register a missing resource provider on a GET (all measured): those policies are out. The
one retry policy is :class:`allowlist.azure.client.ArmClient`'s, and it tells what it does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from allowlist.azure.answers import Answer
from allowlist.azure.clouds import Cloud
from allowlist.azure.credential import Credential, first_line, keep_quiet
from allowlist.errors import TargetUnavailable
from allowlist.trust import Trust, is_loopback, untrusted, web_client

TIMEOUT_SECONDS = 60.0
_CLAIMS = re.compile(r'claims="([^"]+)"')


class Transport(Protocol):
    """Sends one request. Raises TargetUnavailable when no answer comes, TargetDenied without a token."""

    def send(self, method: str, url: str, body: bytes | None) -> Answer: ...

    def close(self) -> None: ...


class Sender(Protocol):
    """A transport below sign-in: it sends the headers that it is given."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer: ...

    def close(self) -> None: ...


class SignedTransport:
    """Puts the token on every request. One that ended early, or a claims challenge, gets a fresh token, once."""

    def __init__(self, sender: Sender, cloud: Cloud, credential: Credential | None) -> None:
        self._sender = sender
        self._cloud = cloud
        self._credential = credential

    def send(self, method: str, url: str, body: bytes | None) -> Answer:
        answer = self._send(method, url, body, None)
        if answer.status != 401 or self._credential is None:
            return answer
        claims = _claims_of(answer)
        if claims is None and 'error="invalid_token"' not in answer.headers.get("www-authenticate", ""):
            return answer
        self._credential.forget()
        return self._send(method, url, body, claims)

    def _send(self, method: str, url: str, body: bytes | None, claims: str | None) -> Answer:
        headers = {"Authorization": f"Bearer {self._token(claims)}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._sender.send(method, url, headers, body)

    def _token(self, claims: str | None) -> str:
        if self._credential is None:
            return "none"
        return str(self._credential.get_token(self._cloud.scope, claims=claims).token)

    def close(self) -> None:
        self._sender.close()


def _claims_of(answer: Answer) -> str | None:
    """What continuous access evaluation asks for; https://learn.microsoft.com/entra/identity-platform/claims-challenge."""
    found = _CLAIMS.search(answer.headers.get("www-authenticate", ""))
    if found is None:
        return None
    try:
        text = found[1]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


class SdkSender:
    """azure-mgmt-network's pipeline: its user agent and its transport; raw JSON instead of its models.

    Its models cost a hundred times the CPU of the JSON they wrap, so ``send_request`` is used throughout.
    """

    def __init__(self, cloud: Cloud, subscription: str, trust: Trust) -> None:
        from azure.core.exceptions import AzureError
        from azure.core.pipeline import policies
        from azure.core.rest import HttpRequest
        from azure.mgmt.network import NetworkManagementClient
        from azure.mgmt.network._version import VERSION

        from allowlist.azure.pipeline import TrustingTransport

        keep_quiet("azure", "urllib3")
        unused: Any = object()
        self._transport = TrustingTransport(trust, proxied=not is_loopback(cloud.endpoint))
        self._client = NetworkManagementClient(
            unused,
            subscription or "00000000-0000-0000-0000-000000000000",
            base_url=cloud.endpoint,
            credential_scopes=[cloud.scope],
            authentication_policy=policies.SansIOHTTPPolicy(),
            transport=self._transport,
            policies=[
                policies.RequestIdPolicy(),
                policies.UserAgentPolicy(sdk_moniker=f"mgmt-network/{VERSION}"),
                policies.ProxyPolicy(),
                policies.DistributedTracingPolicy(),
            ],
        )
        self._request: Callable[..., Any] = HttpRequest
        self._failed = AzureError

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        request = self._request(method, url, headers=dict(headers), content=body)
        try:
            response = self._client.send_request(request, stream=False)
        except self._failed as error:
            raise TargetUnavailable(f"{method} got no answer: {first_line(error)}") from None
        return Answer(response.status_code, _lowered(response.headers), response.content)

    def close(self) -> None:
        self._client.close()
        self._transport.end()


class HttpxSender:
    """httpx, for the surfaces no generally available SDK covers."""

    def __init__(self, cloud: Cloud, trust: Trust) -> None:
        import httpx

        self._client = web_client(trust, timeout=TIMEOUT_SECONDS, proxied=not is_loopback(cloud.endpoint))
        self._trust = trust
        self._error = (httpx.HTTPError, httpx.InvalidURL)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            response = self._client.request(method, url, content=body, headers=dict(headers))
        except self._error as error:
            if fault := untrusted(error, url, self._trust):
                raise fault from None
            reason = first_line(error) or type(error).__name__
            raise TargetUnavailable(f"{method} got no answer: {reason}") from None
        return Answer(response.status_code, _lowered(response.headers), response.content)

    def close(self) -> None:
        self._client.close()


def _lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
