"""Credentials by explicit choice; azure-identity is loaded only when one is needed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from allowlist.azure.clouds import Cloud
from allowlist.errors import AllowlistError, TargetDenied, TargetUnavailable

if TYPE_CHECKING:
    from allowlist.azure.pipeline import TrustingTransport
    from allowlist.trust import Trust

CHOICES: Final = (
    "default",
    "cli",
    "managed-identity",
    "workload-identity",
    "client-secret",
    "client-certificate",
    "environment",
    "none",
)

# https://learn.microsoft.com/python/api/overview/azure/identity-readme#environment-variables
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "workload-identity": ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "client-secret": ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    "client-certificate": ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
}
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "workload-identity": ("AZURE_FEDERATED_TOKEN_FILE",),
    "client-certificate": ("AZURE_CLIENT_CERTIFICATE_PATH",),
    "environment": ("AZURE_CLIENT_CERTIFICATE_PATH",),
    "default": ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"),
}
_KEPT_UNTIL: Final = 300.0
"""Seconds before its end at which a token is asked for anew; azure-core's own policy does it then as well."""

_HINT: Final = "az login, or choose another --credential"
_ADVICE: Final = ("to mitigate this issue", "visit https://", "please visit the troubleshooting")


def make_credential(
    choice: str,
    cloud: Cloud,
    *,
    verify_authority: bool = True,
    tenant: str = "",
    environ: Mapping[str, str] = os.environ,
    trust: Trust | None = None,
) -> Credential | None:
    """A credential that keeps its token, or None for ``none``.

    ``default`` tries environment, workload identity, managed identity and the developer's own sign-ins in
    azure-identity's order. ``environment`` is client secret or certificate, whichever the ``AZURE_*`` variables
    hold. Tokens come from the cloud's own authority; with another ARM (``verify_authority`` off) from the one
    that ``AZURE_AUTHORITY_HOST`` names. With ``tenant`` tokens are asked for there, whatever the credential's home is.
    An empty variable counts as absent. Raises AllowlistError for a choice that does not exist, lacks a variable, or
    meets one that is wrong.
    """
    if choice == "none":
        return None
    if choice not in CHOICES:
        raise AllowlistError(f"there is no credential '{choice}'", hint=f"choose one of {', '.join(CHOICES)}")
    _check_environment(choice, environ)
    keep_quiet("azure", "msal", "urllib3")
    from allowlist.azure.pipeline import TrustingTransport
    from allowlist.trust import make_trust

    transport = TrustingTransport(trust or make_trust(None, environ))
    settings: dict[str, Any] = {"authority": cloud.authority, "transport": transport}
    if not verify_authority:
        settings["authority"] = environ.get("AZURE_AUTHORITY_HOST") or cloud.authority
        settings["disable_instance_discovery"] = True
    if tenant:
        settings["additionally_allowed_tenants"] = [tenant]
    with _in_words(choice, environ):
        made = _chosen(choice, settings, environ)
    return Credential(choice, made, transport, tenant, environ)


def keep_quiet(*names: str) -> None:
    """What libraries log stays off the terminal unless somebody set up logging: we say it ourselves."""
    import logging

    for name in names:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _check_environment(choice: str, environ: Mapping[str, str]) -> None:
    missing = [name for name in _NEEDED.get(choice, ()) if not environ.get(name)]
    if missing:
        raise AllowlistError(
            f"--credential {choice} needs {' and '.join(missing)} in the environment",
            hint="set them, or choose another --credential",
        )
    for name in _FILES.get(choice, ()):
        place = environ.get(name)
        if place and not Path(place).is_file():
            raise AllowlistError(
                f"{name} names {place}, which is no file that is there",
                hint=f"correct or unset {name}, or choose another --credential",
            )
    authority = environ.get("AZURE_AUTHORITY_HOST", "")
    if "://" in authority and not authority.lower().startswith("https://"):
        raise AllowlistError(
            f"AZURE_AUTHORITY_HOST is '{authority}', which is not https", hint="correct or unset it"
        )


