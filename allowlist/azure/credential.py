"""Credentials by explicit choice; azure-identity is loaded only when one is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from allowlist.azure.clouds import Cloud
from allowlist.errors import AllowlistError, TargetDenied, TargetUnavailable

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


def make_credential(
    choice: str,
    cloud: Cloud,
    *,
    verify_authority: bool = True,
    tenant: str = "",
    environ: Mapping[str, str] = os.environ,
) -> Any | None:
    """An azure-identity credential, or None for ``none``.

    ``default`` tries environment, workload identity, managed identity and the developer's own sign-ins in
    azure-identity's order. ``environment`` is client secret or certificate, whichever the ``AZURE_*`` variables
    hold. Tokens come from the cloud's own authority; with another ARM (``verify_authority`` off) from the one
    that ``AZURE_AUTHORITY_HOST`` names. With ``tenant`` tokens are asked for there, whatever the credential's home is. Raises AllowlistError for
    a choice that does not exist or lacks a variable.
    """
    if choice == "none":
        return None
    if choice not in CHOICES:
        raise AllowlistError(f"there is no credential '{choice}'", hint=f"choose one of {', '.join(CHOICES)}")
    _require(choice, environ)
    settings: dict[str, Any] = {"authority": cloud.authority}
    if not verify_authority:
        settings = {
            "authority": environ.get("AZURE_AUTHORITY_HOST") or cloud.authority,
            "disable_instance_discovery": True,
        }
    if tenant:
        settings["additionally_allowed_tenants"] = [tenant]
    credential = _chosen(choice, settings, environ)
    return _InTenant(credential, tenant) if tenant else credential


def _require(choice: str, environ: Mapping[str, str]) -> None:
    missing = [name for name in _NEEDED.get(choice, ()) if not environ.get(name)]
    if missing:
        raise AllowlistError(
            f"--credential {choice} needs {' and '.join(missing)} in the environment",
            hint="set them, or choose another --credential",
        )


def _chosen(choice: str, settings: dict[str, Any], environ: Mapping[str, str]) -> Any:
    from azure import identity

    tenants = {key: value for key, value in settings.items() if key == "additionally_allowed_tenants"}
    match choice:
        case "cli":
            return identity.AzureCliCredential(**tenants)
        case "managed-identity":
            return identity.ManagedIdentityCredential(client_id=environ.get("AZURE_CLIENT_ID"))
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
            return _certificate(settings, environ)
        case "environment":
            return identity.EnvironmentCredential(**settings)
    return identity.DefaultAzureCredential(exclude_interactive_browser_credential=True, **settings)


def _certificate(settings: dict[str, Any], environ: Mapping[str, str]) -> Any:
    from azure import identity

    path = environ["AZURE_CLIENT_CERTIFICATE_PATH"]
    try:
        return identity.CertificateCredential(
            environ["AZURE_TENANT_ID"],
            environ["AZURE_CLIENT_ID"],
            path,
            password=environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            **settings,
        )
    except (OSError, ValueError, TypeError) as error:
        raise AllowlistError(f"the certificate {path} cannot be used: {error}") from None


class _InTenant:
    """A credential that asks for its tokens in one tenant."""

    def __init__(self, credential: Any, tenant: str) -> None:
        self._credential = credential
        self._tenant = tenant

    def get_token(self, *scopes: str, **settings: Any) -> Any:
        return self._credential.get_token(*scopes, **{**settings, "tenant_id": self._tenant})


def token_of(credential: Any, cloud: Cloud) -> str:
    """An access token for the cloud's Resource Manager. Raises TargetDenied or TargetUnavailable in words."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        return str(credential.get_token(cloud.scope).token)
    except ClientAuthenticationError as error:
        raise TargetDenied(
            f"signing in failed: {first_line(error)}", hint="az login, or choose another --credential"
        ) from None
    except AzureError as error:
        raise TargetUnavailable(f"signing in got no answer: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]
