"""One answer to "which certificates are trusted, and through which proxy", for sign-in, SDK and httpx alike.

Requests, httpx, aiohttp and OpenSSL each look at other variables (measured: requests ignores ``SSL_CERT_FILE``,
aiohttp and httpx ignore ``REQUESTS_CA_BUNDLE``). Here the first of ``--ca-file``, ``REQUESTS_CA_BUNDLE``,
``CURL_CA_BUNDLE``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` that is set is trusted beside the system's store: behind a
proxy that inspects TLS some hosts show its certificates and others, exempted ones, their own.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from allowlist.errors import AllowlistError, TargetUntrusted

if TYPE_CHECKING:
    import httpx

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks5", "socks5h")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_PROBE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Trust:
    """``source`` says in words where the trusted certificates come from."""

    context: ssl.SSLContext
    source: str


_NAMED: list[str] = []
"""The --ca-file of this command line."""


def name_ca_file(place: str | None) -> None:
    """What a command line names counts for everything it asks, whoever asks it."""
    _NAMED[:] = [place] if place else []


def trust_here(environ: Mapping[str, str] = os.environ) -> Trust:
    """What this command line and ``environ`` say; for whatever is asked beside Azure. Raises AllowlistError."""
    check_proxies(environ)
    return make_trust(_NAMED[0] if _NAMED else environ.get("ALLOWLIST_CA_FILE"), environ)


def make_trust(ca_file: str | None, environ: Mapping[str, str]) -> Trust:
    """Raises AllowlistError, naming flag or variable, where it leads to no certificates. Empty counts as absent."""
    import truststore

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = [("--ca-file", ca_file), *((name, environ.get(name)) for name in _BUNDLES)]
    for name, place in named:
        if place:
            _load(context, name, Path(place))
            return Trust(context, f"{name} {place} and the system's store")
    return Trust(context, "the system's store")


def _load(context: ssl.SSLContext, name: str, place: Path) -> None:
    if not place.exists():
        raise AllowlistError(
            f"{name} names {place}, which is not there", hint="give a file of certificates in PEM form"
        )
    try:
        if place.is_dir():
            context.load_verify_locations(capath=str(place))
        else:
            context.load_verify_locations(cafile=str(place))
    except (OSError, ValueError) as error:
        raise AllowlistError(
            f"{name} names {place}, which holds no certificate that can be read ({error})",
            hint="give a file of certificates in PEM form",
        ) from None


def check_proxies(environ: Mapping[str, str]) -> None:
    """Raises AllowlistError with the name of the first variable that is no address of a proxy."""
    for name in (*PROXIES, *(item.lower() for item in PROXIES)):
        value = environ.get(name, "").strip()
        if value and not _is_proxy(value):
            raise AllowlistError(
                f"{name} is no address of a proxy",
                hint=f"set it like {name}=http://proxy.example:8080, or unset it",
            )


def _is_proxy(value: str) -> bool:
    """A host, with a scheme and a port where there are any; the text may hold a password, so nobody repeats it."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port
    except ValueError:
        return False
    fits = bool(parts.hostname) and " " not in value and (port is None or port > 0)
    return fits and parts.scheme in _PROXY_SCHEMES


def is_loopback(url: str) -> bool:
    """This machine is never asked through a proxy, whatever ``NO_PROXY`` says."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def web_client(
    trust: Trust, *, timeout: float, proxied: bool = True, headers: Mapping[str, str] | None = None
) -> httpx.Client:
    """A client that trusts what everything else here trusts and follows no redirect. Raises AllowlistError."""
    import httpx

    try:
        return httpx.Client(
            timeout=timeout, verify=trust.context, trust_env=proxied, headers=headers, follow_redirects=False
        )
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise AllowlistError(
            f"no connection can be made as the environment says: {' '.join(str(error).split())}",
            hint="look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
        ) from None


def untrusted(error: BaseException, url: str, trust: Trust) -> TargetUntrusted | None:
    """The error for a certificate that is not trusted; None where ``error`` is of another kind."""
    why = why_untrusted(error, url)
    if not why:
        return None
    host = urlsplit(url).netloc.rpartition("@")[2]
    return TargetUntrusted(
        f"the certificate of {host}{why}",
        hint=f"{TRUST_IT} with --ca-file FILE or REQUESTS_CA_BUNDLE; trusted now: {trust.source}",
    )


NAME_IT: Final = "with --ca-file FILE, ALLOWLIST_CA_FILE or REQUESTS_CA_BUNDLE"
TRUST_IT: Final = "where the network inspects TLS, trust its certificate authority"


def why_untrusted(error: BaseException, url: str) -> str:
    """What follows "the certificate": who issued it, and why it is not trusted. Empty where ``error`` is of another kind.

    The address is not in it: webhooks keep theirs to themselves.
    """
    fault = next((item for item in causes(error) if isinstance(item, ssl.SSLCertVerificationError)), None)
    if fault is None:
        return ""
    issuer = issuer_of(url)
    issued = f", issued by {issuer}," if issuer else ""
    return f"{issued} is not trusted: {fault.verify_message or fault.reason}"


def issuer_of(url: str) -> str:
    """Who signed the certificate that ``url``'s host shows; empty where that cannot be told. Sends no token."""
    import httpx
    from cryptography import x509

    parts = urlsplit(url)
    try:
        with (
            httpx.Client(verify=False, timeout=_PROBE_SECONDS, trust_env=not is_loopback(url)) as client,
            client.stream("GET", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/") as response,
        ):
            shown = response.extensions["network_stream"].get_extra_info("ssl_object").getpeercert(True)
        return x509.load_der_x509_certificate(shown).issuer.rfc4514_string()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, AttributeError, TypeError):
        return ""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Every exception that stands behind one, however its library hands it on."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            inner = [getattr(item, name, None) for name in ("reason", "inner_exception")]
            waiting += [item.__cause__, item.__context__, *inner, *item.args]