def _chosen(choice: str, settings: dict[str, Any], environ: Mapping[str, str]) -> Any:
    from azure import identity

    tenants = {key: value for key, value in settings.items() if key == "additionally_allowed_tenants"}
    client_id = environ.get("AZURE_CLIENT_ID") or None
    match choice:
        case "cli":
            return identity.AzureCliCredential(**tenants)
        case "managed-identity":
            return identity.ManagedIdentityCredential(client_id=client_id, transport=settings["transport"])
        case "workload-identity":
            return identity.WorkloadIdentityCredential(**settings)
        case "client-secret":
            return identity.ClientSecretCredential(
                environ["AZURE_TENANT_ID"],
                environ["AZURE_CLIENT_ID"],
                environ["AZURE_CLIENT_SECRET"],
                **settings,
            )
        case "client-certificate":
            return identity.CertificateCredential(
                environ["AZURE_TENANT_ID"],
                environ["AZURE_CLIENT_ID"],
                environ["AZURE_CLIENT_CERTIFICATE_PATH"],
                password=environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD") or None,
                **settings,
            )
        case "environment":
            return identity.EnvironmentCredential(**settings)
    return identity.DefaultAzureCredential(
        exclude_interactive_browser_credential=True,
        managed_identity_client_id=client_id,
        workload_identity_tenant_id=environ.get("AZURE_TENANT_ID") or None,
        **settings,
    )


class Credential:
    """An azure-identity credential whose token is kept until it is near its end; safe to share between threads.

    azure-identity itself keeps none for the Azure CLI: it starts one ``az`` process per request (measured).
    ``tenant`` is where tokens are asked for; empty is the credential's own.
    """

    def __init__(
        self,
        choice: str,
        source: Any,
        transport: TrustingTransport | None = None,
        tenant: str = "",
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self._choice = choice
        self._transport = transport
        self._tenant = tenant
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], Any] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **settings: Any) -> Any:
        """An access token of azure-core. Raises the TargetError tree, in words. ``claims`` ask for a fresh one."""
        with self._lock:
            token = self._kept.get(scopes)
            if claims is None and token is not None and token.expires_on - self._clock() > _KEPT_UNTIL:
                return token
            if claims:
                settings["claims"] = claims
            if self._tenant:
                settings["tenant_id"] = self._tenant
            token = self._kept[scopes] = self._asked(scopes, settings)
            return token

    def forget(self) -> None:
        """The service refused the token that was kept."""
        with self._lock:
            self._kept.clear()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.end()

    def _asked(self, scopes: tuple[str, ...], settings: dict[str, Any]) -> Any:
        try:
            with _in_words(self._choice, self._environ):
                return self.source.get_token(*scopes, **settings)
        except (TargetDenied, TargetUnavailable):
            if self._transport is not None and self._transport.untrusted:
                raise self._transport.untrusted from None
            raise


class _in_words:  # noqa: N801 (reads as the clause it is)
    """Turns what azure-identity raises into our errors; a wrong value of the environment is nobody's defect."""

    def __init__(self, choice: str, environ: Mapping[str, str]) -> None:
        self._choice = choice
        self._environ = environ

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        if isinstance(error, ClientAuthenticationError):
            raise TargetDenied(f"signing in failed: {_reasons(error)}", hint=self._hint(error)) from None
        if isinstance(error, AzureError):
            raise TargetUnavailable(
                f"signing in got no answer: {first_line(error)}", hint=self._hint(error)
            ) from None
        if isinstance(error, (ValueError, TypeError, OSError, ImportError)):
            raise AllowlistError(
                f"--credential {self._choice} cannot be used: {first_line(error)}", hint=self._blamed()
            ) from None

    def _hint(self, error: Exception) -> str:
        """Names the settings of the proxy where it was the proxy that was not reached."""
        from allowlist.trust import PROXIES

        names = [name for name in PROXIES if self._environ.get(name) or self._environ.get(name.lower())]
        return (
            f"look at {' and '.join(names)}; or {_HINT}" if names and "proxy" in str(error).lower() else _HINT
        )

    def _blamed(self) -> str:
        names = sorted(name for name in self._environ if name.startswith("AZURE_") and self._environ[name])
        seen = f"look at what is set: {', '.join(names)}; or " if names else ""
        return f"{seen}{_HINT}"


def token_of(credential: Any, cloud: Cloud) -> str:
    """An access token for the cloud's Resource Manager. Raises TargetDenied or TargetUnavailable in words."""
    return str(credential.get_token(cloud.scope).token)


def _reasons(error: Exception) -> str:
    """The message of a chain of credentials: each one that was tried, on a line of its own, with its reason."""
    lines = [line.strip() for line in _useful(str(error))]
    if len(lines) > 1 and lines[0].endswith("Attempted credentials:"):
        lines[0] = lines[0].removesuffix("Attempted credentials:").strip()
    return "\n".join(line[:300] for line in lines if line != "Attempted credentials:")


def _useful(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.strip().lower().startswith(_ADVICE):
            yield line


def first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200]
