"""Credentials by explicit choice; azure-identity is loaded only when one is needed."""

from __future__ import annotations

from typing import Any, Final

from allowlist.azure.clouds import Cloud
from allowlist.errors import AllowlistError, TargetDenied

CHOICES: Final = ("default", "cli", "managed-identity", "workload-identity", "environment", "none")


def make_credential(choice: str, cloud: Cloud, *, verify_authority: bool = True) -> Any | None:
    """An azure-identity credential, or None for ``none``.

    ``default`` tries environment, workload identity, managed identity and the developer's own sign-ins in
    azure-identity's order. ``environment`` is client secret or certificate from the ``AZURE_*`` variables.
    """
    if choice == "none":
        return None
    from azure import identity

    settings: dict[str, Any] = (
        {"authority": cloud.authority} if cloud.endpoint.endswith(("net", "cn", "com")) else {}
    )
    if not verify_authority:
        settings["disable_instance_discovery"] = True
    match choice:
        case "cli":
            return identity.AzureCliCredential()
        case "managed-identity":
            return identity.ManagedIdentityCredential()
        case "workload-identity":
            return identity.WorkloadIdentityCredential(**settings)
        case "environment":
            return identity.EnvironmentCredential(**settings)
        case "default":
            return identity.DefaultAzureCredential(exclude_interactive_browser_credential=True, **settings)
        case _:
            raise AllowlistError(
                f"there is no credential '{choice}'", hint=f"choose one of {', '.join(CHOICES)}"
            )


def token_of(credential: Any, cloud: Cloud) -> str:
    """An access token for the cloud's Resource Manager. Raises TargetDenied in words."""
    from azure.core.exceptions import ClientAuthenticationError

    try:
        return str(credential.get_token(cloud.scope).token)
    except ClientAuthenticationError as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise TargetDenied(
            f"signing in failed: {reason}", hint="az login, or choose another --credential"
        ) from None
