"""Two ways onto the wire behind one call: the SDK's pipeline for Microsoft.Network, httpx for the rest.

Both have the client's own retries off: the one retry policy is :class:`allowlist.azure.client.ArmClient`'s, and
it tells what it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from allowlist.azure.answers import Answer
from allowlist.azure.clouds import Cloud
from allowlist.azure.credential import first_line, token_of
from allowlist.errors import TargetDenied, TargetUnavailable

TIMEOUT_SECONDS = 60.0


class Transport(Protocol):
    """Sends one request. Raises TargetUnavailable when no answer comes, TargetDenied without a token."""

    def send(self, method: str, url: str, body: bytes | None) -> Answer: ...

    def close(self) -> None: ...


class SdkTransport:
    """azure-mgmt-network's pipeline: its authentication, its user agent; raw JSON instead of its models.

    Its models cost a hundred times the CPU of the JSON they wrap, so ``send_request`` is used throughout.
    """

    def __init__(
        self, cloud: Cloud, credential: Any | None, subscription: str, ca_file: str | None = None
    ) -> None:
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from azure.core.pipeline.policies import SansIOHTTPPolicy
        from azure.core.rest import HttpRequest
        from azure.mgmt.network import NetworkManagementClient

        logging.getLogger("azure").setLevel(logging.ERROR)
        settings: dict[str, Any] = {"retry_total": 0}
        self._anonymous = credential is None
        if self._anonymous:
            settings["authentication_policy"] = SansIOHTTPPolicy()
        if ca_file:
            settings["connection_verify"] = ca_file
        unused: Any = object()
        self._client = NetworkManagementClient(
            credential or unused,
            subscription or "00000000-0000-0000-0000-000000000000",
            base_url=cloud.endpoint,
            credential_scopes=[cloud.scope],
            **settings,
        )
        self._request: Callable[..., Any] = HttpRequest
        self._denied = ClientAuthenticationError
        self._failed = AzureError

    def send(self, method: str, url: str, body: bytes | None) -> Answer:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._anonymous:
            headers["Authorization"] = "Bearer none"
        request = self._request(method, url, headers=headers, content=body)
        try:
            response = self._client.send_request(request, stream=False)
        except self._denied as error:
            raise TargetDenied(
                f"signing in failed: {first_line(error)}", hint="choose a --credential"
            ) from None
        except self._failed as error:
            raise TargetUnavailable(f"{method} got no answer: {first_line(error)}") from None
        return Answer(response.status_code, _lowered(response.headers), response.content)

    def close(self) -> None:
        self._client.close()


class HttpxTransport:
    """httpx with an azure-identity token, for the surfaces no generally available SDK covers."""

    def __init__(self, cloud: Cloud, credential: Any | None, ca_file: str | None = None) -> None:
        import ssl

        import httpx

        verify: Any = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, verify=verify, trust_env=True)
        self._credential = credential
        self._cloud = cloud
        self._error = httpx.HTTPError

    def send(self, method: str, url: str, body: bytes | None) -> Answer:
        headers = {"Authorization": f"Bearer {self._token()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._client.request(method, url, content=body, headers=headers)
        except self._error as error:
            raise TargetUnavailable(f"{method} got no answer: {type(error).__name__}") from None
        return Answer(response.status_code, _lowered(response.headers), response.content)

    def _token(self) -> str:
        return "none" if self._credential is None else token_of(self._credential, self._cloud)

    def close(self) -> None:
        self._client.close()


def _lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
