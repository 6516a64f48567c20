"""Our trust for clients that send through requests. Loads it, so it is imported only where requests is needed anyway."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from allowlist.trust import Trust

_CONNECTIONS = 32


class TrustingAdapter(HTTPAdapter):
    """Verifies with one given context, whatever variables requests would look at."""

    def __init__(self, trust: Trust) -> None:
        self._context = trust.context
        retries = Retry(total=False, redirect=False, raise_on_status=False)
        super().__init__(pool_maxsize=_CONNECTIONS, max_retries=retries)

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        return super().proxy_manager_for(proxy, **settings, ssl_context=self._context)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        del verify
        return super().build_connection_pool_key_attributes(request, True, cert)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context holds what is trusted; requests would load its own bundle into it."""
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None
