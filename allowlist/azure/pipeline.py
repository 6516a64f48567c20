"""Azure's own HTTP pipeline with our trust: what azure-identity and azure-mgmt-network send their requests through.

Loads requests and azure-core, so it is imported only where one of them is needed anyway.
"""

from __future__ import annotations

from typing import Any

import requests
from azure.core.exceptions import AzureError, ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport

from allowlist.errors import TargetUnavailable, TargetUntrusted
from allowlist.trust import Trust, untrusted
from allowlist.trusting import TrustingAdapter


class _RefusingAdapter(TrustingAdapter):
    """Raises TargetUntrusted at once for a certificate that is not trusted, and follows nobody to another address."""

    def __init__(self, trust: Trust) -> None:
        super().__init__(trust)
        self._trust = trust

    def send(self, request: Any, *arguments: Any, **settings: Any) -> Any:
        try:
            answer = super().send(request, *arguments, **settings)
        except OSError as error:  # of requests too
            if refused := untrusted(error, str(request.url), self._trust):
                raise refused from None
            raise
        if answer.is_redirect:
            raise TargetUnavailable(f"{request.url} was answered {answer.status_code}, which leads elsewhere")
        return answer


def trusting(session: requests.Session, trust: Trust) -> requests.Session:
    """``session``, of a client of Azure's that makes its own, with our trust."""
    session.mount("https://", _RefusingAdapter(trust))
    return session


class TrustingTransport(RequestsTransport):  # type: ignore[misc]  # untyped
    """Raises TargetUntrusted at once for a certificate that is not trusted, where the pipeline would ask again.

    ``untrusted`` keeps it: chains of credentials swallow what one of them raises.
    """

    def __init__(self, trust: Trust, *, proxied: bool = True) -> None:
        session = requests.Session()
        session.trust_env = proxied
        session.mount("https://", TrustingAdapter(trust))
        super().__init__(session=session, use_env_settings=proxied)
        self._trust = trust
        self._session = session
        self.untrusted: TargetUntrusted | None = None

    def send(self, request: Any, **settings: Any) -> Any:
        try:
            return super().send(request, **settings)
        except (AzureError, OSError) as error:  # truststore's own refusals come through requests as they are
            self.untrusted = untrusted(error, request.url, self._trust) or self.untrusted
            if self.untrusted:
                raise self.untrusted from None
            if isinstance(error, AzureError):
                raise
            raise ServiceRequestError(error, error=error) from error

    def open(self) -> None:
        """Several pipelines share this transport: one that closes does not end it for the others."""
        self.session = self._session

    def close(self) -> None:
        """Ended by :meth:`end`."""

    def end(self) -> None:
        self._session.close()
